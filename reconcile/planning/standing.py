"""What an item's need comes to once pauses, freezes, failures and doubts have had their say."""

from datetime import datetime
from typing import TypeVar

from reconcile.model.desired import Desired, Every, Item, OnSignal, ResetItem, WhenChanged
from reconcile.model.plan import Choice, Standing
from reconcile.model.reason import (
    BackingOff,
    CarrierLeft,
    DeadlineMissed,
    Forced,
    FrozenBy,
    HeldAfterFailures,
    HeldInDoubt,
    JobRunningSince,
    MarkedDue,
    OutcomeUnknown,
    PausedUntil,
    Status,
    WaitsForNextSlot,
)
from reconcile.model.recorded import Coverage, Pending, Record, Unseen
from reconcile.model.struct import replace
from reconcile.planning.declaration import identity_of, same_declaration, same_identity
from reconcile.planning.item import (
    LONGEST_AWAIT,
    Surroundings,
    Verdict,
    assess,
    attempt_of,
    backoff,
    coverage_of,
    earliest,
    is_awaited,
    next_attempt,
    unseen_of,
)
from reconcile.planning.recorded_clock import Believed
from reconcile.planning.requests import strayed
from reconcile.planning.signals import arrival
from reconcile.planning.time.windows import frozen_by, matches, next_change

_NO_RECORD = Record()
ItemT = TypeVar("ItemT", bound=Item)


def surroundings(
    desired: Desired, believed: Believed, choice: Choice, now: datetime
) -> Surroundings:
    """Gather what `judge` needs."""
    records, stray = believed.items, strayed(desired, believed.items)
    return Surroundings(records, desired.freezes, choice, now, stray, believed.signals)


def judge(item: ItemT, around: Surroundings) -> Verdict[ItemT]:
    """Judge one item alone at `around.now`."""
    record, now = around.records.get(item.address, _NO_RECORD), around.now
    # Without an instant at which its declaration was seen, it is seen anew.
    noted = record.since is not None and same_declaration(item, record.declared)
    if not noted and not same_identity(item, record):
        record = _NO_RECORD
    need = assess(item, record, around)
    if record.marked_at is not None or record.carrier is not None:
        need = _with_what_happened(need, item, record, around)
    coverage = _coverage(item, need, record, around) if need.status is Status.DUE else None
    pending = record.pending
    lost = None if pending is None and record.unseen is None else unseen_of(record, now)
    if coverage is not None and lost is not None and (noted or record.declared is None):
        coverage = replace(coverage, attempt=attempt_of(item, need, lost, now))
    alone = Verdict(item, record, noted, need, need, coverage)
    if item.address in around.choice.force:
        coverage = coverage or _forced_coverage(item, need, record, around)
        as_of = around.choice.as_of
        if as_of is not None and isinstance(item, ResetItem):
            # Signals that came after it are not in what is reset as of then.
            later = coverage.slot is not None and coverage.slot > as_of
            consumed = record.consumed if later else coverage.consumed
            coverage = replace(coverage, slot=as_of, stamp=as_of, consumed=consumed)
        return alone.due(Forced(), replace(coverage, attempt=1))
    if pending is None:
        return held_back(alone, around)
    if pending.job_id is None:
        doubt = _doubt(record, pending)
        return held_back(alone.due(doubt, _in_doubt(pending, coverage)), around)
    if not is_awaited(pending, now) or _is_paused(item, now):
        return held_back(alone, around)
    until, look = pending.since + LONGEST_AWAIT, pending.look
    looked_at, answer = (None, None) if look is None else (look.at, look.answer)
    running = JobRunningSince(pending.since, until, looked_at, answer)
    return alone.due(running, pending.coverage).changing(until)


def held_back(verdict: Verdict[ItemT], around: Surroundings) -> Verdict[ItemT]:
    """Apply what may hold an item back. A pause shows even on an item that is not due."""
    item, now = verdict.item, around.now
    pause = item.timing.pause
    if pause is not None and _is_paused(item, now):
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


def _with_what_happened(
    need: Standing, item: Item, record: Record, around: Surroundings
) -> Standing:
    """Say what made the item due that its cadence does not know of."""
    if record.marked_at is not None:
        return _marked(need, item, record.marked_at, around.now)
    carrier = record.carrier
    if need.status is Status.COVERED and carrier is not None and item.address in around.strayed:
        left = CarrierLeft(carrier.model_id, record.last_success)
        return replace(need, status=Status.DUE, reason=left)
    return need


def _marked(need: Standing, item: Item, marked_at: datetime, now: datetime) -> Standing:
    """Let a person's word count like a slot of that instant: its deadline runs from there.

    It prevails over a cadence that lets a slot pass, and not over one that has none to make up.
    """
    deadline = item.timing.deadline
    over = None if deadline is None else marked_at + deadline
    wanted = need.status is Status.DUE
    if isinstance(need.reason, WaitsForNextSlot | DeadlineMissed):
        wanted = over is None or now < over
    if not wanted:
        return need
    until = need.until if need.status is Status.DUE else earliest(need.next_slot, over)
    return replace(need, status=Status.DUE, reason=MarkedDue(marked_at), until=until)


