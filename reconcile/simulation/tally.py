"""What a simulation comes to: its figures, counted from plans and journal entries as they pass."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from operator import attrgetter
from typing import Annotated, Literal, assert_never

from msgspec import Meta, Struct, field

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
from reconcile.model.struct import Instant, replace
from reconcile.planning.time.slots import spread_of, touched_by
from reconcile.planning.time.wall_clock import transitions
from reconcile.render.documents import AnyAddress, Count, Seconds

# The figures: as many for a year as for a day.


class Scenario(Struct, frozen=True, kw_only=True):
    """What was played. Ticks fall in [`start`, `until`), UTC.

    `runner` is five-field cron in the IANA `zone`, `lateness` the model of how late it comes, as
    the operator spelled it. `fail_share`: 0..1 of calls that fail.
    """

    start: Instant = field(name="from")
    until: Instant
    runner: str
    zone: str = field(name="timezone")
    lateness: str
    fail_share: Annotated[float, Meta(extra_json_schema={"minimum": 0, "maximum": 1})]
    seed: int


class TickCounts(Struct, frozen=True, kw_only=True):
    """What became of the runner's ticks.

    `ran`: planned, whether anything was due or not. `dropped`: the runner never came. `locked`: the
    apply before still ran. `blocked`: a limit of the file forbade the plan.
    """

    scheduled: Count
    ran: Count
    dropped: Count
    locked: Count
    blocked: Count


class RequestCounts(Struct, frozen=True, kw_only=True):
    """What Omni saw. `throttled`: answered 429; `peak_per_minute`: most in any 60 s."""

    refreshes: Count
    resets: Count
    polls: Count
    throttled: Count
    peak_per_minute: Count
    requests_per_minute: Count


class Lateness(Struct, frozen=True, kw_only=True):
    """From slots to the sending of the calls that covered them, in seconds, nearest rank.

    The percentiles are exact to three digits, the maximum is exact.
    """

    slots: Count
    p50_s: Seconds
    p95_s: Seconds
    max_s: Seconds


class SimulatedItem(Struct, frozen=True, kw_only=True):
    """How one item fared.

    `expected`: runs that a look ahead from the start counts, with a runner that is always there
    and calls that all succeed; None where these are too many to be found. `lateness`: None if no
    slot of the span was covered. `collapsed`: slots made up by the call for a later one. `missed`:
    slots past their deadline. `failures`: failed attempts; `doubts`: calls whose outcome stayed
    unknown. `status`: where it stands at the end.
    """

    address: AnyAddress
    status: Status
    expected: Count | None
    successes: Count
    lateness: Lateness | None
    collapsed: Count
    missed: Count
    failures: Count
    doubts: Count


class NightItem(Struct, frozen=True, kw_only=True):
    """What a change of offset did to one item.

    `wall`: the first local time (naive) it names among those that were skipped or shown twice,
    `times` how many there were. `slots`: the instants it should run at for them; `sent`: when the
    call that covered each was sent, None where none did.
    """

    address: AnyAddress
    wall: datetime
    times: Count
    slots: tuple[Instant, ...]
    sent: tuple[Instant | None, ...]


class Night(Struct, frozen=True, kw_only=True):
    """One change of a zone's offset within the span, and the items it touched."""

    zone: str = field(name="timezone")
    instant: Instant = field(name="at")
    change_s: float = field(name="offset_change_s")
    items: tuple[NightItem, ...]


class Simulated(Struct, frozen=True, kw_only=True):
    """What `reconcile simulate --format json` prints.

    `items` are sorted by address, `nights` by instant and zone.
    """

    format_version: Literal[1] = 1
    scenario: Scenario
    ticks: TickCounts
    requests: RequestCounts
    items: tuple[SimulatedItem, ...]
    nights: tuple[Night, ...]


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
        # By instant, zone, and by how many seconds the offset changes.
        self._touched: dict[tuple[datetime, str, float], list[NightItem]] = defaultdict(list)
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
                change_s = (change.offset_after - change.offset_before).total_seconds()
                slots = {run + spread for touch in touches for run in touch.runs}
                self._awaited[item.address] |= slots
                self._touched[change.instant, zone, change_s].append(
                    NightItem(
                        address=item.address,
                        wall=touches[0].wall,
                        times=len(touches),
                        slots=tuple(sorted(slots)),
                        sent=(),
                    )
                )

    def covered(self, address: Address, slot: datetime, sent: datetime) -> None:
        """Note a success: it makes up its slot and all of the item's before it."""
        awaited = self._awaited.get(address)
        if not awaited:
            return
        for made_up in [known for known in awaited if known <= slot]:
            self._sent[address, made_up] = sent
            awaited.discard(made_up)

    def nights(self) -> tuple[Night, ...]:
        """Return what is known of each night by now."""
        return tuple(
            Night(
                zone=zone,
                instant=instant,
                change_s=change_s,
                items=tuple(map(self._with_sent, sorted(touched, key=attrgetter("address")))),
            )
            for (instant, zone, change_s), touched in sorted(self._touched.items())
        )

    def _with_sent(self, item: NightItem) -> NightItem:
        sent = tuple(self._sent.get((item.address, slot)) for slot in item.slots)
        return replace(item, sent=sent)


class ItemTally(Struct):
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
            # An apply of before the span made the call: no run of it.
            tally.successes += call is None or call.sent >= self._start
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
            last = before.last_success
            return last and max(last, before.missed_slot or last) + interval
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
