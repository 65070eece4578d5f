"""What an item declares, as plain values that are recorded, and what is believed of a record."""

from collections.abc import Iterator, Mapping
from datetime import datetime, time, timedelta
from enum import Enum
from functools import lru_cache
from types import MappingProxyType

from msgspec import Struct

from reconcile.model import recorded as known
from reconcile.model.address import Address, fold_id
from reconcile.model.desired import Cadence, Desired, Item, ResetItem, Timing, WhenChanged
from reconcile.model.struct import replace
from reconcile.planning.signals import up_to


def declaration(item: Item) -> known.Declaration:
    """Describe an item in three parts and one observation.

    `identity`: what the calls act on; a change means that nothing recorded applies any more.
    `timing`: what its slots are; a change is what `on_change` speaks of. `call`: the rest.
    `observed`: the content of watched files; a record keeps that of when it first saw the timing.
    """
    identity, timing, call = _parts(item)
    described: dict[str, object] = {"identity": identity, "timing": timing, "call": call}
    cadence = item.timing.cadence
    if isinstance(cadence, WhenChanged):
        described["observed"] = cadence.content
    return described


def same_declaration(item: Item, recorded: known.Declaration | None) -> bool:
    """Tell whether the item still declares what was recorded, whatever its files contain."""
    if recorded is None:
        return False
    identity, timing, call = _parts(item)
    return (
        recorded.get("timing") == timing
        and recorded.get("identity") == identity
        and _same_call(recorded.get("call"), call)
    )


def _same_call(recorded: object, call: "_Described") -> bool:
    """Compare the rest of two declarations; a connection's id is the same in either case."""
    if recorded == call:
        return True
    match recorded:
        case {"connection": str() as connection, **rest}:
            return {"connection": fold_id(connection), **rest} == call
        case _:
            return False


def same_timing(item: Item, record: known.Record) -> bool:
    """Tell whether an apply has seen the item's present timing before."""
    return record.declared is not None and (
        record.declared.get("timing") == _described(item.timing)[0]
    )


def same_identity(item: Item, record: known.Record) -> bool:
    """Tell whether the record speaks of the same model, branch and policy as the item."""
    return record.declared is None or record.declared.get("identity") == _identity(item)


def identity_of(item: Item) -> str:
    """Name what an item's calls act on: it stays the same whatever the item is called."""
    if isinstance(item, ResetItem):
        return f"{item.model_id}/reset/{item.policy}"
    return f"{item.model_id}/refresh/{item.branch_id or ''}"


def identity_recorded(declared: known.Declaration) -> str | None:
    """Name what a recorded item's calls act on, as `identity_of` names it; None if untold."""
    match declared.get("identity"):
        case {"model_id": str() as model_id, "policy": policy}:
            return f"{model_id}/reset/{policy}"
        case {"model_id": str() as model_id, "branch_id": branch_id}:
            return f"{model_id}/refresh/{branch_id or ''}"
        case _:
            return None


_Described = dict[str, object]


def _parts(item: Item) -> tuple[_Described, _Described, _Described]:
    """Describe what an item's calls act on, its timing, and the rest."""
    timing, judgement = _described(item.timing)
    if isinstance(item, ResetItem):
        return _identity(item), timing, {"after": item.after, **judgement}
    return (
        _identity(item),
        timing,
        {
            "connection": item.connection,
            "mode": item.mode.value,
            "schemas": list(item.schemas),
            "tables": list(item.tables),
            "timeout": item.timeout.total_seconds(),
            "coalesce_within": item.coalesce_within.total_seconds(),
            **judgement,
        },
    )


def _identity(item: Item) -> _Described:
    if isinstance(item, ResetItem):
        return {"model_id": item.model_id, "policy": item.policy}
    return {"model_id": item.model_id, "branch_id": item.branch_id}


@lru_cache(maxsize=4096)  # Items that say the same share one object, which knows its hash.
def _described(timing: Timing) -> tuple[_Described, _Described]:
    """Return a timing's description and judgement."""
    judgement: _Described = {
        "deadline": _plain(timing.deadline),
        "on_change": timing.on_change.value,
        "hold_after": timing.hold_after,
    }
    return {
        "cadence": _cadence(timing.cadence),
        "zone": timing.zone,
        "spread": _plain(timing.spread),
        "pause": _plain(timing.pause),
    }, judgement


