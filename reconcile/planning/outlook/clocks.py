"""The next change of the clocks that moves, drops or doubles a slot, zone by zone."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Final

from reconcile.model.address import Address
from reconcile.model.desired import At, Cron, Desired
from reconcile.model.forecast import ClockChange, TouchedSlot
from reconcile.planning.calendar.touched import Change, next_touched, touched_by
from reconcile.planning.calendar.wall_clock import Transition

WITHIN: Final = timedelta(days=366)


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
    changes = [
        ClockChange(
            zone=zone,
            instant=transition.instant,
            offset_before=transition.offset_before,
            offset_after=transition.offset_after,
            slots=_touched(schedules, zone, transition),
        )
        for zone, transition in first.items()
    ]
    return tuple(sorted(changes, key=lambda change: (change.instant, change.zone)))


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
            skipped=change is Change.SKIPPED,
            before=(wall - transition.offset_before).replace(tzinfo=UTC),
            after=(wall - transition.offset_after).replace(tzinfo=UTC),
            runs=runs,
            addresses=tuple(sorted(addresses)),
        )
        for (wall, change, runs), addresses in sorted(found.items())
    )
