"""The state is the fold of the journal."""

from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import replace
from types import MappingProxyType
from typing import assert_never

from reconcile.model.address import Address
from reconcile.model.journal import (
    Accepted,
    Began,
    Blamed,
    ClockMended,
    Done,
    Doubted,
    EndUnseen,
    Failed,
    Forgotten,
    Intent,
    Looked,
    Marked,
    Missed,
    Moved,
    Noted,
    NotSent,
    Numbered,
    Redated,
    Rejected,
    Renamed,
    ScheduleGone,
    ScheduleIntent,
    ScheduleKept,
    Waived,
)
from reconcile.model.recorded import Record, Recorded
from reconcile.planning.recorded_clock import believed, redated
from reconcile.planning.schedules import folding
from reconcile.planning.transition import (
    accepted,
    begun,
    blamed,
    done,
    doubted,
    end_unseen,
    failed,
    looked,
    marked,
    missed,
    moved,
    noted,
    readdressed,
)

Outcome = NotSent | Rejected | Accepted | Doubted | Looked | EndUnseen | Done | Failed
ItemEntry = Noted | Missed | Forgotten | Marked | Moved
AllEntry = Blamed | Renamed | ClockMended | Redated


def replay(recorded: Recorded, entries: Iterable[Numbered]) -> Recorded:
    """Fold entries into a state. Only their sequence orders them, never their instants.

    Entries the state already holds have no effect, so replaying twice is replaying once; an
    outcome of an operation that nothing waits for has none either.
    """
    fold = Fold(recorded, items := dict(recorded.items))
    for numbered in sorted(entries, key=lambda numbered: numbered.sequence):
        fold.add(numbered)
    return fold.onto(recorded, MappingProxyType(items))


