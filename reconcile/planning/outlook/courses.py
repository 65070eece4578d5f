"""The runs of steady items, by arithmetic.

Such an item runs at each of its slots, and where one fell while it might not run, once at the end
of that stretch.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, assert_never

from reconcile.model.address import Address
from reconcile.model.desired import (
    AfterRefresh,
    At,
    Cron,
    Every,
    Item,
    ResetAt,
    ResetItem,
    WhenChanged,
)
from reconcile.model.plan import Choice, Standing, Status
from reconcile.model.recorded import Record
from reconcile.planning.calendar.slots import spread_of, wall_slots
from reconcile.planning.need import assess
from reconcile.planning.outlook.closed import Closed
from reconcile.planning.outlook.instants import (
    Marks,
    Piece,
    instant_of,
    microseconds,
    once,
    parts,
    slice_of,
)
from reconcile.planning.settled import floor_of, latest, settled_until
from reconcile.planning.verdict import Surroundings, Verdict

_MICROSECOND: Final = timedelta(microseconds=1)
_EVERYTHING: Final = Choice()


class Courses:
    """The runs of steady items after `now` and before `until` (UTC). `records`: as of `now`."""

    def __init__(self, records: Mapping[Address, Record], now: datetime, until: datetime) -> None:
        self._records = records
        self._now = now
        self._until = until
        self._after_us, self._until_us = microseconds(now) + 1, microseconds(until)
        self._marks: dict[tuple[Cron | At, str, timedelta], Marks] = {}

    def runs(
        self, verdict: Verdict[Item], closed: Closed, followed: tuple[Piece, ...] = ()
    ) -> tuple[Piece, ...]:
        """Return when an item runs. `followed`: the runs of the refresh that one follows."""
        cadence = verdict.item.timing.cadence
        if isinstance(cadence, Every):
            return tuple(self._stepping(verdict, cadence.interval, closed))
        slots = self.slots(verdict.item, followed)
        return tuple(self._fixed(verdict, slots, closed)) if closed.spans else slots

    def slots(self, item: Item, followed: tuple[Piece, ...] = ()) -> tuple[Piece, ...]:
        """Return the slots of an item that do not depend on when it runs itself."""
        match item.timing.cadence:
            case Cron() | At() as cadence:
                return tuple(filter(len, [self._on_clocks(item, cadence)]))
            case AfterRefresh():
                return followed
            case ResetAt(instant) if self._now < instant < self._until:
                covered = self._covered_until(item)
                made_up = covered is not None and instant <= covered
                return () if made_up else (once(microseconds(instant)),)
            case ResetAt() | WhenChanged() | Every():
                return ()
            case _ as unreachable:
                assert_never(unreachable)

    def _on_clocks(self, item: Item, cadence: Cron | At) -> Piece:
        spread = item.timing.spread
        key = cadence, item.timing.zone, spread
        if key not in self._marks:
            slots = wall_slots(cadence, item.timing.zone).between(self._now - spread, self._until)
            self._marks[key] = Marks(map(microseconds, slots))
        shift_us = spread_of(item, spread) // _MICROSECOND
        after_us = self._after_us
        if (covered := self._covered_until(item)) is not None:
            after_us = max(after_us, microseconds(covered) + 1)
        return slice_of(self._marks[key], shift_us, after_us, self._until_us)

    def _covered_until(self, item: Item) -> datetime | None:
        """Return up to when slots are made up or let pass, be it later than `now`."""
        record = self._records.get(item.address)
        if record is None:
            return None
        return latest(settled_until(record), floor_of(item, record, self._now))

    def _fixed(
        self, verdict: Verdict[Item], slots: tuple[Piece, ...], closed: Closed
    ) -> Iterator[Piece]:
        """Yield the slots outside closed stretches, and the run that may end each."""
        item, record, opened_us = verdict.item, verdict.record, self._after_us
        for start, end in closed.spans:
            while_open = parts(slots, opened_us, microseconds(start))
            yield from while_open
            if while_open:
                last = instant_of(while_open[-1][-1])
                record = _ran(item, record, last, last)
            if end >= self._until:
                return
            opened_us = microseconds(end) + 1
            need = self._need(item, record, end, slots)
            if need.status is Status.DUE:
                yield once(microseconds(end))
                record = _ran(item, record, end, need.newest_slot)
        yield from parts(slots, opened_us, self._until_us)

    def _stepping(
        self, verdict: Verdict[Item], interval: timedelta, closed: Closed
    ) -> Iterator[Piece]:
        """Yield the runs of an interval, which counts from the run before."""
        item, record, step_us = verdict.item, verdict.record, interval // _MICROSECOND
        slot = self._now if verdict.need.status is Status.DUE else verdict.need.next_slot
        for start, end in closed.spans:
            steps = _steps(slot, start, step_us)
            if steps:
                yield steps
                last = instant_of(steps[-1])
                record = _ran(item, record, last, last)
            if end >= self._until:
                return
            need = self._need(item, record, end, ())
            slot = need.next_slot
            if need.status is Status.DUE:
                yield once(microseconds(end))
                record = _ran(item, record, end, need.newest_slot)
                slot = end + interval
        if steps := _steps(slot, self._until, step_us):
            yield steps

    def _need(self, item: Item, record: Record, at: datetime, slots: tuple[Piece, ...]) -> Standing:
        """Judge an item by its cadence at the instant from which on it may run again."""
        cadence = item.timing.cadence
        records = self._records
        if isinstance(cadence, AfterRefresh):
            passed = parts(slots, self._after_us, microseconds(at) + 1)
            if passed:
                completed = Record(completed_at=instant_of(passed[-1][-1]))
                records = {cadence.refresh: completed}
        return assess(item, record, Surroundings(records, (), _EVERYTHING, at))


def _steps(slot: datetime | None, until: datetime, step_us: int) -> range:
    return range(0) if slot is None else range(microseconds(slot), microseconds(until), step_us)


def _ran(item: Item, record: Record, at: datetime, slot: datetime | None) -> Record:
    """Record a success, as an apply would."""
    cadence = item.timing.cadence
    return replace(
        record,
        last_success=at,
        completed_at=at,
        covered_slot=latest(record.covered_slot, slot),
        stamp=(slot or at) if isinstance(item, ResetItem) else record.stamp,
        content=cadence.content if isinstance(cadence, WhenChanged) else record.content,
    )
