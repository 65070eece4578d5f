"""What JSON prints of a plan: its actions, its items, and what needs a person."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, assert_never

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict

from reconcile.model import plan
from reconcile.model.address import Address
from reconcile.model.desired import Mode, ScheduleSpec
from reconcile.model.reason import (
    HeldAfterFailures,
    HeldInDoubt,
    OutcomeUnknown,
    Reason,
    RefreshUnseen,
    Status,
)
from reconcile.model.recorded import Coverage
from reconcile.model.struct import Instant, Telling
from reconcile.render import documents
from reconcile.render.layout import shell_word
from reconcile.render.reasons import Reader, reason_json


class CoverDocument(Struct, frozen=True, kw_only=True):
    """One address that an action covers."""

    address: documents.AnyAddress
    slot: Instant | None
    stamp: Instant | None
    content: str | None
    reason: str
    because: documents.Because


class ActionDocument(Struct, frozen=True, kw_only=True, tag_field="kind", tag="forget"):
    """What an apply would do."""

    addresses: Annotated[tuple[documents.AnyAddress, ...], Meta(extra_json_schema={"minItems": 1})]
    request: documents.RequestDocument | None = None
    slot: Instant | None = None
    reason: str = "no longer declared"
    covers: tuple[CoverDocument, ...] = ()


class RenameDocument(ActionDocument, frozen=True, kw_only=True, tag="rename"):
    """Records that move, all at once."""

    moves: documents.Moves


class RefreshDocument(ActionDocument, frozen=True, kw_only=True, tag="refresh"):
    """A refresh, for all that it covers."""

    mode: Mode
    model_id: str
    timeout_s: documents.Seconds
    expected_s: documents.Seconds | None


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
    timeout_s: documents.Seconds
    expected_s: documents.Seconds | None


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
    because: documents.Because
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

    address: documents.AnyAddress
    status: Status
    zone: str
    newest_slot: Instant | None
    next_slot: Instant | None
    missed: documents.Count
    reason: str
    because: documents.Because
    until: Instant | None
    selected: bool


def _action(action: plan.Action, reader: Reader) -> AnyAction:
    addresses = plan.addresses_of(action)
    match action:
        case plan.Forget():
            return ActionDocument(addresses=addresses)
        case plan.Rename(moves=moves):
            moved = tuple(documents.Move(old, new) for old, new in moves)
            return RenameDocument(addresses=addresses, reason="renamed", moves=moved)
        case plan.Refresh() | plan.ResetCache() | plan.Await():
            return _call(action, addresses, reader)
        case _:
            return _schedule_change(action, reader)


def action_reasons(planned: plan.Plan) -> list[str]:
    """Return one text an action of a plan: why its first address is in it."""
    reader = Reader.of(planned, dated=True)
    return [_action(action, reader).reason for action in planned.actions]


def _call(
    action: plan.Refresh | plan.ResetCache | plan.Await,
    addresses: tuple[Address, ...],
    reader: Reader,
) -> AnyAction:
    parts = zip(action.covers, action.reasons, strict=True)
    covers = tuple(_cover(coverage, reason, reader) for coverage, reason in parts)
    told: dict[str, Any] = {
        "addresses": addresses,
        "request": documents.RequestDocument.of(getattr(action, "request", None)),
        "slot": covers[0].slot if covers else None,
        "reason": covers[0].reason if covers else "",
        "covers": covers,
    }
    kind = _CALLS[type(action)]
    own = set(kind.__struct_fields__) - told.keys()
    return kind(**told, **{name: getattr(action, name) for name in own})


_CALLS: Final[Mapping[type[plan.Action], type[RefreshDocument | ResetDocument | AwaitDocument]]] = {
    plan.Refresh: RefreshDocument,
    plan.ResetCache: ResetDocument,
    plan.Await: AwaitDocument,
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


def _schedule_change(action: plan.ScheduleAction, reader: Reader) -> AnyAction:
    shared: dict[str, Any] = {
        "addresses": (action.address,),
        "request": documents.RequestDocument.of(getattr(action, "request", None)),
        "reason": reader.account(action.address).tell(action.reason),
        "because": reason_json(action.reason),
        "connection_id": action.connection_id,
    }
    spec = SpecDocument.of(action.spec)
    match action:
        case plan.CreateSchedule():
            return CreateDocument(**shared, schedule_id=None, before=None, after=spec)
        case plan.UpdateSchedule(schedule_id=known, before=before):
            old = SpecDocument.of(before)
            return UpdateDocument(**shared, schedule_id=known, before=old, after=spec)
        case plan.DeleteSchedule(schedule_id=known):
            return DeleteDocument(**shared, schedule_id=known, before=spec, after=None)
        case plan.AdoptSchedule(schedule_id=known):
            return AdoptDocument(**shared, schedule_id=known, before=spec, after=spec)
        case _:
            assert_never(action)


def _item(standing: plan.Standing, reader: Reader) -> ItemDocument:
    told = {
        "reason": reader.account(standing.address).tell(standing.reason),
        "because": reason_json(standing.reason),
    }
    return ItemDocument(**(asdict(standing) | told))


# The whole.

PLAN_FORMAT_VERSION: Final = 1
"""Grows when a reader of the present form could misread the new one; added keys do not count."""


class Attention(Struct, frozen=True):
    """Items that need a person, by what their trouble is; `command` frees them."""

    what: str
    addresses: tuple[documents.AnyAddress, ...]
    command: str | None


class MissedSlot(Struct, frozen=True):
    """A slot that passed its deadline and is not run."""

    address: documents.AnyAddress
    slot: Instant


class PlanDocument(Struct, frozen=True, kw_only=True):
    """What `reconcile plan --format json` prints; `against` and `live` where they are asked for."""

    format_version: Literal[1] = PLAN_FORMAT_VERSION
    now: Instant
    valid_until: Instant | None
    digest: str
    host: str | None
    blocked_by: tuple[documents.Blocking, ...]
    attention: tuple[Attention, ...]
    actions: Sequence[AnyAction]
    items: Sequence[ItemDocument]
    noted: tuple[documents.AnyAddress, ...]
    missed: tuple[MissedSlot, ...]
    load: plan.Load
    live: object | UnsetType = UNSET
    against: object | UnsetType = UNSET


def plan_document(
    planned: plan.Plan, *, host: str | None = None, complete: Callable[[str], str] = str
) -> PlanDocument:
    """Return all that a plan says.

    `host`: the origin the calls would go to, where it is known. `complete`: gives a command what
    the one that the reader ran was given.
    """
    reader = Reader.of(planned, complete=complete)
    return PlanDocument(
        now=planned.now,
        valid_until=planned.valid_until,
        digest=planned.digest,
        host=host,
        blocked_by=tuple(map(documents.Blocking.of, planned.blocked_by)),
        attention=attention(planned.standings, complete),
        actions=Telling(planned.actions, lambda action: _action(action, reader)),
        items=Telling(planned.standings, lambda standing: _item(standing, reader)),
        noted=tuple(sorted(planned.noted)),
        missed=tuple(MissedSlot(address, slot) for address, slot in planned.missed),
        load=planned.load,
    )


_TROUBLES: Final[Mapping[type[Reason], str]] = {
    HeldAfterFailures: "Held",
    HeldInDoubt: "Held",
    RefreshUnseen: "Accepted, and the end was never seen",
    OutcomeUnknown: "Outcome unknown",
}
"""What an item may be in trouble about, the most urgent first."""

_FREED_AT_ONCE = 3


def attention(
    standings: Iterable[plan.Standing], complete: Callable[[str], str] = str
) -> tuple[Attention, ...]:
    """Gather the items in trouble by its kind. Items that are not selected are left out."""
    found: dict[tuple[str, bool], list[Address]] = {}
    for standing in standings:
        if standing.selected and (what := _TROUBLES.get(type(standing.reason))):
            by_itself = standing.status is Status.DUE
            found.setdefault((what, by_itself), []).append(standing.address)
    return tuple(
        Attention(what, tuple(members), None if by_themselves else complete(_release(members)))
        for what in dict.fromkeys(_TROUBLES.values())
        for by_themselves in (False, True)
        if (members := found.get((what, by_themselves)))
    )


def _release(addresses: Sequence[Address]) -> str:
    """Return the command that frees one item, or the first few at once."""
    words = [Address(shell_word(address) or "ADDRESS") for address in addresses[:_FREED_AT_ONCE]]
    if len(words) == 1:
        return " ".join(plan.freeing(words[0]))
    return " ".join(["reconcile apply", *(f"--force {word}" for word in words)])
