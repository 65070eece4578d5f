"""AWS EventBridge cron: the six fields of Omni's native schedules (omni-api.md 5 [AWS]).

Minute, hour, day of month, month, day of week, year. It is not Unix cron: 1 is Sunday, and one of
the two day fields has to be `?`. Every expression has one canonical spelling, equal for equal
meaning, so that a schedule made by hand in Omni and one of ours compare as text.
"""

from bisect import bisect_left, bisect_right
from calendar import monthrange
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final

from msgspec import Struct

from reconcile.model.desired import ALL_DAYS
from reconcile.model.struct import replace
from reconcile.planning.time.cron import (
    DAY_OF_MONTH,
    HOUR,
    MINUTE,
    MONTH,
    CronError,
    DayRule,
    Field,
    LastDay,
    LastWeekday,
    Text,
    read_nth,
    read_steps,
    read_value,
    read_weekday,
    words_of,
)
from reconcile.planning.time.cron import DAY_OF_WEEK as CRON_DAY_OF_WEEK
from reconcile.planning.time.slots import Calendar, WallSlots
from reconcile.planning.time.wall_clock import resolve, zone_info

# The two day fields of an EventBridge expression, and the days that `W` names.

_WEEK: Final = 7
_SATURDAY: Final = 5


class NearestRule(DayRule, frozen=True):
    """The days that `W` names: one a month, or none where the month has no such day."""

    nearest: int = 1

    def days_in(self, month: int, month_length: int, first_weekday: int) -> tuple[int, ...]:
        """List the matching day of a month of that length whose first is that weekday."""
        if month not in self.months or self.nearest > month_length:
            return ()
        weekday = (first_weekday + self.nearest - 1) % _WEEK
        if weekday < _SATURDAY:
            return (self.nearest,)
        if weekday == _SATURDAY:
            return (self.nearest - 1 if self.nearest > 1 else self.nearest + 2,)
        return (self.nearest + 1 if self.nearest < month_length else self.nearest - 2,)


def _read_days(text: Text) -> tuple[str, DayRule]:
    """Read the day-of-month field, `?` apart: how it is spelled, and the days of any month."""
    upper = text.content.upper()
    if upper == "L":
        return "L", DayRule(days=frozenset({LastDay()}))
    if upper.endswith("W"):
        day = read_value(DAY_OF_MONTH, Text(text.content[:-1], text.position))
        return f"{day}W", NearestRule(nearest=day)
    days = read_values(DAY_OF_MONTH, text)
    return spell_values(DAY_OF_MONTH, days), DayRule(days=days)


def _read_weekdays(text: Text) -> tuple[str, DayRule]:
    """Read the day-of-week field, `?` apart, as `_read_days` does the other."""
    upper = text.content.upper()
    if upper != "L" and upper.endswith("L"):
        last = LastWeekday(read_weekday(DAY_OF_WEEK, Text(text.content[:-1], text.position)))
        return f"{_number(last.weekday)}L", DayRule(weekdays=frozenset({last}))
    if "#" in upper:
        nth = read_nth(DAY_OF_WEEK, text)
        return f"{_number(nth.weekday)}#{nth.n}", DayRule(weekdays=frozenset({nth}))
    # Alone, `L` is the last day of the week.
    numbers = {DAY_OF_WEEK.high} if upper == "L" else read_values(DAY_OF_WEEK, text)
    weekdays = frozenset((number - 2) % _WEEK for number in numbers)
    return spell_values(DAY_OF_WEEK, numbers), DayRule(weekdays=weekdays)


def _number(weekday: int) -> int:
    """Return EventBridge's number of a weekday, 1 = Sunday."""
    return (weekday + 1) % _WEEK + 1


# EventBridge cron as a value: read from any of its spellings, written in one.

_FIELD_COUNT: Final = 6
_LONGEST: Final = 2000
"""Every value of every field, spelled out one by one, is shorter."""


class EventBridgeCron(Struct, frozen=True, kw_only=True):
    """A parsed expression: at `hours` x `minutes` of the days that match, in `years`.

    `spelled`: in the one way that every spelling of it comes to: sorted, no leading zeros, weekdays
    by name, and every day as `*` in day of month.
    """

    spelled: str
    minutes: frozenset[int]
    hours: frozenset[int]
    day_rule: DayRule
    years: frozenset[int]

    @property
    def fixed(self) -> bool:
        """Whether a time that a change of offset skips or repeats still runs once.

        As in our own cron: unless minute or hour sweep their whole range (`*`, `0/n`).
        """
        minute, hour, *_ = self.spelled.split()
        return not any(text.startswith(("*", "0/")) for text in (minute, hour))


@lru_cache(maxsize=4096)
def parse_eventbridge(text: str) -> EventBridgeCron:
    """Read six fields. Raises `CronError` for what EventBridge refuses or never runs.

    Refused as well: what is not documented, such as `22-2` or a list with `L` in it, because
    nobody could say what Omni would make of it.
    """
    minute, hour, day, month, weekday, year = _split(text)
    if (day.content == "?") == (weekday.content == "?"):
        raise CronError(
            "exactly one of day of month and day of week is `?`: the other says which days",
            weekday.position,
        )
    minutes, hours = read_values(MINUTE, minute), read_values(HOUR, hour)
    days, rule = "?", DayRule()
    if day.content != "?":
        days, rule = _read_days(day)
    months, weekdays = read_values(MONTH, month), "?"
    if weekday.content != "?":
        weekdays, rule = _read_weekdays(weekday)
    if weekdays == "*":
        days, weekdays = weekdays, days
    years = read_values(YEAR, year)
    times = f"{spell_values(MINUTE, minutes)} {spell_values(HOUR, hours)}"
    dates = f"{days} {spell_values(MONTH, months)} {weekdays} {spell_values(YEAR, years)}"
    cron = EventBridgeCron(
        spelled=f"{times} {dates}",
        minutes=minutes,
        hours=hours,
        day_rule=replace(rule, months=months),
        years=years,
    )
    if not _ever_runs(cron):
        raise CronError(f"`{text.strip()}` never runs: there is no such day", day.position)
    return cron


