"""Omni's own schedules of a connection: what is declared, recorded and, if looked at, there."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import assert_never
from urllib.parse import quote

from msgspec import Struct

from reconcile.model import journal, plan
from reconcile.model import reason as why
from reconcile.model.address import Address, schedule_address
from reconcile.model.desired import Desired, Manage, NativeSchedule, ScheduleItem, ScheduleSpec
from reconcile.model.observed import Observed
from reconcile.model.recorded import PendingWrite, Recorded, ScheduleRecord
from reconcile.model.struct import replace
from reconcile.planning.item import is_selected

# What is to be done about Omni's own schedules, and how each declared one stands.


class Decided(Struct, frozen=True):
    """The schedules' part of a plan. The standings are sorted by address."""

    actions: tuple[plan.ScheduleAction | plan.Forget, ...]
    standings: tuple[plan.Standing, ...]


def decide(
    desired: Desired, recorded: Recorded, observed: Observed | None, choice: plan.Choice
) -> Decided:
    """Compare what is declared with what is there or, of connections not looked at, recorded.

    Only a look tells of schedules that nobody declares or has removed by hand, so only a plan that
    had one adopts, puts back, or deletes what is foreign to a connection managed whole.
    """
    decision = _Decision(desired, recorded, observed.schedules if observed else {})
    standings: list[plan.Standing] = []
    actions: list[plan.ScheduleAction | plan.Forget] = []
    for item in desired.schedules:
        decided = decision.declared(item, forced=item.address in choice.force)
        chosen = is_selected(item.address, choice)
        standings.append(_standing(item, decided, selected=chosen))
        if chosen and not isinstance(decided, why.ScheduleInPlace):
            actions.append(decided)
    actions += [end for end, about in decision.ends() if is_selected(about, choice)]
    return Decided(tuple(actions), tuple(standings))


class _Decision:
    """One comparison, with what of nobody's is claimed for whom."""

    def __init__(
        self, desired: Desired, recorded: Recorded, there: Mapping[str, tuple[NativeSchedule, ...]]
    ) -> None:
        self._desired, self._records, self._there = desired, recorded.schedules, there
        owned = {record.schedule_id for record in recorded.schedules.values()}
        self._pools = {connection: Pool(found, owned) for connection, found in there.items()}
        self._claimed: dict[tuple[str, Address], NativeSchedule] = {}
        # What is in doubt is ours more surely than what merely says the same.
        for address, record in sorted(self._records.items()):
            if record.schedule_id is None:
                self._claim(address, record.connection_id, record)
        for item in desired.schedules:
            known = self._record(item)
            is_missing = known is None or known.schedule_id is None or self._is_gone(known)
            if is_missing and (item.connection_id, item.address) not in self._claimed:
                self._claim(item.address, item.connection_id, item)

    def declared(
        self, item: ScheduleItem, *, forced: bool
    ) -> plan.ScheduleAction | why.ScheduleInPlace:
        """Decide what brings a schedule to what is declared, if it is not in place already."""
        here = self._there.get(item.connection_id)
        claimed = self._claimed.get((item.connection_id, item.address))
        record = self._record(item)
        if record is None or record.schedule_id is None:
            return _missing(item, record, claimed)
        if here is None:
            return _as_recorded(item, record, record.schedule_id, forced=forced)
        for found in here:
            if found.schedule_id == record.schedule_id:
                return _seen(item, record, found, forced=forced)
        return _missing(item, record, claimed)

    def ends(self) -> Iterator[tuple[plan.DeleteSchedule | plan.Forget, Address]]:
        """Yield what ends what is no longer declared or never was, and what selects it."""
        declared = {item.address: item for item in self._desired.schedules}
        for address, record in sorted(self._records.items()):
            item = declared.get(address)
            if item is None:
                yield self._end(address, record), address
            elif record.connection_id != item.connection_id and record.schedule_id is not None:
                # A schedule cannot change its connection: the old one goes, under its own id.
                apart = schedule_address(item.connection, record.schedule_id)
                if not self._is_gone(record):
                    ending = _delete(apart, record, record.schedule_id, recorded_at=address)
                    yield ending, address
        for connection in self._desired.connections:
            if connection.manage is Manage.ALL and connection.id in self._pools:
                for foreign in self._pools[connection.id].left():
                    address = schedule_address(connection.name, foreign.schedule_id)
                    record = ScheduleRecord(connection_id=connection.id, spec=foreign.spec)
                    reason = why.ScheduleForeign()
                    yield _delete(address, record, foreign.schedule_id, reason=reason), address

    def _end(self, address: Address, record: ScheduleRecord) -> plan.DeleteSchedule | plan.Forget:
        if self._is_gone(record):
            return plan.Forget(address=address)
        doubted = self._claimed.get((record.connection_id, address))
        found = doubted.schedule_id if doubted else record.schedule_id
        if found is None and record.connection_id in self._there:
            return plan.Forget(address=address)
        return _delete(address, record, found)

    def _is_gone(self, record: ScheduleRecord) -> bool:
        here = self._there.get(record.connection_id)
        if here is None or record.schedule_id is None:
            return False
        return all(found.schedule_id != record.schedule_id for found in here)

    def _record(self, item: ScheduleItem) -> ScheduleRecord | None:
        record = self._records.get(item.address)
        return record if record and record.connection_id == item.connection_id else None

    def _claim(
        self, address: Address, connection_id: str, of: ScheduleItem | ScheduleRecord
    ) -> None:
        pool = self._pools.get(connection_id)
        found = pool.claim(of.spec) if pool else None
        if found is not None:
            self._claimed[connection_id, address] = found