def _is_paused(item: Item, now: datetime) -> bool:
    pause = item.timing.pause
    return pause is not None and (pause.until is None or pause.until > now)


def _unless_failing(verdict: Verdict[ItemT], around: Surroundings) -> Verdict[ItemT]:
    """Let what came of earlier calls hold a due item back."""
    record, now = verdict.record, around.now
    if record.pending is None and record.unseen is None and record.last_failure is None:
        return verdict  # As a rule nothing came of them, and that is quickly told.
    doubted = record.pending is not None and record.pending.job_id is None
    if record.pending is not None and doubted and around.choice.hold_unknown:
        return verdict.held(Status.HELD, HeldInDoubt(record.pending.since), None)
    if record.declared is not None and not verdict.noted:
        return verdict  # An edit is a new start, as it will be once an apply has noted it.
    failure = record.last_failure
    if failure is not None and record.failures >= verdict.item.timing.hold_after:
        reason = HeldAfterFailures(record.failures, failure.at, failure.message)
        return verdict.held(Status.HELD, reason, None)
    unseen = unseen_of(record, now)
    if unseen is not None:
        verdict = _tried_once_more(verdict, unseen, now)
    if verdict.is_due and record.pending is not None and doubted:
        doubt = _doubt(record, record.pending)
        if doubt.retry_at is not None and now < doubt.retry_at:
            verdict = verdict.held(Status.BACKING_OFF, doubt, doubt.retry_at)
    if not verdict.is_due or failure is None or record.failures == 0:
        return verdict
    retry_at = failure.at + backoff(identity_of(verdict.item), record.failures)
    if now < retry_at:
        waiting = BackingOff(record.failures, failure.at, retry_at, failure.message)
        return verdict.held(Status.BACKING_OFF, waiting, retry_at)
    return verdict


def _tried_once_more(verdict: Verdict[ItemT], unseen: Unseen, now: datetime) -> Verdict[ItemT]:
    """Let an accepted refresh whose end nobody saw wait for its one more try, or its next slot."""
    again = next_attempt(verdict.item, verdict.need, unseen, now)
    if again is None:
        return verdict
    if again.retry_at is None or now < again.retry_at:
        return verdict.held(Status.BACKING_OFF, again, again.retry_at)
    doubted = isinstance(verdict.standing.reason, OutcomeUnknown)
    return verdict if doubted or verdict.coverage is None else verdict.due(again, verdict.coverage)


def _doubt(record: Record, pending: Pending) -> OutcomeUnknown:
    """Say from when on a call is sent again whose outcome is unknown.

    One that our own end cut off goes at once: nothing was seen that would speak against it.
    """
    seen = record.last_doubt
    if seen is None or record.doubts == 0:
        return OutcomeUnknown(pending.since)
    # By the operation, not the item: whoever shared the call is sent again in one.
    retry_at = seen.at + backoff(pending.operation, record.doubts)
    return OutcomeUnknown(pending.since, retry_at, record.doubts, seen.message)


def _coverage(item: Item, need: Standing, record: Record, around: Surroundings) -> Coverage:
    """Settle the slot that is wanted, what the watched files contain, or the signals that came."""
    cadence = item.timing.cadence
    content = cadence.content if isinstance(cadence, WhenChanged) else None
    covers = coverage_of(item, need.newest_slot, around.now, content)
    if isinstance(cadence, OnSignal) and cadence.all:
        came = arrival(cadence, around.signals, record.consumed, around.now)
        return replace(covers, consumed=came.consumed if came.complete else record.consumed)
    return covers


def _in_doubt(pending: Pending, newer: Coverage | None) -> Coverage:
    """Send the same stamp again, unless a newer slot has come up that covers the old one too."""
    if newer is None:
        return pending.coverage
    if newer.stamp is None or pending.coverage.stamp is None:
        return newer
    return newer if newer.stamp > pending.coverage.stamp else pending.coverage


def _forced_coverage(item: Item, need: Standing, record: Record, around: Surroundings) -> Coverage:
    """Settle the newest slot once more; the present instant where slots are not wall clocks."""
    if isinstance(item.timing.cadence, Every | WhenChanged):
        return coverage_of(item, None, around.now)
    if isinstance(item.timing.cadence, OnSignal):
        return _coverage(item, need, record, around)
    slot = need.newest_slot
    if slot is None and isinstance(item, ResetItem) and item.after is not None:
        refresh = around.records.get(item.after)
        slot = None if refresh is None else refresh.completed_at
    return coverage_of(item, slot, around.now)
