"""What an item's need comes to once pauses, freezes, failures and doubts have had their say."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Generic, TypeVar

from reconcile.model.address import Address
from reconcile.model.cadence import Every, WhenChanged
from reconcile.model.desired import Desired, Freeze, Item, ResetItem
from reconcile.model.noun import noun
from reconcile.model.plan import Choice, Status
from reconcile.model.reason import (
    BackingOff,
    Forced,
    FrozenBy,
    HeldAfterFailures,
    HeldInDoubt,
    JobRunningSince,
    OutcomeUnknown,
    PausedUntil,
    Reason,
)
from reconcile.model.recorded import Coverage, Pending, Record, Recorded
from reconcile.planning.backoff import backoff
from reconcile.planning.calendar.windows import frozen_by, matches, next_change
from reconcile.planning.declaration import same_declaration, same_identity
from reconcile.planning.need import Need, assess
from reconcile.planning.settled import coverage_of, earliest

_NO_RECORD = Record()
ItemT = TypeVar("ItemT", bound=Item)
ItemT_co = TypeVar("ItemT_co", bound=Item, covariant=True)


@noun(frozen=True, slots=True)
class Verdict(Generic[ItemT_co]):
    """One item judged alone, before it is ordered and merged with others.

    `coverage` is what a call would settle, kept also where the call is held back, since an item
    that follows another may need it. `running` is a job to await instead of a call. `noted`: an
    apply has seen what the item declares now.
    """

    item: ItemT_co
    record: Record
    status: Status
    reason: Reason
    need: Need
    until: datetime | None
    coverage: Coverage | None = None
    running: Pending | None = None
    noted: bool = False


@noun(frozen=True, slots=True)
class Surroundings:
    """All that judging one item needs beside the item itself."""

    records: Mapping[Address, Record]
    freezes: tuple[Freeze, ...]
    choice: Choice
    now: datetime


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
    refresh = None
    if isinstance(item, ResetItem) and item.after is not None:
        refresh = around.records.get(item.after)
    need = assess(item, record, refresh, around.now)
    status = Status.COVERED
    if need.coverage is not None:
        status = Status.DUE
    elif need.waits:
        status = Status.DEFERRED
    alone = Verdict(item, record, status, need.reason, need, need.until, need.coverage, noted=noted)
    pending = record.pending
    if pending is not None and pending.job_id is not None:
        reason = JobRunningSince(pending.since)
        return replace(
            alone, status=Status.DUE, reason=reason, coverage=pending.coverage, running=pending
        )
    if item.address in around.choice.force:
        coverage = need.coverage or _forced_coverage(item, need, refresh, around.now)
        return replace(alone, status=Status.DUE, reason=Forced(), coverage=coverage)
    if pending is not None:
        doubt = OutcomeUnknown(pending.since)
        resent = _in_doubt(pending, need)
        alone = replace(alone, status=Status.DUE, reason=doubt, coverage=resent)
    return held_back(alone, around)


def held_back(verdict: Verdict[ItemT], around: Surroundings) -> Verdict[ItemT]:
    """Apply what may hold an item back. A pause shows even on an item that is not due."""
    item, now = verdict.item, around.now
    pause = item.timing.pause
    if pause is not None and (pause.until is None or pause.until > now):
        return _defer(verdict, Status.PAUSED, PausedUntil(pause.until, pause.reason), pause.until)
    if verdict.status is not Status.DUE:
        return verdict
    frozen = frozen_by(around.freezes, item.address, now)
    if frozen is not None:
        reason = FrozenBy(frozen.name, frozen.until)
        return _defer(verdict, Status.DEFERRED, reason, frozen.until)
    judged = _stopped_by_failure(verdict, around) or verdict
    changes = [next_change(f, now) for f in around.freezes if matches(f, item.address)]
    return replace(judged, until=earliest(judged.until, *changes)) if changes else judged


def _stopped_by_failure(verdict: Verdict[ItemT], around: Surroundings) -> Verdict[ItemT] | None:
    record, now = verdict.record, around.now
    if record.pending is not None and around.choice.hold_unknown:
        return _defer(verdict, Status.HELD, HeldInDoubt(record.pending.since), None)
    failure = record.last_failure
    if failure is None or record.failures == 0:
        return None
    if record.declared is not None and not verdict.noted:
        return None  # An edit is a new start, as it will be once an apply has noted it.
    if record.failures >= verdict.item.timing.hold_after:
        reason = HeldAfterFailures(record.failures, failure.at, failure.message)
        return _defer(verdict, Status.HELD, reason, None)
    retry_at = failure.at + backoff(verdict.item.address, record.failures)
    if now < retry_at:
        waiting = BackingOff(record.failures, failure.at, retry_at, failure.message)
        return _defer(verdict, Status.BACKING_OFF, waiting, retry_at)
    return None


def _defer(
    verdict: Verdict[ItemT], status: Status, reason: Reason, until: datetime | None
) -> Verdict[ItemT]:
    soonest = earliest(verdict.until, until)
    return replace(verdict, status=status, reason=reason, until=soonest)


def _in_doubt(pending: Pending, need: Need) -> Coverage:
    """Send the same stamp again, unless a newer slot has come up that covers the old one too."""
    newer = need.coverage
    if newer is None:
        return pending.coverage
    if newer.stamp is None or pending.coverage.stamp is None:
        return newer
    return newer if newer.stamp > pending.coverage.stamp else pending.coverage


def _forced_coverage(item: Item, need: Need, refresh: Record | None, now: datetime) -> Coverage:
    """Settle the newest slot once more; the present instant where slots are not wall clocks."""
    if isinstance(item.timing.cadence, Every | WhenChanged):
        return coverage_of(item, None, now)
    slot = need.newest_slot
    if slot is None and refresh is not None:
        slot = refresh.completed_at
    return coverage_of(item, slot, now)
