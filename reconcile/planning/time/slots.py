"""The slots of a wall-clock cadence in its zone, what a change of offset does, and freezes."""

import hashlib
from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final, assert_never

from msgspec import Struct

from reconcile.model.address import Address, fits
from reconcile.model.desired import At, Cron, Freeze, FrozenSpan, Item, OpenHours
from reconcile.planning.record import identity_of
from reconcile.planning.time import wall_clock
from reconcile.planning.time.cron import DayRule, parse_cron
from reconcile.planning.time.wall_clock import local

# Which slots of a cadence a change of offset moves, drops or doubles.


class Change(StrEnum):
    """What happens to a local time: no clock shows it, or clocks show it twice."""

    SKIPPED = "skipped"
    REPEATED = "repeated"


class Touch(Struct, frozen=True):
    """One local time (naive) that a cadence names and a transition affects.

    `runs`: the instants (UTC) it runs at: none, one or two.
    """

    wall: datetime
    change: Change
    runs: tuple[datetime, ...]


def touched_by(
    cadence: Cron | At, zone: str, transition: wall_clock.Transition
) -> tuple[Touch, ...]:
    """List the local times of a cadence that a transition of its zone affects, ascending."""
    slots = wall_slots(cadence, zone)
    ended = (transition.instant + transition.offset_before).replace(tzinfo=None)
    resumed = (transition.instant + transition.offset_after).replace(tzinfo=None)
    if ended < resumed:
        runs = (transition.instant,) if slots.fixed else ()
        skipped = slots.calendar.between(ended, resumed)
        return tuple(Touch(wall, Change.SKIPPED, runs) for wall in skipped)
    offsets = [transition.offset_before, transition.offset_after]
    if slots.fixed:
        del offsets[1:]  # a fixed time runs when clocks first show it
    return tuple(
        Touch(wall, Change.REPEATED, tuple((wall - by).replace(tzinfo=UTC) for by in offsets))
        for wall in slots.calendar.between(resumed, ended)
    )


# The wall-clock times a cadence names, on a calendar on which every day has 24 hours.

_MONTHS = 12


class Calendar:
    """The same times of day (ascending) on every day that matches. All local times are naive.

    The local times of one month are ranked from 0: searching and counting are arithmetic on ranks.
    Intervals include their start and exclude their end.
    """

    __slots__ = ("_day_rule", "_days", "_times")

    def __init__(self, times: tuple[time, ...], day_rule: DayRule) -> None:
        self._times = times
        self._day_rule = day_rule
        self._days: dict[tuple[int, int, int], tuple[int, ...]] = {}

    def __bool__(self) -> bool:
        # One that names nothing would be searched year by year to the end of time.
        return bool(self._times and self._day_rule.weekdays)

    def earliest(self, start: datetime, end: datetime) -> datetime | None:
        """Return the first local time in the interval."""
        month = _month_index(start)
        rank = self._rank(start)
        while month <= _month_index(end):
            if rank < self._size(month):
                found = self._local(month, rank)
                return found if found < end else None
            month, rank = month + 1, 0
        return None

    def latest(self, start: datetime, end: datetime) -> datetime | None:
        """Return the last local time in the interval."""
        month = _month_index(end)
        rank = self._rank(end)
        while month >= _month_index(start):
            if rank > 0:
                found = self._local(month, rank - 1)
                return found if found >= start else None
            month -= 1
            rank = self._size(month)
        return None

    def count(self, start: datetime, end: datetime) -> int:
        """Count the local times in the interval."""
        if end <= start:
            return 0
        whole_months = sum(map(self._size, range(_month_index(start), _month_index(end))))
        return whole_months + self._rank(end) - self._rank(start)

    def between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Yield the local times in the interval, ascending."""
        rank = self._rank(start)
        for month in range(_month_index(start), _month_index(end) + 1):
            for later in range(rank, self._size(month)):
                found = self._local(month, later)
                if found >= end:
                    return
                yield found
            rank = 0

    def _rank(self, local: datetime) -> int:
        """Count the local times of `local`'s month that lie before it."""
        days = self._days_in(_month_index(local))
        place = bisect_left(days, local.day)
        rank = place * len(self._times)
        if place < len(days) and days[place] == local.day:
            rank += bisect_left(self._times, local.time())
        return rank

    def _local(self, month: int, rank: int) -> datetime:
        place, time_place = divmod(rank, len(self._times))
        year, month_before = divmod(month, _MONTHS)
        day = date(year, month_before + 1, self._days_in(month)[place])
        return datetime.combine(day, self._times[time_place])

    def _size(self, month: int) -> int:
        return len(self._days_in(month)) * len(self._times)

    def _days_in(self, month: int) -> tuple[int, ...]:
        year, month_before = divmod(month, _MONTHS)
        first_weekday, length = _month_shape(year, month_before + 1)
        key = (month_before + 1, length, first_weekday)
        days = self._days.get(key)
        if days is None:
            days = self._days[key] = self._day_rule.days_in(*key)
        return days


