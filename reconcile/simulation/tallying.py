"""How items fare, told by the journal alone; bounded by the number of items."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from reconcile.model.address import Address
from reconcile.model.desired import (
    AfterRefresh,
    At,
    Cron,
    Desired,
    Every,
    Item,
    ResetAt,
    WhenChanged,
)
from reconcile.model.journal import (
    Accepted,
    Began,
    Blamed,
    ClockMended,
    Done,
    Doubted,
    EndUnseen,
    Entry,
    Failed,
    Forgotten,
    Intent,
    Looked,
    Marked,
    Missed,
    Moved,
    Noted,
    NotSent,
    Redated,
    Rejected,
    Renamed,
    ScheduleEntry,
    Waived,
)
from reconcile.model.plan import Await, Plan, Refresh, ResetCache, Status
from reconcile.model.recorded import Coverage, Record, Recorded
from reconcile.model.simulation import SimulatedItem
from reconcile.simulation.delays import Delays
from reconcile.simulation.nights import NightWatch


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


@dataclass(frozen=True, slots=True)
class PlacedCall:
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
            tally = self.items[standing.address]
            if standing.address in passed:
                tally.collapsed += standing.missed
            elif standing.address in acting:
                tally.collapsing = standing.missed

    def entered(self, entry: Entry, records: Mapping[Address, Record]) -> None:
        """Count what an entry says. `records`: as they were before it."""
        match entry:
            case Intent():
                self._calls[entry.operation] = PlacedCall(entry.at, entry.covers)
            case Done():
                self._succeeded(entry, records)
            case Failed() | Rejected() | NotSent():
                self._failed(entry)
            case Blamed():
                for address in entry.addresses:
                    self.items[address].failures += 1
            case Doubted():
                for tally, _ in self._of(self._calls.pop(entry.operation, None)):
                    tally.doubts += 1
            case Missed():
                self.items[entry.address].missed += 1
            case _:
                _tells_nothing(entry)

    def _of(self, call: PlacedCall | None) -> Iterator[tuple[ItemTally, Coverage]]:
        """Yield the declared items that a call is for; others may be left over in a state."""
        for coverage in () if call is None else call.covers:
            if coverage.address in self.items:
                yield self.items[coverage.address], coverage

    def _failed(self, entry: Failed | Rejected | NotSent) -> None:
        call = self._calls.pop(entry.operation, None)
        blames = entry.blames if isinstance(entry, Rejected) else None
        for tally, coverage in self._of(call):
            if blames is None or coverage.address in blames:
                tally.failures += 1

    def _succeeded(self, entry: Done, records: Mapping[Address, Record]) -> None:
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
    entry: Accepted
    | Looked
    | EndUnseen
    | Noted
    | Forgotten
    | Marked
    | Moved
    | Renamed
    | ClockMended
    | Redated
    | Began
    | Waived
    | ScheduleEntry,
) -> None:
    """Name what no figure depends on, so that a new entry is not among it unawares."""


def _due(item: Item, coverage: Coverage, before: Record) -> datetime | None:
    """Return the instant that a success is late against; None where it had none."""
    match item.timing.cadence:
        case Every(interval):
            return before.last_success and before.last_success + interval
        case Cron() | At() | AfterRefresh() | ResetAt():
            return coverage.slot
        case WhenChanged():
            return None
        case _ as unreachable:
            assert_never(unreachable)
