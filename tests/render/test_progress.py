from collections.abc import Iterable
from functools import reduce

import pytest

from reconcile.model.plan import Forget
from reconcile.model.progress import (
    Budget,
    Event,
    FailedCall,
    Finished,
    JobAccepted,
    Left,
    Polled,
    Skipped,
    Started,
    Throttled,
    Waiting,
)
from reconcile.render.apply import Board, board_lines, ended_line, event_line
from reconcile.render.layout import cells
from reconcile.render.outline import board_of
from tests.conftest import Snapshot
from tests.render.moments import DAILY, HOURLY, NEW_YORK, NOW, OPS, SALES, ago
from tests.render.samples import MORNING, awaiting, refresh
from tests.render.test_summary import LEFT

STORY: tuple[Event, ...] = (
    Waiting(at=ago(1.0), addresses=(OPS,), why="waits for the connection"),
    Started(at=ago(1.0), addresses=(SALES,), what="hard refresh"),
    JobAccepted(at=ago(0.98), addresses=(SALES,), job_id="job-42"),
    Budget(at=ago(0.95), used=7, limit=60),
    Started(at=ago(0.9), addresses=(HOURLY,), what="reset to 2026-11-23T11:00:00Z"),
    Throttled(at=ago(0.3), wait_s=30.0),
    Polled(at=ago(0.2), addresses=(SALES,), word="IN_PROGRESS", age_s=47.0),
    Finished(at=ago(0.1), addresses=(HOURLY,), took_s=1.2),
)
ENDINGS: tuple[Event, ...] = (
    Finished(at=ago(0), addresses=(HOURLY,), took_s=61.0, detail="5 polls"),
    FailedCall(at=ago(0), addresses=(SALES,), message="No.", may_have_happened=False),
    FailedCall(at=ago(0), addresses=(SALES,), message="cut off", may_have_happened=True),
    Left(at=ago(0), addresses=(SALES,), job=LEFT),
    Skipped(at=ago(0), addresses=(DAILY, OPS), why="models.sales.refresh did not complete"),
)


def told(events: Iterable[Event]) -> Board:
    return reduce(Board.after, events, board_of((*MORNING, refresh(OPS))))


def test_a_log_gets_one_plain_line_an_event(snapshot: Snapshot) -> None:
    lines = (event_line(event, NEW_YORK) for event in (*STORY, *ENDINGS))
    snapshot("events.txt", "".join(f"{line}\n" for line in lines))


def test_a_log_in_utc_names_the_instant_once() -> None:
    line = event_line(ENDINGS[0], "UTC")
    assert line == "11:22:00Z  models.ops.cache.hourly: done in 1 m, 5 polls"


@pytest.mark.parametrize("width", [100, 50])
def test_a_terminal_sees_what_runs_and_what_waits(width: int, snapshot: Snapshot) -> None:
    lines = board_lines(told(STORY), NOW, width)
    snapshot(f"board_{width}.txt", "".join(f"{line}\n" for line in lines))


@pytest.mark.fault("P11")
@pytest.mark.parametrize("height", [0, 1, 2, 3, 9])
def test_a_board_never_outgrows_its_terminal(height: int) -> None:
    lines = board_lines(told(STORY), NOW, 30, height)
    assert len(lines) <= max(height, 2)
    assert max(map(cells, lines)) <= 30


def test_an_ordered_reset_waits_from_the_start() -> None:
    (held,) = board_of((*MORNING, Forget(address=OPS))).waiting
    assert held.addresses == (DAILY,)
    assert held.why == "waits for models.sales.refresh"


def test_forgetting_is_not_a_call_to_wait_for() -> None:
    assert board_of((Forget(address=OPS), awaiting(SALES))).total == 1


def test_a_call_that_ended_leaves_one_line_with_what_it_was_and_its_job() -> None:
    lines = [ended_line(told(STORY), event, "UTC") for event in (*STORY, *ENDINGS)]
    assert [line for line in lines[: len(STORY) - 1] if line] == []
    assert lines[len(STORY) + 1] == (
        '11:22:00Z  models.sales.refresh: hard refresh: failed: "No.", job job-42'
    )


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_has_ended_leaves_the_board(ending: Event) -> None:
    begun = Started(at=NOW, addresses=getattr(ending, "addresses", ()), what="reset")
    board = told([begun, ending])
    assert board.running == ()
    assert board.done + board.failed + board.left + board.skipped == 1


def test_a_second_try_keeps_one_line() -> None:
    again = Started(at=ago(0), addresses=(SALES,), what="hard refresh")
    (line,) = told([*STORY[1:2], again]).running
    assert line.since == NOW


def test_a_job_of_an_earlier_apply_shows_its_whole_age() -> None:
    polled = Polled(at=NOW, addresses=(SALES,), word="RUNNING", age_s=240.0)
    (line,) = told([polled]).running
    assert (line.what, line.since) == ("await", ago(4))


def test_a_wait_that_is_over_is_not_shown() -> None:
    lines = board_lines(told([Throttled(at=ago(1), wait_s=5.0)]), NOW, 100)
    assert "throttled" not in lines[-1]