def just_after(local: datetime) -> datetime:
    """Return the next representable time: turns an inclusive bound into an exclusive one."""
    return local + timedelta.resolution


def _month_index(local: datetime) -> int:
    return local.year * _MONTHS + local.month - 1


@lru_cache(maxsize=4096)
def _month_shape(year: int, month: int) -> tuple[int, int]:
    """Return the weekday of the first day, 0 for Monday, and the number of days.

    Not `calendar.monthrange`, whose module brings `locale` along: every plan would wait for both.
    """
    first = date(year, month, 1)
    length = 31 if month == _MONTHS else (first.replace(month=month + 1) - first).days
    return first.weekday(), length


# Which instants a wall-clock cadence names in its zone.
#
# Wall clocks run through spans of constant offset. Within a span, slots are calendar arithmetic.
# Between spans, a *fixed* cadence (`At`, or cron whose minute and hour do not start with `*`) runs
# every time it names once: times that a gap skips run together as soon as the gap is over, and
# times already shown before are not run again. Other cron matches whatever the clocks show.


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
        for span in wall_clock.spans_back(self.zone, at) if self.calendar else ():
            found = self.calendar.latest(self._lowest(span), _upper(span, at))
            if found is not None:
                return span.instant(found)
            if self._runs_late(span):
                return span.start
        return None

    def next(self, after: datetime) -> datetime | None:
        """Return the first slot after an instant."""
        for span in wall_clock.spans_from(self.zone, after) if self.calendar else ():
            if after < span.start and self._runs_late(span):
                return span.start
            found = self.calendar.earliest(self._lower(span, after), span.local_end)
            if found is not None:
                return span.instant(found)
        return None

    def count(self, after: datetime, upto: datetime) -> int:
        """Count the slots with `after` < slot <= `upto`."""
        total = 0
        for span in wall_clock.spans_from(self.zone, after):
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
        for span in wall_clock.spans_from(self.zone, after):
            if span.start > upto:
                return
            lower = self._lower(span, after)
            if after < span.start and self._runs_late(span):
                yield span.start
                lower = just_after(lower)
            for found in self.calendar.between(lower, _upper(span, upto)):
                yield span.instant(found)

    def _lower(self, span: wall_clock.OffsetSpan, after: datetime) -> datetime:
        """Return where in the span's local time the slots after an instant begin."""
        lowest = self._lowest(span)
        return lowest if after < span.start else max(lowest, just_after(span.local(after)))

    def _lowest(self, span: wall_clock.OffsetSpan) -> datetime:
        return max(span.local_start, span.reached) if self.fixed else span.local_start

    def _runs_late(self, span: wall_clock.OffsetSpan) -> bool:
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
    wall_clock.zone_info(zone)
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


def _upper(span: wall_clock.OffsetSpan, upto: datetime) -> datetime:
    """Return where in the span's local time the slots up to an instant, itself included, end."""
    return span.local_end if upto >= span.end else just_after(span.local(upto))


# When a freeze holds. A freeze defers what it matches; it never forgets a slot.


HORIZON: Final = timedelta(days=366)
"""How far ahead recurring windows are looked at: a year has shown every kind of day there is."""

