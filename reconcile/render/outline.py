"""A plan as one document: what JSON prints of it, and all that people are told besides."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Annotated, Any, Final, Literal, assert_never, get_args

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict

from reconcile.model.address import Address
from reconcile.model.desired import Mode, ScheduleSpec
from reconcile.model.plan import (
    Action,
    AdoptSchedule,
    Await,
    CreateSchedule,
    DeleteSchedule,
    Forget,
    Load,
    Plan,
    Refresh,
    Rename,
    ResetCache,
    ScheduleAction,
    ScheduleWrite,
    Standing,
    TroubleKind,
    UpdateSchedule,
    freeing,
    troubles,
)
from reconcile.model.reason import (
    DeadlineMissed,
    Reason,
    Status,
)
from reconcile.model.recorded import Coverage
from reconcile.model.struct import Instant
from reconcile.render.documents import (
    AnyAddress,
    Because,
    Blocking,
    Count,
    Move,
    Moves,
    RequestDocument,
    Seconds,
    action_addresses,
    encode,
)
from reconcile.render.escape import shell_word
from reconcile.render.layout import Cell, Ink, Row, Telling
from reconcile.render.reasons import (
    Reader,
    reason_json,
)
from reconcile.render.rows import (
    STANDING_STILL,
    STATUS_WORDS,
    ActionLines,
    action_lines,
    first_moment,
    next_moment,
    standing_row,
    status_word,
)
from reconcile.render.words import (
    Vantage,
    address_text,
    counted,
)

# What JSON prints.

PLAN_FORMAT_VERSION: Final = 1
"""Grows when a reader of the present form could misread the new one; added keys do not count."""


class CoverDocument(Struct, frozen=True, kw_only=True):
    """One address that an action covers."""

    address: AnyAddress
    slot: Instant | None
    stamp: Instant | None
    content: str | None
    reason: str
    because: Because


class ActionDocument(Struct, frozen=True, kw_only=True, tag_field="kind", tag="forget"):
    """What an apply would do."""

    addresses: Annotated[tuple[AnyAddress, ...], Meta(extra_json_schema={"minItems": 1})]
    request: RequestDocument | None = None
    slot: Instant | None = None
    reason: str = "no longer declared"
    covers: tuple[CoverDocument, ...] = ()


class RenameDocument(ActionDocument, frozen=True, kw_only=True, tag="rename"):
    """Records that move, all at once."""

    moves: Moves


class RefreshDocument(ActionDocument, frozen=True, kw_only=True, tag="refresh"):
    """A refresh, for all that it covers."""

    mode: Mode
    model_id: str
    timeout_s: Seconds
    expected_s: Seconds | None


class ResetDocument(ActionDocument, frozen=True, kw_only=True, tag="reset"):
    """A reset of one cache policy."""

    model_id: str
    policy: str
    waits_for: str | None


class AwaitDocument(ActionDocument, frozen=True, kw_only=True, tag="await"):
    """A job that an earlier apply left running."""

    operation: str
    job_id: str
    since: Instant
    timeout_s: Seconds
    expected_s: Seconds | None


class SpecDocument(Struct, frozen=True):
    """What a native schedule says, under the keys of the file."""

    cron: str
    timezone: str
    hard: bool

    @staticmethod
    def of(spec: ScheduleSpec) -> "SpecDocument":
        """Return the values of a schedule."""
        return SpecDocument(spec.cron, spec.zone, spec.hard)


class _ScheduleChange(ActionDocument, frozen=True, kw_only=True, tag="schedule"):
    because: Because
    connection_id: str
    schedule_id: str | None
    before: SpecDocument | None
    after: SpecDocument | None


class CreateDocument(_ScheduleChange, frozen=True, kw_only=True, tag="create_schedule"):
    """A native schedule that is made."""


class UpdateDocument(_ScheduleChange, frozen=True, kw_only=True, tag="update_schedule"):
    """A native schedule that is changed."""


class DeleteDocument(_ScheduleChange, frozen=True, kw_only=True, tag="delete_schedule"):
    """A native schedule that is removed."""


class AdoptDocument(_ScheduleChange, frozen=True, kw_only=True, tag="adopt_schedule"):
    """A native schedule that is there already, and is kept from now on."""


AnyAction = (
    RefreshDocument
    | ResetDocument
    | AwaitDocument
    | ActionDocument
    | RenameDocument
    | CreateDocument
    | UpdateDocument
    | DeleteDocument
    | AdoptDocument
)


class ItemDocument(Struct, frozen=True, kw_only=True):
    """Where one declared item stands."""

    address: AnyAddress
    status: Status
    zone: str
    newest_slot: Instant | None
    next_slot: Instant | None
    missed: Count
    reason: str
    because: Because
    until: Instant | None
    selected: bool


class Attention(Struct, frozen=True):
    """Items that need a person, by what their trouble is; `command` frees them."""

    what: str
    addresses: tuple[AnyAddress, ...]
    command: str | None


class MissedSlot(Struct, frozen=True):
    """A slot that passed its deadline and is not run."""

    address: AnyAddress
    slot: Instant


class PlanDocument(Struct, frozen=True, kw_only=True):
    """What `reconcile plan --format json` prints; `against` and `live` where they are asked for."""

    format_version: Literal[1] = PLAN_FORMAT_VERSION
    now: Instant
    valid_until: Instant | None
    digest: str
    host: str | None
    blocked_by: tuple[Blocking, ...]
    attention: tuple[Attention, ...]
    actions: Sequence[AnyAction]
    items: Sequence[ItemDocument]
    noted: tuple[AnyAddress, ...]
    missed: tuple[MissedSlot, ...]
    load: Load
    live: object | UnsetType = UNSET
    against: object | UnsetType = UNSET


def plan_document(plan: Plan, *, host: str | None = None) -> PlanDocument:
    """Return all that a plan says. `host`: the origin the calls would go to, where it is known."""
    reader = Reader.of(plan)
    return PlanDocument(
        now=plan.now,
        valid_until=plan.valid_until,
        digest=plan.digest,
        host=host,
        blocked_by=tuple(map(Blocking.of, plan.blocked_by)),
        attention=attention(plan.standings),
        actions=Telling(plan.actions, lambda action: _action(action, reader)),
        items=Telling(plan.standings, lambda standing: _item(standing, reader)),
        noted=tuple(sorted(plan.noted)),
        missed=tuple(MissedSlot(address, slot) for address, slot in plan.missed),
        load=plan.load,
    )


def plan_json(plan: Plan, *, host: str | None = None) -> str:
    """Return the same as one JSON object."""
    return encode(plan_document(plan, host=host))


def _action(action: Action, reader: Reader) -> AnyAction:
    addresses = action_addresses(action)
    match action:
        case Forget():
            return ActionDocument(addresses=addresses)
        case Rename(moves=moves):
            moved = tuple(Move(old, new) for old, new in moves)
            return RenameDocument(addresses=addresses, reason="renamed", moves=moved)
        case Refresh() | ResetCache() | Await():
            return _call(action, addresses, reader)
        case _:
            return _schedule_change(action, reader)


def _call(
    action: Refresh | ResetCache | Await, addresses: tuple[Address, ...], reader: Reader
) -> AnyAction:
    parts = zip(action.covers, action.reasons, strict=True)
    covers = tuple(_cover(coverage, reason, reader) for coverage, reason in parts)
    told: dict[str, Any] = {
        "addresses": addresses,
        "request": RequestDocument.of(getattr(action, "request", None)),
        "slot": covers[0].slot if covers else None,
        "reason": covers[0].reason if covers else "",
        "covers": covers,
    }
    kind = _CALLS[type(action)]
    own = set(kind.__struct_fields__) - told.keys()
    return kind(**told, **{name: getattr(action, name) for name in own})


_CALLS: Final[Mapping[type[Action], type[RefreshDocument | ResetDocument | AwaitDocument]]] = {
    Refresh: RefreshDocument,
    ResetCache: ResetDocument,
    Await: AwaitDocument,
}


def _cover(coverage: Coverage, reason: Reason, reader: Reader) -> CoverDocument:
    return CoverDocument(
        address=coverage.address,
        slot=coverage.slot,
        stamp=coverage.stamp,
        content=coverage.content,
        reason=reader.account(coverage.address).tell(reason),
        because=reason_json(reason),
    )


def _schedule_change(action: ScheduleAction, reader: Reader) -> AnyAction:
    shared: dict[str, Any] = {
        "addresses": (action.address,),
        "request": None
        if isinstance(action, AdoptSchedule)
        else RequestDocument.of(action.request),
        "reason": reader.account(action.address).tell(action.reason),
        "because": reason_json(action.reason),
        "connection_id": action.connection_id,
    }
    spec = SpecDocument.of(action.spec)
    match action:
        case CreateSchedule():
            return CreateDocument(**shared, schedule_id=None, before=None, after=spec)
        case UpdateSchedule(schedule_id=known, before=before):
            old = SpecDocument.of(before)
            return UpdateDocument(**shared, schedule_id=known, before=old, after=spec)
        case DeleteSchedule(schedule_id=known):
            return DeleteDocument(**shared, schedule_id=known, before=spec, after=None)
        case AdoptSchedule(schedule_id=known):
            return AdoptDocument(**shared, schedule_id=known, before=spec, after=spec)
        case _ as unreachable:
            assert_never(unreachable)


def _item(standing: Standing, reader: Reader) -> ItemDocument:
    told = {
        "reason": reader.account(standing.address).tell(standing.reason),
        "because": reason_json(standing.reason),
    }
    return ItemDocument(**(asdict(standing) | told))


_TOLD: Mapping[TroubleKind, str] = {
    TroubleKind.HELD: "Held",
    TroubleKind.UNSEEN: "Accepted, and the end was never seen",
    TroubleKind.UNKNOWN: "Outcome unknown",
}


_FREED_AT_ONCE = 3


def attention(standings: Iterable[Standing]) -> tuple[Attention, ...]:
    """Gather the items in trouble by its kind. Items that are not selected are left out."""
    found: dict[tuple[TroubleKind, bool], list[Address]] = {}
    for trouble in troubles(standings):
        found.setdefault((trouble.kind, trouble.command is None), []).append(trouble.address)
    return tuple(
        Attention(_TOLD[kind], tuple(members), None if by_themselves else _release(members))
        for kind in TroubleKind
        for by_themselves in (False, True)
        if (members := found.get((kind, by_themselves)))
    )


def _release(addresses: Sequence[Address]) -> str:
    """Return the command that frees one item, or the first few at once."""
    words = [Address(shell_word(address) or "ADDRESS") for address in addresses[:_FREED_AT_ONCE]]
    if len(words) == 1:
        return " ".join(freeing(words[0]))
    return " ".join(["reconcile apply", *(f"--force {word}" for word in words)])


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


class ItemState(Struct, frozen=True):
    """What an item is called at the moment. `zone`: that its instants are told in."""

    address: Address
    status: Status
    word: str
    zone: str


class ItemLine(Struct, frozen=True):
    """One item. `view`: where its reader stands; `coming`: when it next matters."""

    address: Address
    name: str
    status: Status
    word: str
    view: Vantage
    coming: datetime | None
    why: str


class Outline(Struct, frozen=True, kw_only=True):
    """A plan as a document: what JSON prints of it, and what people are told besides.

    `view`: where the reader of the whole stands. `calls`: that an apply would make; `awaited`: jobs
    it would await. `figures`: how many of everything else there are. `upcoming`: the address that
    matters next, and when. `statuses`: of all items, by urgency.
    What `--select` left out is only in `items`. Long lists are told as they are read.
    """

    document: PlanDocument
    view: Vantage
    calls: int
    awaited: int
    figures: tuple[Figure, ...]
    upcoming: tuple[str, str] | None
    actions: Sequence[ActionLines]
    still: Sequence[Row]
    covered: Sequence[Row]
    missed: Sequence[Row]
    items: Sequence[ItemLine]
    statuses: tuple[tuple[Status, int], ...]
    states: Sequence[ItemState]


def outlined(plan: Plan, *, host: str | None = None, dated: bool = False) -> Outline:
    """Return a plan as a document. `dated`: people may read it on another day."""
    reader = Reader.of(plan, dated=dated)
    selected: dict[Status, list[Standing]] = {status: [] for status in Status}
    for standing in plan.standings:
        if standing.selected:
            selected[standing.status].append(standing)
    numbers = Counter(map(type, plan.actions))
    found = first_moment(chain.from_iterable(selected.values()))
    missed = {address for address, _ in plan.missed}
    still = [
        standing
        for status in STANDING_STILL
        for standing in selected[status]
        if not (standing.address in missed and isinstance(standing.reason, DeadlineMissed))
    ]
    kinds = Counter(standing.status for standing in plan.standings)
    return Outline(
        document=plan_document(plan, host=host),
        view=reader.vantage(),
        calls=sum(numbers[kind] for kind in (Refresh, ResetCache, *get_args(ScheduleWrite))),
        awaited=numbers[Await],
        figures=tuple(figure for figure in _figures(plan, numbers, selected) if figure.number),
        upcoming=found and _upcoming(*found, reader),
        actions=Telling(plan.actions, lambda action: action_lines(action, reader)),
        still=Telling(still, lambda standing: standing_row(standing, reader)),
        covered=Telling(selected[Status.COVERED], lambda one: standing_row(one, reader)),
        missed=tuple(_missed_rows(plan, reader)),
        items=Telling(plan.standings, lambda standing: _item_line(standing, reader)),
        statuses=tuple((status, kinds[status]) for status in BY_URGENCY if kinds[status]),
        states=Telling(plan.standings, _item_state),
    )


def _figures(
    plan: Plan,
    numbers: Mapping[type[Action], int],
    selected: Mapping[Status, Sequence[Standing]],
) -> Iterator[Figure]:
    yield Figure(numbers.get(Await, 0), "job", "to await")
    yield Figure(numbers.get(AdoptSchedule, 0), "schedule", "to adopt")
    renamed = sum(len(action.moves) for action in plan.actions if isinstance(action, Rename))
    yield Figure(renamed, "record", "renamed")
    yield Figure(numbers.get(Forget, 0), "record", "to forget")
    yield Figure(len(selected[Status.COVERED]), "item", "covered")
    for status in STANDING_STILL:
        yield Figure(len(selected[status]), "", STATUS_WORDS[status])
    left_out = len(plan.standings) - sum(map(len, selected.values()))
    yield Figure(left_out, "", "not selected")


def _upcoming(moment: datetime, standing: Standing, reader: Reader) -> tuple[str, str]:
    view = reader.vantage(standing.address)
    return address_text(standing.address), view.with_distance(moment)


def _missed_rows(plan: Plan, reader: Reader) -> Iterator[Row]:
    """Yield the slots an apply will record as past their deadline."""
    reasons = {one.address: one.reason for one in plan.standings} if plan.missed else {}
    for address, slot in plan.missed:
        account = reader.account(address)
        match reasons.get(address):
            case DeadlineMissed(slot=told) as reason if told == slot:
                why = account.tell(reason)
            case _:
                why = f"slot {account.vantage.with_distance(slot)}"
        yield Row(Cell("missed", Ink.DIM), address_text(address), Cell(""), (why,))


def _item_state(standing: Standing) -> ItemState:
    return ItemState(standing.address, standing.status, status_word(standing), standing.zone)


def _item_line(standing: Standing, reader: Reader) -> ItemLine:
    address = standing.address
    return ItemLine(
        address=address,
        name=address_text(address),
        status=standing.status,
        word=status_word(standing),
        view=reader.vantage(address),
        coming=next_moment(standing),
        why=reader.account(address).tell(standing.reason),
    )