def _cadence(cadence: Cadence) -> _Described:
    described: dict[str, object] = {"form": type(cadence).__name__}
    for name in cadence.__struct_fields__:
        if name not in {"content", "missing"}:
            described[name] = _plain(getattr(cadence, name))
    return described


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, time):
        return value.isoformat("minutes")
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if isinstance(value, Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    return value


# What is believed of a record: instants of the future were written by a clock that was ahead.
#
# One more than ten minutes later than the real clock is void: it covers nothing and delays nothing.
# One that is less far ahead counts as now, since two clocks seldom agree.


TOLERANCE = timedelta(minutes=10)
"""How far a recorded instant may lie ahead of the real clock and still be believed."""


def believed(record: known.Record, clock: datetime) -> known.Record:
    """Return the record without what only a clock ahead of `clock` (UTC) can have written."""
    if _is_past(record, clock):
        return record
    limit, within = clock + TOLERANCE, _ahead_by(record)
    ran = _kept(record.last_success, clock)
    void = record.last_success is not None and ran is None
    failing = record.last_failure is not None and record.last_failure.at > limit
    doubting = record.last_doubt is not None and record.last_doubt.at > limit
    return replace(
        record,
        since=_kept(record.since, clock),
        last_success=ran,
        completed_at=_kept(record.completed_at, clock),
        covered_slot=None if void else _slot(record.covered_slot, limit + within),
        stamp=_slot(record.stamp, limit),
        content=None if void else record.content,
        missed_slot=_slot(record.missed_slot, limit),
        carrier=None if void else record.carrier,
        failures=0 if failing else record.failures,
        last_failure=_failure(record.last_failure, clock),
        doubts=0 if doubting else record.doubts,
        last_doubt=_failure(record.last_doubt, clock),
        pending=record.pending and _pending(record.pending, clock, within),
        unseen=record.unseen and _unseen(record.unseen, clock, within),
        marked_at=record.marked_at and min(record.marked_at, clock),
        consumed=() if void else record.consumed,
    )


class Believed(Struct, frozen=True):
    """What is believed of all records and signals at one reading of the clock.

    `newest`: the newest instant that is void, None where there is none. `until`: the first instant
    at which more is believed of a record, None where all is.
    """

    items: Mapping[Address, known.Record]
    signals: known.Signals
    newest: datetime | None = None
    until: datetime | None = None


def believed_of(recorded: known.Recorded, clock: datetime) -> Believed:
    """Return what is recorded without what only a clock ahead of `clock` (UTC) can have written."""
    items, limit = recorded.items, clock + TOLERANCE
    ahead = {address: r for address, r in items.items() if not _is_past(r, clock)}
    # A signal of the near future is believed as it is: its slot is still to come.
    signals = up_to(recorded.signals, limit) if recorded.signals else recorded.signals
    if not ahead and signals is recorded.signals:
        return Believed(items, signals)
    changed: dict[Address, known.Record] = {}
    void = [it.at for kept in recorded.signals.values() for it in kept if it.at > limit]
    until: list[datetime] = []
    for address, record in ahead.items():
        kept = believed(record, clock)
        if kept != record:
            changed[address] = kept
            future = [instant for instant in _instants(record) if instant > clock]
            void += [instant for instant in future if instant > limit]
            until += [instant - TOLERANCE if instant > limit else instant for instant in future]
    if changed:
        items = MappingProxyType({**items, **changed})
    return Believed(items, signals, max(void, default=None), min(until, default=None))


def assumed_record(before: Desired, recorded: known.Recorded, now: datetime) -> known.Recorded:
    """Return what is recorded; where nothing is, what would be had `before` all just succeeded."""
    if recorded.items:
        return recorded
    items: dict[Address, known.Record] = {}
    for item in before.items:
        cadence = item.timing.cadence
        items[item.address] = known.Record(
            declared=declaration(item),
            since=now,
            covered_slot=now,
            stamp=now if isinstance(item, ResetItem) else None,
            content=cadence.content if isinstance(cadence, WhenChanged) else None,
            last_success=now,
            completed_at=now,
        )
    return replace(recorded, items=MappingProxyType(items))


def redated(record: known.Record, operation: str, ahead_s: float) -> known.Record:
    """Return the record with a waiting call dated by a clock that was not `ahead_s` ahead."""
    pending = record.pending
    if pending is None or pending.operation != operation:
        return record
    since = pending.since - timedelta(seconds=ahead_s)
    return replace(record, pending=replace(pending, since=since))


def _is_past(record: known.Record, clock: datetime) -> bool:
    """Tell whether nothing in a record lies in the future: true of nearly all, so asked first."""
    return (
        (record.since is None or record.since <= clock)
        and (record.last_success is None or record.last_success <= clock)
        and (record.completed_at is None or record.completed_at <= clock)
        and (record.covered_slot is None or record.covered_slot <= clock)
        and (record.stamp is None or record.stamp <= clock)
        and (record.missed_slot is None or record.missed_slot <= clock)
        and (record.pending is None and record.unseen is None and record.last_failure is None)
        and (record.last_doubt is None and record.marked_at is None)
    ) or all(instant <= clock for instant in _instants(record))


def _instants(record: known.Record) -> Iterator[datetime]:
    """Yield the instants that a record holds, slots too."""
    unseen = record.unseen
    told = (record.last_failure, record.last_doubt, unseen)
    awaited = (record.pending, None if unseen is None else unseen.call)
    calls = [call for call in awaited if call is not None]
    looks = (call.look for call in calls)
    held = (
        record.last_success,
        record.covered_slot,
        record.since,
        record.completed_at,
        record.stamp,
        record.missed_slot,
        record.marked_at,
        *(one.at for one in (*told, *looks) if one is not None),
        *(call.since for call in calls),
        *(call.coverage.stamp for call in calls),
    )
    return (instant for instant in held if instant is not None)


def _kept(instant: datetime | None, clock: datetime) -> datetime | None:
    if instant is None or instant > clock + TOLERANCE:
        return None
    return min(instant, clock)


def _slot(slot: datetime | None, limit: datetime) -> datetime | None:
    """Believe a slot as it is or not at all: it is a meaning, not a reading of a clock."""
    return None if slot is None or slot > limit else slot


def _ahead_by(record: known.Record) -> timedelta:
    """How early an item may run by its own declaration, whose slots then lie in the future."""
    call = None if record.declared is None else record.declared.get("call")
    within = call.get("coalesce_within") if isinstance(call, Mapping) else None
    return timedelta(seconds=within) if isinstance(within, int | float) else timedelta()


def _failure(failure: known.Failure | None, clock: datetime) -> known.Failure | None:
    at = None if failure is None else _kept(failure.at, clock)
    return None if failure is None or at is None else replace(failure, at=at)


def _pending(pending: known.Pending, clock: datetime, within: timedelta) -> known.Pending | None:
    """Let a call that waits go on waiting, from the present instant at the latest.

    A reset whose stamp lies in the future did nothing, as Omni refuses such: nothing is in doubt.
    """
    coverage, look, limit = pending.coverage, pending.look, clock + TOLERANCE
    if coverage.stamp is not None and coverage.stamp > limit:
        return None
    if coverage.slot is not None and coverage.slot > limit + within:
        coverage = replace(coverage, slot=None)
    if look is not None and look.at > clock:
        counted = look.counted_at and min(look.counted_at, clock)
        look = replace(look, at=clock, counted_at=counted)
    return replace(pending, since=min(pending.since, clock), coverage=coverage, look=look)


def _unseen(unseen: known.Unseen, clock: datetime, within: timedelta) -> known.Unseen | None:
    """Forget a call nobody knows the time of, or it would put off the next one for ever."""
    call, limit = unseen.call, clock + TOLERANCE
    if call.since > limit:
        return None
    given_up_at = call.since if unseen.at > limit else unseen.at
    waiting = _pending(call, clock, within)
    if waiting is None:
        return None
    return replace(unseen, at=min(given_up_at, clock), call=waiting)