class Fold:
    """A replay in progress: an entry costs what it touches, however large the state is.

    Changes `items`, which starts as the items of `recorded`. `schedules` is another mapping after
    every change.
    """

    def __init__(self, recorded: Recorded, items: MutableMapping[Address, Record]) -> None:
        self.sequence = recorded.sequence
        self.host = recorded.host
        self.clock_wrong_at = recorded.clock_wrong_at
        self.schedules = recorded.schedules
        self._items = items
        self._waiting: dict[str, set[Address]] = {}
        for address, record in recorded.items.items():
            for operation in _awaited(record):
                self._waiting.setdefault(operation, set()).add(address)

    def add(self, numbered: Numbered) -> None:
        """Fold in one entry, unless its sequence says that it has been."""
        if numbered.sequence <= self.sequence:
            return
        match numbered.entry:
            case Intent() as entry:
                self._begin(entry)
            case (
                NotSent()
                | Rejected()
                | Accepted()
                | Doubted()
                | Looked()
                | EndUnseen()
                | Done()
                | Failed()
            ) as entry:
                self._settle(entry)
            case Noted() | Missed() | Forgotten() | Marked() | Moved() as entry:
                self._change(entry)
            case ScheduleIntent() | ScheduleKept() | ScheduleGone() as entry:
                if isinstance(entry, ScheduleIntent) and self.host is None:
                    self.host = entry.host
                self.schedules = folding.folded(self.schedules, entry)
            case Blamed() | Renamed() | ClockMended() | Redated() as entry:
                self._change_all(entry)
            case Began() | Waived():
                pass
            case _ as unreachable:
                assert_never(unreachable)
        self.sequence = numbered.sequence

    def onto(self, recorded: Recorded, items: Mapping[Address, Record]) -> Recorded:
        """Return the state as folded so far, on top of what `recorded` says besides."""
        return replace(
            recorded,
            sequence=self.sequence,
            host=self.host,
            clock_wrong_at=self.clock_wrong_at,
            items=items,
            schedules=self.schedules,
        )

    def _begin(self, intent: Intent) -> None:
        if self.host is None:
            self.host = intent.host
        for coverage in intent.covers:
            record = self._items.get(coverage.address, Record())
            self._put(coverage.address, begun(record, intent, coverage))

    def _settle(self, outcome: Outcome) -> None:
        if not isinstance(outcome, Looked | EndUnseen):
            self.schedules = folding.settled(self.schedules, outcome)
        for address in tuple(self._waiting.get(outcome.operation, ())):
            self._put(address, _settled(self._items[address], outcome, address))

    def _change(self, entry: ItemEntry) -> None:
        if isinstance(entry, Forgotten | Moved) and entry.address in self.schedules:
            self.schedules = folding.taken_out(self.schedules, entry)
            return
        record = self._items.get(entry.address)
        match entry:
            case Noted():
                self._put(entry.address, noted(record, entry))
            case Missed():
                self._put(entry.address, missed(record or Record(), entry))
            case Forgotten():
                self._put(entry.address, None)
            case Marked():
                self._put(entry.address, marked(record, entry))
            case Moved():
                self._move(record, entry)
            case _ as unreachable:
                assert_never(unreachable)

    def _change_all(self, entry: AllEntry) -> None:
        match entry:
            case Blamed():
                for address in entry.addresses:
                    if address in self._items:
                        self._put(address, blamed(self._items[address], entry))
            case Renamed():
                self._rename(dict(entry.moves))
            case ClockMended():
                self.clock_wrong_at = None
                for address, record in tuple(self._items.items()):
                    mended = believed(record, entry.at)
                    if mended is not record:
                        self._put(address, mended)
            case Redated():
                self.clock_wrong_at = entry.at
                for operation in entry.operations:
                    for address in tuple(self._waiting.get(operation, ())):
                        self._put(address, redated(self._items[address], operation, entry.ahead_s))
            case _ as unreachable:
                assert_never(unreachable)

    def _rename(self, moves: Mapping[Address, Address]) -> None:
        before = dict(self._items)
        after = readdressed(before, moves)
        for address in before.keys() - after.keys():
            self._put(address, None)
        for address, record in after.items():
            if record is not before.get(address):
                self._put(address, record)

    def _move(self, record: Record | None, entry: Moved) -> None:
        if record is not None:
            self._put(entry.address, None)
            self._put(entry.to, moved(record, entry.to))

    def _put(self, address: Address, record: Record | None) -> None:
        """Set or drop a record and keep the index of what waits for which operation true."""
        before = self._items.get(address)
        for operation in () if before is None else _awaited(before):
            left = self._waiting[operation]
            left.discard(address)
            if not left:
                del self._waiting[operation]
        if record is None:
            self._items.pop(address, None)
            return
        self._items[address] = record
        for operation in _awaited(record):
            self._waiting.setdefault(operation, set()).add(address)


def _awaited(record: Record) -> tuple[str, ...]:
    """Name the operations whose end would still change the record."""
    pending, unseen = record.pending, record.unseen
    if unseen is None:
        return () if pending is None else (pending.operation,)
    if pending is None or pending.operation == unseen.call.operation:
        return (unseen.call.operation,)
    return (pending.operation, unseen.call.operation)


def _settled(record: Record, outcome: Outcome, address: Address) -> Record:
    """Say what an outcome does to one record that its call covers."""
    pending = record.pending
    if pending is None or pending.operation != outcome.operation:
        # A call that is awaited no longer: all that may still come is a look, or its success.
        match outcome:
            case Looked():
                return looked(record, outcome)
            case Done():
                return done(record, outcome)
            case _:
                return record
    match outcome:
        case Rejected():
            left = failed(record, outcome)
            return blamed(left, outcome) if address in (outcome.blames or ()) else left
        case NotSent() | Failed():
            return failed(record, outcome)
        case Accepted():
            return accepted(record, outcome)
        case Done():
            return done(record, outcome)
        case Doubted():
            return doubted(record, outcome)
        case Looked():
            return looked(record, outcome)
        case EndUnseen():
            return end_unseen(record, outcome)
        case _ as unreachable:
            assert_never(unreachable)
