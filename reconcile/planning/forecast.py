"""What lies ahead, for people: counted by day, the first call of an item, a line for each item."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from operator import attrgetter
from typing import Final

from msgspec import Struct

from reconcile.model.address import Address
from reconcile.model.desired import AfterRefresh, Desired, Every, Item
from reconcile.model.forecast import ClockNight, Day, ExpectedCall, Forecast, Timeline, Track
from reconcile.model.plan import Choice, Plan, Rename, Standing
from reconcile.model.reason import BackingOff, Forced, FrozenBy, HeldInDoubt, Status
from reconcile.model.recorded import Recorded
from reconcile.model.struct import Telling
from reconcile.planning.ahead import Ahead, calls_by_minute, look_ahead, requests_by_minute
from reconcile.planning.plan import follow
from reconcile.planning.steady import (
    MINUTE_US,
    Closed,
    Courses,
    Piece,
    Runs,
    Windows,
    count,
    instant_of,
    microseconds,
    once,
    parts,
)
from reconcile.planning.time.wall_clock import spans_from, transitions
from reconcile.planning.walk import Outset, Walk, covered_by

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
_MINUTE: Final = timedelta(minutes=1)


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


# The next days of a plan, supposing an apply at every slot and every call a success.


def timeline(
    desired: Desired,
    recorded: Recorded,
    planned: Plan,
    horizon: timedelta,
    clock: datetime | None = None,
) -> Timeline:
    """Lay out the runs of every item from the plan's `now` over `horizon`. Pure.

    They are those of `look_ahead`. A slot in a freeze or a pause is held, and what was held runs
    once when it ends. `clock`: the real one, as `plan`'s.
    """
    until = planned.now + horizon
    if any(isinstance(action, Rename) for action in planned.actions):
        _, recorded = follow(desired.items, recorded)
    # What was asked of the plan, as far as it goes beyond this instant or its select.
    choice = Choice(
        force=frozenset(s.address for s in planned.standings if isinstance(s.reason, Forced)),
        hold_unknown=any(isinstance(s.reason, HeldInDoubt) for s in planned.standings),
    )
    outset = Outset(choice=choice, clock=clock, covered=covered_by(planned))
    ahead = look_ahead(desired, recorded, planned.now, until, outset)
    windows = Windows(desired, planned.now, until)
    holding = _Holding(ahead, windows)
    standings = {standing.address: standing for standing in planned.standings}
    riding = {ride.address: ride for ride in ahead.riding}

    items = sorted(desired.items, key=attrgetter("address"))
    minutes, first = calls_by_minute(ahead), planned.now.replace(second=0, microsecond=0)

    def track(item: Item) -> Track:
        return Track(
            address=item.address,
            zone=item.timing.zone,
            cadence=item.timing.cadence,
            runs=ahead.runs[item.address],
            held=holding.slots(item, standings[item.address]),
            frozen=windows.frozen(item),
            riding=riding.get(item.address),
        )

    return Timeline(
        start=planned.now,
        until=until,
        addresses=[item.address for item in items],
        tracks=Telling(items, track),
        minutes={first + n * _MINUTE: calls for n, calls in enumerate(minutes) if calls},
        riding=ahead.riding,
        freezes=windows.matching(desired.items),
        clock_changes=tuple(
            ClockNight(zone, change.instant, change.offset_before, change.offset_after)
            for zone in sorted({item.timing.zone for item in items})
            for change in transitions(zone, planned.now, until)
        ),
    )


_WAITING: Final = frozenset({Status.BACKING_OFF, Status.BLOCKED, Status.HELD})


class _Holding:
    """Which slots fall while their item may not run."""

    def __init__(self, ahead: Ahead, windows: Windows) -> None:
        self._ahead = ahead
        self._windows = windows
        self._courses = Courses({}, ahead.now, ahead.until)

    def slots(self, item: Item, standing: Standing) -> Runs:
        """Return the slots of an item that are held."""
        closed = self._closed(item, standing)
        if not closed.spans:
            return Runs(())
        now, cadence = self._ahead.now, item.timing.cadence
        if isinstance(cadence, Every):
            pieces = self._stepping(item.address, cadence.interval, standing.next_slot, closed)
        else:
            pieces = self._fixed(item, closed)
        # A slot that has come up already may still have to be run, and not yet.
        waits = isinstance(standing.reason, FrozenBy) or standing.status in _WAITING
        passed = [once(microseconds(now))] if waits and closed.holds(now) else []
        return Runs([*passed, *pieces])

    def _stepping(
        self, address: Address, interval: timedelta, first: datetime | None, closed: Closed
    ) -> Iterator[Piece]:
        """Yield, for each closed stretch, the slot that counts from the run before it."""
        runs = self._ahead.runs[address].pieces
        for start, _ in closed.spans:
            before = parts(runs, microseconds(self._ahead.now), microseconds(start))
            slot = instant_of(before[-1][-1]) + interval if before else first
            if slot is not None and closed.holds(slot) and start <= slot:
                yield once(microseconds(slot))

    def _fixed(self, item: Item, closed: Closed) -> Iterator[Piece]:
        cadence = item.timing.cadence
        followed: tuple[Piece, ...] = ()
        if isinstance(cadence, AfterRefresh) and cadence.refresh in self._ahead.runs:
            followed = self._ahead.runs[cadence.refresh].pieces
        slots = self._courses.slots(item, followed)
        for start, end in closed.spans:
            yield from parts(slots, microseconds(start), microseconds(end))

    def _closed(self, item: Item, standing: Standing) -> Closed:
        """Return when the item may not run: what a failure holds back is, until it is tried."""
        closed = self._windows.closed(item)
        match standing.reason:
            case BackingOff(retry_at=end):
                return Closed.of([*closed.spans, (self._ahead.now, end)])
            case _ if standing.status is Status.HELD:
                return Closed(((self._ahead.now, self._ahead.until),))
            case _:
                return closed