def _split(text: str) -> list[Text]:
    if len(text) > _LONGEST:
        raise CronError(f"longer than {_LONGEST} characters", _LONGEST)
    if text.strip().startswith("cron("):
        raise CronError("leave out the `cron(...)` around the six fields", text.index("cron("))
    fields = words_of(text)
    if len(fields) != _FIELD_COUNT:
        raise CronError(
            "expected six fields (minute, hour, day of month, month, day of week, year), "
            f"found {len(fields)}",
            len(text),
        )
    return fields


def _ever_runs(cron: EventBridgeCron) -> bool:
    for year in sorted(cron.years):
        for month in sorted(cron.day_rule.months):
            first_weekday, length = monthrange(year, month)
            if cron.day_rule.days_in(month, length, first_weekday):
                return True
    return False


# One field of an EventBridge cron expression: what may stand in it, and its one spelling.

DAY_OF_WEEK: Final = Field("day of week", 1, 7, CRON_DAY_OF_WEEK.names)
"""1 = Sunday, unlike Unix cron's 0 [AWS]."""
YEAR: Final = Field("year", 1970, 2199)

_FEWEST_IN_RUN: Final = 3
"""Two values are a list; three or more evenly spaced ones are a range or a step."""


def read_values(field: Field, text: Text) -> frozenset[int]:
    """Return the numbers that lists, ranges and steps name. Raises `CronError`."""
    return frozenset(value for item in text.split(",") for value in read_steps(field, item))


def spell_values(field: Field, values: Collection[int]) -> str:
    """Spell a set of numbers in the one way that every spelling of it comes to."""
    ordered = sorted(values)
    if len(ordered) == field.high - field.low + 1:
        return "*"
    if step := _step_to_the_end(field, ordered):
        return f"{ordered[0]}/{step}"
    return ",".join(_spell_run(field, first, last) for first, last in _runs(ordered))


def _step_to_the_end(field: Field, ordered: list[int]) -> int | None:
    """Return the step, above 1, of a progression that only the end of the field stops."""
    if len(ordered) < _FEWEST_IN_RUN:
        return None
    step = ordered[1] - ordered[0]
    whole = list(range(ordered[0], field.high + 1, step))
    return step if step > 1 and ordered == whole else None


def _runs(ordered: list[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for value in ordered:
        if runs and value == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], value)
        else:
            runs.append((value, value))
    return runs


def _spell_run(field: Field, first: int, last: int) -> str:
    # Weekdays go by name: 1 is Sunday here and Monday elsewhere.
    names = field.names if field is DAY_OF_WEEK else ()
    spelled = [
        names[value - field.low] if names else str(value) for value in range(first, last + 1)
    ]
    return ",".join(spelled) if len(spelled) < _FEWEST_IN_RUN else f"{spelled[0]}-{spelled[-1]}"


def canonical(text: str) -> str:
    """Return the one spelling of six fields; equal schedules come out as equal text.

    `00 09 * * ? *` gives `0 9 * * ? *`, `*/15` gives `0/15`, `2-6` gives `MON-FRI`. Raises
    `CronError`, a ValueError, for what EventBridge refuses, never runs, or does not document.
    """
    return parse_eventbridge(text).spelled


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
    weekdays = spell_values(DAY_OF_WEEK, set(map(_number, days)))
    return tuple(
        canonical(f"{spell_values(MINUTE, minutes)} {spell_values(HOUR, hours)} ? * {weekdays} *")
        for hours, minutes in minutes_of.items()
    )


def newest_and_next(cron: str, zone: str, now: datetime) -> tuple[datetime | None, datetime | None]:
    """Return the newest run at or before `now` and the first after it, UTC; None if none is known.

    `zone` is an IANA name. What Omni does where clocks change is not documented; runs follow the
    rule of our own cadences: a time that does not exist runs once the gap is over, one that happens
    twice runs at the first, unless minute or hour sweep their whole range (`*`, `0/n`). Raises
    `CronError` and `UnknownZoneError`.
    """
    slots, years = _slots(cron, zone)
    return _newest(slots, years, now), _next(slots, years, now)


def runs_from(cron: str, zone: str, at: datetime, upto: datetime) -> Iterator[datetime]:
    """Yield the newest run at or before an instant, and all after it up to another, ascending.

    By the same rule as `newest_and_next`, and raising the same.
    """
    slots, years = _slots(cron, zone)
    newest = _newest(slots, years, at)
    if newest is not None:
        yield newest
    for year in years[bisect_left(years, at.year - 1) :]:
        begins, ends = _new_year(zone, year), _new_year(zone, year + 1)
        if begins > upto:
            return
        tick = timedelta.resolution
        yield from slots.between(max(at, begins - tick), min(upto, ends - tick))


def is_weekly(cron: str) -> bool:
    """Tell whether a week shows all that an expression does. Raises `CronError`."""
    _, _, day, month, weekday, year = canonical(cron).split()
    return day in "?*" and month == year == "*" and not set(weekday) & set("#L")


@lru_cache(maxsize=4096)
def _slots(text: str, zone: str) -> tuple[WallSlots, tuple[int, ...]]:
    zone_info(zone)
    cron = parse_eventbridge(text)
    times = tuple(
        time(hour, minute) for hour in sorted(cron.hours) for minute in sorted(cron.minutes)
    )
    slots = WallSlots(Calendar(times, cron.day_rule), zone, fixed=cron.fixed)
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
