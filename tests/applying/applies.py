"""Applies on virtual time, one after the other, against a world whose jobs take their time."""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import count
from random import Random

from msgspec import Struct

from reconcile.applying.apply import sent_lately_s
from reconcile.applying.execute import execute
from reconcile.applying.ports import Ports, Stop
from reconcile.model.desired import Desired, Every, RefreshItem
from reconcile.model.plan import Plan
from reconcile.model.progress import Event, Summary
from reconcile.model.recorded import Recorded
from reconcile.model.struct import replace
from reconcile.omni.limiter import PacedLimiter
from reconcile.planning.plan import plan
from reconcile.sandbox.instance import JobDurations, Settings, seeds_of
from reconcile.simulation.tally import Meter
from reconcile.simulation.virtual import MemoryLedger, SimulatedOmni, run_in_virtual_time
from tests.logged_world import LoggedWorld
from tests.planning.making import NOON, of, refresh


class Applied(Struct, frozen=True):
    planned: Plan
    summary: Summary
    events: list[Event]


class Applies:
    """One instance and its state. Jobs last between `shortest_s` and `longest_s`."""

    def __init__(
        self, desired: Desired, shortest_s: float = 20.0, longest_s: float = 30.0, limit: int = 60
    ) -> None:
        self.desired = desired
        lasting = JobDurations(timedelta(seconds=shortest_s), timedelta(seconds=longest_s))
        settings = Settings(requests_per_minute=limit, job_durations=lasting)
        self.world = LoggedWorld(seeds_of(desired), settings=settings)
        self.recorded: Recorded = of({})
        self.now = NOON
        self._operations = count(1)

    def apply(self) -> Applied:
        """Plan at the present instant and carry it out; the present is then when it ended."""
        planned, began = plan(self.desired, self.recorded, self.now), self.now
        events: list[Event] = []

        async def run() -> tuple[Summary, float]:
            loop = asyncio.get_running_loop()

            def now() -> datetime:
                return began + timedelta(microseconds=round(loop.time() * 1e6))

            ledger = MemoryLedger(self.recorded, lambda _, __: None)
            limiter = PacedLimiter(
                self.desired.requests_per_minute,
                random=Random(1),  # noqa: S311 -- spreads waits only
                history=sent_lately_s(self.recorded, began),
            )
            ports = Ports(
                omni=SimulatedOmni(self.world, now, Meter()),
                ledger=ledger,
                limiter=limiter,
                now=now,
                report=events.append,
                new_operation=lambda: str(next(self._operations)),
                host="https://omni.invalid",
            )
            summary = await execute(planned, ports, Stop())
            self.recorded = ledger.recorded
            return summary, loop.time()

        summary, took_s = run_in_virtual_time(run())
        self.now += timedelta(seconds=took_s)
        return Applied(planned, summary, events)

    def arrivals(self) -> list[float]:
        """Say when each request reached Omni."""
        assert all(exchange.status < 300 for exchange in self.world.log)
        return [exchange.at.timestamp() for exchange in self.world.log]


def refreshes(number: int, interval: timedelta) -> Iterable[RefreshItem]:
    """Make refreshes of so many models, each on a connection of its own."""
    for index in range(number):
        item = refresh(f"m{index:03d}", Every(interval), connection=f"c{index}")
        yield replace(item, model_id=f"00000000-0000-4000-8000-{index:012d}")
