"""Following a job to its end: polls only, never another POST. What is left behind is recorded."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import assert_never

from reconcile.applying.blame import Blame, Subject, job_way
from reconcile.applying.entries import JOB_FAILED, completion
from reconcile.applying.ports import Ports
from reconcile.applying.stopping import Stop, StopCause
from reconcile.applying.wire import StoppedError, Wire
from reconcile.model import journal
from reconcile.model.address import Address
from reconcile.model.journal import Lack
from reconcile.model.plan import EarlierJob
from reconcile.model.progress import (
    JobAccepted,
    JobCompleted,
    JobFailed,
    JobOutcome,
    JobRunning,
    JobUnreadable,
    LeftJob,
    Polled,
    Proof,
    Throttled,
)
from reconcile.model.recorded import Pending
from reconcile.planning.budget import Turn, lasted_s, next_poll_s
from reconcile.planning.item import LONGEST_AWAIT, given_up

REFUSED_TRIES = 3
"""A 404 on a known job was seen to mean "not ready yet" (omni-api.md 4.1); not for ever, though."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job to follow, for `timeout_s` after its call at most, which was sent at `since`.

    `group`: the connection and branch that it runs on.
    """

    job_id: str
    operation: str
    addresses: tuple[Address, ...]
    since: datetime
    timeout_s: float
    expected_s: float | None
    group: str = ""

    @property
    def subject(self) -> Subject:
        """Say of whom a poll of it speaks."""
        return Subject(self.group, job_way(self.job_id), self.addresses)


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How following ended: completed, failed, or (neither) with the job left as `left` tells.

    `failed` with a job that is left: it may not be read, which is its items' failure.
    """

    completed_at: datetime | None
    failed: bool
    message: str | None
    left: LeftJob | None = None


