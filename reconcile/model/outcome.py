"""How one HTTP exchange with Omni ended: closed unions that `omni` makes and `applying` matches."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reconcile.model.native import NativeSchedule


class Proof(StrEnum):
    """Why a call certainly did not take effect, as far as it decides what to do next."""

    UNREACHABLE = "unreachable"
    AUTH = "auth"
    NOT_FOUND = "not_found"
    THROTTLED = "throttled"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class CallNotSent:
    """The request certainly never reached Omni (DNS, refused, TLS, connect timeout)."""

    message: str


@dataclass(frozen=True, slots=True)
class CallRejected:
    """Omni said no (400 401 403 404 409 422 429). `retry_after_s` is a sane Retry-After."""

    proof: Proof
    status: int
    message: str
    retry_after_s: float | None = None


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
    """The call may have happened: cut, timed out, 3xx, 408, 5xx, or an unusable 2xx."""

    message: str


@dataclass(frozen=True, slots=True)
class JobRunning:
    """The job has not ended; `word` is the status as Omni spelled it."""

    word: str


@dataclass(frozen=True, slots=True)
class JobCompleted:
    """The job ended well. `server_date`: the reply's Date header."""

    server_date: datetime | None


@dataclass(frozen=True, slots=True)
class JobFailed:
    """The job ended badly; `word` is the status as Omni spelled it."""

    word: str


@dataclass(frozen=True, slots=True)
class JobUnreadable:
    """The status could not be read; says nothing about the job. `gone`: 404, auth: 401 or 403."""

    message: str
    proof: Proof | None = None
    retry_after_s: float | None = None


RefreshOutcome = RefreshAccepted | CallNotSent | CallRejected | CallUnknown
ResetOutcome = ResetAccepted | CallNotSent | CallRejected | CallUnknown
ScheduleOutcome = ScheduleAccepted | CallNotSent | CallRejected | CallUnknown
JobOutcome = JobRunning | JobCompleted | JobFailed | JobUnreadable
