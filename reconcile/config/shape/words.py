"""Kinds of values a file may hold. Their patterns serve the published schema and editors.

Only types are checked here. What a text means is read in `lowering`, each distinct one once: ten
thousand models rarely have a hundred different durations.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, TypedDict, Unpack

from reconcile.config.durations import DURATION_PATTERN
from reconcile.config.instants import INSTANT_PATTERN
from reconcile.config.names import LONGEST_NAME, UUID_PATTERN
from reconcile.config.wall_times import DAYS_PATTERN, TIME_PATTERN, WINDOW_PATTERN

_Schema = Mapping[str, Any]


class Rules(TypedDict, total=False):
    """Rules that pydantic's core has for a value, by its own names."""

    ge: int
    gt: int
    le: int
    allow_inf_nan: bool
    strict: bool
    tz_constraint: Literal["aware"]


class Checked:
    """What is checked of a value beside its type."""

    def __init__(self, **rules: Unpack[Rules]) -> None:
        self.rules = rules

    def __get_pydantic_core_schema__(
        self, source: object, handler: Callable[[object], _Schema]
    ) -> _Schema:
        """Tell pydantic, which asks by this name."""
        return {**handler(source), **self.rules}


class Published:
    """What the published schema alone says of a value, in the words of JSON Schema."""

    def __init__(self, **words: object) -> None:
        self.words = words

    def __get_pydantic_json_schema__(
        self, schema: _Schema, handler: Callable[[_Schema], _Schema]
    ) -> _Schema:
        """Tell pydantic, which asks by this name."""
        return {**handler(schema), **self.words}


Duration = Annotated[str, Published(pattern=DURATION_PATTERN)]
TimeOfDay = Annotated[str, Published(pattern=TIME_PATTERN)]
Window = Annotated[str, Published(pattern=WINDOW_PATTERN)]
Days = Annotated[str, Published(pattern=DAYS_PATTERN)]
Uuid = Annotated[str, Published(pattern=UUID_PATTERN)]
InstantText = Annotated[str, Published(pattern=INSTANT_PATTERN)]
Instant = Annotated[datetime, Checked(tz_constraint="aware")] | InstantText
Name = Annotated[str, Published(minLength=1, maxLength=LONGEST_NAME)]

ARRAY = Checked(strict=False)
"""TOML has only lists; a tuple can be hashed, which is what finds equal items fast."""

_NOT_EMPTY = Published(minItems=1)
Texts = Annotated[tuple[str, ...], ARRAY, _NOT_EMPTY]
TimesOfDay = Annotated[tuple[TimeOfDay, ...], ARRAY, _NOT_EMPTY]
Windows = Annotated[tuple[Window, ...], ARRAY, _NOT_EMPTY]
DaysList = Annotated[tuple[Days, ...], ARRAY, _NOT_EMPTY]
