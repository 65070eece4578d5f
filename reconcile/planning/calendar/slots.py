"""Which instants a wall-clock cadence names in its zone.

Wall clocks run through spans of constant offset. Within a span, slots are calendar arithmetic.
Between spans, a *fixed* cadence (`At`, or cron whose minute and hour do not start with `*`) runs
every time it names once: times that a gap skips run together as soon as the gap is over, and
times already shown before are not run again. Other cron matches whatever the clocks show.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import assert_never

from reconcile.model.desired import At, Cron, Item
from reconcile.planning.calendar.cron import DayRule, parse_cron
from reconcile.planning.calendar.named_times import Calendar, just_after
from reconcile.planning.calendar.wall_clock import Span, spans_back, spans_from, zone_info
from reconcile.planning.declaration import identity_of


class WallSlots:
    """The slots of one cadence in one zone. Takes and returns aware UTC datetimes.

    Slots are known in UTC years 2 to 9998; beyond, there is none.
    """

    __slots__ = ("calendar", "fixed", "zone")

    def __init__(self, calendar: Calendar, zone: str, *, fixed: bool) -> None:
        self.calendar = calendar
        self.zone = zone
        self.fixed = fixed

    def newest(self, at: datetime) -> datetime | None:
        """Return the newest slot at or before an instant."""
        for span in spans_back(self.zone, at) if self.calendar else ():
            found = self.calendar.latest(self._lowest(span), _upper(span, at))
            if found is not None:
                return span.instant(found)
            if self._runs_late(span):
                return span.start
        return None

    def next(self, after: datetime) -> datetime | None:
        """Return the first slot after an instant."""
        for span in spans_from(self.zone, after) if self.calendar else ():
            if after < span.start and self._runs_late(span):
                return span.start
            found = self.calendar.earliest(self._lower(span, after), span.local_end)
            if found is not None:
                return span.instant(found)
        return None

    def count(self, after: datetime, upto: datetime) -> int:
        """Count the slots with `after` < slot <= `upto`."""
        total = 0
        for span in spans_from(self.zone, after):
            if span.start > upto:
                break
            lower = self._lower(span, after)
            total += self.calendar.count(lower, _upper(span, upto))
            if after < span.start and self._runs_late(span):
                # A time named at the gap's very end is that same slot, and is counted above.
                total += 1 - self.calendar.count(lower, just_after(lower))
        return total

    def between(self, after: datetime, upto: datetime) -> Iterator[datetime]:
        """Yield the slots with `after` < slot <= `upto`, ascending."""
        for span in spans_from(self.zone, after):
            if span.start > upto:
                return
            lower = self._lower(span, after)
            if after < span.start and self._runs_late(span):
                yield span.start
                lower = just_after(lower)
            for found in self.calendar.between(lower, _upper(span, upto)):
                yield span.instant(found)

    def _lower(self, span: Span, after: datetime) -> datetime:
        """Return where in the span's local time the slots after an instant begin."""
        lowest = self._lowest(span)
        return lowest if after < span.start else max(lowest, just_after(span.local(after)))

    def _lowest(self, span: Span) -> datetime:
        return max(span.local_start, span.reached) if self.fixed else span.local_start

    def _runs_late(self, span: Span) -> bool:
        """Whether the span begins with a slot that makes up for times that did not exist."""
        return (
            self.fixed
            and span.reached < span.local_start
            and self.calendar.earliest(span.reached, span.local_start) is not None
        )


@lru_cache(maxsize=4096)
def wall_slots(cadence: Cron | At, zone: str) -> WallSlots:
    """Return the slots of a cadence in an IANA zone.

    Raises `CronError` for a malformed expression and `UnknownZoneError` for an unknown zone.
    """
    zone_info(zone)
    match cadence:
        case Cron(expression):
            cron = parse_cron(expression)
            times = tuple(time(hour, minute) for hour in cron.hours for minute in cron.minutes)
            return WallSlots(Calendar(times, cron.day_rule), zone, fixed=cron.fixed)
        case At(times, days):
            calendar = Calendar(tuple(sorted(set(times))), DayRule(weekdays=days))
            return WallSlots(calendar, zone, fixed=True)
        case _:
            assert_never(cadence)


@lru_cache(maxsize=4096)
def slots_around(
    cadence: Cron | At, zone: str, at: datetime
) -> tuple[datetime | None, datetime | None]:
    """Return the newest slot at or before an instant and the first after it, memoised.

    Many items share few schedules, and one plan asks all of them about one instant.
    """
    slots = wall_slots(cadence, zone)
    return slots.newest(at), slots.next(at)


@lru_cache(maxsize=4096)
def count_slots(cadence: Cron | At, zone: str, after: datetime, upto: datetime) -> int:
    """Count the slots with `after` < slot <= `upto`, memoised like `slots_around`."""
    return wall_slots(cadence, zone).count(after, upto)


def spread_of(item: Item, spread: timedelta) -> timedelta:
    """Return an item's share of a spread: whole seconds in [0, spread), fixed by its identity.

    Not by its address: a new name for an item moves none of its slots.
    """
    if not spread:
        return spread
    seconds = int(spread.total_seconds())
    if seconds <= 0:
        return timedelta()
    digest = hashlib.sha256(identity_of(item).encode("utf-8", "surrogatepass")).digest()
    return timedelta(seconds=int.from_bytes(digest) % seconds)


def _upper(span: Span, upto: datetime) -> datetime:
    """Return where in the span's local time the slots up to an instant, itself included, end."""
    return span.local_end if upto >= span.end else just_after(span.local(upto))
