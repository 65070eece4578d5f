"""`forecast` and what `validate` foretells, as a user runs them."""

import re
import subprocess
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pytest

from reconcile.config.load import load
from reconcile.model.recorded import Record, Recorded
from reconcile.planning.record import declaration
from reconcile.state.codec import encode_state
from reconcile.terminal.console import PIPED_WIDTH
from tests.conftest import Snapshot
from tests.stage import OPS, SALES, Staging, models

AT = "2026-11-22T12:00:00Z"
FILE = f"""
[defaults]
timezone = "America/New_York"
[models.sales]
id = "{SALES}"
connection = "warehouse"
refresh = {{ every = "6h" }}
[models.sales.cache.daily]
at = "06:00"
after = "models.sales.refresh"
[models.ops]
id = "{OPS}"
connection = "warehouse"
refresh = {{ cron = "30 2 * * *" }}
"""


def test_the_whole_output(staged: Staging, snapshot: Snapshot) -> None:
    ended = staged(FILE).run("forecast", "--at", AT)
    assert (ended.code, ended.err) == (0, "")
    assert max(map(len, ended.out.splitlines())) <= PIPED_WIDTH
    snapshot("forecast.txt", ended.out)


def test_it_is_the_plan_of_now_and_goes_on_from_there(staged: Staging) -> None:
    stage = staged(FILE)
    told = stage.run("forecast", "--for", "1d", "--at", AT, "--json", "--calls").json()
    planned = stage.run("plan", "--at", AT, "--format", "json").json()
    now = [call["covers"][0]["address"] for call in told["calls"] if call["at"] == AT]
    assert sorted(now) == sorted(action["addresses"][0] for action in planned["actions"])
    for call in told["calls"]:
        assert AT <= call["at"] < "2026-11-23T12:00:00Z"


def test_a_calendar_keeps_its_line_ends_and_its_letters_in_any_locale(staged: Staging) -> None:
    stage = staged(models(['"Größe"'], 'refresh = { every = "6h" }'))
    octets = subprocess.run(
        stage.command("forecast", "--format", "ics", "--at", AT),
        cwd=stage.folder,
        env=stage.variables(PYTHONIOENCODING="ascii", LC_ALL="C"),
        capture_output=True,
        timeout=60,
        check=True,
    ).stdout
    assert octets.startswith(b"BEGIN:VCALENDAR\r\n")
    assert octets.endswith(b"END:VCALENDAR\r\n")
    assert b"\n" not in octets.replace(b"\r\n", b"")
    assert "Größe" in octets.decode()


def test_an_ascii_terminal_gets_digits_for_bars(staged: Staging) -> None:
    out = staged(FILE).run("forecast", "--at", AT, PYTHONIOENCODING="ascii").out
    assert out.isascii()
    assert re.search(r"^Mon 23  [-1-8]{24}", out, re.MULTILINE)


@pytest.mark.parametrize("span", ["soon", "0s", "400d"])
def test_a_span_that_is_none_is_refused_with_one_that_is(staged: Staging, span: str) -> None:
    ended = staged(FILE).run("forecast", "--for", span)
    assert (ended.code, ended.out) == (1, "")
    assert "error[bad-duration]" in ended.err
    assert "reconcile forecast --for 7d" in ended.err


def test_it_opens_no_socket_and_leaves_no_file(staged: Staging) -> None:
    stage = staged(FILE)
    before = sorted(stage.folder.iterdir())
    assert stage.run("forecast", OMNI_BASE_URL="", OMNI_API_KEY="").code == 0
    assert sorted(stage.folder.iterdir()) == before


def test_validate_tells_the_next_change_of_the_clocks(staged: Staging, snapshot: Snapshot) -> None:
    ended = staged(FILE).run("validate", "--at", AT)
    assert (ended.code, ended.err) == (0, "")
    snapshot("validate.txt", ended.out)


def test_validate_tells_programs_both_instants(staged: Staging) -> None:
    document = staged(FILE).run("validate", "--at", AT, "--format", "json").json()
    (change,) = document["clock_changes"]
    (slot,) = change["slots"]
    assert (slot["wall_time"], slot["before"], slot["after"], slot["runs"]) == (
        "2027-03-14T02:30:00",
        "2027-03-14T07:30:00Z",
        "2027-03-14T06:30:00Z",
        ["2027-03-14T07:00:00Z"],
    )


def test_validate_warns_of_a_minute_that_is_over_the_budget(staged: Staging) -> None:
    names = [f"m{number}" for number in range(74)]
    stage = staged(models(names, 'cache = { daily = { at = "06:00" } }'))
    ended = stage.run("validate", "--at", AT)
    assert ended.code == 0
    assert "Valid: 74 models" in ended.out
    assert "needs 74 calls in one" in ended.err
    assert 'hint: spread = "2m"' in ended.err


def test_assumed_signals_make_no_run_true_that_a_clock_that_was_ahead_wrote(
    staged: Staging,
) -> None:
    stage = staged(f'[models.sales]\nid = "{SALES}"\nrefresh = {{ every = "6h" }}\n')
    (item,) = load(stage.folder / "reconcile.toml").desired.items
    ahead = datetime.now(UTC) + timedelta(days=3)
    record = Record(declared=declaration(item), since=ahead, last_success=ahead)
    state = Recorded(lineage="t", serial=1, items=MappingProxyType({item.address: record}))
    (stage.folder / "reconcile.state.json").write_bytes(encode_state(state))
    assert "28 calls in 7d" in stage.run("forecast").out
    assert "28 calls in 7d" in stage.run("forecast", "--assume-signals").out