def _delete(
    address: Address,
    record: ScheduleRecord,
    schedule_id: str | None,
    *,
    reason: why.ScheduleReason | None = None,
    recorded_at: Address | None = None,
) -> plan.DeleteSchedule:
    return plan.DeleteSchedule(
        address=address,
        connection_id=record.connection_id,
        schedule_id=schedule_id,
        spec=record.spec,
        request=delete_request(record.connection_id, schedule_id) if schedule_id else None,
        reason=reason or why.ScheduleUndeclared(),
        recorded_at=recorded_at,
    )


def _standing(
    item: ScheduleItem, decided: plan.ScheduleAction | why.ScheduleInPlace, *, selected: bool
) -> plan.Standing:
    """Say how a schedule stands. Its slots are Omni's to keep, so none are told here."""
    in_place = isinstance(decided, why.ScheduleInPlace)
    return plan.Standing(
        address=item.address,
        status=why.Status.COVERED if in_place else why.Status.DUE,
        zone=item.spec.zone,
        newest_slot=None,
        next_slot=None,
        missed=0,
        reason=decided if isinstance(decided, why.ScheduleInPlace) else decided.reason,
        until=None,
        selected=selected,
    )


# One declared schedule against what is known of it.


def _missing(
    item: ScheduleItem, record: ScheduleRecord | None, claimed: NativeSchedule | None
) -> plan.CreateSchedule | plan.AdoptSchedule:
    if claimed is not None and claimed.spec == item.spec:
        return adopt(item, claimed)
    reason: why.ScheduleReason = why.ScheduleUnmade()
    doubted: ScheduleSpec | None = None
    if record is not None and record.schedule_id is not None:
        reason = why.ScheduleVanished(record.schedule_id)
    elif record is not None:
        doubted = record.spec
        if record.pending is not None:
            reason = why.ScheduleInDoubt(record.pending.since)
    return plan.CreateSchedule(
        address=item.address,
        connection_id=item.connection_id,
        spec=item.spec,
        request=plan.Request("POST", _base(item.connection_id), (), _body(item.spec)),
        reason=reason,
        doubted=doubted,
    )


def _as_recorded(
    item: ScheduleItem, record: ScheduleRecord, schedule_id: str, *, forced: bool
) -> plan.UpdateSchedule | why.ScheduleInPlace:
    if record.pending is not None:
        doubt = why.ScheduleInDoubt(record.pending.since)
        return _update(item, schedule_id, record.spec, doubt)
    if record.spec != item.spec:
        edited = why.ScheduleEdited(changed(record.spec, item.spec))
        return _update(item, schedule_id, record.spec, edited)
    if forced:
        return _update(item, schedule_id, record.spec, why.Forced())
    return why.ScheduleInPlace(schedule_id)


def _seen(
    item: ScheduleItem, record: ScheduleRecord, found: NativeSchedule, *, forced: bool
) -> plan.UpdateSchedule | plan.AdoptSchedule | why.ScheduleInPlace:
    if found.spec != item.spec:
        names = changed(found.spec, item.spec)
        drifted = record.spec == item.spec and record.pending is None
        reason = why.ScheduleDrifted(names) if drifted else why.ScheduleEdited(names)
        return _update(item, found.schedule_id, found.spec, reason)
    if forced:
        return _update(item, found.schedule_id, found.spec, why.Forced())
    if record.spec != item.spec or record.pending is not None:
        return adopt(item, found)
    return why.ScheduleInPlace(found.schedule_id)


def changed(before: ScheduleSpec, after: ScheduleSpec) -> tuple[str, ...]:
    """Name the values that differ, as the file spells their keys."""
    names = ScheduleSpec.__struct_fields__
    told = (name for name in names if getattr(before, name) != getattr(after, name))
    return tuple("timezone" if name == "zone" else name for name in told)


def _update(
    item: ScheduleItem, schedule_id: str, before: ScheduleSpec, reason: why.ScheduleReason
) -> plan.UpdateSchedule:
    return plan.UpdateSchedule(
        address=item.address,
        connection_id=item.connection_id,
        schedule_id=schedule_id,
        before=before,
        spec=item.spec,
        request=update_request(item.connection_id, schedule_id, item.spec),
        reason=reason,
    )


def adopt(item: ScheduleItem | plan.CreateSchedule, found: NativeSchedule) -> plan.AdoptSchedule:
    """Keep from now on what Omni has already as it should be."""
    return plan.AdoptSchedule(
        address=item.address,
        connection_id=item.connection_id,
        schedule_id=found.schedule_id,
        spec=item.spec,
        reason=why.ScheduleFound(found.schedule_id),
    )


