"""An apply while it runs, and what it came to, as a person reads it."""

import shlex
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import assert_never
from zoneinfo import ZoneInfo

from msgspec import Struct

from reconcile.model import progress
from reconcile.model.address import Address
from reconcile.model.struct import replace
from reconcile.render import layout
from reconcile.render.documents import ApplyOutline, ResultDocument
from reconcile.render.layout import escape_terminal
from reconcile.render.words import addresses_text, counted, duration_text, request_text, words_text

# What an apply came to.

_WORDS_LIMIT = 600
_EFFECTS: dict[progress.ResultStatus, str] = {
    "failed": "It was refused or its job failed; it stays due.",
    "unknown": "It may have happened; a later apply sends it again.",
    "not_sent": "It did not reach Omni; it stays due.",
    "running": "Its job goes on; the next apply awaits it.",
    "unseen": "Nobody saw it end; it is made again once, and after that at its next slot.",
    "skipped": "It stays due.",
}
_QUOTED: frozenset[progress.ResultStatus] = frozenset({"failed", "unknown", "not_sent"})
_BAD: frozenset[progress.ResultStatus] = _QUOTED | {"unseen"}


_OVER = "Interrupted. It was a rehearsal: there is nothing to continue."


def summary_text(
    told: ApplyOutline,
    *,
    width: int,
    colour: bool,
    rehearsed: bool = False,
    complete: Callable[[str], str] = str,
) -> str:
    """Return what was done and, for each action that was not, why and whether it may have been.

    Ends with a line break. `complete`: gives a command what the apply was given.
    """
    width = max(width, layout.LEAST_WIDTH)
    head = layout.wrap(layout.DOT.join(_headline(told)), width, layout.DOT)
    ink = layout.Ink.BAD_LOUD if told.undone else layout.Ink.BOLD
    lines = [layout.paint(line, ink, colour=colour) for line in head]
    rows = (_row(alike, complete) for alike in told.undone)
    lines.extend(layout.listing(rows, width, colour=colour, stacked=True))
    if told.document.interrupted:
        go_on = f"Interrupted. State saved; run `{complete('reconcile apply')}` to continue."
        lines.extend(layout.wrap(_OVER if rehearsed else go_on, width))
    return "\n".join(lines) + "\n"


def _headline(told: ApplyOutline) -> Iterator[str]:
    kinds = ", ".join(_counted_kind(count, kind) for kind, count in told.kinds)
    if told.calls:
        done = f"{told.done:,} of {counted(told.calls, 'call')} done"
        yield f"{done} ({kinds})" if kinds else done
    elif not told.awaited:
        recorded = f"; {counted(told.noted, 'item')} recorded" if told.noted else ""
        yield f"Nothing to send{recorded}"
    if told.awaited:
        yield f"{told.ended:,} of {counted(told.awaited, 'awaited job')} done"
    if told.forgotten:
        yield f"{counted(told.forgotten, 'record')} forgotten"
    if told.adopted:
        yield f"{counted(told.adopted, 'schedule')} adopted"
    if polls := told.document.polls:
        share = f", {polls / told.jobs:.1f} a job" if told.jobs else ""
        yield f"{counted(polls, 'poll')}{share}"
    yield duration_text(told.document.took_s)


def _counted_kind(count: int, kind: str) -> str:
    """Return `2 refreshes`, or `1 schedule created`."""
    verb, _, noun = kind.partition("_")
    return f"{counted(count, noun)} {verb}d" if noun else counted(count, kind)


def _row(alike: tuple[ResultDocument, ...], complete: Callable[[str], str]) -> layout.Row:
    result = alike[0]
    why: list[str] = []
    if result.job is not None:
        why.append(left_job_text(result.job))
    elif result.message:
        shown = words_text if result.status in _QUOTED else escape_terminal
        why.append(shown(result.message, _WORDS_LIMIT))
    request = result.request
    if request is not None and len(alike) == 1:
        why.append(request_text(request.method, request.path, request.pairs()))
    why.append(_EFFECTS[result.status])
    addresses = [address for one in alike for address in one.addresses]
    if result.job is not None:
        forced = shlex.quote(escape_terminal(addresses[0]))
        told = f"To call again without waiting: reconcile apply --force {forced}"
        why.append(complete(told))
    ink = layout.Ink.BAD if result.status in _BAD else layout.Ink.DIM
    verb = layout.Cell(result.status.replace("_", " "), ink)
    return layout.Row(verb, addresses_text(addresses), layout.Cell(""), tuple(why))


