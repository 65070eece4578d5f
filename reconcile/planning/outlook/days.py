"""What lies ahead, cut into the calendar days of one zone."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Final

from reconcile.model.address import Address
from reconcile.model.forecast import Day
from reconcile.model.noun import noun
from reconcile.planning.calendar.wall_clock import spans_from
from reconcile.planning.outlook.ahead import Ahead
from reconcile.planning.outlook.demand import requests_by_minute
from reconcile.planning.outlook.instants import Piece, count, instant_of, microseconds

HOURS: Final = 24
_DAY: Final = timedelta(days=1)
_MINUTE_US: Final = 60_000_000


@noun(frozen=True, slots=True)
class _Stretch:
    """Time within one date by one offset, from `start` (included) until `until` (excluded)."""

    date: date
    start: datetime
    until: datetime
    offset: timedelta


def usual_zone(zones: Mapping[Address, str]) -> str:
    """Return the zone that most items are in."""
    counts = Counter(zones.values())
    return min(counts, key=lambda zone: (-counts[zone], zone), default="UTC")


def days(ahead: Ahead, zone: str) -> tuple[Day, ...]:
    """List every day that is touched, idle ones included, as the calendar of a zone has them."""
    stretches = tuple(_stretches(zone, ahead.now, ahead.until))
    sheets = {stretch.date: _Sheet() for stretch in stretches}
    counts = _Counts(stretches)
    for address, runs in ahead.runs.items():
        for on, number in counts.of(runs.pieces):
            sheets[on].covering[address] += number
    for line in ahead.lines:
        for _, pieces in line.calls:
            for on, number in counts.of(pieces):
                sheets[on].calls += number
    _count_requests(ahead, stretches, sheets)
    return tuple(sheet.day(on) for on, sheet in sheets.items())


class _Counts:
    """Counts by stretch; what many items share is counted once."""

    def __init__(self, stretches: Sequence[_Stretch]) -> None:
        self._bounds = [(s.date, microseconds(s.start), microseconds(s.until)) for s in stretches]
        self._known: dict[tuple[Piece, ...], list[tuple[date, int]]] = {}

    def of(self, pieces: tuple[Piece, ...]) -> list[tuple[date, int]]:
        """Return how many instants there are on each date that has any."""
        if pieces not in self._known:
            counts = ((on, count(pieces, start, until)) for on, start, until in self._bounds)
            self._known[pieces] = [(on, number) for on, number in counts if number]
        return self._known[pieces]


def _count_requests(
    ahead: Ahead, stretches: Sequence[_Stretch], sheets: Mapping[date, "_Sheet"]
) -> None:
    requests = requests_by_minute(ahead)
    first = microseconds(ahead.now) // _MINUTE_US
    for stretch in stretches:
        begins = microseconds(stretch.start) // _MINUTE_US - first
        ends = -(-microseconds(stretch.until) // _MINUTE_US) - first
        sheet = sheets[stretch.date]
        for place, number in enumerate(requests[begins:ends], first + begins):
            if number:
                minute = instant_of(place * _MINUTE_US)
                sheet.count((minute + stretch.offset).hour, minute, number)


def _stretches(zone: str, now: datetime, until: datetime) -> Iterator[_Stretch]:
    """Cut the time from `now` until `until` where the date or the offset changes."""
    for span in spans_from(zone, now):
        start, end = max(span.start, now), min(span.end, until)
        if start >= until:
            return
        first, last = span.local(start).date(), span.local(end).date()
        midnights = (
            span.instant(datetime.combine(first + number * _DAY, time()))
            for number in range(1, (last - first).days + 1)
        )
        cuts = [start, *(midnight for midnight in midnights if midnight < end), end]
        for begins, ends in pairwise(cuts):
            yield _Stretch(span.local(begins).date(), begins, ends, span.offset)


class _Sheet:
    """A day as it is being counted."""

    def __init__(self) -> None:
        self.calls = 0
        self.covering: Counter[Address] = Counter()
        self._peaks = [0] * HOURS
        self._most = 0
        self._busiest: datetime | None = None

    def count(self, hour: int, minute: datetime, requests: int) -> None:
        """Take in one minute; minutes come in order."""
        if requests > self._most:
            self._most, self._busiest = requests, minute
        self._peaks[hour] = max(self._peaks[hour], requests)

    def day(self, on: date) -> Day:
        return Day(on, self.calls, self.covering, tuple(self._peaks), self._busiest)
