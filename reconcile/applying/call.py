"""One call: its intent on disk, then the request, then its outcome on disk, in that order."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any, Generic, TypeVar, assert_never

from msgspec import Struct

from reconcile.applying.blame import Blame, BlameVerdict, Subject, Undecided, job_way
from reconcile.applying.ports import Ports, Stop, StopCause
from reconcile.applying.wire import Admission, StoppedError, Troubles, Wire, stamp_refused
from reconcile.model import journal, progress
from reconcile.model.address import Address
from reconcile.model.journal import Lack
from reconcile.model.plan import Action, EarlierJob, Request, addresses_of
from reconcile.model.recorded import Carrier, Coverage, Kind, Pending
from reconcile.model.struct import replace
from reconcile.planning.budget import Turn, lasted_s, next_poll_s
from reconcile.planning.item import LONGEST_AWAIT, given_up

THROTTLED_TRIES = 8
UNREACHABLE_TRIES = 3
UNREACHABLE_WAIT_S = 2.0

AcceptedT = TypeVar(
    "AcceptedT", progress.RefreshAccepted, progress.ResetAccepted, progress.ScheduleAccepted
)
SettledT = TypeVar("SettledT", progress.RefreshAccepted, progress.ResetAccepted)
NotTaken = progress.CallNotSent | progress.CallRejected | progress.CallUnknown

NOT_BEGUN = "stopped before it was sent"
IN_FLIGHT = "stopped while the call was in flight"
TOKEN_REFUSED = "Omni refuses the token"  # noqa: S105 -- words
STAMPS_REFUSED = "this machine's clock is ahead of Omni's"

_AHEAD = 3
"""Calls that stand before the limiter at once; those behind them wait in the same order."""

_PATIENCE_S = 5.0
"""A wait for the budget that is shorter is the even pace, and nothing to tell of."""


class Tracker(Struct, frozen=True):
    """Told at each step what would be true if a stop came right then, and under which operation.

    `waits`: told why a call cannot begin yet.
    """

    status: Callable[[progress.ResultStatus, str], None]
    waits: Callable[[str], None]


class Call(Struct, Generic[AcceptedT], frozen=True):
    """What is about to be sent, and what the journal says of it.

    `begun`: the intent, for an operation, an instant and a host. `ended`: what an outcome proves,
    and of whom. `subject`: None where a 403 says nothing of the token's other rights. `stamped`:
    it names an instant that Omni's clock must have passed. `again`: it goes before others that
    wait.
    """

    post: Callable[[], Awaitable[AcceptedT | NotTaken]]
    begun: Callable[[str, datetime, str], journal.Entry]
    ended: Callable[
        [datetime, str, AcceptedT | NotTaken, tuple[Address, ...] | None], Iterable[journal.Entry]
    ]
    subject: Subject | None = None
    stamped: bool = False
    again: bool = False


def item_call(  # noqa: PLR0913 -- what there is to say of a call
    kind: Kind,
    covers: tuple[Coverage, ...],
    request: Request,
    post: Callable[[], Awaitable[SettledT | NotTaken]],
    subject: Subject,
    *,
    carrier: Carrier | None = None,
    again: bool = False,
) -> Call[SettledT]:
    """Return a call that settles declared items."""
    return Call(
        post,
        lambda operation, at, host: journal.Intent(
            at, operation, kind, covers, request, host, carrier
        ),
        entries,
        subject,
        stamped=kind == "reset",
        again=again,
    )


class Taken(Struct, Generic[AcceptedT], frozen=True):
    """Omni took the call; it is journalled under `operation`. `sent_at` is its intent's instant."""

    operation: str
    sent_at: datetime
    answer: AcceptedT


class Refused(Struct, frozen=True):
    """A call that came to nothing, or (`unknown`) may have.

    `undecided`: whose refusal it is turns out later. `of_carrier`: it is of the model that carries
    the call, and the others may be tried through another.
    """

    operation: str | None
    message: str
    status: progress.ResultStatus
    undecided: Undecided | None = None
    of_carrier: bool = False


