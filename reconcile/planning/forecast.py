"""The calls that will fall due, counted by day and item, and the first of one item."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from typing import Final

from msgspec import Struct

from reconcile.model.address import Address
from reconcile.model.desired import Desired
from reconcile.model.forecast import Day, ExpectedCall, Forecast
from reconcile.model.recorded import Recorded
from reconcile.planning.ahead import Ahead, look_ahead, requests_by_minute
from reconcile.planning.plan import follow
from reconcile.planning.steady import MINUTE_US, Piece, count, instant_of, microseconds
from reconcile.planning.time.wall_clock import spans_from
from reconcile.planning.walk import Outset, Walk

LONGEST_SPAN: Final = timedelta(days=366)
"""A freeze whose end lies further away counts as endless, so no look goes further."""

MOST_INSTANTS: Final = 1000
"""How many instants the search for one item's first call looks at."""


def forecast(
    desired: Desired,
    recorded: Recorded,
    now: datetime,
    span: timedelta,
    clock: datetime | None = None,
) -> Forecast:
    """Count the calls of the coming span, at most `LONGEST_SPAN`.

    An `every` item recurs at exactly its interval here; real applies run a little later each time,
    and so does the next slot. `clock`: the real one, as `plan`'s.
    """
    _, recorded = follow(desired.items, recorded)
    ahead = look_ahead(desired, recorded, now, now + min(span, LONGEST_SPAN), Outset(clock=clock))
    zones = {item.address: item.timing.zone for item in desired.items}
    usual = Counter(zones.values())
    zone = min(usual, key=lambda zone: (-usual[zone], zone), default="UTC")
    cut = days(ahead, zone)
    return Forecast(
        now=now,
        until=ahead.until,
        requests_per_minute=desired.requests_per_minute,
        zone=zone,
        days=cut,
        refreshes=ahead.refreshes,
        resets=sum(day.calls for day in cut) - ahead.refreshes,
        calls=ahead,
        riding=ahead.riding,
        idle=tuple(it for it in sorted(ahead.reasons.items()) if not ahead.runs[it[0]]),
        zones=zones,
    )


def first_call(
    desired: Desired,
    recorded: Recorded,
    now: datetime,
    address: Address,
    clock: datetime | None = None,
) -> tuple[ExpectedCall | None, datetime]:
    """Find the first call that covers an item, under the assumptions of `look_ahead`.

    None if there is none before the instant returned beside it, which is `LONGEST_SPAN` away, or
    nearer where much happens meanwhile: some items never run, and a year of others is long.
    """
    walk = Walk(desired, recorded, now, Outset(clock=clock))
    for at, actions in walk.steps(now + LONGEST_SPAN, MOST_INSTANTS):
        for action in actions:
            if any(coverage.address == address for coverage in action.covers):
                return ExpectedCall(at, action), at
    return None, walk.reached


# What lies ahead, cut into the calendar days of one zone.

HOURS: Final = 24
_DAY: Final = timedelta(days=1)


class _Stretch(Struct, frozen=True):
    """Time within one date by one offset, from `start` (included) until `until` (excluded)."""

    date: date
    start: datetime
    until: datetime
    offset: timedelta


def days(ahead: Ahead, zone: str) -> tuple[Day, ...]:
    """List every day that is touched, idle ones included, as the calendar of a zone has them."""
    stretches = tuple(_stretches(zone, ahead.now, ahead.until))
    sheets = {stretch.date: _Sheet() for stretch in stretches}
    bounds = [(s.date, microseconds(s.start), microseconds(s.until)) for s in stretches]

    @cache  # what many items share is counted once
    def counts(pieces: tuple[Piece, ...]) -> list[tuple[date, int]]:
        found = ((on, count(pieces, start, until)) for on, start, until in bounds)
        return [(on, number) for on, number in found if number]

    for address, runs in ahead.runs.items():
        for on, number in counts(runs.pieces):
            sheets[on].covering[address] += number
    calls = ahead.calls(*((stretch.start, stretch.until) for stretch in stretches))
    for stretch, number in zip(stretches, calls, strict=True):
        sheets[stretch.date].calls += number
    requests, first = requests_by_minute(ahead), microseconds(ahead.now) // MINUTE_US
    for stretch in stretches:
        begins = microseconds(stretch.start) // MINUTE_US - first
        ends = -(-microseconds(stretch.until) // MINUTE_US) - first
        for place, number in enumerate(requests[begins:ends], first + begins):
            if number:
                minute = instant_of(place * MINUTE_US)
                sheets[stretch.date].count((minute + stretch.offset).hour, minute, number)
    return tuple(sheet.day(on) for on, sheet in sheets.items())


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
