"""Playing a scenario: each tick of the runner plans and applies, as a process would."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from random import Random
from types import MappingProxyType
from typing import Protocol

from reconcile.applying.apply import sent_lately_s
from reconcile.applying.execute import execute
from reconcile.applying.ports import Ports, Stop
from reconcile.model.address import Address
from reconcile.model.desired import Desired
from reconcile.model.diagnostic import ReconcileError
from reconcile.model.plan import Plan, Status
from reconcile.model.recorded import Recorded
from reconcile.model.simulation import Scenario, Simulated, TickCounts
from reconcile.omni.limiter import PacedLimiter
from reconcile.planning.ahead import look_ahead
from reconcile.planning.guards import excesses
from reconcile.planning.plan import plan
from reconcile.planning.renames import follow
from reconcile.simulation.lateness import parse_lateness
from reconcile.simulation.ledger import MemoryLedger
from reconcile.simulation.making_world import make_world
from reconcile.simulation.metering import Meter
from reconcile.simulation.nights import NightWatch
from reconcile.simulation.omni import SimulatedOmni
from reconcile.simulation.parts import Outlook
from reconcile.simulation.tallying import Tally, calls_awaited
from reconcile.simulation.ticks import Tick, ticks
from reconcile.simulation.virtual_loop import run_in_virtual_time

_HOST = "https://simulated.invalid"


class Planning(Protocol):
    """Gives the plan of a tick. Instants never run backwards."""

    def plan(self, now: datetime) -> Plan | None:
        """Plan at `now`; None if an apply would do nothing at all."""


def simulate(
    desired: Desired,
    recorded: Recorded,
    scenario: Scenario,
    planning: Callable[[Desired, Recorded], Planning] | None = None,
) -> Simulated:
    """Play a scenario to its end. Waits for nothing, sends nothing, and writes nothing.

    The same arguments give the same result, and memory does not grow with the span. `planning`
    makes what plans the ticks, for those who want to compare. Raises ReconcileError for a lateness
    that cannot be read, `CronError` and `UnknownZoneError` for a runner that cannot.
    """
    # Native schedules are made once and then run in Omni: no runner is early or late for them.
    desired = replace(desired, connections=(), schedules=())
    recorded = replace(recorded, schedules=MappingProxyType({}))
    play = _Play(desired, recorded, scenario, planning)
    return run_in_virtual_time(play.run())


@dataclass(slots=True)
class _Ticks:
    scheduled: int = 0
    ran: int = 0
    dropped: int = 0
    locked: int = 0
    blocked: int = 0


class _Play:
    """One scenario in progress."""

    def __init__(
        self,
        desired: Desired,
        recorded: Recorded,
        scenario: Scenario,
        planning: Callable[[Desired, Recorded], Planning] | None,
    ) -> None:
        self._desired = desired
        self._scenario = scenario
        self._lateness = parse_lateness(scenario.lateness)
        self._meter = Meter()
        self._watch = NightWatch(desired, scenario.start, scenario.until)
        self._tally = Tally(desired, scenario.start, calls_awaited(recorded), self._watch)
        self._ledger = MemoryLedger(recorded, self._tally.entered)
        world = make_world(desired, recorded, scenario)
        self._omni = SimulatedOmni(world, self._now, self._meter)
        self._live = self._ledger.append()
        make = planning or (lambda desired, recorded: Outlook(desired, recorded.items))
        self._planning = make(desired, self._live)
        self._operations = count(1)
        self._ticks = _Ticks()
        # The first apply of a new file is a person's, who lets it pass the limits once.
        self._waived = not recorded.items
        self._expected = _expected(desired, recorded, scenario)

    async def run(self) -> Simulated:
        """Play every tick. What is under way at the end of the span is still finished."""
        ended_at = self._scenario.start
        for tick in ticks(self._scenario, self._lateness):
            self._ticks.scheduled += 1
            if tick.comes_at is None:
                self._ticks.dropped += 1
            elif tick.comes_at < ended_at:
                self._ticks.locked += 1
            else:
                ended_at = await self._tick(tick, tick.comes_at)
        return self._result()

    async def _tick(self, tick: Tick, now: datetime) -> datetime:
        """Plan, and apply where there is anything to; returns when the run ended."""
        self._ticks.ran += 1
        planned = self._planning.plan(now)
        if planned is None:
            return now
        over = any(excesses(planned, self._desired.limits, len(self._ledger.records)))
        if over and not self._waived:
            self._ticks.blocked += 1
            return now
        self._waived = False
        await _until((now - self._scenario.start).total_seconds())
        self._tally.planned(planned)
        await execute(planned, self._ports(tick), Stop())
        return self._now()

    def _ports(self, tick: Tick) -> Ports:
        """Make what one run of the tool has: its limiter knows of earlier runs by the state."""
        seed = f"{self._scenario.seed}\x1fwait\x1f{tick.slot.isoformat()}"
        limiter = PacedLimiter(
            self._desired.requests_per_minute,
            random=Random(seed),  # noqa: S311 -- to be repeated, keeps no secret
            history=sent_lately_s(self._live, self._now()),
        )
        return Ports(
            omni=self._omni,
            ledger=self._ledger,
            limiter=limiter,
            now=self._now,
            report=lambda _: None,
            new_operation=lambda: f"simulated-{next(self._operations)}",
            host=_HOST,
        )

    def _now(self) -> datetime:
        microseconds = round(asyncio.get_running_loop().time() * 1_000_000)
        return self._scenario.start + timedelta(microseconds=microseconds)

    def _result(self) -> Simulated:
        final = plan(self._desired, self._live, max(self._scenario.until, self._now()))
        standing: dict[str, Status] = {s.address: s.status for s in final.standings}
        return Simulated(
            scenario=self._scenario,
            ticks=TickCounts(
                scheduled=self._ticks.scheduled,
                ran=self._ticks.ran,
                dropped=self._ticks.dropped,
                locked=self._ticks.locked,
                blocked=self._ticks.blocked,
            ),
            requests=self._meter.counts(self._desired.requests_per_minute),
            items=tuple(
                tally.figures(standing[address], self._expected.get(address))
                for address, tally in sorted(self._tally.items.items())
            ),
            nights=self._watch.nights(self._desired),
        )


def _expected(desired: Desired, recorded: Recorded, scenario: Scenario) -> Mapping[Address, int]:
    """Say how often each item would run if every apply came in time; nothing if that is too much.

    Only the counts are kept.
    """
    _, recorded = follow(desired.items, recorded)
    try:
        ahead = look_ahead(desired, recorded, scenario.start, scenario.until)
    except ReconcileError:
        return {}
    return {address: len(runs) for address, runs in ahead.runs.items()}


async def _until(second: float) -> None:
    """Sleep up to a second of the loop's clock, exactly; `asyncio.sleep` would round."""
    loop = asyncio.get_running_loop()
    reached: asyncio.Future[None] = loop.create_future()
    loop.call_at(second, reached.set_result, None)
    await reached