# What is known of an apply in progress: its events, folded into one value.


class Running(Struct, frozen=True):
    """A call that was sent and has not ended. `word`: Omni's last word on its job, or empty."""

    addresses: tuple[Address, ...]
    what: str
    since: datetime
    word: str = ""
    job_id: str | None = None


class Held(Struct, frozen=True):
    """A call that cannot begin yet, and why."""

    addresses: tuple[Address, ...]
    why: str


class Board(Struct, frozen=True, kw_only=True):
    """What runs, what waits and why, and what has ended. `total`: actions that cause requests.

    `left`: jobs that were left to later applies.
    """

    total: int
    running: tuple[Running, ...] = ()
    waiting: tuple[Held, ...] = ()
    done: int = 0
    failed: int = 0
    left: int = 0
    skipped: int = 0
    budget: progress.Budget | None = None
    throttled_until: datetime | None = None

    def after(self, event: progress.Event) -> "Board":
        """Return the board once that event is known."""
        match event:
            case progress.Budget():
                return replace(self, budget=event)
            case progress.Throttled(at=at, wait_s=wait_s):
                return replace(self, throttled_until=at + timedelta(seconds=wait_s))
            case progress.Started(at=at, addresses=addresses, what=what):
                return self._running(Running(addresses, what, at))
            case progress.Waiting(addresses=addresses, why=why):
                rest = self._without(addresses)
                return replace(rest, waiting=(*rest.waiting, Held(addresses, why)))
            case progress.JobAccepted(at=at, addresses=addresses, job_id=job_id):
                # A job of an earlier apply is awaited without having been started in this one.
                known = self.line(addresses) or Running(addresses, "await", at)
                return self._running(replace(known, word="accepted", job_id=job_id))
            case progress.Polled(at=at, addresses=addresses, word=word, age_s=age_s):
                since = at - timedelta(seconds=age_s)
                known = self.line(addresses) or Running(addresses, "await", since)
                return self._running(replace(known, since=since, word=word))
            case progress.Finished():
                return replace(self._without(event.addresses), done=self.done + 1)
            case progress.FailedCall():
                return replace(self._without(event.addresses), failed=self.failed + 1)
            case progress.Left():
                return replace(self._without(event.addresses), left=self.left + 1)
            case progress.Skipped():
                return replace(self._without(event.addresses), skipped=self.skipped + 1)
            case _:
                assert_never(event)

    def line(self, addresses: tuple[Address, ...]) -> Running | None:
        """Return what is known of a call while it runs."""
        return next((line for line in self.running if line.addresses == addresses), None)

    def _running(self, line: Running) -> "Board":
        if self.line(line.addresses) is None:
            rest = self._without(line.addresses)
            return replace(rest, running=(*rest.running, line))
        lines = (line if old.addresses == line.addresses else old for old in self.running)
        return replace(self, running=tuple(lines))

    def _without(self, addresses: tuple[Address, ...]) -> "Board":
        return replace(
            self,
            running=tuple(line for line in self.running if line.addresses != addresses),
            waiting=tuple(held for held in self.waiting if held.addresses != addresses),
        )


# An apply in progress: a few lines that a terminal redraws, or one plain line an event.

_WHY_LIMIT = 300
_WORD_LIMIT = 40
_WHAT_LIMIT = 40
_LEAST_NAME = 12
_LEAST_STATE = 18

_Ended = progress.Finished | progress.FailedCall | progress.Left | progress.Skipped


def board_lines(board: Board, now: datetime, width: int, height: int = 20) -> list[str]:
    """Return one line for each call that runs or waits, and one for the whole.

    No line is wider than `width` and there are at most `height`, so that a terminal can go back
    over exactly as many rows as it was given; here names are cut, as the plan showed them whole.
    """
    width = max(width, layout.LEAST_WIDTH)
    rows = list(_open_rows(board, now))
    room = max(height - 1, 1)
    shown = rows if len(rows) <= room else rows[: room - 1]
    lines = list(_table(shown, width))
    if len(shown) < len(rows):
        lines.append(f"  and {len(rows) - len(shown):,} more")
    return [layout.cut(line, width) for line in [*lines, layout.DOT.join(_totals(board, now))]]


