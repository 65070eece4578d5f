"""Since when an item has been due, however many slots have passed since."""

from collections.abc import Mapping
from datetime import datetime

from reconcile.model.address import Address
from reconcile.model.desired import At, Cron, Desired, Every, Item
from reconcile.model.plan import Plan, Standing, Status
from reconcile.model.recorded import Record, Recorded
from reconcile.planning.calendar.slots import spread_of, wall_slots
from reconcile.planning.declaration import same_identity
from reconcile.planning.recorded_clock import believed
from reconcile.planning.settled import earliest, settled_until

_NO_RECORD = Record()
_WANTED = frozenset({Status.DUE, Status.HELD, Status.BACKING_OFF, Status.BLOCKED})


def overdue_since(item: Item, record: Record, standing: Standing) -> datetime | None:
    """Return the oldest slot that nothing made up; None if nothing is wanted or it is put off.

    A plan makes up the newest slot alone, so that one says nothing about how long it has been.
    """
    if standing.status not in _WANTED:
        return None
    if not same_identity(item, record):
        return standing.newest_slot
    if record.marked_at is not None:
        return record.marked_at
    match item.timing.cadence:
        case Every(interval) if record.last_success is not None:
            return record.last_success + interval
        case Every():
            return record.since
        case Cron() | At() as cadence:
            known = (settled_until(record), record.missed_slot, record.since)
            start = max((instant for instant in known if instant is not None), default=None)
            if start is None:
                return standing.newest_slot
            offset = spread_of(item, item.timing.spread)
            first = wall_slots(cadence, item.timing.zone).next(start - offset)
            return earliest(first and first + offset, standing.newest_slot)
        case _:
            return standing.newest_slot


def overdue(
    desired: Desired, recorded: Recorded, planned: Plan, clock: datetime | None = None
) -> Mapping[Address, datetime]:
    """Return since when each item that is late at the plan's `now` has been due.

    `clock`: the real one where the plan's `now` is not its reading.
    """
    clock = planned.now if clock is None else max(clock, planned.now)
    items = {item.address: item for item in desired.items}
    late: dict[Address, datetime] = {}
    for standing in planned.standings:
        record = recorded.items.get(standing.address, _NO_RECORD)
        since = overdue_since(items[standing.address], believed(record, clock), standing)
        if since is not None:
            late[standing.address] = min(since, planned.now)
    return late
