"""What requests leave behind in an instance: schedules, jobs, and the marks of resets."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A native schedule. `cron` is as it is echoed; `disabled_at` cannot be set by any request."""

    id: str
    connection_id: str
    cron: str
    zone: str
    hard: bool
    created_at: datetime
    updated_at: datetime
    disabled_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Job:
    """A schema refresh under way or over. `ends_at` None: it never ends."""

    id: str
    model_id: str
    connection_id: str
    branch_id: str | None
    hard: bool
    schemas: tuple[str, ...]
    tables: tuple[str, ...]
    started_at: datetime
    ends_at: datetime | None
    fails: bool

    def running(self, now: datetime) -> bool:
        """Say whether the job has not ended at that instant."""
        return self.ends_at is None or now < self.ends_at


@dataclass(slots=True, kw_only=True)
class ResetMark:
    """The one row of a (model, policy), updated in place [SEED-0, inferred from its sample].

    Cached results created before `reset_at` are invalid.
    """

    id: str
    model_id: str
    policy: str
    created_at: datetime
    updated_at: datetime
    reset_at: datetime
