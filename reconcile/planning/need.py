"""Whether an item's cadence wants a call: the slot arithmetic, before anything may hold it back."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from reconcile.model.cadence import AfterRefresh, At, Cron, Every, ResetAt, WhenChanged
from reconcile.model.desired import Item, OnChange
from reconcile.model.noun import noun
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
from reconcile.model.recorded import Coverage, Record
from reconcile.planning.calendar.slots import slots_around, spread_of
from reconcile.planning.declaration import same_timing
from reconcile.planning.settled import (
    coverage_of,
    earliest,
    floor_of,
    missed_slots,
    settled_until,
)


@noun(frozen=True, slots=True, kw_only=True)
class Need:
    """What the cadence says at `now`.

    `coverage`: what a success would settle; None where no call is wanted. `waits`: not due, yet
    not covered either. `until`: first instant at which this changes by itself.
    """

    reason: Reason
    newest_slot: datetime | None = None
    next_slot: datetime | None = None
    missed: int = 0
    coverage: Coverage | None = None
    waits: bool = False
    until: datetime | None = None
    past_deadline: bool = False


def assess(item: Item, record: Record, refresh: Record | None, now: datetime) -> Need:
    """Judge one item by its cadence alone. `refresh` is the record that an `after` speaks of."""
    match item.timing.cadence:
        case Every(interval):
            return _every(item, record, interval, now)
        case Cron() | At() as cadence:
            return _slot(item, record, now, _spread_slots(item, cadence, now))
        case ResetAt(instant):
            if instant > now:
                return Need(
                    reason=WaitsUntil(instant), next_slot=instant, waits=True, until=instant
                )
            return _slot(item, record, now, (instant, None))
        case AfterRefresh(address):
            completed = None if refresh is None else refresh.completed_at
            need = _slot(item, record, now, (completed, None))
            if completed is not None and isinstance(need.reason, SlotPassed):
                return replace(need, reason=RefreshCompleted(address, completed))
            return need
        case WhenChanged() as cadence:
            return _content(item, record, cadence, now)
        case _ as unreachable:
            assert_never(unreachable)


def _spread_slots(
    item: Item, cadence: Cron | At, now: datetime
) -> tuple[datetime | None, datetime | None]:
    zone, offset = item.timing.zone, spread_of(item.address, item.timing.spread)
    if not offset:
        return slots_around(cadence, zone, now)
    newest, following = slots_around(cadence, zone, now - offset)
    return newest and newest + offset, following and following + offset


def _every(item: Item, record: Record, interval: timedelta, now: datetime) -> Need:
    floor = floor_of(item, record, now)
    base = record.last_success
    if base is None:
        if floor is None:
            return Need(reason=NeverRun(interval), coverage=coverage_of(item, None, now))
        if record.since is None or not same_timing(item, record):
            # No apply has seen this timing: the interval begins when one does.
            return Need(reason=WaitsForNextSlot(None), waits=True)
        base = floor
    elapsed = (now - base) // interval
    newest = base + elapsed * interval if elapsed > 0 else None
    following = base + (max(elapsed, 0) + 1) * interval
    if newest is None:
        reason: Reason = WaitsForNextSlot(None)
        if record.last_success is not None:
            reason = CoveredSince(record.last_success)
        return Need(
            reason=reason,
            newest_slot=record.last_success,
            next_slot=following,
            waits=record.last_success is None,
            until=following,
        )
    wanted: Reason = NeverRun(interval)
    if record.last_success is not None:
        wanted = IntervalElapsed(interval, record.last_success, base + interval, elapsed - 1)
    slots = newest, following
    return _unless_passed(item, record, now, slots=slots, missed=elapsed - 1, reason=wanted)


def _slot(
    item: Item, record: Record, now: datetime, slots: tuple[datetime | None, datetime | None]
) -> Need:
    newest, following = slots
    if newest is None:
        return Need(reason=NothingYet(), next_slot=following, until=following)
    settled = settled_until(record)
    if settled is not None and settled >= newest:
        covered: Reason = CoveredSince(record.last_success)
        one_off = isinstance(item.timing.cadence, ResetAt)
        if one_off and record.stamp and record.stamp > newest:
            covered = StampWouldGoBack(newest, record.stamp)
        return Need(reason=covered, newest_slot=newest, next_slot=following, until=following)
    missed = missed_slots(item, record, settled, newest)
    reason = SlotPassed(newest, missed)
    return _unless_passed(
        item, record, now, slots=(newest, following), missed=missed, reason=reason
    )


def _unless_passed(
    item: Item,
    record: Record,
    now: datetime,
    *,
    slots: tuple[datetime, datetime | None],
    missed: int,
    reason: Reason,
) -> Need:
    """Want the newest slot, unless `on_change` lets it pass or its deadline is over."""
    newest, following = slots
    passed = _passed(item, newest, floor_of(item, record, now), now)
    if passed is not None:
        return Need(
            reason=passed,
            newest_slot=newest,
            next_slot=following,
            missed=missed,
            waits=True,
            until=following,
            past_deadline=isinstance(passed, DeadlineMissed),
        )
    deadline = item.timing.deadline
    return Need(
        reason=reason,
        newest_slot=newest,
        next_slot=following,
        missed=missed,
        coverage=coverage_of(item, newest, now),
        until=following if deadline is None else earliest(following, newest + deadline),
    )


def _passed(
    item: Item, newest: datetime, floor: datetime | None, now: datetime
) -> WaitsForNextSlot | DeadlineMissed | None:
    """Tell why the newest slot is not wanted any more; None if it is."""
    deadline = item.timing.deadline
    # A completion at the very instant of the floor was brought about by what set the floor.
    follows = isinstance(item.timing.cadence, AfterRefresh)
    if floor is not None and (newest < floor or (newest == floor and not follows)):
        return WaitsForNextSlot(newest)
    if deadline is not None and newest + deadline <= now:
        return DeadlineMissed(newest, deadline)
    return None


def _content(item: Item, record: Record, cadence: WhenChanged, now: datetime) -> Need:
    if cadence.content is None:
        return Need(reason=WaitsForFiles(cadence.missing), waits=True)
    if cadence.content == record.content:
        return Need(reason=CoveredSince(record.last_success), newest_slot=record.last_success)
    if record.content is None and item.timing.on_change is OnChange.NEXT:
        baseline = cadence.content
        if record.declared is not None and same_timing(item, record):
            baseline = str(record.declared.get("observed"))
        if baseline == cadence.content:
            return Need(reason=WaitsForNextSlot(None), waits=True)
    coverage = coverage_of(item, None, now, cadence.content)
    return Need(reason=ContentChanged(cadence.paths), coverage=coverage)
