"""When an item will run, supposing an apply at every slot and every call a success."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from reconcile.model.cadence import AfterRefresh, At, Cron, Every, ResetAt, WhenChanged
from reconcile.model.desired import Item
from reconcile.model.plan import Standing, Status
from reconcile.model.reason import (
    BackingOff,
    FollowsRefresh,
    FrozenBy,
    JobRunningSince,
    PausedUntil,
)
from reconcile.planning.calendar.slots import spread_of, wall_slots

_CLOSEST = timedelta(minutes=1)
"""An item that runs more often than an apply can be scheduled is not told apart further."""


@dataclass(frozen=True, slots=True)
class Closed:
    """Stretches during which an item may not run: ascending, none touching the next."""

    starts: tuple[datetime, ...]
    ends: tuple[datetime, ...]

    @staticmethod
    def of(spans: Iterable[tuple[datetime, datetime]]) -> "Closed":
        """Join stretches that overlap or touch."""
        joined: list[tuple[datetime, datetime]] = []
        for start, end in sorted(spans):
            if joined and start <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
            else:
                joined.append((start, end))
        return Closed(tuple(start for start, _ in joined), tuple(end for _, end in joined))

    def reopens(self, instant: datetime) -> datetime:
        """Return the first instant from this one on at which the item may run."""
        place = bisect_right(self.starts, instant) - 1
        return max(instant, self.ends[place]) if place >= 0 else instant


@dataclass(frozen=True, slots=True)
class Stretch:
    """The time looked at, from `start` (included) until `until` (excluded), UTC."""

    start: datetime
    until: datetime


def stopped(standing: Standing, stretch: Stretch) -> Iterator[tuple[datetime, datetime]]:
    """Yield the time during which what stops an item now, other than a freeze, goes on."""
    match standing.reason:
        case PausedUntil(until=end):
            yield stretch.start, end or stretch.until
        case BackingOff(retry_at=end):
            yield stretch.start, end
        case _ if standing.status is Status.HELD:
            yield stretch.start, stretch.until
        case _:
            return


def runs_ahead(
    item: Item,
    standing: Standing,
    closed: Closed,
    completions: Iterable[datetime],
    stretch: Stretch,
) -> tuple[tuple[datetime, ...], tuple[datetime, ...]]:
    """Return when an item runs within the stretch, and which of its slots are held meanwhile.

    `completions`: of the refresh that an item without a time of its own follows.
    """
    cadence = item.timing.cadence
    if isinstance(cadence, Every):
        first = stretch.start if _waits(standing) else standing.next_slot
        if first is None and standing.status is Status.PAUSED:
            first = stretch.start
        return _stepping(first, max(cadence.interval, _CLOSEST), closed, stretch)
    slots = [stretch.start] if _waits(standing) else []
    slots.extend(_slots(item, cadence, standing, completions, stretch))
    return _fixed(slots, item.timing.deadline, closed, stretch)


def _waits(standing: Standing) -> bool:
    """Tell whether a slot that has come up already is still to be run."""
    if isinstance(standing.reason, JobRunningSince | FollowsRefresh):
        return False
    stopped_now = standing.status in {Status.DUE, Status.BACKING_OFF, Status.BLOCKED, Status.HELD}
    return stopped_now or isinstance(standing.reason, FrozenBy)


def _slots(
    item: Item,
    cadence: Cron | At | WhenChanged | AfterRefresh | ResetAt,
    standing: Standing,
    completions: Iterable[datetime],
    stretch: Stretch,
) -> Iterable[datetime]:
    match cadence:
        case Cron() | At():
            offset = spread_of(item, item.timing.spread)
            slots = wall_slots(cadence, item.timing.zone)
            ahead = slots.between(stretch.start - offset, stretch.until - offset)
            return (slot + offset for slot in ahead)
        case AfterRefresh():
            return completions
        case ResetAt():
            return () if standing.next_slot is None else (standing.next_slot,)
        case WhenChanged():
            return ()
        case _:
            assert_never(cadence)


def _stepping(
    first: datetime | None, interval: timedelta, closed: Closed, stretch: Stretch
) -> tuple[tuple[datetime, ...], tuple[datetime, ...]]:
    runs: list[datetime] = []
    held: list[datetime] = []
    slot = first
    while slot is not None and slot < stretch.until:
        run = closed.reopens(slot)
        if run > slot:
            held.append(slot)
        if run < stretch.until:
            runs.append(run)
        slot = run + interval
    return tuple(runs), tuple(held)


def _fixed(
    slots: Iterable[datetime], deadline: timedelta | None, closed: Closed, stretch: Stretch
) -> tuple[tuple[datetime, ...], tuple[datetime, ...]]:
    runs: list[datetime] = []
    held: list[datetime] = []
    for slot in slots:
        if slot >= stretch.until:
            break
        run = closed.reopens(slot)
        if run > slot:
            held.append(slot)
        expired = deadline is not None and run - slot >= deadline
        if run < stretch.until and not expired and (not runs or runs[-1] < run):
            runs.append(run)
    return tuple(runs), tuple(held)
