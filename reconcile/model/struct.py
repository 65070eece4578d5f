"""What immutable values have in common: how one is made from another, and what they hold."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Generic, TypeVar, overload

from msgspec import Meta
from msgspec.structs import replace as _replaced

Thing = TypeVar("Thing")
Shown = TypeVar("Shown")

Instant = Annotated[datetime, Meta(tz=True, extra_json_schema={"pattern": "Z$"})]
"""An instant that is saved or printed: in UTC, and refused without a time zone when read back."""

Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""A whole number that is saved."""


replace = _replaced
"""Returns a value with other contents in some fields.

Raises TypeError for a field that it does not have. No type checker sees that, nor whether the
contents fit: what calls this has a test that does.
"""


def figure(value: float) -> str:
    """Spell a figure so that reading it gives the same again; a count of items has no dot."""
    return str(int(value)) if value == int(value) else repr(value)


def rfc3339(instant: datetime) -> str:
    """Return the instant in UTC with a `Z`; microseconds only where there are any."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


class Telling(Sequence[Shown], Generic[Thing, Shown]):
    """A list of which each entry is told when it is read: of ten thousand, people see a few."""

    def __init__(self, things: Sequence[Thing], tell: Callable[[Thing], Shown]) -> None:
        self._things, self._tell = things, tell

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._things)

    def __iter__(self) -> Iterator[Shown]:
        """Tell one after the other."""
        return map(self._tell, self._things)

    @overload
    def __getitem__(self, place: int) -> Shown: ...
    @overload
    def __getitem__(self, place: slice) -> list[Shown]: ...
    def __getitem__(self, place: int | slice) -> Shown | list[Shown]:
        """Tell one of them, or some."""
        if isinstance(place, slice):
            return [self._tell(thing) for thing in self._things[place]]
        return self._tell(self._things[place])
