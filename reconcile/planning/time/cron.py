"""Five-field cron expressions: grammar and refusals. Which instants they mean is in `slots`."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import product
from typing import Final

from msgspec import Struct

# One field of a cron expression: what may stand in it, and what it means.


class CronError(ValueError):
    """A cron expression that cannot be used. `position` is a 0-based offset into it."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


class Text(Struct, frozen=True):
    """A piece of an expression and where it begins."""

    content: str
    position: int

    def split(self, separator: str) -> "list[Text]":
        """Split as `str.split` does, keeping every piece's place."""
        pieces: list[Text] = []
        position = self.position
        for content in self.content.split(separator):
            pieces.append(Text(content, position))
            position += len(content) + len(separator)
        return pieces


def words_of(expression: str) -> list[Text]:
    """Return what stands between blanks, each piece with its place."""
    return [Text(word.group(), word.start()) for word in re.finditer(r"\S+", expression)]


class LastDay(Struct, frozen=True):
    """`L` in day of month: the last day of the month."""


class LastWeekday(Struct, frozen=True):
    """`FRIL`: the last such weekday of the month. 0 = Monday."""

    weekday: int


class NthWeekday(Struct, frozen=True):
    """`MON#2`: the n-th such weekday of the month. 0 = Monday."""

    weekday: int
    n: int


Value = int | LastDay | LastWeekday | NthWeekday


class Field(Struct, frozen=True):
    """`low` to `high` is what `*` covers; `names` are accepted in place of numbers."""

    title: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    """In the order of their numbers, from `low` on."""


MINUTE: Final = Field("minute", 0, 59)
HOUR: Final = Field("hour", 0, 23)
DAY_OF_MONTH: Final = Field("day of month", 1, 31)
MONTH: Final = Field(
    "month",
    1,
    12,
    ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"),
)
DAY_OF_WEEK: Final = Field("day of week", 0, 6, ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))
_SUNDAY_AS_SEVEN: Final = 7
_NTH: Final = ("1", "2", "3", "4", "5")


def read_field(field: Field, text: Text) -> frozenset[Value]:
    """Return everything a field lists; weekdays counted from 0 = Monday. Raises `CronError`."""
    return frozenset(value for item in text.split(",") for value in _read_item(field, item))


def _read_item(field: Field, item: Text) -> set[Value]:
    if not item.content:
        raise CronError(f"an item is missing in the {field.title} field", item.position)
    if "?" in item.content:
        raise CronError("`?` is not cron: write `*`", item.position + item.content.index("?"))
    special = _read_special(field, item)
    if special is not None:
        return {special}
    values = read_steps(field, item)
    return {(value - 1) % 7 for value in values} if field is DAY_OF_WEEK else set(values)


def read_steps(field: Field, item: Text) -> range:
    """Return the numbers of a value, a range, or steps through one. Raises `CronError`."""
    spread, *steps = item.split("/")
    if len(steps) > 1:
        raise CronError(f"`{item.content}` has more than one step", steps[1].position - 1)
    first, last = _read_range(field, spread, open_ended=bool(steps))
    return range(first, last + 1, _read_step(field, steps[0]) if steps else 1)


def _read_special(field: Field, item: Text) -> Value | None:
    upper = item.content.upper()
    if field is DAY_OF_MONTH and upper == "L":
        return LastDay()
    if field is not DAY_OF_WEEK:
        return None
    if "#" in upper:
        return read_nth(field, item)
    if upper == "L":
        raise CronError("`L` needs its weekday here: `FRIL` is the last Friday", item.position)
    if upper.endswith("L"):
        named = Text(item.content[:-1], item.position)
        return LastWeekday(read_weekday(field, named))
    return None


def read_nth(field: Field, item: Text) -> NthWeekday:
    """Return what `MON#2` names. Raises `CronError`."""
    weekday, n, *rest = item.split("#")
    if rest or n.content not in _NTH:
        raise CronError(f"`{item.content}`: after `#` stands one of 1 to 5", n.position)
    return NthWeekday(read_weekday(field, weekday), int(n.content))


def read_weekday(field: Field, text: Text) -> int:
    """Return a day of the week, 0 = Monday, of a field that begins with Sunday."""
    return (read_value(field, text) - field.low - 1) % 7


def _read_range(field: Field, spread: Text, *, open_ended: bool) -> tuple[int, int]:
    if spread.content == "*":
        return field.low, field.high
    start, *ends = spread.split("-")
    first = read_value(field, start)
    if not ends:
        if not open_ended:
            return first, first
        return (field.low if first > field.high else first), field.high
    if len(ends) > 1:
        raise CronError(f"`{spread.content}` is not a range", ends[1].position - 1)
    last = read_value(field, ends[0])
    if field is DAY_OF_WEEK and ends[0].content.upper() == "SUN":
        last = _SUNDAY_AS_SEVEN
    if last < first:
        raise CronError(
            f"`{spread.content}` runs backwards: split it in two, separated by a comma",
            spread.position,
        )
    return first, last


def _read_step(field: Field, text: Text) -> int:
    span = field.high - field.low + 1
    if not _is_number(field, text.content) or int(text.content) == 0:
        raise CronError(
            f"the step after `/` is a whole number from 1, not `{text.content}`", text.position
        )
    if int(text.content) >= span:
        raise CronError(
            f"a step of {text.content} never gets past its first value: "
            f"{field.title} counts {field.low} to {field.high} and starts over",
            text.position,
        )
    return int(text.content)


def read_value(field: Field, text: Text) -> int:
    """Return one number, or the number of one name in any case. Raises `CronError`."""
    name = text.content.upper()
    if name in field.names:
        return field.low + field.names.index(name)
    if not _is_number(field, text.content):
        raise CronError(_not_a_value(field, text.content), text.position)
    number = int(text.content)
    high = _SUNDAY_AS_SEVEN if field is DAY_OF_WEEK else field.high
    if not field.low <= number <= high:
        raise CronError(
            f"{number} is out of range: {field.title} counts {field.low} to {high}", text.position
        )
    return number


def _not_a_value(field: Field, content: str) -> str:
    if not content:
        return f"a value is missing in the {field.title} field"
    names = f" or {field.names[0]} to {field.names[-1]}" if field.names else ""
    return f"`{content}` is not a {field.title}: it takes {field.low} to {field.high}{names}"


def _is_number(field: Field, content: str) -> bool:
    """Few ASCII digits: `str.isdigit` alone lets in digits `int` reads otherwise."""
    return content.isascii() and content.isdigit() and len(content) <= max(3, len(f"{field.high}"))


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
_SHORT: Final = {2: (28, 29), 4: (30,), 6: (30,), 9: (30,), 11: (30,)}
"""The lengths of the months that have no 31 days."""


class DayRule(Struct, frozen=True):
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


class CronExpression(Struct, frozen=True):
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
    texts = words_of(expression)
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
        for length, first_weekday in product(_SHORT.get(month, (31,)), range(7))
    )