class Sender:
    """Sends calls under the budget and keeps the journal true whatever comes back."""

    def __init__(self, ports: Ports, wire: Wire, blame: Blame, troubles: Troubles) -> None:
        self._ports, self._wire = ports, wire
        self._blame, self._troubles = blame, troubles
        self._ahead = asyncio.Semaphore(_AHEAD)
        self._stampless = False
        self.in_flight: set[asyncio.Task[Any] | None] = set()
        self.calls = 0

    async def send(self, call: Call[AcceptedT], track: Tracker) -> Taken[AcceptedT] | Refused:
        """Send until there is an answer about the call itself, or tries run out.

        A 429 and a connection that was never made prove that nothing happened, so the call may be
        sent again; after anything else it may not.
        """
        tries = _Tries()
        while True:
            track.status("skipped", "")
            try:
                admission = await self._turn(call, track)
                try:
                    if call.stamped and self._stampless:
                        return Refused(None, STAMPS_REFUSED, "skipped")
                    ended = await self._exchange(call, track, admission.answered)
                finally:
                    admission.leave()
            except StoppedError:
                return Refused(None, NOT_BEGUN, "skipped")
            if isinstance(ended, Taken):
                return ended
            final = await self._unless_again(ended, tries)
            if final is not None:
                return final

    async def _exchange(
        self, call: Call[AcceptedT], track: Tracker, answered: Callable[[], None]
    ) -> "Taken[AcceptedT] | _Missed":
        """Write down the intent, send, and write down what came of it."""
        ports = self._ports
        operation, sent_at = ports.new_operation(), ports.now()
        await self._begin(call, operation, sent_at)
        self._wire.begun(operation, sent_at)
        track.status("unknown", operation)
        outcome = await self._once(operation, call.post)
        answered()
        date = None if isinstance(outcome, progress.CallNotSent) else outcome.server_date
        believed = self._wire.ahead
        first: Sequence[journal.Entry] = self._wire.heard(sent_at, date)
        sent_at -= self._wire.ahead - believed
        at: datetime = ports.now()
        verdict = BlameVerdict(None)
        if isinstance(outcome, progress.CallRejected):
            verdict = self._blame.judge(call.subject, outcome)
        elif not isinstance(outcome, NotTaken):
            first = (*first, *self._blame.accept(at))
        await ports.ledger.append(*first, *call.ended(at, operation, outcome, verdict.blames))
        if isinstance(outcome, NotTaken):
            return _Missed(operation, outcome, verdict)
        return Taken(operation, sent_at, outcome)

    async def _begin(self, call: Call[AcceptedT], operation: str, sent_at: datetime) -> None:
        """Write down the intent. Raises StoppedError if a stop came while it was written."""
        ledger, task = self._ports.ledger, asyncio.current_task()
        await ledger.append(call.begun(operation, sent_at, self._ports.host))
        if task is not None and task.cancelling():
            not_made = progress.CallNotSent(NOT_BEGUN)
            await ledger.append(*call.ended(self._ports.now(), operation, not_made, None))
            raise StoppedError

    async def _turn(self, call: Call[AcceptedT], track: Tracker) -> Admission:
        async with nullcontext() if call.again else self._ahead:
            loop = asyncio.get_running_loop()
            told = loop.call_later(_PATIENCE_S, track.waits, "waits for the request budget")
            try:
                return await self._wire.take(Turn.CALL, first=call.again)
            finally:
                told.cancel()

    async def _unless_again(self, missed: "_Missed", tries: "_Tries") -> Refused | None:
        """Wait before another try, or say why there is none."""
        operation, outcome, verdict = missed.operation, missed.outcome, missed.verdict
        match outcome:
            case progress.CallUnknown(message):
                return Refused(operation, message, "unknown")
            case progress.CallNotSent(message):
                tries.unreachable += 1
                if tries.unreachable >= UNREACHABLE_TRIES:
                    return Refused(operation, message, "not_sent")
                await asyncio.sleep(UNREACHABLE_WAIT_S * tries.unreachable)
                return None
            case progress.CallRejected(proof=progress.Proof.THROTTLED):
                tries.throttled += 1
                wait_s = self._ports.limiter.penalise(outcome.retry_after_s)
                self._ports.report(progress.Throttled(at=self._ports.now(), wait_s=wait_s))
                if tries.throttled < THROTTLED_TRIES:
                    return None
            case progress.CallRejected(proof=progress.Proof.TOKEN):
                return Refused(operation, TOKEN_REFUSED, "skipped")
            case progress.CallRejected(proof=progress.Proof.FUTURE_STAMP):
                self._refuse_stamps(outcome)
                return Refused(operation, STAMPS_REFUSED, "skipped")
            case _:
                pass
        return Refused(
            operation, outcome.message, "failed", verdict.undecided, of_carrier=verdict.of_carrier
        )

    def _refuse_stamps(self, outcome: progress.CallRejected) -> None:
        self._stampless = True
        if not self._wire.wrong:  # which has been said then
            host, now = self._ports.host, self._ports.now()
            self._troubles.add(stamp_refused(host, now, outcome.server_date, outcome.message))

    async def _once(
        self, operation: str, post: Callable[[], Awaitable[AcceptedT | NotTaken]]
    ) -> AcceptedT | NotTaken:
        self.calls += 1
        task = asyncio.current_task()
        self.in_flight.add(task)
        try:
            return await post()
        except asyncio.CancelledError:
            doubted = journal.Doubted(self._ports.now(), operation, IN_FLIGHT, cut_off=True)
            await self._ports.ledger.append(doubted)
            raise
        finally:
            self.in_flight.discard(task)


