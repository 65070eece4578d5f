"""Following a job to its end: polls only, never another POST."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from reconcile.applying.entries import JOB_FAILED, completion
from reconcile.applying.ports import Ports
from reconcile.applying.stopping import Stop, StopCause
from reconcile.model import journal
from reconcile.model.address import Address
from reconcile.model.outcome import (
    JobCompleted,
    JobFailed,
    JobOutcome,
    JobRunning,
    JobUnreadable,
    Proof,
)
from reconcile.model.progress import Polled, Throttled
from reconcile.planning.budget.pacing import Turn
from reconcile.planning.budget.polling import lasted_s, next_poll_s

GONE_TRIES = 3
"""A 404 on a known job was seen to mean "not ready yet" (omni-api.md 4.1); not for ever, though."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job to follow. `since`: when its call was sent."""

    job_id: str
    operation: str
    addresses: tuple[Address, ...]
    since: datetime
    timeout_s: float
    expected_s: float | None


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How following ended: completed, failed, or (neither) left running or unreadable."""

    completed_at: datetime | None
    failed: bool
    message: str | None


class Follower:
    """Polls jobs. `polls` counts every request spent on it."""

    def __init__(self, ports: Ports, stop: Stop) -> None:
        self._ports = ports
        self._stop = stop
        self.polls = 0

    async def follow(self, job: Job, *, at_once: bool) -> JobEnd:
        """Poll until the job ends, its timeout is over, or nothing can be learned about it.

        A job that outlives its timeout is not a failure: it goes on in Omni, stays in the journal
        as accepted, and the next apply awaits it.
        """
        seen = _Seen(awaited=at_once)
        if not at_once:
            await self._pause(job)
        while True:
            await self._ports.limiter.turn(Turn.POLL)
            self.polls += 1
            outcome = await self._ports.omni.fetch_job(job.job_id)
            end = self._end(job, outcome, seen)
            if end is not None:
                return end
            if self._age_s(job) >= job.timeout_s:
                late = f"still running after {job.timeout_s:g} s"
                return JobEnd(None, failed=False, message=late)
            await self._pause(job)

    async def _pause(self, job: Job) -> None:
        """Wait for the next poll, but never past the timeout, however long the job may last."""
        age_s = self._age_s(job)
        left_s = max(0.0, job.timeout_s - age_s)
        await asyncio.sleep(min(next_poll_s(age_s, job.expected_s), left_s))

    def _end(self, job: Job, outcome: JobOutcome, seen: "_Seen") -> JobEnd | None:
        """Write down what one poll proved; None while the job goes on."""
        at, append = self._ports.now(), self._ports.ledger.append
        age_s = self._age_s(job)
        match outcome:
            case JobCompleted(server_date):
                completed_at = completion(at, server_date)
                lasted = seen.lasted_s(age_s, job.expected_s)
                append(journal.Done(at, job.operation, completed_at, lasted))
                return JobEnd(completed_at, failed=False, message=None)
            case JobFailed(word):
                message = f"{JOB_FAILED} (status {word})"
                append(journal.Failed(at, job.operation, message))
                return JobEnd(None, failed=True, message=message)
            case JobRunning(word):
                seen.running_s = age_s
                polled = Polled(at=at, addresses=job.addresses, word=word, age_s=age_s)
                self._ports.report(polled)
                return None
            case JobUnreadable():
                return self._unreadable(outcome, seen)
            case _ as unreachable:
                assert_never(unreachable)

    def _unreadable(self, outcome: JobUnreadable, seen: "_Seen") -> JobEnd | None:
        if outcome.proof in {Proof.TOKEN, Proof.FORBIDDEN}:
            self._stop.request(StopCause.CREDENTIAL_REFUSED)
            return JobEnd(None, failed=False, message=outcome.message)
        if outcome.proof is Proof.THROTTLED:
            wait_s = self._ports.limiter.penalise(outcome.retry_after_s)
            self._ports.report(Throttled(at=self._ports.now(), wait_s=wait_s))
        seen.gone += outcome.proof is Proof.NOT_FOUND
        if seen.gone >= GONE_TRIES or outcome.proof is Proof.REFUSED:
            return JobEnd(None, failed=False, message=outcome.message)
        return None

    def _age_s(self, job: Job) -> float:
        return max(0.0, (self._ports.now() - job.since).total_seconds())


@dataclass(slots=True)
class _Seen:
    """What polls have told so far. `awaited`: an earlier apply started the job."""

    awaited: bool
    running_s: float | None = None
    gone: int = 0

    def lasted_s(self, ended_s: float, expected_s: float | None) -> float | None:
        """Estimate how long the job ran. How late a later apply first looks tells nothing of it."""
        if self.awaited and self.running_s is None:
            return None
        return round(lasted_s(self.running_s, ended_s, expected_s), 3)
