"""One field of a cron expression: what may stand in it, and what it means."""

from typing import Final

from reconcile.model.noun import noun


class CronError(ValueError):
    """A cron expression that cannot be used. `position` is a 0-based offset into it."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


@noun(frozen=True, slots=True)
class Text:
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


@noun(frozen=True, slots=True)
class LastDay:
    """`L` in day of month: the last day of the month."""


@noun(frozen=True, slots=True)
class LastWeekday:
    """`FRIL`: the last such weekday of the month. 0 = Monday."""

    weekday: int


@noun(frozen=True, slots=True)
class NthWeekday:
    """`MON#2`: the n-th such weekday of the month. 0 = Monday."""

    weekday: int
    n: int


Value = int | LastDay | LastWeekday | NthWeekday


@noun(frozen=True, slots=True)
class Field:
    """`low` to `high` is what `*` covers; `names` are accepted in place of numbers."""

    title: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    """In the order of their numbers, from `low` on."""

    def named(self, name: str) -> int | None:
        """Return the number of a name, spelled in any case; None if it is none."""
        upper = name.upper()
        return self.low + self.names.index(upper) if upper in self.names else None


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
    spread, *steps = item.split("/")
    if len(steps) > 1:
        raise CronError(f"`{item.content}` has more than one step", steps[1].position - 1)
    first, last = _read_range(field, spread, open_ended=bool(steps))
    step = _read_step(field, steps[0]) if steps else 1
    values = range(first, last + 1, step)
    return {(value - 1) % 7 for value in values} if field is DAY_OF_WEEK else set(values)


def _read_special(field: Field, item: Text) -> Value | None:
    upper = item.content.upper()
    if field is DAY_OF_MONTH and upper == "L":
        return LastDay()
    if field is not DAY_OF_WEEK:
        return None
    if "#" in upper:
        return _read_nth(item)
    if upper == "L":
        raise CronError("`L` needs its weekday here: `FRIL` is the last Friday", item.position)
    if upper.endswith("L"):
        named = Text(item.content[:-1], item.position)
        return LastWeekday((_read_value(DAY_OF_WEEK, named) - 1) % 7)
    return None


def _read_nth(item: Text) -> NthWeekday:
    weekday, n, *rest = item.split("#")
    if rest or n.content not in _NTH:
        raise CronError(f"`{item.content}`: after `#` stands one of 1 to 5", n.position)
    return NthWeekday((_read_value(DAY_OF_WEEK, weekday) - 1) % 7, int(n.content))


def _read_range(field: Field, spread: Text, *, open_ended: bool) -> tuple[int, int]:
    if spread.content == "*":
        return field.low, field.high
    start, *ends = spread.split("-")
    first = _read_value(field, start)
    if not ends:
        if not open_ended:
            return first, first
        return (field.low if first > field.high else first), field.high
    last = _read_value(field, ends[0])
    if field is DAY_OF_WEEK and ends[0].content.upper() == "SUN":
        last = _SUNDAY_AS_SEVEN
    if len(ends) > 1:
        raise CronError(f"`{spread.content}` is not a range", ends[1].position - 1)
    if last < first:
        raise CronError(
            f"`{spread.content}` runs backwards: split it in two, separated by a comma",
            spread.position,
        )
    return first, last


def _read_step(field: Field, text: Text) -> int:
    span = field.high - field.low + 1
    if not _is_number(text.content) or int(text.content) == 0:
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


def _read_value(field: Field, text: Text) -> int:
    named = field.named(text.content)
    if named is not None:
        return named
    if not _is_number(text.content):
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


def _is_number(content: str) -> bool:
    """Up to three ASCII digits: `str.isdigit` alone lets in digits `int` reads otherwise."""
    return content.isascii() and content.isdigit() and len(content) <= len("000")
