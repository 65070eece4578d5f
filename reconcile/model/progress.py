"""How one exchange with Omni ended, what an apply reports while it runs, and what it comes to."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from msgspec import Struct

from reconcile.errors import Diagnostic
from reconcile.model.address import Address
from reconcile.model.desired import NativeSchedule
from reconcile.model.plan import Action, Await, Standing
from reconcile.model.reason import JobRunningSince
from reconcile.model.recorded import Record
from reconcile.model.struct import Instant

# What an apply reports while it runs, and what it comes to: closed unions and one summary.


class _OfItems(Struct, frozen=True, kw_only=True):
    at: datetime
    addresses: tuple[Address, ...]


class Started(_OfItems, frozen=True, kw_only=True):
    """A call is being sent. `what`: the verb and what it acts on, as a person says it."""

    what: str


class Waiting(_OfItems, frozen=True, kw_only=True):
    """A call cannot begin yet."""

    why: str


class JobAccepted(_OfItems, frozen=True, kw_only=True):
    """Omni runs a job for a call."""

    job_id: str


class Polled(_OfItems, frozen=True, kw_only=True):
    """A job was asked after and has not ended. `word`: its status as Omni spelled it."""

    word: str
    age_s: float


class Finished(_OfItems, frozen=True, kw_only=True):
    """A call, and its job where it had one, ended well."""

    took_s: float
    detail: str | None = None


class FailedCall(_OfItems, frozen=True, kw_only=True):
    """A call did not end well."""

    message: str
    may_have_happened: bool


class LeftJob(Struct, frozen=True, kw_only=True):
    """A job whose end an apply did not see, as later applies find it.

    `since`: when its call was sent. `looked_at`, `answer`: the last look, Omni's word or why there
    was none; None where there was no look yet. `until`: awaited until then; None once it is awaited
    no longer.
    """

    job_id: str
    since: Instant
    looked_at: Instant | None
    answer: str | None
    until: Instant | None


class Left(_OfItems, frozen=True, kw_only=True):
    """A job is left to later applies, or (`job.until` is None) awaited no longer."""

    job: LeftJob


class Throttled(Struct, frozen=True, kw_only=True):
    """Omni answered 429; nothing is sent for `wait_s`."""

    at: datetime
    wait_s: float


class Skipped(_OfItems, frozen=True, kw_only=True):
    """A call is not made in this apply, and stays due."""

    why: str


class Budget(Struct, frozen=True, kw_only=True):
    """Requests sent in the last 60 s, of how many allowed."""

    at: datetime
    used: int
    limit: int


Event = (
    Started
    | Waiting
    | JobAccepted
    | Polled
    | Finished
    | FailedCall
    | Left
    | Throttled
    | Skipped
    | Budget
)

ResultStatus = Literal["done", "failed", "unknown", "not_sent", "running", "unseen", "skipped"]

_BEGUN: frozenset[ResultStatus] = frozenset({"running", "unseen", "unknown"})


class Result(Struct, frozen=True, kw_only=True):
    """How one action, or the part of it that went its own way, ended.

    `failed`: Omni refused it or its job failed. `not_sent`: Omni was never reached. `unknown`: the
    call may have happened. `running`: its job goes on, and the next apply awaits it. `unseen`: Omni
    took the call, and how it ended is not awaited any more. `skipped`: it was not done, nobody is
    to blame, and it stays due. `job`: the job of a call whose end was not seen.
    """

    action: Action
    status: ResultStatus
    message: str | None = None
    took_s: float = 0.0
    operation: str | None = None
    job: LeftJob | None = None


class Summary(Struct, frozen=True, kw_only=True):
    """What an apply came to. `calls` and `polls` count requests, tries included.

    `noted`: how many new or changed items it recorded. `troubles`: what kept calls of many items
    back and is no item's fault: a token that is refused, a clock that is wrong. Each is said once.
    """

    results: tuple[Result, ...]
    calls: int
    polls: int
    took_s: float
    noted: int = 0
    interrupted: bool = False
    troubles: tuple[Diagnostic, ...] = ()

    @property
    def acted(self) -> bool:
        """Tell whether anything was done, or may have been, that was not done before."""
        return any(
            result.status == "done"
            or (result.status in _BEGUN and not isinstance(result.action, Await))
            for result in self.results
        )


# How items stand, in figures.


class ItemGauges(Struct, frozen=True):
    """How one item stands. `late_s`: how long its oldest slot not made up has been due, or 0.

    `doubts`: calls in a row with an unknown outcome. `running_since`, `looked_at`, `awaited_until`:
    of its job, where one is awaited. `unseen_since`: of a call whose end nobody saw.
    """

    address: Address
    last_success: datetime | None
    late_s: float
    failures: int
    doubts: int = 0
    running_since: datetime | None = None
    looked_at: datetime | None = None
    awaited_until: datetime | None = None
    unseen_since: datetime | None = None


def gauges_of(standing: Standing, record: Record, late_s: float) -> ItemGauges:
    """Take stock of one item."""
    reason, unseen = standing.reason, record.unseen
    job = reason if isinstance(reason, JobRunningSince) else None
    return ItemGauges(
        standing.address,
        record.last_success,
        late_s,
        record.failures,
        doubts=record.doubts,
        running_since=None if job is None else job.since,
        looked_at=None if job is None else job.looked_at,
        awaited_until=None if job is None else job.until,
        unseen_since=None if unseen is None else unseen.call.since,
    )


# How one HTTP exchange with Omni ended: closed unions that `omni` makes and `applying` matches.


class Proof(StrEnum):
    """Why a call certainly did not take effect, as far as it decides what to do next.

    `TOKEN`: the token itself is refused (401, or Omni's words for a bad one), so every call is.
    `FORBIDDEN`: any other 403, a missing permission. `FUTURE_STAMP`: the machine's clock is ahead.
    """

    UNREACHABLE = "unreachable"
    TOKEN = "token"  # noqa: S105 - the name of a reason
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    THROTTLED = "throttled"
    FUTURE_STAMP = "future_stamp"
    REFUSED = "refused"


class CallNotSent(Struct, frozen=True):
    """The request certainly never reached Omni (DNS, refused, TLS, connect timeout)."""

    message: str


class CallRejected(Struct, frozen=True):
    """Omni said no: any status but 2xx and those of `CallUnknown`.

    `retry_after_s` is a sane Retry-After. `server_date`: the reply's Date header.
    """

    proof: Proof
    status: int
    message: str
    retry_after_s: float | None = None
    server_date: datetime | None = None


class RefreshAccepted(Struct, frozen=True):
    """A refresh was started. Without `job_id` (legacy API) its end cannot be observed.

    `finished`: the reply itself said completed (True) or failed (False). `server_date`: the
    reply's Date header.
    """

    job_id: str | None
    finished: bool | None
    server_date: datetime | None


class ResetAccepted(Struct, frozen=True):
    """The reply echoed our model, policy and stamp (`confirmed`) or left some of them out."""

    reset_at: datetime | None
    server_date: datetime | None


class ScheduleAccepted(Struct, frozen=True):
    """A native schedule was written: as Omni has it now, None once it is deleted.

    What a partial reply left out is as it was asked for. A server that does not know `hard` answers
    with a soft one.
    """

    schedule: NativeSchedule | None
    server_date: datetime | None


class CallUnknown(Struct, frozen=True):
    """The call may have happened: cut, timed out, 303, 408, an unusable 2xx, most 5xx.

    Those are all but 501 and 505, which say that nothing was done. `server_date`: the reply's Date
    header, None also where no reply arrived.
    """

    message: str
    server_date: datetime | None = None


class JobRunning(Struct, frozen=True):
    """The job has not ended; `word` is the status as Omni spelled it."""

    word: str
    server_date: datetime | None = None


class JobCompleted(Struct, frozen=True):
    """The job ended well. `server_date`: the reply's Date header."""

    server_date: datetime | None


class JobFailed(Struct, frozen=True):
    """The job ended badly; `word` is the status as Omni spelled it."""

    word: str
    server_date: datetime | None = None


class JobUnreadable(Struct, frozen=True):
    """What was asked could not be learned; that says nothing about the job.

    `status`: of the reply, None where none arrived. `server_date`: its Date header.
    """

    message: str
    proof: Proof | None = None
    retry_after_s: float | None = None
    status: int | None = None
    server_date: datetime | None = None


RefreshOutcome = RefreshAccepted | CallNotSent | CallRejected | CallUnknown
ResetOutcome = ResetAccepted | CallNotSent | CallRejected | CallUnknown
ScheduleOutcome = ScheduleAccepted | CallNotSent | CallRejected | CallUnknown
JobOutcome = JobRunning | JobCompleted | JobFailed | JobUnreadable
