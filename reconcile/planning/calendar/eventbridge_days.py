"""The two day fields of an EventBridge expression, and the days that `W` names."""

from typing import Final

from reconcile.model.noun import noun
from reconcile.planning.calendar.cron import DayRule
from reconcile.planning.calendar.cron_fields import (
    CronError,
    LastDay,
    LastWeekday,
    NthWeekday,
    Text,
)
from reconcile.planning.calendar.eventbridge_fields import (
    DAY_OF_MONTH,
    DAY_OF_WEEK,
    read_value,
    read_values,
    spell_values,
)

_WEEK: Final = 7
_SATURDAY: Final = 5
_NTH: Final = ("1", "2", "3", "4", "5")


@noun(frozen=True, slots=True)
class NearestWeekday:
    """`15W`: the Monday to Friday that is nearest to the 15th, within its month."""

    day: int


MonthDays = frozenset[int] | LastDay | NearestWeekday
"""What a day-of-month field names: numbers from 1, or one special day."""

Weekdays = frozenset[int] | LastWeekday | NthWeekday
"""What a day-of-week field names: numbers from 1 = Sunday, or one special day (0 = Monday)."""


@noun(frozen=True, slots=True)
class NearestRule(DayRule):
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


def read_days(text: Text) -> MonthDays:
    """Read the day-of-month field, `?` apart. Raises `CronError`."""
    upper = text.content.upper()
    if upper == "L":
        return LastDay()
    if upper.endswith("W"):
        day = Text(text.content[:-1], text.position)
        return NearestWeekday(read_value(DAY_OF_MONTH, day))
    return read_values(DAY_OF_MONTH, text)


def read_weekdays(text: Text) -> Weekdays:
    """Read the day-of-week field, `?` apart. Raises `CronError`."""
    upper = text.content.upper()
    if upper == "L":
        return frozenset({DAY_OF_WEEK.high})  # alone it is the last day of the week
    if upper.endswith("L"):
        day = Text(text.content[:-1], text.position)
        return LastWeekday((read_value(DAY_OF_WEEK, day) - 2) % _WEEK)
    if "#" in upper:
        weekday, nth, *rest = text.split("#")
        if rest or nth.content not in _NTH:
            raise CronError(f"`{text.content}`: after `#` stands one of 1 to 5", nth.position)
        return NthWeekday((read_value(DAY_OF_WEEK, weekday) - 2) % _WEEK, int(nth.content))
    return read_values(DAY_OF_WEEK, text)


def spell_days(days: MonthDays | None) -> str:
    """Spell the day-of-month field; None is `?`."""
    match days:
        case None:
            return "?"
        case LastDay():
            return "L"
        case NearestWeekday(day):
            return f"{day}W"
        case frozenset():
            return spell_values(DAY_OF_MONTH, days)


def spell_weekdays(weekdays: Weekdays | None) -> str:
    """Spell the day-of-week field; None is `?`."""
    match weekdays:
        case None:
            return "?"
        case LastWeekday(weekday):
            return f"{(weekday + 1) % _WEEK + 1}L"
        case NthWeekday(weekday, n):
            return f"{(weekday + 1) % _WEEK + 1}#{n}"
        case frozenset():
            return spell_values(DAY_OF_WEEK, weekdays)
