"""Applies one after the other on virtual time, against an Omni that a test tells what to answer."""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from itertools import count
from random import Random
from typing import Any

from reconcile.applying.execute import execute
from reconcile.applying.ports import Ports, Stop, StopCause
from reconcile.model.address import Address
from reconcile.model.desired import Desired
from reconcile.model.journal import Entry
from reconcile.model.plan import Choice, Plan, Request, Standing
from reconcile.model.progress import (
    Event,
    JobOutcome,
    RefreshOutcome,
    ResetOutcome,
    Result,
    Summary,
)
from reconcile.model.recorded import Record, Recorded
from reconcile.omni.http import model_of
from reconcile.omni.limiter import PacedLimiter
from reconcile.omni.replies import (
    Answer,
    NoReply,
    Reply,
    classify_job,
    classify_refresh,
    classify_reset,
)
from reconcile.planning.plan import plan
from reconcile.simulation.virtual import MemoryLedger, run_in_virtual_time
from tests.applying.omni_on_loopback import Omni
from tests.planning.making import NOON, of

TRAVEL_S = 0.1


@dataclass
class Applied:
    """What one apply planned and came to."""

    planned: Plan
    summary: Summary
    entries: list[Entry]
    events: list[Event]

    def result(self, address: str) -> Result:
        """Return what the call for an address came to."""
        for result in self.summary.results:
            covers = getattr(result.action, "covers", ())
            if address in [coverage.address for coverage in covers]:
                return result
        raise AssertionError(f"{address} is in no action")

    def of(self, kind: type[Any]) -> list[Any]:
        return [entry for entry in self.entries if isinstance(entry, kind)]


@dataclass
class Episodes:
    """One state and one Omni. `now` is the true time; the machine's clock may be `ahead` of it."""

    desired: Desired
    omni: Omni = field(default_factory=Omni)
    recorded: Recorded = field(default_factory=lambda: of({}))
    now: datetime = NOON
    ahead: timedelta = timedelta()
    in_flight: int = 0
    widest: list[int] = field(default_factory=list)
    _operations: Any = field(default_factory=lambda: count(1))

    def wait(self, span: timedelta) -> None:
        self.now += span

    def plan(self, choice: Choice | None = None) -> Plan:
        """Plan as the machine's clock has it."""
        return plan(self.desired, self.recorded, self.now + self.ahead, choice or Choice())

    def standing(self, address: str) -> Standing:
        return next(s for s in self.plan().standings if s.address == address)

    def record(self, address: str) -> Record:
        return self.recorded.items[Address(address)]

    def apply(self, choice: Choice | None = None, stopped_after_s: float | None = None) -> Applied:
        """Plan and carry it out; the present is then when that ended."""
        planned, began = self.plan(choice), self.now
        events: list[Event] = []
        entries: list[Entry] = []

        async def run() -> tuple[Summary, float]:
            loop, stop = asyncio.get_running_loop(), Stop()
            if stopped_after_s is not None:
                loop.call_later(stopped_after_s, stop.request, StopCause.INTERRUPTED)

            def true_time() -> datetime:
                return began + timedelta(microseconds=round(loop.time() * 1e6))

            ledger = MemoryLedger(self.recorded, lambda entry, _: entries.append(entry))
            ports = Ports(
                omni=_InMemory(self, true_time),
                ledger=ledger,
                limiter=PacedLimiter(100_000, random=Random(1)),  # noqa: S311 -- spreads waits only
                now=lambda: true_time() + self.ahead,
                report=events.append,
                new_operation=lambda: f"operation-{next(self._operations)}",
                host="https://omni.invalid",
            )
            summary = await execute(planned, ports, stop)
            self.recorded = ledger.recorded
            return summary, loop.time()

        summary, took_s = run_in_virtual_time(run())
        self.now += timedelta(seconds=took_s)
        return Applied(planned, summary, entries, events)


class _InMemory:
    """The protocol the executor needs, spoken to the rules of a test."""

    def __init__(self, episodes: Episodes, now: Any) -> None:
        self._episodes, self._now = episodes, now

    async def send_refresh(self, request: Request) -> RefreshOutcome:
        return classify_refresh(await self._exchange(request), model_id=model_of(request.path))

    async def send_reset(
        self, request: Request, *, model_id: str, policy: str, reset_at: datetime
    ) -> ResetOutcome:
        answer = await self._exchange(request)
        return classify_reset(answer, model_id=model_id, policy=policy, reset_at=reset_at)

    async def fetch_job(self, job_id: str) -> JobOutcome:
        answer = await self._exchange(Request("GET", f"/api/v1/jobs/{job_id}/status"))
        return classify_job(answer, job_id=job_id)

    async def _exchange(self, request: Request) -> Answer:
        omni, episodes = self._episodes.omni, self._episodes
        episodes.in_flight += 1
        episodes.widest.append(episodes.in_flight)
        try:
            await asyncio.sleep(TRAVEL_S + omni.slow_s)
        finally:
            episodes.in_flight -= 1
        status, body = omni.answer(request.method, request.path, request.body)
        if status == 0:
            return NoReply(sent=True, message="the connection was cut")
        if status < 0:
            return NoReply(sent=False, message="no connection")
        date = format_datetime(self._now() + omni.ahead, usegmt=True)
        headers = {"date": date} if omni.dated else {}
        return Reply(status, headers, json.dumps(body).encode())
