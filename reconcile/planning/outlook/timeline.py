"""The next days of a plan, supposing an apply at every slot and every call a success."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from reconcile.model.desired import AfterRefresh, Desired, Every, Item
from reconcile.model.forecast import ClockNight, Timeline, Track
from reconcile.model.plan import Choice, Plan, Standing, Status
from reconcile.model.reason import BackingOff, Forced, FrozenBy, HeldInDoubt
from reconcile.model.recorded import Recorded
from reconcile.planning.calendar.wall_clock import transitions
from reconcile.planning.outlook.ahead import Ahead, look_ahead
from reconcile.planning.outlook.closed import Closed, Windows
from reconcile.planning.outlook.courses import Courses
from reconcile.planning.outlook.demand import calls_by_minute, minutes_of
from reconcile.planning.outlook.instants import Piece, instant_of, microseconds, once, parts
from reconcile.planning.outlook.outset import Outset
from reconcile.planning.outlook.runs import NO_RUNS, Runs
from reconcile.planning.renames import follow

HORIZON: Final = timedelta(days=7)
"""How far ahead a timeline looks where nobody says."""


def timeline(
    desired: Desired,
    recorded: Recorded,
    planned: Plan,
    horizon: timedelta = HORIZON,
    clock: datetime | None = None,
) -> Timeline:
    """Lay out the runs of every item from the plan's `now` over `horizon`. Pure.

    They are those of `look_ahead`. A slot in a freeze or a pause is held, and what was held runs
    once when it ends. `clock`: the real one, as `plan`'s.
    """
    until = planned.now + horizon
    _, recorded = follow(desired.items, recorded)
    outset = Outset(choice=_choice(planned), clock=clock)
    ahead = look_ahead(desired, recorded, planned.now, until, outset)
    windows = Windows(desired, planned.now, until)
    holding = _Holding(ahead, windows)
    standings = {standing.address: standing for standing in planned.standings}
    riding = {ride.address: ride for ride in ahead.riding}
    tracks = tuple(
        Track(
            address=item.address,
            zone=item.timing.zone,
            cadence=item.timing.cadence,
            runs=ahead.runs[item.address],
            held=holding.slots(item, standings[item.address]),
            frozen=windows.frozen(item),
            riding=riding.get(item.address),
        )
        for item in sorted(desired.items, key=lambda item: item.address)
    )
    matching = {span for track in tracks for span in track.frozen}
    return Timeline(
        start=planned.now,
        until=until,
        tracks=tracks,
        minutes=minutes_of(calls_by_minute(ahead), planned.now),
        freezes=tuple(sorted(matching, key=lambda span: (span.start, span.until, span.name))),
        clock_changes=tuple(_clock_changes(desired.items, planned.now, until)),
    )


def _choice(planned: Plan) -> Choice:
    """Return what was asked of the plan, as far as it goes beyond this instant or its select."""
    reasons = {standing.address: standing.reason for standing in planned.standings}
    return Choice(
        force=frozenset(a for a, reason in reasons.items() if isinstance(reason, Forced)),
        hold_unknown=any(isinstance(reason, HeldInDoubt) for reason in reasons.values()),
    )


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
            return NO_RUNS
        held = self._stepping if isinstance(item.timing.cadence, Every) else self._fixed
        pieces = held(item, standing, closed)
        now_us = microseconds(self._ahead.now)
        if _waits(standing) and closed.holds(self._ahead.now):
            return Runs([once(now_us), *pieces])
        return Runs(pieces)

    def _stepping(self, item: Item, standing: Standing, closed: Closed) -> Iterator[Piece]:
        """Yield, for each closed stretch, the slot that counts from the run before it."""
        cadence, runs = item.timing.cadence, self._ahead.runs[item.address].pieces
        interval = cadence.interval if isinstance(cadence, Every) else timedelta()
        for start, _ in closed.spans:
            before = parts(runs, microseconds(self._ahead.now), microseconds(start))
            slot = instant_of(before[-1][-1]) + interval if before else standing.next_slot
            if slot is not None and closed.holds(slot) and start <= slot:
                yield once(microseconds(slot))

    def _fixed(self, item: Item, _: Standing, closed: Closed) -> Iterator[Piece]:
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


def _waits(standing: Standing) -> bool:
    """Tell whether a slot that has come up already is still to be run, and may not yet."""
    if isinstance(standing.reason, FrozenBy):
        return True
    return standing.status in {Status.BACKING_OFF, Status.BLOCKED, Status.HELD}


def _clock_changes(items: Iterable[Item], start: datetime, until: datetime) -> Iterator[ClockNight]:
    for zone in sorted({item.timing.zone for item in items}):
        for change in transitions(zone, start, until):
            yield ClockNight(zone, change.instant, change.offset_before, change.offset_after)
