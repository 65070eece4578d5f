"""The state is the fold of the journal."""

from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import replace
from types import MappingProxyType
from typing import assert_never

from reconcile.model.address import Address
from reconcile.model.journal import (
    Accepted,
    Done,
    Doubted,
    Failed,
    Forgotten,
    Intent,
    Marked,
    Missed,
    Moved,
    Noted,
    NotSent,
    Numbered,
    Rejected,
    Waived,
)
from reconcile.model.recorded import Record, Recorded
from reconcile.model.schedule_journal import ScheduleGone, ScheduleIntent, ScheduleKept
from reconcile.planning.schedules import folding
from reconcile.planning.transition import (
    accepted,
    begun,
    done,
    failed,
    marked,
    missed,
    moved,
    noted,
)

Outcome = NotSent | Rejected | Accepted | Doubted | Done | Failed
ItemEntry = Noted | Missed | Forgotten | Marked | Moved


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
        self.schedules = recorded.schedules
        self._items = items
        self._waiting: dict[str, set[Address]] = {}
        for address, record in recorded.items.items():
            if record.pending is not None:
                self._waiting.setdefault(record.pending.operation, set()).add(address)

    def add(self, numbered: Numbered) -> None:
        """Fold in one entry, unless its sequence says that it has been."""
        if numbered.sequence <= self.sequence:
            return
        match numbered.entry:
            case Intent() as entry:
                self._begin(entry)
            case NotSent() | Rejected() | Accepted() | Doubted() | Done() | Failed() as entry:
                self._settle(entry)
            case Noted() | Missed() | Forgotten() | Marked() | Moved() as entry:
                self._change(entry)
            case ScheduleIntent() | ScheduleKept() | ScheduleGone() as entry:
                if isinstance(entry, ScheduleIntent) and self.host is None:
                    self.host = entry.host
                self.schedules = folding.folded(self.schedules, entry)
            case Waived():
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
        self.schedules = folding.settled(self.schedules, outcome)
        for address in tuple(self._waiting.get(outcome.operation, ())):
            record = self._items[address]
            match outcome:
                case NotSent() | Rejected() | Failed():
                    self._put(address, failed(record, outcome))
                case Accepted():
                    self._put(address, accepted(record, outcome))
                case Done():
                    self._put(address, done(record, outcome))
                case Doubted():
                    pass
                case _ as unreachable:
                    assert_never(unreachable)

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

    def _move(self, record: Record | None, entry: Moved) -> None:
        if record is not None:
            self._put(entry.address, None)
            self._put(entry.to, moved(record, entry))

    def _put(self, address: Address, record: Record | None) -> None:
        """Set or drop a record and keep the index of what waits for which operation true."""
        before = self._items.get(address)
        if before is not None and before.pending is not None:
            left = self._waiting[before.pending.operation]
            left.discard(address)
            if not left:
                del self._waiting[before.pending.operation]
        if record is None:
            self._items.pop(address, None)
            return
        self._items[address] = record
        if record.pending is not None:
            self._waiting.setdefault(record.pending.operation, set()).add(address)
