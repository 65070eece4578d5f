"""What a record says once instants of the future are set right: a clock that was ahead wrote them.

An instant more than ten minutes later than the real clock is void: it covers nothing and delays
nothing. One that is less far ahead counts as now, since two clocks seldom agree.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from reconcile.model.recorded import Failure, Pending, Record, Recorded, Unseen

TOLERANCE = timedelta(minutes=10)
"""How far a recorded instant may lie ahead of the real clock and still be believed."""


def believed(record: Record, clock: datetime) -> Record:
    """Return the record without what only a clock ahead of `clock` (UTC) can have written."""
    if _newest(record) <= clock:
        return record
    limit = clock + TOLERANCE
    ran = _kept(record.last_success, clock)
    void = record.last_success is not None and ran is None
    failing = record.last_failure is not None and record.last_failure.at > limit
    doubting = record.last_doubt is not None and record.last_doubt.at > limit
    return replace(
        record,
        since=_kept(record.since, clock),
        last_success=ran,
        completed_at=_kept(record.completed_at, clock),
        covered_slot=None if void else _slot(record.covered_slot, limit + _ahead_by(record)),
        stamp=_slot(record.stamp, limit),
        content=None if void else record.content,
        missed_slot=_slot(record.missed_slot, limit),
        carrier=None if void else record.carrier,
        failures=0 if failing else record.failures,
        last_failure=_failure(record.last_failure, clock),
        doubts=0 if doubting else record.doubts,
        last_doubt=_failure(record.last_doubt, clock),
        pending=record.pending and _pending(record.pending, clock),
        unseen=record.unseen and _unseen(record.unseen, clock),
        marked_at=record.marked_at and min(record.marked_at, clock),
    )


def newest_of_the_future(recorded: Recorded, clock: datetime) -> datetime | None:
    """Return the newest instant of any record that `clock` makes void, None if all are believed."""
    limit = clock + TOLERANCE
    ahead = [
        newest
        for record in recorded.items.values()
        if (newest := _newest(record)) > limit and believed(record, clock) != record
    ]
    return max(ahead, default=None)


def redated(record: Record, ahead_s: float) -> Record:
    """Return the record with its waiting call dated by a clock that was not `ahead_s` ahead."""
    if record.pending is None:
        return record
    since = record.pending.since - timedelta(seconds=ahead_s)
    return replace(record, pending=replace(record.pending, since=since))


def _newest(record: Record) -> datetime:
    """Return the latest instant that a record holds, of slots too."""
    return max(_instants(record), default=_NEVER)


_NEVER = datetime.fromisoformat("0001-01-01T00:00:00Z")


def _instants(record: Record) -> Iterator[datetime]:
    for instant in (
        record.last_success,
        record.covered_slot,
        record.since,
        record.completed_at,
        record.stamp,
        record.missed_slot,
        record.marked_at,
    ):
        if instant is not None:
            yield instant
    if record.last_failure is not None:
        yield record.last_failure.at
    if record.last_doubt is not None:
        yield record.last_doubt.at
    if record.pending is not None:
        yield from _instants_of(record.pending)
    if record.unseen is not None:
        yield record.unseen.at
        yield from _instants_of(record.unseen.call)


def _instants_of(pending: Pending) -> Iterator[datetime]:
    yield pending.since
    if pending.look is not None:
        yield pending.look.at
    if pending.coverage.stamp is not None:
        yield pending.coverage.stamp


def _kept(instant: datetime | None, clock: datetime) -> datetime | None:
    if instant is None or instant > clock + TOLERANCE:
        return None
    return min(instant, clock)


def _slot(slot: datetime | None, limit: datetime) -> datetime | None:
    """Believe a slot as it is or not at all: it is a meaning, not a reading of a clock."""
    return None if slot is None or slot > limit else slot


def _ahead_by(record: Record) -> timedelta:
    """How early an item may run by its own declaration, whose slots then lie in the future."""
    call = None if record.declared is None else record.declared.get("call")
    within = call.get("coalesce_within") if isinstance(call, Mapping) else None
    return timedelta(seconds=within) if isinstance(within, int | float) else timedelta()


def _failure(failure: Failure | None, clock: datetime) -> Failure | None:
    at = None if failure is None else _kept(failure.at, clock)
    return None if failure is None or at is None else replace(failure, at=at)


def _pending(pending: Pending, clock: datetime) -> Pending:
    """Let a call that waits go on waiting, from the present instant at the latest.

    A stamp that Omni must refuse as future dated is made anew from the slot that is due.
    """
    coverage, look = pending.coverage, pending.look
    if coverage.stamp is not None and coverage.stamp > clock + TOLERANCE:
        coverage = replace(coverage, stamp=clock, slot=None)
    elif coverage.slot is not None and coverage.slot > clock + TOLERANCE:
        coverage = replace(coverage, slot=None)
    if look is not None and look.at > clock:
        counted = look.counted_at and min(look.counted_at, clock)
        look = replace(look, at=clock, counted_at=counted)
    return replace(pending, since=min(pending.since, clock), coverage=coverage, look=look)


def _unseen(unseen: Unseen, clock: datetime) -> Unseen:
    return replace(unseen, at=min(unseen.at, clock), call=_pending(unseen.call, clock))
