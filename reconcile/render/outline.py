"""A plan as one document: what JSON prints of it, and all that people are told besides."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from itertools import chain
from operator import attrgetter
from typing import Final, assert_never, get_args

from msgspec import Struct

from reconcile.model import reason as because
from reconcile.model.address import Address
from reconcile.model.desired import Mode
from reconcile.model.plan import (
    Action,
    AdoptSchedule,
    Await,
    CreateSchedule,
    DeleteSchedule,
    Forget,
    Plan,
    Refresh,
    Rename,
    Request,
    ResetCache,
    ScheduleAction,
    ScheduleWrite,
    Standing,
    UpdateSchedule,
    addresses_of,
)
from reconcile.model.reason import Reason, Status
from reconcile.model.recorded import Kind, Record, Recorded
from reconcile.model.struct import Telling, replace
from reconcile.render.actions import PlanDocument, plan_document
from reconcile.render.apply import Board, Held
from reconcile.render.layout import Cell, Ink, Row, escape_terminal
from reconcile.render.reasons import Reader, changes_text, schedule_reason, spec_text
from reconcile.render.words import (
    Vantage,
    address_text,
    addresses_text,
    counted,
    duration_text,
    id_text,
    request_text,
    words_text,
)

# What is told of an action.

_NO_TAG = Cell("")
_RIDES_ALONG = "rides along: "
_WAITED_FOR = "not selected; what is called on its connection waits for it"


class ActionLines(Struct, frozen=True):
    """An action, and what rides along with it, as rows.

    `details`: the exact request and what is known of it. `change`: what an apply would send, as a
    line of a coloured `diff`: `+` what is made, `!` what is changed, `-` what goes. `of_items`: it
    is about declared items, each of which says so itself.
    """

    rows: tuple[Row, ...]
    details: tuple[str, ...]
    change: str
    of_items: bool

    def in_full(self) -> tuple[Row, ...]:
        """Return the rows with the details behind the first."""
        first, *rest = self.rows
        return (replace(first, why=(*first.why, *self.details)), *rest)


def _action_lines(action: Action, reader: Reader) -> ActionLines:
    details = tuple(_details(action))
    return ActionLines(
        rows=tuple(_action_row(action, place, reader) for place in _places(action)),
        details=details,
        change=_change(action, details),
        of_items=isinstance(action, Refresh | ResetCache | Await),
    )


def _places(action: Action) -> range:
    """Count the addresses that an action has a row for."""
    return range(len(addresses_of(action)))


def _action_row(action: Action, place: int, reader: Reader) -> Row:
    """Return the row of an action, or of an address that rides along with it."""
    match action:
        case Refresh() | Await():
            return _covered_row(action, place, reader)
        case ResetCache():
            (reason,) = action.reasons
            why = _reset_why(action, reason, reader)
            name = address_text(action.covers[0].address)
            return Row(Cell("reset", Ink.RESET), name, _NO_TAG, (why,))
        case Forget(address=address):
            why = "no longer declared; its record is dropped, nothing is sent"
            return Row(Cell("forget", Ink.DIM), address_text(address), _NO_TAG, (why,))
        case Rename(moves=moves):
            old, new = moves[place]
            why = f"renamed from {address_text(old)}; its record moves, nothing is sent"
            return Row(Cell("rename", Ink.DIM), address_text(new), _NO_TAG, (why,))
        case _:
            _, verb, what = _told(action)
            why = schedule_reason(action.reason, reader.vantage(action.address))
            return Row(verb, address_text(action.address), _NO_TAG, (f"{what}; {why}",))


def _covered_row(action: Refresh | Await, place: int, reader: Reader) -> Row:
    address = action.covers[place].address
    why, name = reader.account(address).tell(action.reasons[place]), address_text(address)
    if place:
        return Row(Cell("      +", Ink.DIM), name, _NO_TAG, (_RIDES_ALONG + why,))
    if isinstance(action, Await):
        waits = (_WAITED_FOR,) if address in reader.left_out else ()
        return Row(Cell("await", Ink.DIM), name, _NO_TAG, (why, *waits))
    tag = Cell(action.mode.value, Ink.HARD if action.mode is Mode.HARD else Ink.PLAIN)
    return Row(Cell("refresh", Ink.REFRESH), name, tag, (why, *_asked(action)))


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
        cause = addresses_text(whole) if whole else "tables without a schema"
        yield f"of everything because of {cause}"


def _reset_why(action: ResetCache, reason: Reason, reader: Reader) -> str:
    (coverage,) = action.covers
    why = reader.account(coverage.address).tell(reason)
    named = None  # by the reason, already
    if isinstance(reason, because.SlotPassed | because.IntervalElapsed):
        named = reason.slot
    elif isinstance(reason, because.RefreshCompleted):
        named = reason.at
    if coverage.stamp is not None and coverage.stamp != named:
        why += f", resets to {reader.vantage(coverage.address).both(coverage.stamp)}"
    waits = action.waits_for
    if waits is not None and not isinstance(reason, because.FollowsRefresh):
        why += f", waits for {address_text(waits)}"
    return why


def _details(action: Action) -> Iterator[str]:
    match action:
        case Refresh() | ResetCache():
            yield f"{_request_text(action.request)} {_body_text(action, '=')}".rstrip()
        case Await(job_id=job_id):
            yield f"job {id_text(job_id)}"
        case CreateSchedule() | UpdateSchedule() | DeleteSchedule() | AdoptSchedule():
            yield _request_line(action)
    if isinstance(action, Refresh):
        limit = f"timeout {duration_text(action.timeout_s)}"
        known = action.expected_s
        yield limit if known is None else f"about {duration_text(known)}, {limit}"


def _change(action: Action, details: Sequence[str]) -> str:
    match action:
        case Refresh(request=request):
            return f"+ {_request_text(request)}"
        case ResetCache(request=request):
            return f"! {_request_text(request)}  {_body_text(action, ': ')}"
        case Await():
            return f"  await {details[0]}"
        case Forget(address=address):
            return f"- {address_text(address)}, its record"
        case Rename(moves=moves):
            told = (f"{address_text(old)} -> {address_text(new)}" for old, new in moves)
            return f"  rename {', '.join(told)}"
        case _:
            return f"{_told(action)[0]} {details[0]}"


# What is told of a native schedule.


def _request_text(request: Request) -> str:
    return request_text(request.method, request.path, request.query)


def _body_text(action: Refresh | ResetCache, sign: str) -> str:
    """Return the fields of the body; one that is known only at the call says as of when."""
    later = "when it is sent"
    if isinstance(action, ResetCache) and action.waits_for is not None:
        later = f"when {action.waits_for} completes"
    body = (action.request.body or {}).items()
    return escape_terminal(", ".join(f"{key}{sign}{value or later}" for key, value in body), 240)


def _request_line(action: ScheduleAction) -> str:
    """Return the exact request with its body; of one that sends nothing, what it is about."""
    if isinstance(action, AdoptSchedule):
        return f"schedule {id_text(action.schedule_id)}, nothing is sent"
    if action.request is None:
        return "asks which schedule it is, then DELETE"
    body = action.request.body
    told = "" if body is None else json.dumps(dict(body), ensure_ascii=False)
    return f"{_request_text(action.request)} {escape_terminal(told, 240)}".rstrip()


def _told(action: ScheduleAction) -> tuple[str, Cell, str]:
    """Return the sign of what is done in a diff, its verb, and what it does."""
    match action:
        case CreateSchedule():
            return "+", Cell("create", Ink.REFRESH), spec_text(action.spec)
        case UpdateSchedule():
            return "!", Cell("update", Ink.RESET), changes_text(action.before, action.spec)
        case DeleteSchedule():
            return "-", Cell("delete", Ink.BAD), spec_text(action.spec)
        case AdoptSchedule():
            return "  adopt", Cell("adopt", Ink.DIM), spec_text(action.spec)
        case _:
            assert_never(action)


# Where every item stands, and what comes next.

STATUS_WORDS = {status: status.value.replace("_", " ") for status in Status}
_AWAITED, _WAITING = "awaited", "waiting"

STUCK = (Status.HELD, Status.BACKING_OFF, Status.BLOCKED)
STANDING_STILL = (*STUCK, Status.PAUSED, Status.DEFERRED)
"""What is listed apart from what is due; what needs a person comes first."""

STATUS_INKS = {
    Status.COVERED: Ink.PLAIN,
    Status.DUE: Ink.DUE,
    **dict.fromkeys((Status.DEFERRED, Status.PAUSED), Ink.DIM),
    **dict.fromkeys(STUCK, Ink.BAD),
}

_NAMES_ITS_MOMENT = (
    because.FrozenBy,
    because.PausedUntil,
    because.BackingOff,
    because.WaitsUntil,
    because.RefreshUnseen,
    because.OutcomeUnknown,
)


def status_word(standing: Standing) -> str:
    """Return what a standing is called.

    An item whose job runs is awaited, and sends nothing. One of which no slot has come yet waits
    for it: nothing of it is covered.
    """
    match standing.status, standing.reason:
        case Status.DUE, because.JobRunningSince():
            return _AWAITED
        case Status.COVERED, because.NothingYet() | because.AwaitsSignals(last=None):
            return _WAITING
        case _:
            return STATUS_WORDS[standing.status]


def _standing_row(standing: Standing, reader: Reader) -> Row:
    reason, moment = standing.reason, next_moment(standing)
    why = reader.account(standing.address).parts(reason)
    first = isinstance(reason, because.WaitsForNextSlot) and reason.first is not None
    if not (moment is None or first or isinstance(reason, _NAMES_ITS_MOMENT)):
        then = reader.vantage(standing.address).with_distance(moment)
        why = (f"{why[0]}; next {then}", *why[1:])
    verb = Cell(status_word(standing), STATUS_INKS[standing.status])
    return Row(verb, address_text(standing.address), _NO_TAG, why)


def next_moment(standing: Standing) -> datetime | None:
    """Return when the standing next matters: the end of what stops it, else its next slot.

    Not `until` alone: a slot that comes up during a pause changes the plan, but nothing happens.
    """
    match standing.reason:
        case because.CoveredSince() | because.SlotPassed() | because.IntervalElapsed():
            return standing.next_slot  # Nearly all there are, and so asked first.
        case because.FrozenBy(until=end) | because.PausedUntil(until=end):
            return end
        case because.BackingOff(retry_at=instant) | because.WaitsUntil(slot=instant):
            return instant
        case because.RefreshUnseen(retry_at=moment) | because.OutcomeUnknown(retry_at=moment) if (
            moment is not None and standing.status is not Status.DUE
        ):
            return moment
        case because.HeldAfterFailures() | because.HeldInDoubt():
            return None
        case because.BlockedBy():
            return standing.until
        case _:
            return standing.next_slot


def _upcoming(standings: Iterable[Standing], reader: Reader) -> tuple[str, str] | None:
    """Return the address that matters first, and when."""
    first = min(
        ((moment, one.address) for one in standings if (moment := next_moment(one))), default=None
    )
    if first is None:
        return None
    moment, address = first
    return address_text(address), reader.vantage(address).with_distance(moment)


# What an apply of it begins with.


def board_of(actions: Iterable[Action]) -> Board:
    """Return the board of an apply that has not begun: resets already wait."""
    calling = [a for a in actions if not isinstance(a, Forget | Rename | AdoptSchedule)]
    waiting = tuple(
        Held((action.covers[0].address,), f"waits for {action.waits_for}")
        for action in calling
        if isinstance(action, ResetCache) and action.waits_for is not None
    )
    return Board(total=len(calling), waiting=waiting)


# The whole, as people are told it.

BY_URGENCY: Final = (Status.DUE, *STANDING_STILL, Status.COVERED)


class Figure(Struct, frozen=True):
    """How many of something there are: `3 jobs to await`, or `4 paused` without a noun."""

    number: int
    noun: str
    what: str

    def words(self) -> str:
        """Return it in words."""
        return f"{counted(self.number, self.noun) if self.noun else f'{self.number:,}'} {self.what}"


class ItemLine(Struct, frozen=True, kw_only=True):
    """One item. `view`: where its reader stands; `coming`: when it next matters.

    `call`: what an apply would do about it, in two words, and `request`: what it would send.
    `last`: how its newest runs ended.
    """

    address: Address
    name: str
    kind: Kind
    status: Status
    word: str
    view: Vantage
    coming: datetime | None
    why: str
    call: str = ""
    request: tuple[str, ...] = ()
    last: tuple[str, ...] = ()


class Outline(Struct, frozen=True, kw_only=True):
    """A plan as a document: what JSON prints of it, and what people are told besides.

    `state`: the name of what it starts from, where that is told. `view`: where the reader of the
    whole stands. `calls`: that an apply would make; `awaited`: jobs
    it would await. `figures`: how many of everything else there are. `upcoming`: the address that
    matters next, and when. `due`: the rows of all actions. `statuses`: of all items, by urgency,
    as `items` are. `stands`: address and status of each of `items`. `complete`: gives a command
    what the one that the reader ran was given.
    What `--select` left out is only in `items`. Long lists are told as they are read.
    """

    document: PlanDocument
    state: str
    view: Vantage
    calls: int
    awaited: int
    figures: tuple[Figure, ...]
    upcoming: tuple[str, str] | None
    actions: Sequence[ActionLines]
    due: Sequence[Row]
    still: Sequence[Row]
    covered: Sequence[Row]
    missed: Sequence[Row]
    items: Sequence[ItemLine]
    stands: Sequence[tuple[Address, Status]]
    statuses: tuple[tuple[Status, int], ...]
    complete: Callable[[str], str] = str


def outlined(  # noqa: PLR0913 -- what a reader is to be told, and where
    plan: Plan,
    *,
    host: str | None = None,
    state: str = "",
    dated: bool = False,
    recorded: Recorded | None = None,
    in_place: bool = False,
    complete: Callable[[str], str] = str,
) -> Outline:
    """Return a plan as a document.

    `dated`: people may read it on another day. `recorded`: what the newest runs are told from.
    `in_place`: of the items only those in trouble come first, so that none moves when it falls due.
    """
    reader = Reader.of(plan, dated=dated, complete=complete)
    grouped: dict[Status, list[Standing]] = {status: [] for status in BY_URGENCY}
    for standing in plan.standings:
        grouped[standing.status].append(standing)
    selected = {status: [one for one in group if one.selected] for status, group in grouped.items()}
    numbers = Counter(map(type, plan.actions))
    missed = {address for address, _ in plan.missed}
    still = [
        standing
        for status in STANDING_STILL
        for standing in selected[status]
        if not (standing.address in missed and isinstance(standing.reason, because.DeadlineMissed))
    ]
    ordered: Iterable[Standing] = chain.from_iterable(grouped.values())
    if in_place:
        stuck = chain.from_iterable(grouped[status] for status in STUCK)
        ordered = chain(stuck, (one for one in plan.standings if one.status not in STUCK))
    listed, items = tuple(ordered), _Items(plan, reader, recorded)
    places = [(action, place) for action in plan.actions for place in _places(action)]
    return Outline(
        document=plan_document(plan, host=host, complete=complete),
        state=state,
        view=reader.vantage(),
        calls=sum(numbers[kind] for kind in (Refresh, ResetCache, *get_args(ScheduleWrite))),
        awaited=numbers[Await],
        figures=tuple(figure for figure in _figures(plan, numbers, selected) if figure.number),
        upcoming=_upcoming(chain.from_iterable(selected.values()), reader),
        actions=Telling(plan.actions, lambda action: _action_lines(action, reader)),
        due=Telling(places, lambda place: _action_row(*place, reader)),
        still=Telling(still, lambda standing: _standing_row(standing, reader)),
        covered=Telling(selected[Status.COVERED], lambda one: _standing_row(one, reader)),
        missed=tuple(_missed_rows(plan, reader)),
        items=Telling(listed, items.line),
        stands=Telling(listed, attrgetter("address", "status")),
        statuses=tuple((status, len(group)) for status, group in grouped.items() if group),
        complete=complete,
    )


def _figures(
    plan: Plan, numbers: Mapping[type[Action], int], selected: Mapping[Status, Sequence[Standing]]
) -> Iterator[Figure]:
    yield Figure(numbers.get(Await, 0), "job", "to await")
    yield Figure(numbers.get(AdoptSchedule, 0), "schedule", "to adopt")
    renamed = sum(len(action.moves) for action in plan.actions if isinstance(action, Rename))
    yield Figure(renamed, "record", "renamed")
    yield Figure(numbers.get(Forget, 0), "record", "to forget")
    settled = selected[Status.COVERED]
    waiting = sum(status_word(one) == _WAITING for one in settled)
    yield Figure(len(settled) - waiting, "item", "covered")
    yield Figure(waiting, "", _WAITING)
    for status in STANDING_STILL:
        yield Figure(len(selected[status]), "", STATUS_WORDS[status])
    left_out = len(plan.standings) - sum(map(len, selected.values()))
    yield Figure(left_out, "", "not selected")


def _missed_rows(plan: Plan, reader: Reader) -> Iterator[Row]:
    """Yield the slots an apply will record as past their deadline."""
    reasons = {one.address: one.reason for one in plan.standings} if plan.missed else {}
    for address, slot in plan.missed:
        account = reader.account(address)
        match reasons.get(address):
            case because.DeadlineMissed(slot=told) as reason if told == slot:
                why = account.tell(reason)
            case _:
                why = f"slot {account.vantage.with_distance(slot)}"
        yield Row(Cell("missed", Ink.DIM), address_text(address), _NO_TAG, (why,))


class _Items:
    """Every item of a plan with what an apply would do about it, told when it is read."""

    def __init__(self, plan: Plan, reader: Reader, recorded: Recorded | None) -> None:
        self._plan, self._reader = plan, reader
        self._records = recorded.items if recorded else {}

    @cached_property
    def _actions(self) -> Mapping[Address, Action]:
        calls = (one for one in self._plan.actions if isinstance(one, Refresh | ResetCache | Await))
        return {coverage.address: action for action in calls for coverage in action.covers}

    def line(self, standing: Standing) -> ItemLine:
        address = standing.address
        view = self._reader.vantage(address)
        action = self._actions.get(address)
        return ItemLine(
            address=address,
            name=address_text(address),
            kind="refresh" if address.endswith(".refresh") else "reset",
            status=standing.status,
            word=status_word(standing),
            view=view,
            coming=next_moment(standing),
            why=self._reader.account(address).tell(standing.reason),
            call=_call_words(action, address) if action else "",
            request=tuple(_details(action)) if action else (),
            last=tuple(_last_runs(self._records.get(address), view)),
        )


def _call_words(action: Action, address: Address) -> str:
    match action:
        case Refresh():
            first = action.covers[0].address
            along = "" if first == address else f", with {address_text(first)}"
            return f"{action.mode.value} refresh{along}"
        case ResetCache():
            return "reset"
        case _:
            return "its job is awaited"


def _last_runs(record: Record | None, view: Vantage) -> Iterator[str]:
    if record is None:
        return
    if record.last_success is not None:
        yield f"succeeded {view.with_distance(record.last_success)}"
    if record.durations_s:
        took = ", ".join(map(duration_text, reversed(record.durations_s)))
        yield f"newest jobs took {took}"
    if record.last_failure is not None:
        again = f", {record.failures:,} in a row" if record.failures > 1 else ""
        told = words_text(record.last_failure.message)
        yield f"failed {view.with_distance(record.last_failure.at)}{again}: {told}"
