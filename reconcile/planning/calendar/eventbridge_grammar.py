"""EventBridge cron as a value: read from any of its spellings, written in one."""

from calendar import monthrange
from dataclasses import replace
from functools import lru_cache
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
from reconcile.planning.calendar.eventbridge_days import (
    MonthDays,
    NearestRule,
    NearestWeekday,
    Weekdays,
    read_days,
    read_weekdays,
    spell_days,
    spell_weekdays,
)
from reconcile.planning.calendar.eventbridge_fields import (
    HOUR,
    MINUTE,
    MONTH,
    YEAR,
    read_values,
    spell_values,
)

_FIELD_COUNT: Final = 6
_LONGEST: Final = 2000
"""Every value of every field, spelled out one by one, is shorter."""
_EVERY_DAY: Final = frozenset(range(1, 32))
_EVERY_WEEKDAY: Final = frozenset(range(1, 8))
_WEEK: Final = 7


@noun(frozen=True, slots=True, kw_only=True)
class EventBridgeCron:
    """A parsed expression, minutes and hours as sets of numbers.

    Days are named by `days` or by `weekdays` (1 = Sunday), of which the other one is None: the
    field that was `?`. Every day is always `days`.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: MonthDays | None
    months: frozenset[int]
    weekdays: Weekdays | None
    years: frozenset[int]

    def spelled(self) -> str:
        """Return the canonical text: sorted, no leading zeros, weekdays by name."""
        return " ".join(
            (
                spell_values(MINUTE, self.minutes),
                spell_values(HOUR, self.hours),
                spell_days(self.days),
                spell_values(MONTH, self.months),
                spell_weekdays(self.weekdays),
                spell_values(YEAR, self.years),
            )
        )

    @property
    def fixed(self) -> bool:
        """Whether a time that a change of offset skips or repeats still runs once.

        As in our own cron: unless minute or hour sweep their whole range (`*`, `0/n`).
        """
        minute, hour, *_ = self.spelled().split()
        return not any(text.startswith(("*", "0/")) for text in (minute, hour))

    def day_rule(self) -> DayRule:
        """Return which days match, whatever the year."""
        match self.days:
            case NearestWeekday(day):
                return NearestRule(months=self.months, nearest=day)
            case LastDay():
                return DayRule(months=self.months, days=frozenset({self.days}))
            case frozenset():
                return DayRule(months=self.months, days=frozenset(self.days))
        match self.weekdays:
            case frozenset():
                weekdays = frozenset((number - 2) % _WEEK for number in self.weekdays)
                return DayRule(months=self.months, weekdays=frozenset(weekdays))
            case LastWeekday() | NthWeekday():
                return DayRule(months=self.months, weekdays=frozenset({self.weekdays}))
            case None:
                return DayRule(months=self.months)


@lru_cache(maxsize=4096)
def parse_eventbridge(text: str) -> EventBridgeCron:
    """Read six fields. Raises `CronError` for what EventBridge refuses or never runs.

    Refused as well: what is not documented, such as `22-2` or a list with `L` in it, because
    nobody could say what Omni would make of it.
    """
    fields = _split(text)
    minute, hour, day, month, weekday, year = fields
    if (day.content == "?") == (weekday.content == "?"):
        raise CronError(
            "exactly one of day of month and day of week is `?`: the other says which days",
            weekday.position,
        )
    cron = EventBridgeCron(
        minutes=read_values(MINUTE, minute),
        hours=read_values(HOUR, hour),
        days=None if day.content == "?" else read_days(day),
        months=read_values(MONTH, month),
        weekdays=None if weekday.content == "?" else read_weekdays(weekday),
        years=read_values(YEAR, year),
    )
    if cron.weekdays == _EVERY_WEEKDAY:
        cron = replace(cron, days=_EVERY_DAY, weekdays=None)
    if not _ever_runs(cron):
        raise CronError(f"`{text.strip()}` never runs: there is no such day", day.position)
    return cron


def _split(text: str) -> list[Text]:
    if len(text) > _LONGEST:
        raise CronError(f"longer than {_LONGEST} characters", _LONGEST)
    if text.strip().startswith("cron("):
        raise CronError("leave out the `cron(...)` around the six fields", text.index("cron("))
    fields: list[Text] = []
    position = 0
    for word in text.split():
        position = text.index(word, position)
        fields.append(Text(word, position))
        position += len(word)
    if len(fields) != _FIELD_COUNT:
        raise CronError(
            "expected six fields (minute, hour, day of month, month, day of week, year), "
            f"found {len(fields)}",
            len(text),
        )
    return fields


def _ever_runs(cron: EventBridgeCron) -> bool:
    rule = cron.day_rule()
    for year in sorted(cron.years):
        for month in sorted(cron.months):
            first_weekday, length = monthrange(year, month)
            if rule.days_in(month, length, first_weekday):
                return True
    return False
