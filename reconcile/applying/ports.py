"""What the executor needs of the world, as protocols; the rooms below fit them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from reconcile.model.desired import NativeSchedule, ScheduleSpec
from reconcile.model.journal import Entry
from reconcile.model.plan import Request
from reconcile.model.progress import (
    Event,
    JobOutcome,
    RefreshOutcome,
    ResetOutcome,
    ScheduleOutcome,
)
from reconcile.model.recorded import Recorded
from reconcile.omni.limiter import Budget
from reconcile.omni.replies import Finding
from reconcile.planning.budget import Turn


class Omni(Protocol):
    """One Omni instance. Every method ends in an outcome, never in a raised transport error."""

    def send_refresh(self, request: Request) -> Awaitable[RefreshOutcome]:
        """Start a refresh."""

    def send_reset(
        self, request: Request, *, model_id: str, policy: str, reset_at: datetime
    ) -> Awaitable[ResetOutcome]:
        """Reset a cache policy to an instant."""

    def fetch_job(self, job_id: str) -> Awaitable[JobOutcome]:
        """Ask how a job stands."""


class Schedules(Protocol):
    """Omni's own schedules of its connections. Every method ends in an outcome, as in `Omni`."""

    def fetch_schedules(self, connection_id: str) -> Awaitable[Finding[tuple[NativeSchedule, ...]]]:
        """Ask which schedules a connection has."""

    def send_schedule_create(
        self, request: Request, *, connection_id: str, spec: ScheduleSpec
    ) -> Awaitable[ScheduleOutcome]:
        """Make a schedule."""

    def send_schedule_update(
        self, request: Request, *, connection_id: str, schedule_id: str, spec: ScheduleSpec
    ) -> Awaitable[ScheduleOutcome]:
        """Set all that a schedule says."""

    def send_schedule_delete(self, request: Request) -> Awaitable[ScheduleOutcome]:
        """Remove a schedule."""


class Ledger(Protocol):
    """The journal under the lock. An entry is durable once `append` returns."""

    def append(self, *entries: Entry) -> Recorded:
        """Write entries; raises ReconcileError if they cannot be made durable."""


class Limiter(Protocol):
    """The request budget."""

    def turn(self, kind: Turn) -> Awaitable[None]:
        """Wait until one request may be sent right now, and count it."""

    def penalise(self, retry_after_s: float | None) -> float:
        """Slow down after a 429; returns for how many seconds nothing is sent."""

    def snapshot(self) -> Budget:
        """Return the budget as it stands now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything an apply touches. `now` is UTC; `new_operation` gives a fresh unique id.

    `schedules`: None where no plan speaks of any, as in a simulation.
    """

    omni: Omni
    ledger: Ledger
    limiter: Limiter
    now: Callable[[], datetime]
    report: Callable[[Event], None]
    new_operation: Callable[[], str]
    host: str
    schedules: Schedules | None = None
