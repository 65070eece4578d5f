"""Instants of several sources, each counted once."""

from collections.abc import Iterable, Iterator, Sequence
from math import gcd

from reconcile.planning.outlook.instants import Marks, Piece, Slice


def united(sources: Iterable[Sequence[Piece]]) -> list[list[Piece]]:
    """Return of each source what none before it has: together, each instant counts once.

    Ranges of equal steps are compared by arithmetic; instants are listed only where two sources
    share some and not all.
    """
    seen = _Seen()
    return [[fresh for piece in pieces for fresh in seen.fresh(piece)] for pieces in sources]


class _Seen:
    """The instants of the sources so far."""

    def __init__(self) -> None:
        self._pieces: set[Piece] = set()
        self._ranges: list[range] = []
        self._listed: set[int] = set()

    def fresh(self, piece: Piece) -> Iterator[Piece]:
        """Yield what of a piece is new, and remember it."""
        if not piece or piece in self._pieces:
            return
        if isinstance(piece, range) and any(_holds(known, piece) for known in self._ranges):
            return
        meeting = [known for known in self._ranges if _may_meet(known, piece)]
        if meeting or not self._is_apart(piece):
            listed = self._listed
            left = [
                at_us
                for at_us in piece
                if at_us not in listed and not any(at_us in known for known in meeting)
            ]
            if len(left) < len(piece):
                marks = Marks(left)
                fresh: Piece = Slice(marks, 0, len(left), 0)
                listed.update(left)
                if left:
                    yield fresh
                return
        self._pieces.add(piece)
        if isinstance(piece, range):
            self._ranges.append(piece)
        else:
            self._listed.update(piece)
        yield piece

    def _is_apart(self, piece: Piece) -> bool:
        """Tell cheaply whether a piece shares nothing with what is listed; False if unsure."""
        if not self._listed:
            return True
        if not isinstance(piece, range) or len(piece) <= len(self._listed):
            return False
        return not any(at_us in piece for at_us in self._listed)


def _holds(known: range, piece: range) -> bool:
    return (
        piece[0] in known
        and piece[-1] in known
        and (len(piece) == 1 or not piece.step % known.step)
    )


def _may_meet(known: range, piece: Piece) -> bool:
    if not isinstance(piece, range):
        return True
    if piece[-1] < known[0] or known[-1] < piece[0]:
        return False
    return not (known.start - piece.start) % gcd(known.step, piece.step)
