"""What an outcome proves, in journal entries."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import assert_never

from reconcile.model import journal
from reconcile.model.address import Address
from reconcile.model.progress import (
    CallNotSent,
    CallRejected,
    CallUnknown,
    RefreshAccepted,
    RefreshOutcome,
    ResetAccepted,
    ResetOutcome,
)

CLOCK_TOLERANCE = timedelta(seconds=2)
"""A Date header has whole seconds and has travelled; less than this is not a clock difference."""

JOB_FAILED = "Omni reports that the job failed; it gives no reason (omni-api.md 2.2)"

Outcome = RefreshOutcome | ResetOutcome


def entries(
    at: datetime, operation: str, outcome: Outcome, blames: tuple[Address, ...] | None
) -> Iterable[journal.Entry]:
    """Say in journal entries what an outcome proves, and of a refusal whom it blames."""
    match outcome:
        case CallNotSent(message):
            yield journal.NotSent(at, operation, message)
        case CallRejected(message=message):
            yield journal.Rejected(at, operation, message, blames)
        case CallUnknown(message):
            yield journal.Doubted(at, operation, message)
        case ResetAccepted():
            yield journal.Accepted(at, operation, None)
            yield journal.Done(at, operation, completion(at, outcome.server_date))
        case RefreshAccepted(job_id=job_id, finished=finished):
            yield journal.Accepted(at, operation, job_id)
            if finished is False:
                yield journal.Failed(at, operation, JOB_FAILED)
            elif finished or job_id is None:
                yield journal.Done(at, operation, completion(at, outcome.server_date))
        case _ as unreachable:
            assert_never(unreachable)


def completion(at: datetime, server_date: datetime | None) -> datetime:
    """Choose the instant a success was seen at, to the millisecond that Omni's times have.

    A reset that follows a refresh is stamped with it, and Omni refuses stamps in its future, so
    a runner whose clock is ahead goes by Omni's own clock.
    """
    ahead = server_date is not None and at - server_date > CLOCK_TOLERANCE
    seen = server_date if ahead and server_date is not None else at
    return seen.replace(microsecond=seen.microsecond // 1000 * 1000)
