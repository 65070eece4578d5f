"""Many instants, counted without being listed one by one.

Inside they are whole microseconds since 1970 (UTC): as ranges of equal steps, or as slices of the
slots of one wall-clock cadence, which all items that keep to it share.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

from reconcile.model.noun import noun

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def microseconds(instant: datetime) -> int:
    """Return an instant as microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND


def instant_of(at_us: int) -> datetime:
    """Return the instant (UTC) so many microseconds after 1970."""
    return _EPOCH + timedelta(microseconds=at_us)


class Marks:
    """Ascending instants that many share. Two are the same only if they are one object."""

    __slots__ = ("at_us",)

    def __init__(self, at_us: Iterable[int]) -> None:
        self.at_us = array("q", at_us)


@noun(frozen=True, slots=True)
class Slice:
    """The marks from number `low` (included) to `high` (excluded), all shifted by `shift_us`."""

    marks: Marks
    low: int
    high: int
    shift_us: int

    def __len__(self) -> int:
        return self.high - self.low

    def __iter__(self) -> Iterator[int]:
        shown = islice(self.marks.at_us, self.low, self.high)
        shift_us = self.shift_us
        return (at_us + shift_us for at_us in shown) if shift_us else iter(shown)

    def __getitem__(self, place: int) -> int:
        return self.marks.at_us[range(self.low, self.high)[place]] + self.shift_us


Piece = range | Slice
"""Ascending instants, in microseconds since 1970."""


def once(at_us: int) -> range:
    """Return one instant as a piece."""
    return range(at_us, at_us + 1)


def slice_of(marks: Marks, shift_us: int, start_us: int, until_us: int) -> Slice:
    """Cut out the marks that, once shifted, lie from `start_us` (included) to `until_us`."""
    low = bisect_left(marks.at_us, start_us - shift_us)
    high = bisect_left(marks.at_us, until_us - shift_us, lo=low)
    return Slice(marks, low, high, shift_us)


def within(piece: Piece, start_us: int, until_us: int) -> Piece:
    """Return the part of a piece from `start_us` (included) to `until_us` (excluded)."""
    if isinstance(piece, range):
        low = max(0, -((piece.start - start_us) // piece.step))
        high = max(0, -((piece.start - until_us) // piece.step))
        return piece[low:high]
    low = bisect_left(piece.marks.at_us, start_us - piece.shift_us, piece.low, piece.high)
    high = bisect_left(piece.marks.at_us, until_us - piece.shift_us, low, piece.high)
    return Slice(piece.marks, low, high, piece.shift_us)


def parts(pieces: Iterable[Piece], start_us: int, until_us: int) -> list[Piece]:
    """Return what of the pieces lies from `start_us` (included) to `until_us` (excluded)."""
    return [part for piece in pieces if (part := within(piece, start_us, until_us))]


def count(pieces: Iterable[Piece], start_us: int, until_us: int) -> int:
    """Count the instants from `start_us` (included) to `until_us` (excluded)."""
    return sum(len(within(piece, start_us, until_us)) for piece in pieces)
