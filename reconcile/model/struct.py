"""How an immutable value is made from another of its kind."""

from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace as _replaced

StructT = TypeVar("StructT", bound=Struct)


def replace(value: StructT, /, **changes: object) -> StructT:
    """Return the value with other contents in some fields.

    Raises TypeError for a field that it does not have. No type checker sees that, nor whether the
    contents fit: what calls this has a test that does.
    """
    return _replaced(value, **changes)
