"""Where an item stands by its cadence alone, before anything may hold it back."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from reconcile.model.desired import (
    AfterRefresh,
    At,
    Cron,
    Every,
    Item,
    OnChange,
    ResetAt,
    WhenChanged,
)
from reconcile.model.plan import Standing, Status
from reconcile.model.reason import (
    ContentChanged,
    CoveredSince,
    DeadlineMissed,
    IntervalElapsed,
    NeverRun,
    NothingYet,
    Reason,
    RefreshCompleted,
    SlotPassed,
    StampWouldGoBack,
    WaitsForFiles,
    WaitsForNextSlot,
    WaitsUntil,
)
from reconcile.model.recorded import Record
from reconcile.planning.calendar.slots import slots_around, spread_of
from reconcile.planning.choosing import is_selected
from reconcile.planning.declaration import same_timing
from reconcile.planning.settled import earliest, floor_of, missed_slots, settled_until
from reconcile.planning.verdict import Surroundings

_Slots = tuple[datetime | None, datetime | None]
"""The newest slot at or before the present instant, and the first after it."""

_NO_SLOTS: _Slots = None, None


def assess(item: Item, record: Record, around: Surroundings) -> Standing:
    """Judge one item by its cadence alone, whether the operator's choice leaves it in or not.

    It is due where a call is wanted, and deferred where none is and yet nothing covers it either.
    """
    match item.timing.cadence:
        case Cron() | At() as cadence:
            return _slot(item, record, around, _spread_slots(item, cadence, around.now))
        case Every() as cadence:
            return _every(item, record, around, cadence.interval)
        case ResetAt(instant):
            if instant > around.now:
                coming = None, instant
                return _stands(item, around, Status.DEFERRED, WaitsUntil(instant), coming)
            return _slot(item, record, around, (instant, None))
        case AfterRefresh(address):
            refresh = around.records.get(address)
            completed = None if refresh is None else refresh.completed_at
            return _slot(item, record, around, (completed, None))
        case WhenChanged() as cadence:
            return _content(item, record, around, cadence)
        case _ as unreachable:
            assert_never(unreachable)


def _stands(
    item: Item,
    around: Surroundings,
    status: Status,
    reason: Reason,
    slots: _Slots = _NO_SLOTS,
    missed: int = 0,
) -> Standing:
    """Say how the item stands until its next slot."""
    newest, following = slots
    selected = is_selected(item.address, around.choice)
    zone = item.timing.zone
    return Standing(
        item.address, status, zone, newest, following, missed, reason, following, selected
    )


def _spread_slots(item: Item, cadence: Cron | At, now: datetime) -> _Slots:
    zone, offset = item.timing.zone, spread_of(item, item.timing.spread)
    if not offset:
        return slots_around(cadence, zone, now)
    newest, following = slots_around(cadence, zone, now - offset)
    return newest and newest + offset, following and following + offset


def _every(item: Item, record: Record, around: Surroundings, interval: timedelta) -> Standing:
    now, last = around.now, record.last_success
    base = last
    if base is None:
        base = floor_of(item, record, now)
        if base is None:
            return _stands(item, around, Status.DUE, NeverRun(interval))
        if record.since is None or not same_timing(item, record):
            # No apply has seen this timing: the interval begins when one does.
            return _stands(item, around, Status.DEFERRED, WaitsForNextSlot(None))
    elapsed = (now - base) // interval
    if elapsed <= 0:
        slots = last, base + interval
        if last is None:
            return _stands(item, around, Status.DEFERRED, WaitsForNextSlot(None), slots)
        return _stands(item, around, Status.COVERED, CoveredSince(last), slots)
    newest = base + elapsed * interval
    wanted: Reason = NeverRun(interval)
    if last is not None:
        wanted = IntervalElapsed(interval, last, base + interval, elapsed - 1)
    return _unless_passed(item, record, around, (newest, newest + interval), elapsed - 1, wanted)


def _slot(item: Item, record: Record, around: Surroundings, slots: _Slots) -> Standing:
    newest, following = slots
    if newest is None:
        return _stands(item, around, Status.COVERED, NothingYet(), slots)
    cadence, settled = item.timing.cadence, settled_until(record)
    if settled is not None and settled >= newest:
        covered: Reason = CoveredSince(record.last_success)
        if isinstance(cadence, ResetAt) and record.stamp and record.stamp > newest:
            covered = StampWouldGoBack(newest, record.stamp)
        return _stands(item, around, Status.COVERED, covered, slots)
    missed = missed_slots(item, record, settled, newest)
    wanted: Reason = SlotPassed(newest, missed)
    if isinstance(cadence, AfterRefresh):
        wanted = RefreshCompleted(cadence.refresh, newest)
    return _unless_passed(item, record, around, (newest, following), missed, wanted)


def _unless_passed(
    item: Item,
    record: Record,
    around: Surroundings,
    slots: tuple[datetime, datetime | None],
    missed: int,
    wanted: Reason,
) -> Standing:
    """Want the newest slot, unless `on_change` lets it pass or its deadline is over."""
    newest, following = slots
    passed = _passed(item, newest, floor_of(item, record, around.now), around.now)
    if passed is not None:
        return _stands(item, around, Status.DEFERRED, passed, slots, missed)
    due = _stands(item, around, Status.DUE, wanted, slots, missed)
    deadline = item.timing.deadline
    if deadline is None:
        return due
    return replace(due, until=earliest(following, newest + deadline))


def _passed(
    item: Item, newest: datetime, floor: datetime | None, now: datetime
) -> WaitsForNextSlot | DeadlineMissed | None:
    """Tell why the newest slot is not wanted any more; None if it is."""
    if floor is not None:
        # A completion at the very instant of the floor was brought about by what set the floor.
        follows = isinstance(item.timing.cadence, AfterRefresh)
        if newest < floor or (newest == floor and not follows):
            return WaitsForNextSlot(newest)
    deadline = item.timing.deadline
    if deadline is not None and newest + deadline <= now:
        return DeadlineMissed(newest, deadline)
    return None


def _content(item: Item, record: Record, around: Surroundings, cadence: WhenChanged) -> Standing:
    if cadence.content is None:
        return _stands(item, around, Status.DEFERRED, WaitsForFiles(cadence.missing))
    if cadence.content == record.content:
        slots = record.last_success, None
        return _stands(item, around, Status.COVERED, CoveredSince(record.last_success), slots)
    if record.content is None and item.timing.on_change is OnChange.NEXT:
        baseline = cadence.content
        if record.declared is not None and same_timing(item, record):
            baseline = str(record.declared.get("observed"))
        if baseline == cadence.content:
            return _stands(item, around, Status.DEFERRED, WaitsForNextSlot(None))
    return _stands(item, around, Status.DUE, ContentChanged(cadence.paths))
