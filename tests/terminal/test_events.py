"""What `apply --events` and `--metrics` tell programs, and that telling changes nothing."""

import json
import stat
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconcile.model.journal import Began
from reconcile.state.codec import encode_entry
from reconcile.state.mend import history
from tests.render.exposition import parse_exposition
from tests.stage import SALES, Stage, Staging

ITEMS = f"""
[models.sales]
id = "{SALES}"
refresh = {{ every = "6h" }}
[models.sales.cache.daily]
every = "1h"
after = "models.sales.refresh"
"""
ONE = f"""
[models.sales]
id = "{SALES}"
cache.daily = {{ every = "1h" }}
"""


def events_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def events_in(stage: Stage, name: str = "events.jsonl") -> list[dict[str, Any]]:
    return events_of((stage.folder / name).read_text(encoding="utf-8"))


def words(events: list[dict[str, Any]]) -> list[str]:
    return [event["event"] for event in events]


def test_events_tell_the_whole_story_in_order(staged: Staging) -> None:
    stage = staged(ITEMS)
    assert stage.run("apply", "--yes", "--events", "events.jsonl").code == 0
    told = words(events_in(stage))
    assert (told[0], told[-1]) == ("started", "finished")
    call = ["intent", "accepted", "done"]
    assert [word for word in told if word in call] == call * 2
    (finished,) = [event for event in events_in(stage) if event["event"] == "finished"]
    assert finished["statuses"] == {"done": 2}
    assert finished["calls"] == 2


def test_an_event_is_the_journal_entry_with_its_addresses(staged: Staging) -> None:
    stage = staged(ITEMS)
    stage.run("apply", "--yes", "--events", "events.jsonl", "--state", "s.json")
    past = [numbered.entry for numbered in history(str(stage.folder / "s.json"), None)]
    # How the run began is no entry of its calls: the stream has `started` there.
    journal = [json.loads(encode_entry(entry)) for entry in past if not isinstance(entry, Began)]
    own = {"format_version", "event", "addresses"}
    told = [event for event in events_in(stage) if event["event"] not in {"started", "finished"}]
    assert [
        {"entry": event["event"]} | {k: v for k, v in event.items() if k not in own}
        for event in told
    ] == journal
    assert all(event["addresses"] for event in told if "operation" in event)


@pytest.mark.parametrize(
    ("faults", "word"),
    [("reset:422", "rejected"), ("reset:lost", "doubted")],
)
def test_what_goes_wrong_is_told_too(staged: Staging, faults: str, word: str) -> None:
    stage = staged(ONE, faults=faults)
    code = stage.run("apply", "--yes", "--events", "events.jsonl").code
    assert code == 6
    assert word in words(events_in(stage))


def test_events_are_appended_to_a_private_file(staged: Staging) -> None:
    stage = staged(ONE)
    stage.run("apply", "--yes", "--events", "events.jsonl")
    before = (stage.folder / "events.jsonl").read_text()
    stage.run("apply", "--yes", "--events", "events.jsonl")
    assert (stage.folder / "events.jsonl").read_text().startswith(before)
    assert words(events_in(stage))[-2:] == ["started", "finished"]
    assert stat.S_IMODE((stage.folder / "events.jsonl").stat().st_mode) == 0o600


def test_half_a_line_from_before_is_not_continued(staged: Staging) -> None:
    stage = staged(ONE)
    (stage.folder / "events.jsonl").write_text('{"half')
    stage.run("apply", "--yes", "--events", "events.jsonl")
    first, *rest = (stage.folder / "events.jsonl").read_text().splitlines()
    assert first == '{"half'
    assert words(events_of("\n".join(rest)))[0] == "started"


@pytest.mark.parametrize("format_", ["text", "json"])
def test_events_on_standard_output_are_alone_there(staged: Staging, format_: str) -> None:
    stage = staged(ONE)
    ended = stage.run("apply", "--yes", "--events", "-", "--format", format_)
    assert ended.code == 0
    assert words(events_of(ended.out))[-1] == "finished"
    assert "done" in ended.err


