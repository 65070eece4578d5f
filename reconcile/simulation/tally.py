"""How items fare, told by the journal alone; bounded by the number of items."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import assert_never

from msgspec import Struct

from reconcile.model import journal
from reconcile.model.address import Address
from reconcile.model.desired import (
    AfterRefresh,
    At,
    Cron,
    Desired,
    Every,
    Item,
    OnSignal,
    ResetAt,
    WhenChanged,
)
from reconcile.model.plan import Await, Plan, Refresh, ResetCache
from reconcile.model.reason import Status
from reconcile.model.recorded import Coverage, Record, Recorded
from reconcile.planning.time.slots import Touch, spread_of, touched_by
from reconcile.planning.time.wall_clock import Transition, transitions
from reconcile.simulation.figures import Lateness, Night, NightItem, RequestCounts, SimulatedItem

# Percentiles of any number of delays in bounded memory.

_DIGITS = 1000
"""Delays are told apart to three digits: 0 to 999 s exactly, then to 10 s, to 100 s and so on."""


class Delays:
    """A histogram of seconds with buckets that grow with the delay."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._longest_s = 0.0

    def add(self, seconds: float) -> None:
        """Count one delay; one that came early counts as none."""
        seconds = max(0.0, seconds)
        self._longest_s = max(self._longest_s, seconds)
        size = 1
        while seconds >= _DIGITS * size:
            size *= 10
        self._counts[int(seconds // size) * size] += 1

    def lateness(self) -> Lateness | None:
        """Return the figures, None if nothing was counted."""
        number = self._counts.total()
        if not number:
            return None
        return Lateness(
            slots=number,
            p50_s=self._percentile(number, 50),
            p95_s=self._percentile(number, 95),
            max_s=self._longest_s,
        )

    def _percentile(self, number: int, percent: int) -> float:
        rank = -(-number * percent // 100)
        for seconds in sorted(self._counts):
            rank -= self._counts[seconds]
            if rank <= 0:
                return float(seconds)
        return self._longest_s


# The nights in which clocks change, and what becomes of the slots they touch.


class NightWatch:
    """Finds the changes of offset in a span, and is told of each success of the items they touch.

    Its memory grows with the changes, two a year and zone, and with nothing else.
    """

    def __init__(self, desired: Desired, start: datetime, until: datetime) -> None:
        self._touched: dict[tuple[datetime, str], list[tuple[Address, tuple[Touch, ...]]]] = {}
        self._changes: dict[tuple[datetime, str], Transition] = {}
        self._awaited: dict[Address, set[datetime]] = defaultdict(set)
        self._sent: dict[tuple[Address, datetime], datetime] = {}
        for item in desired.items:
            cadence = item.timing.cadence
            if isinstance(cadence, Cron | At):
                self._look_at(item, cadence, start, until)

    def _look_at(self, item: Item, cadence: Cron | At, start: datetime, until: datetime) -> None:
        zone, spread = item.timing.zone, spread_of(item, item.timing.spread)
        for change in transitions(zone, start, until):
            touches = touched_by(cadence, zone, change)
            if touches:
                night = change.instant, zone
                self._changes[night] = change
                self._touched.setdefault(night, []).append((item.address, touches))
                slots = {run + spread for touch in touches for run in touch.runs}
                self._awaited[item.address] |= slots

    def covered(self, address: Address, slot: datetime, sent: datetime) -> None:
        """Note a success: it makes up its slot and all of the item's before it."""
        awaited = self._awaited.get(address)
        if not awaited:
            return
        for made_up in [known for known in awaited if known <= slot]:
            self._sent[address, made_up] = sent
            awaited.discard(made_up)

    def nights(self, desired: Desired) -> tuple[Night, ...]:
        """Return what is known of each night by now."""
        spreads = {i.address: spread_of(i, i.timing.spread) for i in desired.items}
        return tuple(
            Night(
                zone=zone,
                instant=instant,
                change_s=_shift(self._changes[instant, zone]).total_seconds(),
                items=tuple(
                    self._item(address, touches, spreads[address])
                    for address, touches in sorted(touched, key=lambda pair: pair[0])
                ),
            )
            for (instant, zone), touched in sorted(self._touched.items())
        )

    def _item(self, address: Address, touches: tuple[Touch, ...], spread: timedelta) -> NightItem:
        slots = tuple(sorted({run + spread for touch in touches for run in touch.runs}))
        return NightItem(
            address=address,
            wall=touches[0].wall,
            times=len(touches),
            slots=slots,
            sent=tuple(self._sent.get((address, slot)) for slot in slots),
        )


@dataclass(slots=True)
class ItemTally:
    """What has come of one item so far. `collapsing`: slots its next success makes up beside."""

    item: Item
    delays: Delays = field(default_factory=Delays)
    successes: int = 0
    collapsed: int = 0
    missed: int = 0
    failures: int = 0
    doubts: int = 0
    collapsing: int = 0

    def figures(self, status: Status, expected: int | None) -> SimulatedItem:
        """Return the result of the item, given where it stands at the end."""
        return SimulatedItem(
            address=self.item.address,
            expected=expected,
            successes=self.successes,
            lateness=self.delays.lateness(),
            collapsed=self.collapsed,
            missed=self.missed,
            failures=self.failures,
            doubts=self.doubts,
            status=status,
        )


class PlacedCall(Struct, frozen=True):
    """A call without an outcome yet. `sent`: when its intent was written."""

    sent: datetime
    covers: tuple[Coverage, ...]


class Tally:
    """Watches plans and journal entries go by. Slots before `start` are made up, not measured."""

    def __init__(
        self, desired: Desired, start: datetime, calls: Mapping[str, PlacedCall], watch: NightWatch
    ) -> None:
        self.items = {item.address: ItemTally(item) for item in desired.items}
        self._start = start
        self._calls = dict(calls)
        self._watch = watch

    def planned(self, planned: Plan) -> None:
        """Note how many slots collapse into those that the plan makes up or lets pass."""
        acting = {
            coverage.address
            for action in planned.actions
            if isinstance(action, Refresh | ResetCache | Await)
            for coverage in action.covers
        }
        passed = {address for address, _ in planned.missed}
        for standing in planned.standings:
            if standing.address in passed:
                self.items[standing.address].collapsed += standing.missed
            elif standing.address in acting:
                self.items[standing.address].collapsing = standing.missed

    def entered(self, entry: journal.Entry, records: Mapping[Address, Record]) -> None:
        """Count what an entry says. `records`: as they were before it."""
        match entry:
            case journal.Intent():
                self._calls[entry.operation] = PlacedCall(entry.at, entry.covers)
            case journal.Done():
                self._succeeded(entry, records)
            case journal.Failed() | journal.Rejected() | journal.NotSent():
                self._failed(entry)
            case journal.Blamed():
                for address in entry.addresses:
                    self.items[address].failures += 1
            case journal.Doubted():
                for tally, _ in self._of(self._calls.pop(entry.operation, None)):
                    tally.doubts += 1
            case journal.Missed():
                self.items[entry.address].missed += 1
            case _:
                _tells_nothing(entry)

    def _of(self, call: PlacedCall | None) -> Iterator[tuple[ItemTally, Coverage]]:
        """Yield the declared items that a call is for; others may be left over in a state."""
        for coverage in () if call is None else call.covers:
            if coverage.address in self.items:
                yield self.items[coverage.address], coverage

    def _failed(self, entry: journal.Failed | journal.Rejected | journal.NotSent) -> None:
        call = self._calls.pop(entry.operation, None)
        blames = entry.blames if isinstance(entry, journal.Rejected) else None
        for tally, coverage in self._of(call):
            if blames is None or coverage.address in blames:
                tally.failures += 1

    def _succeeded(self, entry: journal.Done, records: Mapping[Address, Record]) -> None:
        call = self._calls.pop(entry.operation, None)
        for tally, coverage in self._of(call):
            tally.successes += 1
            tally.collapsed += tally.collapsing
            tally.collapsing = 0
            if call is None:
                continue
            if coverage.slot is not None:
                self._watch.covered(coverage.address, coverage.slot, call.sent)
            due = _due(tally.item, coverage, records[coverage.address])
            if due is not None and due >= self._start:
                tally.delays.add((call.sent - due).total_seconds())


def calls_awaited(recorded: Recorded) -> Mapping[str, PlacedCall]:
    """Gather the calls that earlier applies left open, by their operation."""
    calls: dict[str, PlacedCall] = {}
    for record in recorded.items.values():
        pending = record.pending
        if pending is not None:
            before = calls.get(pending.operation, PlacedCall(pending.since, ()))
            covers = (*before.covers, pending.coverage)
            calls[pending.operation] = PlacedCall(pending.since, covers)
    return calls


def _tells_nothing(
    entry: journal.Accepted
    | journal.Looked
    | journal.EndUnseen
    | journal.Noted
    | journal.Forgotten
    | journal.Marked
    | journal.Moved
    | journal.Renamed
    | journal.ClockMended
    | journal.Redated
    | journal.Began
    | journal.Waived
    | journal.Signalled
    | journal.ScheduleEntry,
) -> None:
    """Name what no figure depends on, so that a new entry is not among it unawares."""


def _due(item: Item, coverage: Coverage, before: Record) -> datetime | None:
    """Return the instant that a success is late against; None where it had none."""
    match item.timing.cadence:
        case Every(interval):
            return before.last_success and before.last_success + interval
        case Cron() | At() | AfterRefresh() | ResetAt() | OnSignal():
            return coverage.slot
        case WhenChanged():
            return None
        case _ as unreachable:
            assert_never(unreachable)


# What Omni sees of a simulation, counted in bounded memory.

_MINUTE = timedelta(minutes=1)


class Meter:
    """Counts requests by kind, and the most that arrived in any 60 s."""

    def __init__(self) -> None:
        self.refreshes = 0
        self.resets = 0
        self.polls = 0
        self._throttled = 0
        self._peak = 0
        self._lately: deque[datetime] = deque()

    def arrived(self, at: datetime, status: int) -> None:
        """Count a request that reached Omni; instants never run backwards."""
        self._throttled += status == HTTPStatus.TOO_MANY_REQUESTS
        self._lately.append(at)
        while self._lately[0] <= at - _MINUTE:
            self._lately.popleft()
        self._peak = max(self._peak, len(self._lately))

    def counts(self, requests_per_minute: int) -> RequestCounts:
        """Return the figures so far."""
        return RequestCounts(
            refreshes=self.refreshes,
            resets=self.resets,
            polls=self.polls,
            throttled=self._throttled,
            peak_per_minute=self._peak,
            requests_per_minute=requests_per_minute,
        )


def _shift(change: Transition) -> timedelta:
    return change.offset_after - change.offset_before
