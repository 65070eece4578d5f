"""AWS EventBridge cron: the six fields of Omni's native schedules (omni-api.md 5 [AWS]).

Minute, hour, day of month, month, day of week, year. It is not Unix cron: 1 is Sunday, and one of
the two day fields has to be `?`. Every expression has one canonical spelling, equal for equal
meaning, so that a schedule made by hand in Omni and one of ours compare as text.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from reconcile.model.desired import ALL_DAYS
from reconcile.planning.calendar.cron import parse_cron
from reconcile.planning.calendar.cron_fields import CronError, LastDay, LastWeekday, NthWeekday
from reconcile.planning.calendar.eventbridge_fields import (
    DAY_OF_WEEK,
    HOUR,
    MINUTE,
    YEAR,
    spell_values,
)
from reconcile.planning.calendar.eventbridge_grammar import EventBridgeCron, parse_eventbridge
from reconcile.planning.calendar.named_times import Calendar
from reconcile.planning.calendar.slots import WallSlots
from reconcile.planning.calendar.wall_clock import resolve, zone_info

__all__ = ["CronError", "canonical", "from_cron", "from_wall_times", "newest_and_next"]

_ALL_YEARS = frozenset(range(YEAR.low, YEAR.high + 1))
_EVERY_DAY = frozenset(range(1, 32))


def canonical(text: str) -> str:
    """Return the one spelling of six fields; equal schedules come out as equal text.

    `00 09 * * ? *` gives `0 9 * * ? *`, `*/15` gives `0/15`, `2-6` gives `MON-FRI`. Raises
    `CronError`, a ValueError, for what EventBridge refuses, never runs, or does not document.
    """
    return parse_eventbridge(text).spelled()


def from_wall_times(times: Iterable[time], days: frozenset[int] = ALL_DAYS) -> tuple[str, ...]:
    """Translate `at` and `days` (0 = Monday), in canonical spelling.

    One cron names every pairing of its minutes and hours, so `06:00, 18:30` takes two. Seconds are
    left out: cadences are to the minute. Raises `CronError` if there is no time or no day.
    """
    if not days:
        raise CronError("no weekday is named", 0)
    hours_of: defaultdict[int, set[int]] = defaultdict(set)
    for at in times:
        hours_of[at.minute].add(at.hour)
    if not hours_of:
        raise CronError("no time of day is named", 0)
    minutes_of: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for minute, hours in sorted(hours_of.items()):
        minutes_of[tuple(sorted(hours))].append(minute)
    weekdays = spell_values(DAY_OF_WEEK, {(day + 1) % 7 + 1 for day in days})
    return tuple(
        canonical(f"{spell_values(MINUTE, minutes)} {spell_values(HOUR, hours)} ? * {weekdays} *")
        for hours, minutes in minutes_of.items()
    )


def from_cron(expression: str) -> str:
    """Translate five-field cron, in canonical spelling.

    Raises `CronError` where it is malformed, or restricts both the day of the month and the day of
    the week: EventBridge has no expression for that.
    """
    cron = parse_cron(expression)
    rule = cron.day_rule
    every_day, every_weekday = rule.days >= _EVERY_DAY, rule.weekdays >= ALL_DAYS
    if rule.either or not (every_day or every_weekday):
        raise CronError("day of month and day of week are both restricted: use only one", 0)
    native = EventBridgeCron(
        minutes=frozenset(cron.minutes),
        hours=frozenset(cron.hours),
        days=_native_days(rule.days) if every_weekday else None,
        months=rule.months,
        weekdays=None if every_weekday else _native_weekdays(rule.weekdays),
        years=_ALL_YEARS,
    )
    return canonical(native.spelled())


def newest_and_next(cron: str, zone: str, now: datetime) -> tuple[datetime | None, datetime | None]:
    """Return the newest run at or before `now` and the first after it, UTC; None if none is known.

    `zone` is an IANA name. What Omni does where clocks change is not documented; runs follow the
    rule of our own cadences: a time that does not exist runs once the gap is over, one that happens
    twice runs at the first, unless minute or hour sweep their whole range (`*`, `0/n`). Raises
    `CronError` and `UnknownZoneError`.
    """
    slots, years = _slots(cron, zone)
    return _newest(slots, years, now), _next(slots, years, now)


@lru_cache(maxsize=4096)
def _slots(text: str, zone: str) -> tuple[WallSlots, tuple[int, ...]]:
    zone_info(zone)
    cron = parse_eventbridge(text)
    times = tuple(
        time(hour, minute) for hour in sorted(cron.hours) for minute in sorted(cron.minutes)
    )
    slots = WallSlots(Calendar(times, cron.day_rule()), zone, fixed=cron.fixed)
    return slots, tuple(sorted(cron.years))


def _newest(slots: WallSlots, years: tuple[int, ...], at: datetime) -> datetime | None:
    """Search in the years that are listed, newest first: a calendar itself knows no years."""
    for year in reversed(years[: bisect_right(years, at.year + 1)]):
        begins, ends = _new_year(slots.zone, year), _new_year(slots.zone, year + 1)
        found = slots.newest(min(at, ends - timedelta.resolution))
        if found is not None and begins <= found <= at:
            return found
    return None


def _next(slots: WallSlots, years: tuple[int, ...], after: datetime) -> datetime | None:
    for year in years[bisect_left(years, after.year - 1) :]:
        begins, ends = _new_year(slots.zone, year), _new_year(slots.zone, year + 1)
        found = slots.next(max(after, begins - timedelta.resolution))
        if found is not None and found < ends:
            return found
    return None


def _new_year(zone: str, year: int) -> datetime:
    return resolve(zone, datetime.combine(date(year, 1, 1), time()))


def _native_days(days: frozenset[int | LastDay]) -> frozenset[int] | LastDay:
    if LastDay() in days:
        # `L` and the 31st are the same day; any other number beside `L` has no expression.
        if days - {LastDay(), 31}:
            raise CronError("`L` beside other days of the month has no EventBridge expression", 0)
        return LastDay()
    return frozenset(day for day in days if isinstance(day, int))


def _native_weekdays(
    weekdays: frozenset[int | NthWeekday | LastWeekday],
) -> frozenset[int] | NthWeekday | LastWeekday:
    special = [day for day in weekdays if not isinstance(day, int)]
    if special and len(weekdays) > 1:
        raise CronError("`#` and `L` stand alone in an EventBridge expression", 0)
    if special:
        return special[0]
    return frozenset((day + 1) % 7 + 1 for day in weekdays if isinstance(day, int))
