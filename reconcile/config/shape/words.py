"""Kinds of values a file may hold. Their patterns serve the published schema and editors.

pydantic checks only their types here. What they mean is read in `lowering`, each distinct text
once: ten thousand models rarely have a hundred different durations.
"""

from typing import Annotated

from pydantic import AwareDatetime, Field

from reconcile.config.durations import DURATION_PATTERN
from reconcile.config.instants import INSTANT_PATTERN
from reconcile.config.names import LONGEST_NAME, UUID_PATTERN
from reconcile.config.wall_times import DAYS_PATTERN, TIME_PATTERN, WINDOW_PATTERN

# Not `pattern=`: it would check in pydantic as well, with an error of its own.
Duration = Annotated[str, Field(json_schema_extra={"pattern": DURATION_PATTERN})]
TimeOfDay = Annotated[str, Field(json_schema_extra={"pattern": TIME_PATTERN})]
Window = Annotated[str, Field(json_schema_extra={"pattern": WINDOW_PATTERN})]
Days = Annotated[str, Field(json_schema_extra={"pattern": DAYS_PATTERN})]
Uuid = Annotated[str, Field(json_schema_extra={"pattern": UUID_PATTERN})]
InstantText = Annotated[str, Field(json_schema_extra={"pattern": INSTANT_PATTERN})]
Instant = AwareDatetime | InstantText
Name = Annotated[str, Field(json_schema_extra={"minLength": 1, "maxLength": LONGEST_NAME})]

# TOML has only arrays; a tuple can be hashed, which is what finds equal items fast.
_ARRAY = Field(strict=False, json_schema_extra={"minItems": 1})
Texts = Annotated[tuple[str, ...], _ARRAY]
TimesOfDay = Annotated[tuple[TimeOfDay, ...], _ARRAY]
Windows = Annotated[tuple[Window, ...], _ARRAY]
DaysList = Annotated[tuple[Days, ...], _ARRAY]