@dataclass(slots=True)
class _Tries:
    throttled: int = 0
    unreachable: int = 0


class _Missed(Struct, frozen=True):
    """One request that Omni did not take, or may not have."""

    operation: str
    outcome: NotTaken
    verdict: BlameVerdict


# Following a job to its end: polls only, never another POST. What is left behind is recorded.

REFUSED_TRIES = 3
"""A 404 on a known job was seen to mean "not ready yet" (omni-api.md 4.1); not for ever, though."""


class Job(Struct, frozen=True):
    """A job to follow, for `timeout_s` after its call at most, which was sent at `since`.

    `group`: the connection and branch that it runs on.
    """

    job_id: str
    operation: str
    addresses: tuple[Address, ...]
    since: datetime
    timeout_s: float
    expected_s: float | None
    guess_s: float | None = None
    group: str = ""

    @property
    def subject(self) -> Subject:
        """Say of whom a poll of it speaks."""
        return Subject(self.group, job_way(self.job_id), self.addresses)


class JobEnd(Struct, frozen=True):
    """How following ended: completed, failed, or (neither) with the job left as `left` tells.

    `failed` with a job that is left: it may not be read, which is its items' failure.
    """

    completed_at: datetime | None
    failed: bool
    message: str | None
    left: progress.LeftJob | None = None


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
            progress.JobAccepted(at=self._ports.now(), addresses=job.addresses, job_id=job.job_id)
        )
        seen = _Seen(awaited=at_once)
        try:
            if not at_once:
                await self._pause(job)
            while True:
                outcome = await self._poll(job)
                end = await self._end(job, outcome, seen)
                if end is not None:
                    return end
                if seen.refused >= REFUSED_TRIES or self._age_s(job) >= job.timeout_s:
                    return await self._left(job, seen)
                await self._pause(job)
        except StoppedError:
            return await self._left(job, seen)
        except asyncio.CancelledError:
            if self._stop.cause is not StopCause.JOURNAL_FAILED:
                cut_off(await self._left(job, seen))
            raise

    async def look_back(self, job: EarlierJob, group: str) -> datetime | None:
        """Look once at a job that is awaited no longer; returns when it was seen completed.

        Raises StoppedError.
        """
        earlier = Job(job.job_id, job.operation, job.addresses, job.since, 0.0, None, group=group)
        seen = _Seen(awaited=True)
        outcome = await self._poll(earlier)
        at, append = self._ports.now(), self._ports.ledger.append
        match outcome:
            case progress.JobCompleted(server_date):
                completed_at = completion(at, server_date)
                await append(journal.Done(at, job.operation, completed_at))
                return completed_at
            case progress.JobFailed(word):
                await append(journal.Looked(at, job.operation, word))
            case progress.JobRunning() | progress.JobUnreadable():
                self._took(earlier, outcome, seen)
                lack = self._lack(earlier, seen)
                await append(journal.Looked(at, job.operation, seen.answer or "", lack))
            case _ as unreachable:
                assert_never(unreachable)
        return None

    async def _poll(self, job: Job) -> progress.JobOutcome:
        async with self._wire.turn(Turn.POLL):
            self.polls += 1
            asked_at = self._ports.now()
            outcome = await self._ports.omni.fetch_job(job.job_id)
            first = list(self._wire.heard(asked_at, outcome.server_date))
            if not isinstance(outcome, progress.JobUnreadable):
                first += self._blame.accept(self._ports.now())
            elif outcome.proof is progress.Proof.TOKEN:
                self._blame.refuse_token(outcome.message)
            elif outcome.proof is progress.Proof.FORBIDDEN and not self._is_forbidden(job):
                self._blame.forbid_poll(job.subject, outcome.message)
            if first:
                await self._ports.ledger.append(*first)
            return outcome

    async def _pause(self, job: Job) -> None:
        """Wait for the next poll, but never past the timeout, however long the job may last."""
        age_s = self._age_s(job)
        left_s = max(0.0, job.timeout_s - age_s)
        await asyncio.sleep(min(next_poll_s(age_s, job.expected_s, job.guess_s), left_s))

    async def _end(self, job: Job, outcome: progress.JobOutcome, seen: "_Seen") -> JobEnd | None:
        """Write down what one poll proved; None while the job goes on."""
        at, append = self._ports.now(), self._ports.ledger.append
        match outcome:
            case progress.JobCompleted(server_date):
                completed_at = completion(at, server_date)
                lasted = seen.lasted_s(self._age_s(job), job.expected_s)
                await append(journal.Done(at, job.operation, completed_at, lasted))
                return JobEnd(completed_at, failed=False, message=None)
            case progress.JobFailed(word):
                message = f"{JOB_FAILED} (status {word})"
                await append(journal.Failed(at, job.operation, message))
                return JobEnd(None, failed=True, message=message)
            case progress.JobRunning() | progress.JobUnreadable():
                self._took(job, outcome, seen)
                return None
            case _ as unreachable:
                assert_never(unreachable)

    def _took(
        self, job: Job, outcome: progress.JobRunning | progress.JobUnreadable, seen: "_Seen"
    ) -> None:
        """Learn from a poll that did not end it."""
        at = self._ports.now()
        if isinstance(outcome, progress.JobRunning):
            seen.answer, seen.lack, seen.refused = outcome.word, None, 0
            seen.running_s = self._age_s(job)
            self._ports.report(
                progress.Polled(
                    at=at, addresses=job.addresses, word=outcome.word, age_s=seen.running_s
                )
            )
            return
        seen.answer, seen.lack = outcome.message, lack_of(outcome)
        if outcome.proof is progress.Proof.THROTTLED:
            wait_s = self._ports.limiter.penalise(outcome.retry_after_s)
            self._ports.report(progress.Throttled(at=at, wait_s=wait_s))
        seen.refused += outcome.proof not in {
            None,
            progress.Proof.UNREACHABLE,
            progress.Proof.THROTTLED,
        }

    async def _left(self, job: Job, seen: "_Seen") -> JobEnd:
        """Write down what the visit showed, and whether the job is awaited any longer."""
        at, append = self._ports.now(), self._ports.ledger.append
        if seen.answer is not None:
            await append(journal.Looked(at, job.operation, seen.answer, self._lack(job, seen)))
        pending = self._pending(job)
        over = None if pending is None else given_up(pending, at)
        left = _left_job(job, pending)
        if over is None:
            return JobEnd(None, failed=False, message=None, left=left)
        await append(over)
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
        records = self._ports.ledger.recorded.items
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


