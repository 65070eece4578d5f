"""What simulations put in the place of the world: clock, Omni, and a journal kept nowhere."""

import asyncio
import selectors
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime, timedelta
from statistics import median
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec

from reconcile.model import progress
from reconcile.model.address import Address
from reconcile.model.desired import Desired, Generation
from reconcile.model.journal import Entry, Intent, Numbered
from reconcile.model.plan import Request
from reconcile.model.recorded import Record, Recorded
from reconcile.model.struct import replace
from reconcile.omni import replies
from reconcile.omni.http import encode_target, is_legacy, model_of
from reconcile.planning.replay import Fold
from reconcile.sandbox.faults import FaultKind, FaultRule, Faults
from reconcile.sandbox.instance import (
    ArrivedCall,
    Delivery,
    JobDurations,
    Operation,
    Settings,
    seeds_of,
)
from reconcile.sandbox.world import SANDBOX_BEARER, World
from reconcile.simulation.tally import Meter, Scenario

# An asyncio loop whose clock jumps to the next timer instead of waiting for it.

Result = TypeVar("Result")

_LONGEST_REAL_WAIT_S = 5.0


class _JumpingSelector(selectors.DefaultSelector):
    """Polls real files without blocking; where the loop would block, advances its clock."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:  # no timer: only a thread or a socket can wake the loop
            ready = super().select(_LONGEST_REAL_WAIT_S)
            if not ready:
                raise RuntimeError("every task waits for something that will never happen")
            return list(ready)
        if timeout <= 0:  # the loop has something to do: files can wait
            return []
        ready = super().select(0)
        if not ready:
            self.now += timeout
        return list(ready)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Runs hours of timers in milliseconds, in the order a real loop would. Starts at second 0."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the virtual seconds since the loop was made."""
        return self._jumping.now