# What journal entries do to the schedules that are ours.

Schedules = Mapping[Address, ScheduleRecord]
"""Never changed once it is handed out: every version of a state keeps its own."""


def folded(schedules: Schedules, entry: journal.ScheduleEntry) -> Schedules:
    """Fold in an entry about one schedule."""
    match entry:
        case journal.ScheduleIntent():
            return put(schedules, entry.address, _begun(schedules.get(entry.address), entry))
        case journal.ScheduleKept():
            kept = ScheduleRecord(
                connection_id=entry.connection_id, spec=entry.spec, schedule_id=entry.schedule_id
            )
            return put(schedules, entry.address, kept)
        case journal.ScheduleGone():
            return put(schedules, entry.address, None)
        case _ as unreachable:
            assert_never(unreachable)


def settled(schedules: Schedules, outcome: journal.NotSent | journal.Rejected) -> Schedules:
    """Fold in that a write changed nothing; one in doubt goes on waiting."""
    for address, record in schedules.items():
        pending = record.pending
        if pending is None or pending.operation != outcome.operation or pending.after_doubt:
            continue
        return put(schedules, address, None if pending.first else replace(record, pending=None))
    return schedules


def taken_out(schedules: Schedules, entry: journal.Forgotten | journal.Moved) -> Schedules:
    """Forget a schedule that is ours, or give it another address."""
    record = schedules[entry.address]
    schedules = put(schedules, entry.address, None)
    return put(schedules, entry.to, record) if isinstance(entry, journal.Moved) else schedules


def put(schedules: Schedules, address: Address, record: ScheduleRecord | None) -> Schedules:
    """Return the schedules with one set, or taken out."""
    changed = {key: value for key, value in schedules.items() if key != address}
    if record is not None:
        changed[address] = record
    return MappingProxyType(changed)


def _begun(known: ScheduleRecord | None, intent: journal.ScheduleIntent) -> ScheduleRecord:
    """Await a write. What was applied last stays known, unless there is nothing of it."""
    anew = intent.act == "create" or known is None or known.schedule_id is None
    if known is None or anew or known.connection_id != intent.connection_id:
        return ScheduleRecord(
            connection_id=intent.connection_id,
            spec=intent.spec,
            schedule_id=intent.schedule_id,
            pending=PendingWrite(
                intent.operation, intent.at, first=intent.act == "create" or known is None
            ),
        )
    doubted = known.pending
    pending = PendingWrite(
        intent.operation,
        intent.at,
        first=doubted is not None and doubted.first,
        after_doubt=doubted is not None and not doubted.first,
    )
    return replace(known, pending=pending)


# Schedules that Omni has and nobody has claimed, matched by what they say.
#
# A schedule has no name and equal ones may exist side by side (omni-api.md 5), so that matching is
# of multisets: each is claimed once.


class Pool:
    """The schedules of one connection that are still to be had."""

    def __init__(self, there: Iterable[NativeSchedule], owned: Collection[str | None]) -> None:
        self._by_spec: defaultdict[ScheduleSpec, list[NativeSchedule]] = defaultdict(list)
        # Taken from the end: one that runs before one that is disabled, then the first id.
        for schedule in sorted(there, key=_rank, reverse=True):
            if schedule.schedule_id not in owned:
                self._by_spec[schedule.spec].append(schedule)

    def claim(self, spec: ScheduleSpec) -> NativeSchedule | None:
        """Take one that says exactly this; None if there is none left."""
        equal = self._by_spec.get(spec)
        return equal.pop() if equal else None

    def left(self) -> tuple[NativeSchedule, ...]:
        """Return what nobody claimed, by id."""
        rest = (schedule for equal in self._by_spec.values() for schedule in equal)
        return tuple(sorted(rest, key=lambda schedule: schedule.schedule_id))


def _rank(schedule: NativeSchedule) -> tuple[bool, str]:
    return schedule.disabled_at is not None, schedule.schedule_id


# The exact HTTP request of each write to a native schedule (omni-api.md 5).


def update_request(connection_id: str, schedule_id: str, spec: ScheduleSpec) -> plan.Request:
    """Build an update. All three values are sent: one left out falls back to Omni's default."""
    return plan.Request("PUT", _one(connection_id, schedule_id), (), _body(spec))


def delete_request(connection_id: str, schedule_id: str) -> plan.Request:
    """Build the removal of a schedule."""
    return plan.Request("DELETE", _one(connection_id, schedule_id))


def _base(connection_id: str) -> str:
    return f"/api/v1/connections/{quote(connection_id, safe='')}/schedules"


def _one(connection_id: str, schedule_id: str) -> str:
    return f"{_base(connection_id)}/{quote(schedule_id, safe='')}"


def _body(spec: ScheduleSpec) -> dict[str, str | bool | None]:
    return {"schedule": spec.cron, "timezone": spec.zone, "hardRefresh": spec.hard}
