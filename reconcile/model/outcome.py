"""How one HTTP exchange with Omni ended: closed unions that `omni` makes and `applying` matches."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reconcile.model.native import NativeSchedule


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


@dataclass(frozen=True, slots=True)
class CallNotSent:
    """The request certainly never reached Omni (DNS, refused, TLS, connect timeout)."""

    message: str


@dataclass(frozen=True, slots=True)
class CallRejected:
    """Omni said no: any status but 2xx and those of `CallUnknown`.

    `retry_after_s` is a sane Retry-After. `server_date`: the reply's Date header.
    """

    proof: Proof
    status: int
    message: str
    retry_after_s: float | None = None
    server_date: datetime | None = None


@dataclass(frozen=True, slots=True)
class RefreshAccepted:
    """A refresh was started. Without `job_id` (legacy API) its end cannot be observed.

    `finished`: the reply itself said completed (True) or failed (False). `server_date`: the
    reply's Date header.
    """

    job_id: str | None
    finished: bool | None
    server_date: datetime | None


@dataclass(frozen=True, slots=True)
class ResetAccepted:
    """The reply echoed our model, policy and stamp (`confirmed`) or left some of them out."""

    reset_at: datetime | None
    server_date: datetime | None


@dataclass(frozen=True, slots=True)
class ScheduleAccepted:
    """A native schedule was written: as Omni has it now, None once it is deleted.

    What a partial reply left out is as it was asked for. A server that does not know `hard` answers
    with a soft one.
    """

    schedule: NativeSchedule | None
    server_date: datetime | None


@dataclass(frozen=True, slots=True)
class CallUnknown:
    """The call may have happened: cut, timed out, 303, 408, an unusable 2xx, most 5xx.

    Those are all but 501 and 505, which say that nothing was done. `server_date`: the reply's Date
    header, None also where no reply arrived.
    """

    message: str
    server_date: datetime | None = None


@dataclass(frozen=True, slots=True)
class JobRunning:
    """The job has not ended; `word` is the status as Omni spelled it."""

    word: str
    server_date: datetime | None = None


@dataclass(frozen=True, slots=True)
class JobCompleted:
    """The job ended well. `server_date`: the reply's Date header."""

    server_date: datetime | None


@dataclass(frozen=True, slots=True)
class JobFailed:
    """The job ended badly; `word` is the status as Omni spelled it."""

    word: str
    server_date: datetime | None = None


@dataclass(frozen=True, slots=True)
class JobUnreadable:
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
