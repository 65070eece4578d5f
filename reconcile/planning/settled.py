"""What is settled already: how far a record reaches, and what one more success would add."""

from datetime import datetime

from reconcile.model.desired import At, Cron, Item, OnChange, ResetItem
from reconcile.model.recorded import Coverage, Record
from reconcile.planning.calendar.slots import count_slots, spread_of
from reconcile.planning.declaration import same_timing

_WALL_CLOCKS = (Cron, At)


def settled_until(record: Record) -> datetime | None:
    """Newest instant up to which every slot counts as made up.

    A refresh that was *sent* after a slot satisfies it whatever slot it was meant for; a reset
    only reaches as far as the stamp it left.
    """
    return latest(record.covered_slot, record.stamp or record.last_success)


def floor_of(item: Item, record: Record, now: datetime) -> datetime | None:
    """`on_change = "next"`: slots up to this instant are let pass; None where all count."""
    if item.timing.on_change is OnChange.NOW:
        return None
    if record.since is None or not same_timing(item, record):
        return now
    pause = item.timing.pause
    if pause is not None and pause.until is not None and record.since < pause.until <= now:
        return pause.until
    return record.since


def missed_slots(item: Item, record: Record, settled: datetime | None, newest: datetime) -> int:
    """Count the slots before the newest one that no success made up and no apply let pass."""
    cadence = item.timing.cadence
    if not isinstance(cadence, _WALL_CLOCKS):
        return 0
    start = latest(latest(settled, record.missed_slot), record.since)
    if start is None or start >= newest:
        return 0
    if offset := spread_of(item, item.timing.spread):
        start, newest = start - offset, newest - offset
    return max(0, count_slots(cadence, item.timing.zone, start, newest) - 1)


def coverage_of(
    item: Item, slot: datetime | None, now: datetime, content: str | None = None
) -> Coverage:
    """Say what a success would settle; a reset's stamp is its slot, or `now` where it has none."""
    stamp = (slot or now) if isinstance(item, ResetItem) else None
    return Coverage(item.address, slot, stamp, content)


def earliest(*instants: datetime | None) -> datetime | None:
    """Return the first of the instants that are known."""
    first = None
    for instant in instants:
        if instant is not None and (first is None or instant < first):
            first = instant
    return first


def latest(one: datetime | None, other: datetime | None) -> datetime | None:
    """Return the later of two instants, or the one that is known."""
    if one is None or other is None:
        return one or other
    return max(one, other)
