"""What lies ahead, minute by minute: calls, and the requests that they ask of the budget."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import chain
from typing import Final

from reconcile.planning.budget.polling import UNKNOWN_DURATION_S, next_poll_s
from reconcile.planning.outlook.ahead import Ahead
from reconcile.planning.outlook.instants import Piece, instant_of, microseconds

_MINUTE_US: Final = 60_000_000
_SECOND_US: Final = 1_000_000
_MINUTE: Final = timedelta(minutes=1)


def minutes_of(counts: Sequence[int], now: datetime) -> Mapping[datetime, int]:
    """Say which UTC minutes have how many, for counts of each minute from that of `now` on."""
    first = now.replace(second=0, microsecond=0)
    return {first + place * _MINUTE: number for place, number in enumerate(counts) if number}


def calls_by_minute(*parts: Ahead) -> list[int]:
    """Count the calls of each UTC minute, the first of them that of `now`.

    `parts` look ahead over the same time, at different items.
    """
    return _Minutes(parts[0]).add(_weights(parts)).counts


def requests_by_minute(ahead: Ahead) -> list[int]:
    """Count the requests wanted in each UTC minute, polls included.

    Jobs last as long as the recorded ones did. This is what falls due, not what is sent: an apply
    spreads what is over the budget over the minutes that follow.
    """
    minutes = _Minutes(ahead).add(_weights([ahead]))
    if ahead.polled:
        jobs: dict[float | None, Counter[Piece]] = {}
        for line in ahead.lines:
            if line.group:
                for lasts_s, pieces in line.calls:
                    jobs.setdefault(lasts_s, Counter()).update(pieces)
        for lasts_s, weights in jobs.items():
            for age_s in _poll_ages_s(lasts_s):
                minutes.add(weights, round(age_s * _SECOND_US))
    return minutes.counts


def _weights(parts: Iterable[Ahead]) -> Counter[Piece]:
    """Count how many lines have the same instants: these are looked at once."""
    lines = chain.from_iterable(ahead.lines for ahead in parts)
    return Counter(piece for line in lines for _, pieces in line.calls for piece in pieces)


class _Minutes:
    """A count for each minute from that of `now` until `until`; later ones are dropped."""

    def __init__(self, ahead: Ahead) -> None:
        self._first = microseconds(ahead.now) // _MINUTE_US
        self.counts = [0] * (-(-microseconds(ahead.until) // _MINUTE_US) - self._first)

    def add(self, weights: Mapping[Piece, int], later_us: int = 0) -> "_Minutes":
        """Count each instant as often as its piece weighs, so many microseconds later."""
        alike: Counter[range] = Counter()
        for piece, weight in weights.items():
            if isinstance(piece, range) and not piece.step % _MINUTE_US:
                first = (piece.start + later_us) // _MINUTE_US - self._first
                step = piece.step // _MINUTE_US
                alike[range(first, first + step * len(piece), step)] += weight
            elif isinstance(piece, range) and len(piece) > len(self.counts):
                self._add_dense(piece, weight, later_us)
            else:
                self._add_each(piece, weight, later_us)
        for places, weight in alike.items():
            for place in places[: len(range(places.start, len(self.counts), places.step))]:
                self.counts[place] += weight
        return self

    def _add_each(self, piece: Piece, weight: int, later_us: int) -> None:
        counts, shift_us = self.counts, later_us - self._first * _MINUTE_US
        for at_us in piece:
            place = (at_us + shift_us) // _MINUTE_US
            if place >= len(counts):
                return
            counts[place] += weight

    def _add_dense(self, piece: range, weight: int, later_us: int) -> None:
        """Count by minutes what has several in each."""
        before = 0
        start_us = self._first * _MINUTE_US - later_us
        for place in range(len(self.counts)):
            start_us += _MINUTE_US
            upto = min(len(piece), max(0, -((piece.start - start_us) // piece.step)))
            self.counts[place] += weight * (upto - before)
            before = upto


def first_minute(counts: Sequence[int], now: datetime) -> tuple[datetime, int] | None:
    """Return the first of the fullest minutes, from `now` on, and its count; None if all are 0."""
    most = max(counts, default=0)
    if not most:
        return None
    minute = instant_of((microseconds(now) // _MINUTE_US + counts.index(most)) * _MINUTE_US)
    return max(minute, now), most


@lru_cache(maxsize=1024)
def _poll_ages_s(lasts_s: float | None) -> tuple[float, ...]:
    """Ages of a job when it is asked after, the last time once it has ended."""
    duration_s = UNKNOWN_DURATION_S if lasts_s is None else lasts_s
    ages_s = [next_poll_s(0.0, lasts_s)]
    while ages_s[-1] < duration_s:
        ages_s.append(ages_s[-1] + next_poll_s(ages_s[-1], lasts_s))
    return tuple(ages_s)