_DAY: Final = timedelta(days=1)
_LONGEST_WINDOW_DAYS: Final = 3
"""A window covers one night, at most two days where clocks repeat a day."""
_MOST_LINKS: Final = 1000
"""Freezes that took turns this often, twice a day for over a year, are taken to go on for ever."""
_EARLIEST: Final = datetime(wall_clock.FIRST_YEAR + 2, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(wall_clock.LAST_YEAR - 2, 1, 1, tzinfo=UTC)
"""Past these no window ever opens: local times there are beyond what can be resolved."""


class Frozen(Struct, frozen=True):
    """A freeze that holds until an instant (UTC); None if no end comes within `HORIZON`."""

    name: str
    until: datetime | None


def matches(freeze: Freeze, address: Address) -> bool:
    """Whether a freeze is about an item: case counts, and `*` also spans dots."""
    return any(fits(pattern, address) for pattern in freeze.match)


def frozen_until(freeze: Freeze, at: datetime) -> Frozen | None:
    """Return until when a freeze holds, None if it does not hold at that instant (UTC)."""
    if not _holds(freeze.window, at):
        return None
    return Frozen(freeze.name, next_change(freeze.window, at))


def frozen_by(freezes: tuple[Freeze, ...], address: Address, at: datetime) -> Frozen | None:
    """Return what keeps an item from running at an instant (UTC), and until when.

    Freezes that follow each other without a break count as one; it is named after the last.
    """
    about = tuple(freeze for freeze in freezes if matches(freeze, address))
    return _held_by(about, at) if about else None


@lru_cache(maxsize=4096)
def _held_by(freezes: tuple[Freeze, ...], at: datetime) -> Frozen | None:
    holding: Frozen | None = None
    moment: datetime | None = at
    for _ in range(_MOST_LINKS):
        if moment is None:
            break
        latest = _longest(freezes, moment)
        if latest is None:
            return holding
        holding, moment = latest, latest.until
    return holding and Frozen(holding.name, None)


def _longest(freezes: tuple[Freeze, ...], at: datetime) -> Frozen | None:
    held = [frozen for freeze in freezes if (frozen := frozen_until(freeze, at)) is not None]
    endless = [frozen for frozen in held if frozen.until is None]
    if endless or not held:
        return next(iter(endless), None)
    return max(held, key=lambda frozen: frozen.until or at)


@lru_cache(maxsize=4096)
def _holds(window: FrozenSpan | OpenHours, at: datetime) -> bool:
    match window:
        case FrozenSpan(start, until):
            return start <= at < until
        case OpenHours():
            return not any(opens <= at < closes for opens, closes in _openings(window, at, at))
        case _:
            assert_never(window)


@lru_cache(maxsize=4096)
def next_change(window: FrozenSpan | OpenHours, at: datetime) -> datetime | None:
    """Return the first instant (UTC) after `at` from which a freeze holds, or no longer does.

    None if there is none within `HORIZON`, or for a fixed span, ever.
    """
    match window:
        case FrozenSpan(start, until):
            ahead = [instant for instant in (start, until) if start < until and instant > at]
            return min(ahead, default=None)
        case OpenHours():
            return _next_flip(window, at)
        case _:
            assert_never(window)


def _next_flip(hours: OpenHours, at: datetime) -> datetime | None:
    """Walk the openings in order, joining those that touch, to the first edge after `at`."""
    open_until: datetime | None = None
    for opens, closes in _openings(hours, at, _clamped(at) + HORIZON):
        if closes <= at:
            continue
        if open_until is None:
            if opens > at:
                return opens
            open_until = closes
        elif opens > open_until:
            break
        open_until = max(open_until, closes)
    return None if open_until is None or open_until - at > HORIZON else open_until


def _openings(
    hours: OpenHours, start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Yield (opens, closes), by opening instant, of all windows that meet [start, end].

    Local times never run backwards through `resolve`, so days in order give instants in order.
    """
    first = local(hours.zone, _clamped(start)).date() - _LONGEST_WINDOW_DAYS * _DAY
    last = local(hours.zone, _clamped(end)).date() + _DAY
    for ahead in range((last - first).days + 1):
        day = first + ahead * _DAY
        if day.weekday() in hours.days:
            for opening, closing in sorted(hours.allow):
                yield _resolved(hours.zone, day, opening, closing)


def _clamped(instant: datetime) -> datetime:
    return min(max(instant, _EARLIEST), _LATEST)


@lru_cache(maxsize=8192)
def _resolved(zone: str, day: date, opening: time, closing: time) -> tuple[datetime, datetime]:
    closes_on = day if closing > opening else day + _DAY
    return (
        wall_clock.resolve(zone, datetime.combine(day, opening)),
        wall_clock.resolve_end(zone, datetime.combine(closes_on, closing)),
    )
