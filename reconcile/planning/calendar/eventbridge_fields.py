"""One field of an EventBridge cron expression: what may stand in it, and its one spelling."""

import re
from collections.abc import Collection
from typing import Final

from reconcile.planning.calendar.cron_fields import DAY_OF_WEEK as CRON_DAY_OF_WEEK
from reconcile.planning.calendar.cron_fields import MONTH as CRON_MONTH
from reconcile.planning.calendar.cron_fields import CronError, Field, Text

MINUTE: Final = Field("minute", 0, 59)
HOUR: Final = Field("hour", 0, 23)
DAY_OF_MONTH: Final = Field("day of month", 1, 31)
MONTH: Final = Field("month", 1, 12, CRON_MONTH.names)
DAY_OF_WEEK: Final = Field("day of week", 1, 7, CRON_DAY_OF_WEEK.names)
"""1 = Sunday, unlike Unix cron's 0 [AWS]."""
YEAR: Final = Field("year", 1970, 2199)

_NUMBER: Final = re.compile(r"[0-9]{1,4}", re.ASCII)
_FEWEST_IN_RUN: Final = 3
"""Two values are a list; three or more evenly spaced ones are a range or a step."""


def read_values(field: Field, text: Text) -> frozenset[int]:
    """Return the numbers that lists, ranges and steps name. Raises `CronError`."""
    return frozenset(value for item in text.split(",") for value in _read_item(field, item))


def read_value(field: Field, text: Text) -> int:
    """Return one number, or the number of one name. Raises `CronError`."""
    named = field.named(text.content)
    if named is not None:
        return named
    if not _NUMBER.fullmatch(text.content):
        raise CronError(
            f"`{text.content}` is not a {field.title}: {_range_of(field)}", text.position
        )
    number = int(text.content)
    if not field.low <= number <= field.high:
        raise CronError(
            f"{number} is out of range: {field.title} counts {field.low} to {field.high}",
            text.position,
        )
    return number


def spell_values(field: Field, values: Collection[int]) -> str:
    """Spell a set of numbers in the one way that every spelling of it comes to."""
    ordered = sorted(values)
    if len(ordered) == field.high - field.low + 1:
        return "*"
    if step := _step_to_the_end(field, ordered):
        return f"{ordered[0]}/{step}"
    return ",".join(_spell_run(field, first, last) for first, last in _runs(ordered))


def _read_item(field: Field, item: Text) -> range:
    spread, *steps = item.split("/")
    if len(steps) > 1:
        raise CronError(f"`{item.content}` has more than one step", steps[1].position - 1)
    first, last = _read_range(field, spread, open_ended=bool(steps))
    return range(first, last + 1, _read_step(field, steps[0]) if steps else 1)


def _read_range(field: Field, spread: Text, *, open_ended: bool) -> tuple[int, int]:
    if spread.content == "*":
        return field.low, field.high
    start, *ends = spread.split("-")
    first = read_value(field, start)
    if not ends:
        return first, field.high if open_ended else first
    if len(ends) > 1:
        raise CronError(f"`{spread.content}` is not a range", ends[1].position - 1)
    last = read_value(field, ends[0])
    if last < first:
        # Whether EventBridge wraps such a range is not documented, so it is never sent.
        raise CronError(
            f"`{spread.content}` runs backwards: split it in two, separated by a comma",
            spread.position,
        )
    return first, last


def _read_step(field: Field, text: Text) -> int:
    span = field.high - field.low + 1
    if not _NUMBER.fullmatch(text.content) or not 1 <= int(text.content) < span:
        raise CronError(
            f"the step after `/` is a whole number from 1 to {span - 1} here, not `{text.content}`",
            text.position,
        )
    return int(text.content)


def _range_of(field: Field) -> str:
    names = f" or {field.names[0]} to {field.names[-1]}" if field.names else ""
    return f"it takes {field.low} to {field.high}{names}"


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
