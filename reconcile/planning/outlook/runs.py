"""When one item runs."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Final, overload

from reconcile.planning.outlook.instants import Piece, count, instant_of, microseconds


class Runs(Sequence[datetime]):
    """When an item runs: ascending, UTC. Knows how many there are without listing them."""

    __slots__ = ("pieces",)

    def __init__(self, pieces: Iterable[Piece]) -> None:
        """`pieces`: one after the other in time, none of them empty."""
        self.pieces = tuple(pieces)

    def __len__(self) -> int:
        return sum(map(len, self.pieces))

    def __iter__(self) -> Iterator[datetime]:
        return map(instant_of, self.at_us())

    @overload
    def __getitem__(self, place: int) -> datetime: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[datetime]: ...
    def __getitem__(self, place: int | slice) -> datetime | Sequence[datetime]:
        if isinstance(place, slice):
            return tuple(self)[place]
        wanted = place + len(self) if place < 0 else place
        for piece in self.pieces:
            if 0 <= wanted < len(piece):
                return instant_of(next(islice(piece, wanted, None)))
            wanted -= len(piece)
        raise IndexError(place)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Runs):
            return NotImplemented
        if self.pieces == other.pieces:
            return True
        return len(self) == len(other) and all(
            one == another for one, another in zip(self.at_us(), other.at_us(), strict=True)
        )

    def __hash__(self) -> int:
        return hash((len(self), next(self.at_us(), None)))

    def __repr__(self) -> str:
        return f"Runs({len(self)})"

    def at_us(self) -> Iterator[int]:
        """Yield each, in microseconds since 1970."""
        return chain.from_iterable(self.pieces)

    def has(self, at_us: int) -> bool:
        """Tell whether it runs at an instant, in microseconds since 1970."""
        return count(self.pieces, at_us, at_us + 1) > 0

    def count_between(self, start: datetime, until: datetime) -> int:
        """Count those from `start` (included) to `until` (excluded)."""
        return count(self.pieces, microseconds(start), microseconds(until))

    def first_without(self, other: "Runs") -> datetime | None:
        """Return the first that `other` does not have."""
        others = other.at_us()
        latest = next(others, None)
        for at_us in self.at_us():
            while latest is not None and latest < at_us:
                latest = next(others, None)
            if latest != at_us:
                return instant_of(at_us)
        return None


NO_RUNS: Final = Runs(())


def runs_of(pieces: Sequence[Piece]) -> Runs:
    """Return the runs that pieces are, one after the other in time."""
    return Runs(pieces) if pieces else NO_RUNS