class Follower:
    """Polls jobs. `polls` counts every request spent on it."""

    def __init__(self, ports: Ports, stop: Stop, wire: Wire, blame: Blame) -> None:
        self._ports, self._stop, self._wire, self._blame = ports, stop, wire, blame
        self.polls = 0

    async def follow(self, job: Job, cut_off: Callable[[JobEnd], None], *, at_once: bool) -> JobEnd:
        """Poll until the job ends, its timeout is over, or Omni has refused to tell for a while.

        A job that is left is not a failure: it goes on in Omni, stays in the journal as accepted,
        and later applies look at it again. `cut_off` is told how it was left by a cancellation.
        """
        self._ports.report(
            JobAccepted(at=self._ports.now(), addresses=job.addresses, job_id=job.job_id)
        )
        seen = _Seen(awaited=at_once)
        try:
            if not at_once:
                await self._pause(job)
            while True:
                outcome = await self._poll(job)
                end = self._end(job, outcome, seen)
                if end is not None:
                    return end
                if seen.refused >= REFUSED_TRIES or self._age_s(job) >= job.timeout_s:
                    return self._left(job, seen)
                await self._pause(job)
        except StoppedError:
            return self._left(job, seen)
        except asyncio.CancelledError:
            if self._stop.cause is not StopCause.JOURNAL_FAILED:
                cut_off(self._left(job, seen))
            raise

    async def look_back(self, job: EarlierJob, group: str) -> datetime | None:
        """Look once at a job that is awaited no longer; returns when it was seen completed.

        Raises StoppedError.
        """
        earlier = Job(job.job_id, job.operation, job.addresses, job.since, 0.0, None, group)
        seen = _Seen(awaited=True)
        outcome = await self._poll(earlier)
        at, append = self._ports.now(), self._ports.ledger.append
        match outcome:
            case JobCompleted(server_date):
                completed_at = completion(at, server_date)
                append(journal.Done(at, job.operation, completed_at))
                return completed_at
            case JobFailed(word):
                append(journal.Looked(at, job.operation, word))
            case JobRunning() | JobUnreadable():
                self._took(earlier, outcome, seen)
                lack = self._lack(earlier, seen)
                append(journal.Looked(at, job.operation, seen.answer or "", lack))
            case _ as unreachable:
                assert_never(unreachable)
        return None

    async def _poll(self, job: Job) -> JobOutcome:
        async with self._wire.turn(Turn.POLL):
            self.polls += 1
            asked_at = self._ports.now()
            outcome = await self._ports.omni.fetch_job(job.job_id)
            first = list(self._wire.heard(asked_at, outcome.server_date))
            if not isinstance(outcome, JobUnreadable):
                first += self._blame.accept(self._ports.now())
            elif outcome.proof is Proof.TOKEN:
                self._blame.refuse_token(outcome.message)
            elif outcome.proof is Proof.FORBIDDEN and not self._is_forbidden(job):
                self._blame.forbid_poll(job.subject, outcome.message)
            self._wire.undecided = self._blame.undecided
            if first:
                self._ports.ledger.append(*first)
            return outcome

    async def _pause(self, job: Job) -> None:
        """Wait for the next poll, but never past the timeout, however long the job may last."""
        age_s = self._age_s(job)
        left_s = max(0.0, job.timeout_s - age_s)
        await asyncio.sleep(min(next_poll_s(age_s, job.expected_s), left_s))

    def _end(self, job: Job, outcome: JobOutcome, seen: "_Seen") -> JobEnd | None:
        """Write down what one poll proved; None while the job goes on."""
        at, append = self._ports.now(), self._ports.ledger.append
        match outcome:
            case JobCompleted(server_date):
                completed_at = completion(at, server_date)
                lasted = seen.lasted_s(self._age_s(job), job.expected_s)
                append(journal.Done(at, job.operation, completed_at, lasted))
                return JobEnd(completed_at, failed=False, message=None)
            case JobFailed(word):
                message = f"{JOB_FAILED} (status {word})"
                append(journal.Failed(at, job.operation, message))
                return JobEnd(None, failed=True, message=message)
            case JobRunning() | JobUnreadable():
                self._took(job, outcome, seen)
                return None
            case _ as unreachable:
                assert_never(unreachable)

    def _took(self, job: Job, outcome: JobRunning | JobUnreadable, seen: "_Seen") -> None:
        """Learn from a poll that did not end it."""
        at = self._ports.now()
        if isinstance(outcome, JobRunning):
            seen.answer, seen.lack, seen.refused = outcome.word, None, 0
            seen.running_s = self._age_s(job)
            self._ports.report(
                Polled(at=at, addresses=job.addresses, word=outcome.word, age_s=seen.running_s)
            )
            return
        seen.answer, seen.lack = outcome.message, lack_of(outcome)
        if outcome.proof is Proof.THROTTLED:
            wait_s = self._ports.limiter.penalise(outcome.retry_after_s)
            self._ports.report(Throttled(at=at, wait_s=wait_s))
        seen.refused += outcome.proof not in {None, Proof.UNREACHABLE, Proof.THROTTLED}

    def _left(self, job: Job, seen: "_Seen") -> JobEnd:
        """Write down what the visit showed, and whether the job is awaited any longer."""
        at, append = self._ports.now(), self._ports.ledger.append
        if seen.answer is not None:
            append(journal.Looked(at, job.operation, seen.answer, self._lack(job, seen)))
        pending = self._pending(job)
        over = None if pending is None else given_up(pending, at)
        left = _left_job(job, pending)
        if over is None:
            return JobEnd(None, failed=False, message=None, left=left)
        append(over)
        return JobEnd(
            None, failed=over.forbidden, message=over.answer, left=replace(left, until=None)
        )

    def _lack(self, job: Job, seen: "_Seen") -> Lack | None:
        """Count a 403 against the job only where the token cannot be the reason."""
        if seen.lack != "forbidden" or self._blame.accepted or self._is_forbidden(job):
            return seen.lack
        return "unreadable"

    def _is_forbidden(self, job: Job) -> bool:
        """Tell whether an earlier look at the job showed that it may not be read."""
        pending = self._pending(job)
        return pending is not None and pending.look is not None and pending.look.forbidden > 0

    def _pending(self, job: Job) -> Pending | None:
        # Appending nothing returns the state as it stands.
        records = self._ports.ledger.append().items
        for address in job.addresses:
            record = records.get(address)
            if record and record.pending and record.pending.operation == job.operation:
                return record.pending
        return None

    def _age_s(self, job: Job) -> float:
        return max(0.0, (self._ports.now() - job.since).total_seconds())


@dataclass(slots=True)
class _Seen:
    """What polls have told so far. `awaited`: an earlier apply started the job.

    `answer`, `lack`: of the last one. `refused`: how many refusals there were in a row.
    """

    awaited: bool
    running_s: float | None = None
    answer: str | None = None
    lack: Lack | None = None
    refused: int = 0

    def lasted_s(self, ended_s: float, expected_s: float | None) -> float | None:
        """Estimate how long the job ran. How late a later apply first looks tells nothing of it."""
        if self.awaited and self.running_s is None:
            return None
        return round(lasted_s(self.running_s, ended_s, expected_s), 3)


def lack_of(outcome: JobUnreadable) -> Lack:
    """Say why a poll showed nothing of the job."""
    if outcome.proof is Proof.FORBIDDEN:
        return "forbidden"
    if outcome.proof is Proof.NOT_FOUND or outcome.status == HTTPStatus.BAD_REQUEST:
        return "absent"
    return "unreadable"


def _left_job(job: Job, pending: Pending | None) -> LeftJob:
    """Tell of a job what the record does, so that everybody tells the same."""
    since = job.since if pending is None else pending.since
    look = None if pending is None else pending.look
    return LeftJob(
        job_id=job.job_id,
        since=since,
        looked_at=None if look is None else look.at,
        answer=None if look is None else look.answer,
        until=since + LONGEST_AWAIT,
    )