def linked(folder: Path) -> Path:
    (folder / "link").symlink_to("elsewhere")
    return folder / "link"


def no_directory(folder: Path) -> Path:
    return folder / "none" / "events.jsonl"


@pytest.mark.parametrize("place", [linked, no_directory])
def test_a_sink_that_cannot_be_opened_is_one_warning_and_the_apply_goes_on(
    staged: Staging, place: Any
) -> None:
    stage = staged(ONE)
    ended = stage.run("apply", "--yes", "--events", str(place(stage.folder)))
    assert (ended.code, len(stage.calls())) == (0, 1)
    assert ended.err.count("warning[events-not-opened]") == 1
    assert not (stage.folder / "elsewhere").exists()


def test_a_sink_that_fails_midway_is_one_warning_and_the_apply_goes_on(staged: Staging) -> None:
    stage = staged(ONE)
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            stage.command("apply", "--yes", "--events", "-"),
            cwd=stage.folder,
            env=stage.variables(),
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, len(stage.calls())) == (0, 1)
    assert done.stderr.count("warning[events-stopped]") == 1


def test_metrics_are_written_at_the_end_and_keep_the_mode_of_the_file(staged: Staging) -> None:
    stage = staged(ITEMS)
    path = stage.folder / "reconcile.prom"
    path.touch()
    path.chmod(0o644)
    before = datetime.now(UTC).timestamp()
    assert stage.run("apply", "--yes", "--metrics", str(path)).code == 0
    told = parse_exposition(path.read_text(encoding="utf-8"))
    assert told["reconcile_last_run_exit_status", ""] == 0
    assert told["reconcile_last_run_calls", ""] == 2
    assert told["reconcile_last_run_timestamp_seconds", ""] >= before
    for address in ("models.sales.refresh", "models.sales.cache.daily"):
        assert told["reconcile_item_last_success_timestamp_seconds", address] >= before - 1
        assert told["reconcile_item_lateness_seconds", address] == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [left.name for left in stage.folder.iterdir() if "tmp-" in left.name] == []


def test_metrics_tell_of_a_run_that_failed_before_it_began(staged: Staging) -> None:
    stage = staged(ONE)
    ended = stage.run("apply", "--yes", "--metrics", "r.prom", OMNI_API_KEY="")
    told = parse_exposition((stage.folder / "r.prom").read_text(encoding="utf-8"))
    assert (ended.code, told["reconcile_last_run_exit_status", ""]) == (1, 1)
    assert told["reconcile_last_run_calls", ""] == 0


def test_metrics_tell_of_files_that_cannot_be_read(staged: Staging) -> None:
    stage = staged(ONE)
    stage.write("[models")
    ended = stage.run("apply", "--yes", "--metrics", "r.prom")
    told = parse_exposition((stage.folder / "r.prom").read_text(encoding="utf-8"))
    assert (ended.code, told["reconcile_last_run_exit_status", ""]) == (1, 1)


def test_failures_and_lateness_show_in_the_metrics(staged: Staging) -> None:
    stage = staged(ITEMS, faults="refresh:fail")
    assert stage.run("apply", "--yes", "--metrics", "r.prom").code == 6
    told = parse_exposition((stage.folder / "r.prom").read_text(encoding="utf-8"))
    assert told["reconcile_item_failures", "models.sales.refresh"] == 1
    assert told["reconcile_last_run_actions", "failed"] == 1
    assert told["reconcile_item_lateness_seconds", "models.sales.refresh"] >= 0


def test_metrics_that_cannot_be_written_are_one_warning(staged: Staging) -> None:
    stage = staged(ONE)
    ended = stage.run("apply", "--yes", "--metrics", "none/r.prom")
    assert (ended.code, len(stage.calls())) == (0, 1)
    assert ended.err.count("warning[metrics-not-written]") == 1
