"""Every command that looks ahead tells the same number of calls (G2), as processes."""

import html
import re
from datetime import UTC, datetime
from types import MappingProxyType

import pytest

from reconcile.config.load import load
from reconcile.model.recorded import Record, Recorded
from reconcile.planning.record import declaration
from reconcile.state.codec import encode_state
from tests.stage import OPS, SALES, Stage, Staging

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
AT = ("--at", "2026-11-22T12:00:00Z")
FILE = f"""
[state]
url = "state.json"
[models.ops]
id = "{OPS}"
connection = "warehouse"
refresh = {{ every = "15m" }}
[models.sales]
id = "{SALES}"
connection = "warehouse"
refresh = {{ every = "1h", coalesce_within = "30m" }}
[models.sales.cache.daily]
at = "06:00"
"""
CALLS = 7 * 96 - 1 + 7
WHY = "rides along with models.ops.refresh every 15m: 48 runs a day instead of 24"


@pytest.fixture
def stage(staged: Staging) -> Stage:
    """Write the file, and a state in which all of it has just run."""
    stage = staged(FILE)
    items = {
        item.address: Record(
            declared=declaration(item),
            since=NOON,
            covered_slot=NOON,
            last_success=NOON,
            completed_at=NOON,
        )
        for item in load(stage.folder / "reconcile.toml").desired.items
    }
    recorded = Recorded(lineage="test", serial=1, items=MappingProxyType(items))
    (stage.folder / "state.json").write_bytes(encode_state(recorded))
    return stage


def test_page_comment_forecast_calendar_and_comparison_tell_the_same_calls(stage: Stage) -> None:
    stage.write(FILE.replace("15m", "30m"), "before.toml")
    assert stage.run("forecast", *AT).out.startswith(f"{CALLS} calls in 7d")
    told = stage.run("forecast", *AT, "--format", "json", "--calls").json()
    assert CALLS == len(told["calls"]) == sum(day["calls"] for day in told["days"])
    assert (
        stage.run("forecast", *AT, "--format", "ics", "--calls").out.count("BEGIN:VEVENT") == CALLS
    )
    assert f"**Next 7 days**: {CALLS} calls" in stage.run("plan", "--format", "markdown", *AT).out
    assert f"{CALLS} calls;" in stage.run("plan", "--format", "html", *AT).out
    against = stage.run("plan", "--against", "./before.toml", "--format", "json", *AT).json()
    assert against["against"]["after"]["calls"] == CALLS


@pytest.mark.parametrize(
    "arguments",
    [
        ("forecast",),
        ("plan", "--format", "markdown"),
        ("plan", "--format", "html"),
        ("plan", "--against", "./before.toml"),
    ],
)
def test_an_hourly_item_that_runs_48_times_a_day_says_why(
    stage: Stage, arguments: tuple[str, ...]
) -> None:
    stage.write(FILE.replace("15m", "1h"), "before.toml")
    out = html.unescape(re.sub("</?wbr>|[`\\\\]", "", stage.run(*arguments, *AT).out))
    assert WHY in re.sub(r"\s+", " ", out)


def test_a_comment_without_a_state_counts_what_its_comparison_assumes(staged: Staging) -> None:
    stage = staged(FILE)
    stage.write(FILE.replace("15m", "30m"), "before.toml")
    asked = ("plan", "--against", "./before.toml", *AT)
    calls = stage.run(*asked, "--format", "json").json()["against"]["after"]["calls"]
    assert f" -> {calls:,} calls a week" in stage.run(*asked, "--format", "markdown").out
