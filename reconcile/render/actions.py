"""The lines of a plan for what an apply would do."""

from collections.abc import Iterator
from typing import assert_never

from reconcile.model.address import Address
from reconcile.model.desired import Mode
from reconcile.model.plan import (
    Action,
    AdoptSchedule,
    Await,
    CreateSchedule,
    DeleteSchedule,
    Forget,
    Refresh,
    Rename,
    ResetCache,
    ScheduleAction,
    UpdateSchedule,
)
from reconcile.model.reason import (
    FollowsRefresh,
    IntervalElapsed,
    Reason,
    RefreshCompleted,
    SlotPassed,
)
from reconcile.model.recorded import Coverage
from reconcile.render.escape import escape_terminal
from reconcile.render.instants import duration_text
from reconcile.render.layout import Cell, Ink, Row
from reconcile.render.names import address_text, addresses_text, request_text
from reconcile.render.reader import Reader
from reconcile.render.schedules.actions import schedule_row

_NO_TAG = Cell("")
_RIDES_ALONG = "rides along: "


def action_rows(action: Action, reader: Reader, *, verbose: bool) -> Iterator[Row]:
    """Yield one row for the action and one for each address that rides along with it."""
    match action:
        case Refresh():
            hard = action.mode is Mode.HARD
            verb = Cell("refresh", Ink.REFRESH)
            tag = Cell(action.mode.value, Ink.HARD if hard else Ink.PLAIN)
            details = (*_asked(action), *_details(action, verbose=verbose))
            yield from _covering(action, verb, tag, details, reader)
        case ResetCache():
            (reason,) = action.reasons
            why = _reset_why(action, reason, reader)
            name = address_text(action.covers[0].address)
            details = _details(action, verbose=verbose)
            yield Row(Cell("reset", Ink.RESET), name, _NO_TAG, (why, *details))
        case Await():
            details = (f"job {escape_terminal(action.job_id, 64)}",) if verbose else ()
            yield from _covering(action, Cell("await", Ink.DIM), _NO_TAG, details, reader)
        case Forget(address=address):
            why = "no longer declared; its record is dropped, nothing is sent"
            yield Row(Cell("forget", Ink.DIM), address_text(address), _NO_TAG, (why,))
        case Rename(moves=moves):
            for old, new in moves:
                why = f"renamed from {address_text(old)}; its record moves, nothing is sent"
                yield Row(Cell("rename", Ink.DIM), address_text(new), _NO_TAG, (why,))
        case CreateSchedule() | UpdateSchedule() | DeleteSchedule() | AdoptSchedule():
            yield schedule_row(action, reader, verbose=verbose)
        case _:
            assert_never(action)


def action_addresses(action: Action) -> tuple[Address, ...]:
    """Return every address the action covers."""
    if isinstance(action, Forget | ScheduleAction):
        return (action.address,)
    if isinstance(action, Rename):
        return tuple(new for _, new in action.moves)
    return tuple(coverage.address for coverage in action.covers)


def _covering(
    action: Refresh | Await, verb: Cell, tag: Cell, details: tuple[str, ...], reader: Reader
) -> Iterator[Row]:
    for index, (coverage, reason) in enumerate(zip(action.covers, action.reasons, strict=True)):
        why = reader.account(coverage.address).tell(reason)
        name = address_text(coverage.address)
        if index == 0:
            yield Row(verb, name, tag, (why, *details))
        else:
            yield Row(Cell("      +", Ink.DIM), name, _NO_TAG, (_RIDES_ALONG + why,))


def _asked(action: Refresh) -> Iterator[str]:
    """Say what a call asks for that not all of its members would, and to what it is narrowed."""
    hard = [m.coverage.address for m in action.members if m.mode is Mode.HARD]
    if 0 < len(hard) < len(action.members):
        yield f"hard because of {addresses_text(hard)}"
    narrowed = [pair for pair in action.request.query if pair[0] in {"schemas", "tables"}]
    for key, names in narrowed:
        yield f"only {key} {escape_terminal(names.replace(',', ', '), 240)}"
    narrow = [m for m in action.members if m.schemas or m.tables]
    if narrow and not narrowed and action.mode is Mode.SOFT:
        whole = [m.coverage.address for m in action.members if not (m.schemas or m.tables)]
        because = addresses_text(whole) if whole else "tables without a schema"
        yield f"of everything because of {because}"


def _reset_why(action: ResetCache, reason: Reason, reader: Reader) -> str:
    (coverage,) = action.covers
    why = reader.account(coverage.address).tell(reason)
    if coverage.stamp is not None and not _names_stamp(reason, coverage):
        why += f", resets to {reader.vantage(coverage.address).both(coverage.stamp)}"
    waits = action.waits_for
    if waits is not None and not isinstance(reason, FollowsRefresh):
        why += f", waits for {address_text(waits)}"
    return why


def _names_stamp(reason: Reason, coverage: Coverage) -> bool:
    match reason:
        case (
            SlotPassed(slot=instant) | IntervalElapsed(slot=instant) | RefreshCompleted(at=instant)
        ):
            return instant == coverage.stamp
        case _:
            return False


def _details(action: Refresh | ResetCache, *, verbose: bool) -> tuple[str, ...]:
    if not verbose:
        return ()
    fields = (f"{key}={value}" for key, value in (action.request.body or {}).items())
    body = escape_terminal(" ".join(fields), 240)
    request = f"{request_text(action.request)} {body}".rstrip()
    if isinstance(action, ResetCache):
        return (request,)
    limit = f"given up after {duration_text(action.timeout_s)}"
    if action.expected_s is None:
        return (request, limit)
    return (request, f"about {duration_text(action.expected_s)}, {limit}")
