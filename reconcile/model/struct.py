"""What immutable values have in common: how one is made from another, and the checked scalars."""

from datetime import UTC, datetime
from typing import Annotated, TypeVar

from msgspec import Meta, Struct
from msgspec.structs import replace as _replaced

StructT = TypeVar("StructT", bound=Struct)

Instant = Annotated[datetime, Meta(tz=True, extra_json_schema={"pattern": "Z$"})]
"""An instant that is saved or printed: in UTC, and refused without a time zone when read back."""

Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""A whole number that is saved."""


def replace(value: StructT, /, **changes: object) -> StructT:
    """Return the value with other contents in some fields.

    Raises TypeError for a field that it does not have. No type checker sees that, nor whether the
    contents fit: what calls this has a test that does.
    """
    return _replaced(value, **changes)


def figure(value: float) -> str:
    """Spell a figure so that reading it gives the same again; a count of items has no dot."""
    return str(int(value)) if value == int(value) else repr(value)


def rfc3339(instant: datetime) -> str:
    """Return the instant in UTC with a `Z`; microseconds only where there are any."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