def lack_of(outcome: progress.JobUnreadable) -> Lack:
    """Say why a poll showed nothing of the job."""
    if outcome.proof is progress.Proof.FORBIDDEN:
        return "forbidden"
    if outcome.proof is progress.Proof.NOT_FOUND or outcome.status == HTTPStatus.BAD_REQUEST:
        return "absent"
    return "unreadable"


def _left_job(job: Job, pending: Pending | None) -> progress.LeftJob:
    """Tell of a job what the record does, so that everybody tells the same."""
    since = job.since if pending is None else pending.since
    look = None if pending is None else pending.look
    return progress.LeftJob(
        job_id=job.job_id,
        since=since,
        looked_at=None if look is None else look.at,
        answer=None if look is None else look.answer,
        until=since + LONGEST_AWAIT,
    )


# What each action has come to so far, kept true from instant to instant.

GOES_ON = "its job goes on in Omni; the next apply awaits it"


class Results:
    """What each action has come to, always what would be true if the apply stopped right now.

    An action of which parts go their own ways has a result for each of them. `lookups` counts the
    requests that only asked for native schedules.
    """

    def __init__(self, ports: Ports) -> None:
        self._report, self._now, self._limiter = ports.report, ports.now, ports.limiter
        self._by_action: dict[int, progress.Result] = {}
        self.lookups = 0
        self._parts: dict[int, tuple[Action, ...]] = {}

    def of(self, actions: Sequence[Action]) -> tuple[progress.Result, ...]:
        """Return the results in the order of the actions."""
        return tuple(result for action in actions for result in self._of(action))

    def _of(self, action: Action) -> Iterator[progress.Result]:
        if id(action) not in self._parts:
            yield self._by_action[id(action)]
        for part in self._parts.get(id(action), ()):
            yield from self._of(part)

    def split(self, action: Action, *parts: Action) -> None:
        """Let the parts of an action have results of their own in the place of its one."""
        for part in parts:
            self.put(part, "skipped", NOT_BEGUN)
        self._parts[id(action)] = parts

    def tracker(self, action: Action, what: str) -> Tracker:
        """Keep the result true from instant to instant, as a stop may cut anywhere."""
        addresses = addresses_of(action)

        def track(status: progress.ResultStatus, operation: str) -> None:
            if status == "unknown":
                self.put(action, status, IN_FLIGHT, operation)
                self._report(progress.Started(at=self._now(), addresses=addresses, what=what))
                budget = self._limiter.snapshot()
                self._report(progress.Budget(at=self._now(), used=budget.used, limit=budget.limit))
            else:
                self.put(action, status, NOT_BEGUN)

        return Tracker(track, lambda why: self.wait(action, why))

    def wait(self, action: Action, why: str) -> None:
        """Tell that an action cannot begin yet."""
        self._report(progress.Waiting(at=self._now(), addresses=addresses_of(action), why=why))

    def conclude(
        self, action: Action, end: JobEnd, operation: str | None, sent_at: datetime
    ) -> None:
        """Leave the result of a call that Omni took."""
        now = self._now()
        took_s = max(0.0, (now - sent_at).total_seconds())
        addresses = addresses_of(action)
        if end.completed_at is not None:
            self.put(action, "done", None, operation, took_s)
            self._report(progress.Finished(at=now, addresses=addresses, took_s=took_s))
            return
        if end.left is not None:
            self._leave(action, end, end.left, operation, took_s)
            return
        message = end.message or ""
        self.put(action, "failed", message, operation, took_s)
        self._fail(action, message)

    def refuse(self, action: Action, refused: Refused) -> None:
        """Leave the result of a call that came to nothing, or may have."""
        if refused.message == NOT_BEGUN:
            self.put(action, "skipped", NOT_BEGUN)  # the stop is said, not what it stopped
            return
        if refused.status == "skipped":
            self.skip(action, refused.message)
            return
        self.put(action, refused.status, refused.message, refused.operation)
        if refused.undecided is None:
            self._fail(action, refused.message, doubt=refused.status == "unknown")
        else:
            refused.undecided.then(partial(self._decided, action, refused.message))

    def _decided(self, action: Action, message: str, of_items: bool) -> None:  # noqa: FBT001
        """Tell of a refusal once it is known whose it was."""
        if of_items:
            self._fail(action, message)
        else:
            self.skip(action, TOKEN_REFUSED)

    def _leave(
        self,
        action: Action,
        end: JobEnd,
        job: progress.LeftJob,
        operation: str | None,
        took_s: float,
    ) -> None:
        """Leave the result of a call whose end this apply did not see."""
        status: progress.ResultStatus = "running" if job.until is not None else "unseen"
        if end.failed:
            status = "failed"
        self.put(action, status, end.message, operation, took_s, job)
        self._report(progress.Left(at=self._now(), addresses=addresses_of(action), job=job))

    def _fail(self, action: Action, message: str, *, doubt: bool = False) -> None:
        self._report(
            progress.FailedCall(
                at=self._now(),
                addresses=addresses_of(action),
                message=message,
                may_have_happened=doubt,
            )
        )

    def skip(self, action: Action, why: str) -> None:
        """Leave an action out of this apply; it stays due."""
        self.put(action, "skipped", why)
        self._report(progress.Skipped(at=self._now(), addresses=addresses_of(action), why=why))

    def put(
        self,
        action: Action,
        status: progress.ResultStatus,
        message: str | None,
        operation: str | None = None,
        took_s: float = 0.0,
        job: progress.LeftJob | None = None,
    ) -> None:
        """Replace what an action has come to so far."""
        self._by_action[id(action)] = progress.Result(
            action=action,
            status=status,
            message=message,
            operation=operation,
            took_s=took_s,
            job=job,
        )


# What an outcome proves, in journal entries.

CLOCK_TOLERANCE = timedelta(seconds=2)
"""A Date header has whole seconds and has travelled; less than this is not a clock difference."""

JOB_FAILED = "Omni reports that the job failed; it gives no reason"

Outcome = progress.RefreshOutcome | progress.ResetOutcome


def entries(
    at: datetime, operation: str, outcome: Outcome, blames: tuple[Address, ...] | None
) -> Iterable[journal.Entry]:
    """Say in journal entries what an outcome proves, and of a refusal whom it blames."""
    match outcome:
        case progress.CallNotSent(message):
            yield journal.NotSent(at, operation, message)
        case progress.CallRejected(message=message):
            yield journal.Rejected(at, operation, message, blames)
        case progress.CallUnknown(message):
            yield journal.Doubted(at, operation, message)
        case progress.ResetAccepted():
            yield journal.Accepted(at, operation, None)
            yield journal.Done(at, operation, completion(at, outcome.server_date))
        case progress.RefreshAccepted(job_id=job_id, finished=finished):
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
