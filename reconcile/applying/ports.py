"""What the executor needs of the world, as protocols; the rooms below fit them."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from enum import Enum
from typing import Protocol

from msgspec import Struct

from reconcile.model import progress
from reconcile.model.desired import NativeSchedule, ScheduleSpec
from reconcile.model.journal import Entry
from reconcile.model.plan import Request
from reconcile.model.recorded import Recorded
from reconcile.omni.limiter import BudgetUse
from reconcile.omni.reads import Finding, Turns


class Omni(Protocol):
    """One Omni instance. Every method ends in an outcome, never in a raised transport error."""

    def send_refresh(self, request: Request) -> Awaitable[progress.RefreshOutcome]:
        """Start a refresh."""

    def send_reset(
        self, request: Request, *, model_id: str, policy: str, reset_at: datetime
    ) -> Awaitable[progress.ResetOutcome]:
        """Reset a cache policy to an instant."""

    def fetch_job(self, job_id: str) -> Awaitable[progress.JobOutcome]:
        """Ask how a job stands."""


class Schedules(Protocol):
    """Omni's own schedules of its connections. Every method ends in an outcome, as in `Omni`."""

    def fetch_schedules(self, connection_id: str) -> Awaitable[Finding[tuple[NativeSchedule, ...]]]:
        """Ask which schedules a connection has."""

    def send_schedule(
        self, request: Request, *, connection_id: str, spec: ScheduleSpec, schedule_id: str | None
    ) -> Awaitable[progress.ScheduleOutcome]:
        """Make a schedule, or set all that the one with this id says."""

    def send_schedule_delete(self, request: Request) -> Awaitable[progress.ScheduleOutcome]:
        """Remove a schedule."""


class Ledger(Protocol):
    """The journal under the lock. `recorded`: the state as it stands."""

    @property
    def recorded(self) -> Recorded:
        """The state that the entries have made so far."""

    def append(self, *entries: Entry) -> Awaitable[Recorded]:
        """Write entries, in the order in which it is called; durable once it returns.

        Nothing is cancelled in it: a cancellation is told at the next wait. Raises ReconcileError
        if they cannot be made durable.
        """


class Limiter(Turns, Protocol):
    """The request budget, which can be shown."""

    def snapshot(self) -> BudgetUse:
        """Return the budget as it stands now."""


class Ports(Struct, frozen=True, kw_only=True):
    """Everything an apply touches. `now` is UTC; `new_operation` gives a fresh unique id.

    `schedules`: None where no plan speaks of any, as in a simulation.
    """

    omni: Omni
    ledger: Ledger
    limiter: Limiter
    now: Callable[[], datetime]
    report: Callable[[progress.Event], None]
    new_operation: Callable[[], str]
    host: str
    schedules: Schedules | None = None


# How an apply is asked to stop, and by whom.


class StopCause(Enum):
    """Why no further call may be sent."""

    INTERRUPTED = "interrupted"
    CREDENTIAL_REFUSED = "credential refused"
    CLOCK_WRONG = "clock wrong"
    JOURNAL_FAILED = "journal failed"
    SOMETHING_DUE = "something else is due"


class Stop:
    """Set by a signal, a refused token, a wrong clock, a journal that fails, or to plan anew.

    All but the last are in a hurry. Make it anywhere; call it from the loop that waits for it.
    """

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self._hurried = asyncio.Event()
        self.cause: StopCause | None = None

    def request(self, cause: StopCause) -> None:
        """Ask for the stop; the first cause stands, unless it had time and the next has not."""
        if self.cause in {None, StopCause.SOMETHING_DUE}:
            self.cause = cause
        if self.cause is not StopCause.SOMETHING_DUE:
            self._hurried.set()
        self._asked.set()

    def requested(self) -> bool:
        """Tell whether a stop was asked for."""
        return self._asked.is_set()

    async def wait(self) -> None:
        """Return once a stop is asked for."""
        await self._asked.wait()

    async def wait_for_hurry(self) -> None:
        """Return once a stop is asked for that does not wait for calls in flight."""
        await self._hurried.wait()
