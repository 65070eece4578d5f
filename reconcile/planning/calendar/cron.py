"""Five-field cron expressions: grammar and refusals. Which instants they mean is in `slots`."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import product
from typing import Final

from reconcile.model.noun import noun
from reconcile.planning.calendar.cron_fields import (
    DAY_OF_MONTH,
    DAY_OF_WEEK,
    HOUR,
    MINUTE,
    MONTH,
    CronError,
    LastDay,
    LastWeekday,
    NthWeekday,
    Text,
    read_field,
)

__all__ = ["CronError", "CronExpression", "DayRule", "parse_cron"]

_FIELDS: Final = (MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK)
_NICKNAMES: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_THIRTY: Final = frozenset({4, 6, 9, 11})
_FEBRUARY: Final = 2


@noun(frozen=True, slots=True)
class DayRule:
    """Which calendar days match. Weekdays count from 0 = Monday, as in `datetime.weekday`.

    `either`: a day matches by its number or by its weekday; otherwise it must match by both.
    """

    months: frozenset[int] = frozenset(range(1, 13))
    days: frozenset[int | LastDay] = frozenset(range(1, 32))
    weekdays: frozenset[int | NthWeekday | LastWeekday] = frozenset(range(7))
    either: bool = False

    def matches(self, day: int, weekday: int, month_length: int) -> bool:
        """Whether that day of a month of that length matches; the month itself is not asked."""
        by_number = day in self.days or (day == month_length and LastDay() in self.days)
        if by_number == self.either:
            return by_number
        return (
            weekday in self.weekdays
            or NthWeekday(weekday, (day + 6) // 7) in self.weekdays
            or (day + 7 > month_length and LastWeekday(weekday) in self.weekdays)
        )

    def days_in(self, month: int, month_length: int, first_weekday: int) -> tuple[int, ...]:
        """List the matching days of a month of that length whose first is that weekday."""
        if month not in self.months:
            return ()
        return tuple(
            day
            for day in range(1, month_length + 1)
            if self.matches(day, (first_weekday + day - 1) % 7, month_length)
        )


@noun(frozen=True, slots=True)
class CronExpression:
    """A parsed expression: at `hours` x `minutes` (both ascending) of the days that match.

    `fixed`: neither the minute nor the hour field starts with `*`, so a time that a change of
    offset skips or repeats still runs once; otherwise wall clocks are matched as they come.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    day_rule: DayRule
    fixed: bool


@lru_cache(maxsize=4096)
def parse_cron(expression: str) -> CronExpression:
    """Read five fields (minute, hour, day of month, month, day of week) or a nickname.

    Fields take `*`, numbers, names (JAN-DEC, SUN-SAT, any case; 0 and 7 are Sunday), lists,
    ranges, and steps (`*/n`, `a-b/n`, and `a/n` from a to the end of the field). Day of month
    takes `L`, the last day; day of week takes `FRIL`, the last Friday, and `MON#2`, the second
    Monday. When both are restricted (neither starts with `*`) either matches, otherwise both must.

    Raises `CronError` when it is malformed or can never match.
    """
    fields = _split(expression)
    values = [read_field(field, text) for field, text in zip(_FIELDS, fields, strict=True)]
    starred = [text.content.startswith("*") for text in fields]
    minutes, hours, days, months, weekdays = values
    rule = DayRule(
        months=frozenset(_numbers(months)),
        days=frozenset(value for value in days if isinstance(value, (int, LastDay))),
        weekdays=frozenset(value for value in weekdays if not isinstance(value, LastDay)),
        either=not starred[2] and not starred[4],
    )
    if not _can_match(rule):
        raise CronError(
            f"`{expression.strip()}` never matches: no {_named(rule.months)} has such a day",
            fields[2].position,
        )
    return CronExpression(
        minutes=_numbers(minutes),
        hours=_numbers(hours),
        day_rule=rule,
        fixed=not starred[0] and not starred[1],
    )


def _numbers(values: Iterable[object]) -> tuple[int, ...]:
    return tuple(sorted(value for value in values if isinstance(value, int)))


def _named(months: frozenset[int]) -> str:
    names = [name for number, name in enumerate(MONTH.names, start=1) if number in months]
    return "month" if len(names) == len(MONTH.names) else " or ".join(names)


def _split(expression: str) -> Sequence[Text]:
    nickname = expression.strip()
    if nickname.startswith("@"):
        return _expand(nickname, len(expression) - len(expression.lstrip()))
    texts: list[Text] = []
    position = 0
    for word in expression.split():
        position = expression.index(word, position)
        texts.append(Text(word, position))
        position += len(word)
    if len(texts) != len(_FIELDS):
        raise CronError(
            f"expected five fields (minute, hour, day of month, month, day of week), "
            f"found {len(texts)}",
            texts[len(_FIELDS)].position if len(texts) > len(_FIELDS) else len(expression),
        )
    return texts


def _expand(nickname: str, position: int) -> Sequence[Text]:
    if nickname.lower() == "@reboot":
        raise CronError("`@reboot` has no meaning here: nothing boots", position)
    fields = _NICKNAMES.get(nickname.lower())
    if fields is None:
        known = ", ".join(sorted(_NICKNAMES))
        raise CronError(f"unknown nickname `{nickname}`: the nicknames are {known}", position)
    return [Text(word, position) for word in fields.split()]


def _can_match(rule: DayRule) -> bool:
    """Ask every shape of every month: within 400 years each falls on each weekday."""
    return any(
        rule.days_in(month, length, first_weekday)
        for month in sorted(rule.months)
        for length, first_weekday in product(_month_lengths(month), range(7))
    )


def _month_lengths(month: int) -> tuple[int, ...]:
    if month == _FEBRUARY:
        return (28, 29)
    return (30,) if month in _THIRTY else (31,)
