"""What an item's need comes to once pauses, freezes, failures and doubts have had their say."""

from datetime import datetime
from typing import TypeVar

from reconcile.model.cadence import Every, WhenChanged
from reconcile.model.desired import Desired, Item, ResetItem
from reconcile.model.plan import Choice, Standing, Status
from reconcile.model.reason import (
    BackingOff,
    Forced,
    FrozenBy,
    HeldAfterFailures,
    HeldInDoubt,
    JobRunningSince,
    OutcomeUnknown,
    PausedUntil,
)
from reconcile.model.recorded import Coverage, Pending, Record, Recorded
from reconcile.planning.backoff import backoff
from reconcile.planning.calendar.windows import frozen_by, matches, next_change
from reconcile.planning.declaration import same_declaration, same_identity
from reconcile.planning.need import assess
from reconcile.planning.settled import coverage_of, earliest
from reconcile.planning.verdict import Surroundings, Verdict

_NO_RECORD = Record()
ItemT = TypeVar("ItemT", bound=Item)


def surroundings(
    desired: Desired, recorded: Recorded, choice: Choice, now: datetime
) -> Surroundings:
    """Gather what `judge` needs."""
    return Surroundings(recorded.items, desired.freezes, choice, now)


def judge(item: ItemT, around: Surroundings) -> Verdict[ItemT]:
    """Judge one item alone at `around.now`."""
    record = around.records.get(item.address, _NO_RECORD)
    noted = same_declaration(item, record.declared)
    if not noted and not same_identity(item, record):
        record = _NO_RECORD
    need = assess(item, record, around)
    coverage = _coverage(item, need, around.now) if need.status is Status.DUE else None
    alone = Verdict(item, record, noted, need, need, coverage)
    pending = record.pending
    if pending is not None and pending.job_id is not None:
        return alone.due(JobRunningSince(pending.since), pending.coverage)
    if item.address in around.choice.force:
        return alone.due(Forced(), coverage or _forced_coverage(item, need, around))
    if pending is not None:
        alone = alone.due(OutcomeUnknown(pending.since), _in_doubt(pending, coverage))
    return held_back(alone, around)


def held_back(verdict: Verdict[ItemT], around: Surroundings) -> Verdict[ItemT]:
    """Apply what may hold an item back. A pause shows even on an item that is not due."""
    item, now = verdict.item, around.now
    pause = item.timing.pause
    if pause is not None and (pause.until is None or pause.until > now):
        return verdict.held(Status.PAUSED, PausedUntil(pause.until, pause.reason), pause.until)
    if not verdict.is_due:
        return verdict
    if not around.freezes:
        return _unless_failing(verdict, around)
    frozen = frozen_by(around.freezes, item.address, now)
    if frozen is not None:
        return verdict.held(Status.DEFERRED, FrozenBy(frozen.name, frozen.until), frozen.until)
    changes = [next_change(f, now) for f in around.freezes if matches(f, item.address)]
    return _unless_failing(verdict, around).changing(earliest(*changes))


def _unless_failing(verdict: Verdict[ItemT], around: Surroundings) -> Verdict[ItemT]:
    record, now = verdict.record, around.now
    if record.pending is not None and around.choice.hold_unknown:
        return verdict.held(Status.HELD, HeldInDoubt(record.pending.since), None)
    failure = record.last_failure
    if failure is None or record.failures == 0:
        return verdict
    if record.declared is not None and not verdict.noted:
        return verdict  # An edit is a new start, as it will be once an apply has noted it.
    if record.failures >= verdict.item.timing.hold_after:
        reason = HeldAfterFailures(record.failures, failure.at, failure.message)
        return verdict.held(Status.HELD, reason, None)
    retry_at = failure.at + backoff(verdict.item.address, record.failures)
    if now < retry_at:
        waiting = BackingOff(record.failures, failure.at, retry_at, failure.message)
        return verdict.held(Status.BACKING_OFF, waiting, retry_at)
    return verdict


def _coverage(item: Item, need: Standing, now: datetime) -> Coverage:
    """Settle the slot that is wanted, or what the watched files contain."""
    cadence = item.timing.cadence
    content = cadence.content if isinstance(cadence, WhenChanged) else None
    return coverage_of(item, need.newest_slot, now, content)


def _in_doubt(pending: Pending, newer: Coverage | None) -> Coverage:
    """Send the same stamp again, unless a newer slot has come up that covers the old one too."""
    if newer is None:
        return pending.coverage
    if newer.stamp is None or pending.coverage.stamp is None:
        return newer
    return newer if newer.stamp > pending.coverage.stamp else pending.coverage


def _forced_coverage(item: Item, need: Standing, around: Surroundings) -> Coverage:
    """Settle the newest slot once more; the present instant where slots are not wall clocks."""
    if isinstance(item.timing.cadence, Every | WhenChanged):
        return coverage_of(item, None, around.now)
    slot = need.newest_slot
    if slot is None and isinstance(item, ResetItem) and item.after is not None:
        refresh = around.records.get(item.after)
        slot = None if refresh is None else refresh.completed_at
    return coverage_of(item, slot, around.now)
