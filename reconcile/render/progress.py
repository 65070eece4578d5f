"""An apply in progress: a few lines that a terminal redraws, or one plain line an event."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import assert_never
from zoneinfo import ZoneInfo

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
from reconcile.render.board import Board
from reconcile.render.escape import escape_terminal
from reconcile.render.instants import duration_text
from reconcile.render.jobs import left_job_text
from reconcile.render.layout import DOT, LEAST_WIDTH, cells, cut, pad
from reconcile.render.names import addresses_text, words_text

_WHY_LIMIT = 300
_WORD_LIMIT = 40
_WHAT_LIMIT = 40
_LEAST_NAME = 12
_LEAST_STATE = 18


def board_lines(board: Board, now: datetime, width: int, height: int = 20) -> list[str]:
    """Return one line for each call that runs or waits, and one for the whole.

    No line is wider than `width` and there are at most `height`, so that a terminal can go back
    over exactly as many rows as it was given; here names are cut, as the plan showed them whole.
    """
    width = max(width, LEAST_WIDTH)
    rows = [*_running_rows(board, now), *_waiting_rows(board)]
    room = max(height - 1, 1)
    shown = rows if len(rows) <= room else rows[: room - 1]
    lines = list(_table(shown, width))
    if len(shown) < len(rows):
        lines.append(f"  and {len(rows) - len(shown):,} more")
    return [cut(line, width) for line in [*lines, DOT.join(_totals(board, now))]]


def event_line(event: Event, zone: str) -> str | None:
    """Return one timestamped line for a log; None for what a log has no use for."""
    told = _told(event)
    if told is None:
        return None
    local = event.at.astimezone(ZoneInfo(zone))
    name = (
        "Z"
        if local.tzname() == "UTC"
        else f" {local.tzname()} ({event.at.astimezone(UTC):%H:%M:%S}Z)"
    )
    return f"{local:%H:%M:%S}{name}  {told}"


def _running_rows(board: Board, now: datetime) -> Iterator[tuple[str, str, str]]:
    for line in board.running:
        age = duration_text(max((now - line.since).total_seconds(), 0.0))
        word = escape_terminal(line.word, _WORD_LIMIT)
        what = escape_terminal(line.what, _WHAT_LIMIT)
        yield what, addresses_text(line.addresses), f"{age}  {word}".rstrip()


def _waiting_rows(board: Board) -> Iterator[tuple[str, str, str]]:
    for held in board.waiting:
        yield "waiting", addresses_text(held.addresses), escape_terminal(held.why, _WHY_LIMIT)


def _table(rows: list[tuple[str, str, str]], width: int) -> Iterator[str]:
    whats = max((cells(what) for what, _, _ in rows), default=0)
    states = max((cells(state) for _, _, state in rows), default=0)
    widest = max((cells(name) for _, name, _ in rows), default=0)
    names = min(widest, max(width - whats - min(states, _LEAST_STATE) - 6, _LEAST_NAME))
    for what, name, state in rows:
        yield f"  {pad(what, whats)}  {pad(cut(name, names), names)}  {state}"


def _totals(board: Board, now: datetime) -> Iterator[str]:
    yield f"{board.done:,} of {board.total:,} done"
    counts = {
        "failed": board.failed,
        "left running": board.left,
        "skipped": board.skipped,
        "running": len(board.running),
        "waiting": len(board.waiting),
    }
    yield from (f"{count:,} {word}" for word, count in counts.items() if count)
    if board.budget is not None:
        yield f"{board.budget.used} of {board.budget.limit} requests a minute"
    if board.throttled_until is not None and board.throttled_until > now:
        wait = duration_text((board.throttled_until - now).total_seconds(), up=True)
        yield f"throttled, sends again in {wait}"


def _told(event: Event) -> str | None:
    match event:
        case Budget():
            return None
        case Throttled(wait_s=wait_s):
            return f"throttled by Omni, sends again in {duration_text(wait_s, up=True)}"
        case Started() | Waiting() | JobAccepted() | Polled():
            return f"{addresses_text(event.addresses)}: {_told_while_open(event)}"
        case _:
            return f"{addresses_text(event.addresses)}: {_told_at_end(event)}"


def _told_while_open(event: Started | Waiting | JobAccepted | Polled) -> str:
    match event:
        case Started(what=what):
            return f"{escape_terminal(what, _WHAT_LIMIT)} started"
        case Waiting(why=why):
            return escape_terminal(why, _WHY_LIMIT)
        case JobAccepted(job_id=job_id):
            return f"job {escape_terminal(job_id, _WORD_LIMIT)} accepted"
        case Polled(word=word, age_s=age_s):
            return f"job {words_text(word)} after {duration_text(age_s)}"
        case _:
            assert_never(event)


def _told_at_end(event: Finished | FailedCall | Left | Skipped) -> str:
    match event:
        case Finished(took_s=took_s, detail=detail):
            more = f", {escape_terminal(detail, _WHY_LIMIT)}" if detail else ""
            return f"done in {duration_text(took_s)}{more}"
        case FailedCall(message=message, may_have_happened=doubt):
            effect = "may have happened" if doubt else "failed"
            return f"{effect}: {words_text(message)}"
        case Left(job=job):
            return left_job_text(job)
        case Skipped(why=why):
            return f"skipped, {escape_terminal(why, _WHY_LIMIT)}"
        case _:
            assert_never(event)
