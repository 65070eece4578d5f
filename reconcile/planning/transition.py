"""What one journal entry does to one record."""

from dataclasses import replace
from datetime import datetime

from reconcile.model.journal import (
    Accepted,
    Done,
    Failed,
    Intent,
    Marked,
    Missed,
    Moved,
    Noted,
    NotSent,
    Rejected,
)
from reconcile.model.recorded import Coverage, Failure, Pending, Record

KEPT_DURATIONS = 8
"""Refresh durations kept for one address, newest last."""


def begun(record: Record, intent: Intent, coverage: Coverage) -> Record:
    """Await a call. It takes the place of an earlier one, which it sends again."""
    pending = Pending(intent.operation, intent.kind, intent.at, coverage)
    return replace(record, pending=pending)


def failed(record: Record, entry: NotSent | Rejected | Failed) -> Record:
    """Count a failure; the call is no longer awaited.

    What says nothing about the item (Omni out of reach, a 429, a bad token) is no failure of it: an
    hour without a network must not hold every item back once it is over.
    """
    if isinstance(entry, NotSent) or (isinstance(entry, Rejected) and not entry.blames_item):
        return replace(record, pending=None)
    failure = Failure(entry.at, entry.message)
    return replace(record, pending=None, failures=record.failures + 1, last_failure=failure)


def accepted(record: Record, entry: Accepted) -> Record:
    """Know that Omni took the call."""
    pending = record.pending
    return replace(
        record,
        pending=pending and replace(pending, accepted=True, job_id=entry.job_id),
    )


def done(record: Record, entry: Done) -> Record:
    """Cover what the call was to settle, as of when it was sent: what changed since may be out."""
    pending = record.pending
    if pending is None:
        return record
    record = _covered(record, pending.coverage, pending.since, entry.completed_at)
    if entry.lasted_s is None:
        return record
    return replace(record, durations_s=(*record.durations_s, entry.lasted_s)[-KEPT_DURATIONS:])


def noted(record: Record | None, entry: Noted) -> Record:
    """Remember a declaration. A new identity starts afresh: the coverage was another model's."""
    old, new = record.declared if record else None, entry.declared
    if record is None or (old is not None and old.get("identity") != new.get("identity")):
        return Record(declared=new, since=entry.at)
    if old == new:
        return record
    same_timing = old is not None and old.get("timing") == new.get("timing")
    return replace(
        record,
        declared=new,
        since=record.since if same_timing else entry.at,
        # A changed declaration releases a hold: what kept failing may be what was changed.
        failures=0,
        last_failure=None,
    )


def missed(record: Record, entry: Missed) -> Record:
    """Remember a slot that will not be run."""
    return replace(record, missed_slot=_later(record.missed_slot, entry.slot))


def marked(record: Record | None, entry: Marked) -> Record | None:
    """Take a person's word that an item is done, or that it is due again."""
    if entry.covers is not None:
        return _covered(record or Record(), entry.covers, entry.at, entry.at)
    # The stamp goes too: a slot up to it would otherwise still count as made up.
    return record and replace(
        record,
        covered_slot=None,
        stamp=None,
        last_success=None,
        completed_at=None,
        content=None,
        failures=0,
        last_failure=None,
        pending=None,
    )


def moved(record: Record, entry: Moved) -> Record:
    """Let a call that is still awaited settle the new address."""
    if record.pending is None:
        return record
    coverage = replace(record.pending.coverage, address=entry.to)
    return replace(record, pending=replace(record.pending, coverage=coverage))


def _covered(record: Record, covers: Coverage, sent: datetime, completed_at: datetime) -> Record:
    """Record a success. The stamp is taken as it was sent: a forced reset may move it back."""
    return replace(
        record,
        last_success=sent,
        completed_at=completed_at,
        covered_slot=_later(record.covered_slot, covers.slot),
        stamp=record.stamp if covers.stamp is None else covers.stamp,
        content=record.content if covers.content is None else covers.content,
        failures=0,
        last_failure=None,
        pending=None,
    )


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(one, other) if one and other else one or other