def event_line(event: progress.Event, zone: str) -> str | None:
    """Return one timestamped line for a log; None for what a log has no use for."""
    told = _told(event)
    return None if told is None else f"{_stamp(event, zone)}  {told}"


def ended_line(board: Board, event: progress.Event, zone: str) -> str | None:
    """Return the line that stays on a terminal of a call that ended; None for any other event.

    `board`: as it was before the event.
    """
    if not isinstance(event, _Ended):
        return None
    known = board.line(event.addresses)
    what = f"{escape_terminal(known.what, _WHAT_LIMIT)}: " if known else ""
    job = f", job {escape_terminal(known.job_id, _ID_LIMIT)}" if known and known.job_id else ""
    ended = f"{what}{_told_at_end(event)}{job}"
    return f"{_stamp(event, zone)}  {addresses_text(event.addresses)}: {ended}"


def _stamp(event: progress.Event, zone: str) -> str:
    local = event.at.astimezone(ZoneInfo(zone))
    name = (
        "Z"
        if local.tzname() == "UTC"
        else f" {local.tzname()} ({event.at.astimezone(UTC):%H:%M:%S}Z)"
    )
    return f"{local:%H:%M:%S}{name}"


def _open_rows(board: Board, now: datetime) -> Iterator[tuple[str, str, str]]:
    for line in board.running:
        age = duration_text(max((now - line.since).total_seconds(), 0.0))
        word = escape_terminal(line.word, _WORD_LIMIT)
        what = escape_terminal(line.what, _WHAT_LIMIT)
        yield what, addresses_text(line.addresses), f"{age}  {word}".rstrip()
    for held in board.waiting:
        yield "waiting", addresses_text(held.addresses), escape_terminal(held.why, _WHY_LIMIT)


def _table(rows: list[tuple[str, str, str]], width: int) -> Iterator[str]:
    whats = max((layout.cells(what) for what, _, _ in rows), default=0)
    states = max((layout.cells(state) for _, _, state in rows), default=0)
    widest = max((layout.cells(name) for _, name, _ in rows), default=0)
    names = min(widest, max(width - whats - min(states, _LEAST_STATE) - 6, _LEAST_NAME))
    for what, name, state in rows:
        yield f"  {layout.pad(what, whats)}  {layout.pad(layout.cut(name, names), names)}  {state}"


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


def _told(event: progress.Event) -> str | None:
    match event:
        case progress.Budget():
            return None
        case progress.Throttled(wait_s=wait_s):
            return f"throttled by Omni, sends again in {duration_text(wait_s, up=True)}"
        case progress.Started(what=what):
            told = f"{escape_terminal(what, _WHAT_LIMIT)} started"
        case progress.Waiting(why=why):
            told = escape_terminal(why, _WHY_LIMIT)
        case progress.JobAccepted(job_id=job_id):
            told = f"job {escape_terminal(job_id, _WORD_LIMIT)} accepted"
        case progress.Polled(word=word, age_s=age_s):
            told = f"job {words_text(word)} after {duration_text(age_s)}"
        case _:
            told = _told_at_end(event)
    return f"{addresses_text(event.addresses)}: {told}"


def _told_at_end(event: _Ended) -> str:
    match event:
        case progress.Finished(took_s=took_s, detail=detail):
            more = f", {escape_terminal(detail, _WHY_LIMIT)}" if detail else ""
            return f"done in {duration_text(took_s)}{more}"
        case progress.FailedCall(message=message, may_have_happened=doubt):
            effect = "may have happened" if doubt else "failed"
            return f"{effect}: {words_text(message)}"
        case progress.Left(job=job):
            return left_job_text(job)
        case progress.Skipped(why=why):
            return f"skipped, {escape_terminal(why, _WHY_LIMIT)}"
        case _:
            assert_never(event)


# What is told of a job whose end an apply did not see: the same everywhere.

_ID_LIMIT = 40


def left_job_text(job: progress.LeftJob) -> str:
    """Return since when a job runs, what the last look showed, and until when it is awaited."""
    seen = "not looked at yet"
    if job.looked_at is not None and job.answer is not None:
        seen = f"last looked at {_at(job.looked_at)}: {words_text(job.answer)}"
    job_id = escape_terminal(job.job_id, _ID_LIMIT)
    if job.until is None:
        return f"job {job_id} of {_at(job.since)} was not seen to end; {seen}"
    return f"job {job_id} running since {_at(job.since)}, {seen}; awaited until {_at(job.until)}"


def _at(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M}Z"
