"""What journal entries do to the schedules that are ours."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import assert_never

from reconcile.model.address import Address
from reconcile.model.journal import (
    Accepted,
    Done,
    Doubted,
    Failed,
    Forgotten,
    Moved,
    NotSent,
    Rejected,
    ScheduleEntry,
    ScheduleGone,
    ScheduleIntent,
    ScheduleKept,
)
from reconcile.model.recorded import PendingWrite, ScheduleRecord

Schedules = Mapping[Address, ScheduleRecord]
"""Never changed once it is handed out: every version of a state keeps its own."""


def folded(schedules: Schedules, entry: ScheduleEntry) -> Schedules:
    """Fold in an entry about one schedule."""
    match entry:
        case ScheduleIntent():
            return put(schedules, entry.address, _begun(schedules.get(entry.address), entry))
        case ScheduleKept():
            kept = ScheduleRecord(
                connection_id=entry.connection_id, spec=entry.spec, schedule_id=entry.schedule_id
            )
            return put(schedules, entry.address, kept)
        case ScheduleGone():
            return put(schedules, entry.address, None)
        case _ as unreachable:
            assert_never(unreachable)


def settled(
    schedules: Schedules, outcome: NotSent | Rejected | Accepted | Doubted | Done | Failed
) -> Schedules:
    """Fold in how a write ended that changed nothing; one in doubt goes on waiting."""
    if not isinstance(outcome, NotSent | Rejected):
        return schedules
    for address, record in schedules.items():
        pending = record.pending
        if pending is None or pending.operation != outcome.operation or pending.after_doubt:
            continue
        return put(schedules, address, None if pending.first else replace(record, pending=None))
    return schedules


def taken_out(schedules: Schedules, entry: Forgotten | Moved) -> Schedules:
    """Forget a schedule that is ours, or give it another address."""
    record = schedules[entry.address]
    schedules = put(schedules, entry.address, None)
    return put(schedules, entry.to, record) if isinstance(entry, Moved) else schedules


def put(schedules: Schedules, address: Address, record: ScheduleRecord | None) -> Schedules:
    """Return the schedules with one set, or taken out."""
    changed = {key: value for key, value in schedules.items() if key != address}
    if record is not None:
        changed[address] = record
    return MappingProxyType(changed)


def _begun(known: ScheduleRecord | None, intent: ScheduleIntent) -> ScheduleRecord:
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
