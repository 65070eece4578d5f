"""The next change of the clocks that moves, drops or doubles a slot, zone by zone."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from reconcile.model.address import Address
from reconcile.model.cadence import At, Cron
from reconcile.model.desired import Desired
from reconcile.planning.slots_touched import Change, next_touched, touched_by
from reconcile.planning.wall_clock import Transition

WITHIN: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class TouchedSlot:
    """A local time (naive) that a change of the clocks skips or repeats, and whose slot it is.

    `before` and `after`: the instants (UTC) it means by the offset before and after the change.
    `runs`: the instants at which it runs, before any spread.
    """

    wall: datetime
    change: Change
    before: datetime
    after: datetime
    runs: tuple[datetime, ...]
    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class ClockChange:
    """A change of the clocks in a zone, and the slots it touches, by local time."""

    zone: str
    transition: Transition
    slots: tuple[TouchedSlot, ...]


def clock_changes(desired: Desired, now: datetime) -> tuple[ClockChange, ...]:
    """List for each zone its first change within a year that touches an item's slots."""
    schedules: dict[tuple[str, Cron | At], list[Address]] = defaultdict(list)
    for item in desired.items:
        if isinstance(item.timing.cadence, Cron | At):
            schedules[item.timing.zone, item.timing.cadence].append(item.address)
    first: dict[str, Transition] = {}
    for zone, cadence in schedules:
        found = next_touched(cadence, zone, now)
        if found is None or found[0].instant > now + WITHIN:
            continue
        if zone not in first or found[0].instant < first[zone].instant:
            first[zone] = found[0]
    changes = [ClockChange(z, t, _touched(schedules, z, t)) for z, t in first.items()]
    return tuple(sorted(changes, key=lambda change: (change.transition.instant, change.zone)))


def _touched(
    schedules: dict[tuple[str, Cron | At], list[Address]], zone: str, transition: Transition
) -> tuple[TouchedSlot, ...]:
    found: dict[tuple[datetime, Change, tuple[datetime, ...]], list[Address]] = defaultdict(list)
    for (of_zone, cadence), addresses in schedules.items():
        if of_zone == zone:
            for touch in touched_by(cadence, zone, transition):
                found[touch.wall, touch.change, touch.runs] += addresses
    return tuple(
        TouchedSlot(
            wall=wall,
            change=change,
            before=(wall - transition.offset_before).replace(tzinfo=UTC),
            after=(wall - transition.offset_after).replace(tzinfo=UTC),
            runs=runs,
            addresses=tuple(sorted(addresses)),
        )
        for (wall, change, runs), addresses in sorted(found.items())
    )