def run_in_virtual_time(main: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end; sleeping costs nothing.

    Raises RuntimeError if it waits for something that no timer will bring about.
    """
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)


# The journal of a simulation: folded as it is written, and kept nowhere.

Watcher = Callable[[Entry, Mapping[Address, Record]], None]
"""Sees each entry, and the records as they were before it."""


class MemoryLedger:
    """A ledger whose `append` costs what the entries touch. `records` is a live view."""

    def __init__(self, recorded: Recorded, watch: Watcher) -> None:
        items = dict(recorded.items)
        self.records: Mapping[Address, Record] = MappingProxyType(items)
        self._recorded = replace(recorded, items=self.records)
        self._fold = Fold(self._recorded, items)
        self._watch = watch
        begun = ((r.pending.since, a) for a, r in items.items() if r.pending is not None)
        ended = ((r.last_success, a) for a, r in items.items() if r.last_success is not None)
        self._called = deque(sorted((*begun, *ended)))

    async def append(self, *entries: Entry) -> Recorded:
        """Fold entries in. The result shares the live view."""
        for entry in entries:
            self._watch(entry, self.records)
            if isinstance(entry, Intent):
                self._called.extend((entry.at, coverage.address) for coverage in entry.covers)
            self._fold.add(Numbered(self._fold.sequence + 1, entry))
        return self.recorded

    def written(self) -> set[Address]:
        """Return whose records were written since this was last asked."""
        written, self._fold.written = self._fold.written, set()
        return written

    def called_since(self, instant: datetime) -> Recorded:
        """Return what is recorded of all that was called later. Instants never run backwards."""
        while self._called and self._called[0][0] <= instant:
            self._called.popleft()
        addresses = {address for _, address in self._called}
        known = {a: self.records[a] for a in addresses if a in self.records}
        return replace(self._recorded, items=known)

    @property
    def recorded(self) -> Recorded:
        """The state as it stands. It shares the live view."""
        return self._fold.onto(self._recorded, self.records)


# The sandbox's world as the executor's Omni: the same replies and rules, without any HTTP.

TRAVEL_S = 0.2
"""From sending a request to its reply."""

_AUTHORIZATION = f"Bearer {SANDBOX_BEARER}"


class SimulatedOmni:
    """Sends requests into a world, at the instants that `now` tells (UTC), and meters them."""

    def __init__(self, world: World, now: Callable[[], datetime], meter: Meter) -> None:
        self._world = world
        self._now = now
        self._meter = meter

    async def send_refresh(self, request: Request) -> progress.RefreshOutcome:
        """Start a refresh."""
        self._meter.refreshes += 1
        answer = await self._exchange(request)
        return replies.classify_refresh(
            answer, model_id=model_of(request.path), legacy=is_legacy(request.path)
        )

    async def send_reset(
        self, request: Request, *, model_id: str, policy: str, reset_at: datetime
    ) -> progress.ResetOutcome:
        """Reset a cache policy. The request carries its stamp already."""
        self._meter.resets += 1
        answer = await self._exchange(request)
        return replies.classify_reset(answer, model_id=model_id, policy=policy, reset_at=reset_at)

    async def fetch_job(self, job_id: str) -> progress.JobOutcome:
        """Ask how a job stands."""
        self._meter.polls += 1
        answer = await self._exchange(Request("GET", f"/api/v1/jobs/{job_id}/status"))
        outcome = replies.classify_job(answer, job_id=job_id)
        if isinstance(outcome, progress.JobCompleted | progress.JobFailed):
            self._world.forget_job(job_id)
        return outcome

    async def _exchange(self, request: Request) -> replies.Answer:
        if encode_target(request) is None:
            return replies.NoReply(
                sent=False, message=f"{request.path!r} could be read as another path"
            )
        await asyncio.sleep(TRAVEL_S)
        body = b"" if request.body is None else msgspec.json.encode(dict(request.body))
        call = ArrivedCall(request.method, request.path, request.query, _AUTHORIZATION, body)
        now = self._now()
        reply = self._world.answer(call, now)
        self._meter.arrived(now, reply.status)
        if reply.delay_s:
            await asyncio.sleep(reply.delay_s)
        if reply.delivery is not Delivery.ANSWERED:
            return replies.NoReply(sent=True, message="the connection was cut")
        return replies.Reply(reply.status, dict(reply.headers), msgspec.json.encode(reply.body))


# The Omni that a scenario is played against.

SHORTEST_JOB = timedelta(seconds=20)
LONGEST_JOB = timedelta(seconds=120)
"""How long refreshes last that no apply has measured (omni-api.md 3.6: "several minutes" [doc],
90 s were enough for a small warehouse [live])."""

_UNAVAILABLE = 503


def make_world(desired: Desired, recorded: Recorded, scenario: Scenario) -> World:
    """Seed a world with all that is declared, its jobs as long as the state remembers them.

    Those that the state awaits are there, too.
    """
    measured = {
        item.model_id.lower(): timedelta(seconds=median(record.durations_s))
        for item in desired.items
        if (record := recorded.items.get(item.address)) is not None and record.durations_s
    }
    settings = Settings(
        requests_per_minute=desired.requests_per_minute,
        job_durations=JobDurations(SHORTEST_JOB, LONGEST_JOB, measured),
        seed=scenario.seed,
    )
    faults = _faults(desired, scenario.fail_share)
    world = World(seeds_of(desired), settings=settings, faults=faults)
    world.instance.take_up(desired, recorded, scenario.start)
    return world


def _faults(desired: Desired, share: float) -> Faults:
    """Let jobs fail, and calls that have no job to fail be answered 503."""
    if not share:
        return Faults()
    job = FaultRule(kind=FaultKind.FAIL, operation=Operation.REFRESH, share=share)
    call = FaultRule(
        kind=FaultKind.STATUS, operation=Operation.RESET, share=share, status=_UNAVAILABLE
    )
    if desired.generation is Generation.LEGACY:
        job = replace(call, operation=Operation.REFRESH)
    return Faults((job, call))
