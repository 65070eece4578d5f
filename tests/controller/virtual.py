"""A controller on a virtual clock: real files, a real state, the real executor, Omni in memory."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random

from reconcile.applying.apply import CountingLimiter, OmniAccess, sent_lately_s
from reconcile.applying.execute import execute
from reconcile.applying.ports import Ledger, Ports, Stop, StopCause
from reconcile.controller.cycle import (
    CyclePorts,
    Instance,
    Observer,
    Outcome,
    Unobserved,
    reconcile_once,
)
from reconcile.controller.loop import Controller, Parts
from reconcile.controller.report import Desk, Teller
from reconcile.controller.situation import LogLine, Situation
from reconcile.controller.watch import Keeper
from reconcile.model.desired import Desired
from reconcile.model.journal import Entry, Intent
from reconcile.model.plan import Plan, Request
from reconcile.model.progress import (
    CallNotSent,
    Event,
    JobOutcome,
    JobUnreadable,
    RefreshOutcome,
    ResetOutcome,
    Summary,
)
from reconcile.model.recorded import Recorded
from reconcile.omni.credential import Credential, Secret, parse_origin
from reconcile.omni.limiter import PacedLimiter
from reconcile.simulation.tally import Meter
from reconcile.simulation.virtual import SimulatedOmni, make_world
from tests.canary import CANARY
from tests.planning.making import NOON
from tests.simulation.playing import scenario

HOST = "https://simulated.invalid"


class InlineCycles:
    """Makes cycles in the loop of the caller: whoever asks has the loop they are made in."""

    def __init__(self, instance: Instance, surroundings: CyclePorts) -> None:
        self._instance, self._surroundings = instance, surroundings
        self._stop = Stop()

    @property
    def stirred_s(self) -> float:
        return asyncio.get_running_loop().time()

    async def make(self, desired: Desired, observer: Observer) -> Outcome:
        self._stop = Stop()
        return await reconcile_once(
            self._instance,
            desired=desired,
            stop=self._stop,
            observer=observer,
            surroundings=self._surroundings,
        )

    def call_off(self, cause: StopCause) -> None:
        self._stop.request(cause)


@dataclass
class Virtual:
    """What a run of a controller in virtual time is made of, and what it left behind."""

    folder: Path
    start: datetime = NOON
    fail_share: float = 0.0
    look_every_s: float = 2.0
    lines: list[LogLine] = field(default_factory=list)
    intents: list[Intent] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    keep: bool = True
    down: bool = False

    def __post_init__(self) -> None:
        self.meter = Meter()
        self.shift = timedelta()

    @property
    def file(self) -> Path:
        return self.folder / "reconcile.toml"

    def instance(self) -> Instance:
        credential = Credential(parse_origin(HOST), Secret(CANARY))
        return Instance(file=str(self.file), access=OmniAccess(credential))

    def now(self) -> datetime:
        microseconds = round(asyncio.get_running_loop().time() * 1_000_000)
        return self.start + self.shift + timedelta(microseconds=microseconds)

    def controller(self) -> Controller:
        """Put a controller together, inside the loop it is to run in."""
        instance = self.instance()
        keeper = Keeper(instance)
        self.operations = count(1)
        world = make_world(
            keeper.kept.desired, Recorded(lineage="x"), scenario(fail_share=self.fail_share)
        )
        self.omni = SimulatedOmni(world, self.now, self.meter)
        self.desk = Desk(Situation(name="here", host=HOST, started_at=self.now()))
        parts = Parts(
            cycles=InlineCycles(
                instance, CyclePorts(now=self.now, carry=self.carry, threads=False)
            ),
            keeper=keeper,
            desk=self.desk,
            tell=Teller(self._told, self.now),
            now=self.now,
            observe=self._observer,
            after=self._after,
            look_every_s=self.look_every_s,
            listen_every_s=self.look_every_s,
        )
        return Controller(parts)

    def said(self, event: str) -> list[LogLine]:
        return [line for line in self.lines if line.event == event]

    async def carry(
        self,
        plan: Plan,
        *,
        ledger: Ledger,
        recorded: Recorded,
        access: OmniAccess,
        report: Callable[[Event], None],
        stop: Stop,
    ) -> Summary:
        history = max(sent_lately_s(recorded, self.now()), access.spent.ages_s(), key=len)
        limiter = PacedLimiter(
            plan.load.requests_per_minute,
            random=Random(1),  # noqa: S311 -- to be repeated
            history=history,
        )
        ports = Ports(
            omni=_Unreachable() if self.down else self.omni,
            ledger=ledger,
            limiter=CountingLimiter(limiter, access.spent),
            now=self.now,
            report=report,
            new_operation=lambda: f"simulated-{next(self.operations)}",
            host=HOST,
        )
        return await execute(plan, ports, stop)

    def _told(self, line: LogLine) -> None:
        if self.keep:
            self.lines.append(line)

    def _after(self, outcome: Outcome) -> None:
        if self.keep:
            self.outcomes.append(outcome)

    def _observer(self) -> Observer:
        return _Listening(self.intents) if self.keep else Unobserved()


class _Unreachable:
    """An Omni to which there is no connection."""

    async def send_refresh(self, request: Request) -> RefreshOutcome:
        del request
        return CallNotSent("no connection")

    async def send_reset(
        self, request: Request, *, model_id: str, policy: str, reset_at: datetime
    ) -> ResetOutcome:
        del request, model_id, policy, reset_at
        return CallNotSent("no connection")

    async def fetch_job(self, job_id: str) -> JobOutcome:
        del job_id
        return JobUnreadable("no connection")


class _Listening(Unobserved):
    def __init__(self, intents: list[Intent]) -> None:
        self._intents = intents

    def overhear(self, ledger: Ledger) -> Ledger:
        return _Heard(ledger, self._intents)


class _Heard:
    def __init__(self, ledger: Ledger, intents: list[Intent]) -> None:
        self._ledger, self._intents = ledger, intents

    @property
    def recorded(self) -> Recorded:
        return self._ledger.recorded

    def append(self, *entries: Entry) -> Awaitable[Recorded]:
        self._intents += [entry for entry in entries if isinstance(entry, Intent)]
        return self._ledger.append(*entries)


async def for_a_while(controller: Controller, span: timedelta) -> None:
    """Let a controller run for that long, then stop it."""
    running = asyncio.create_task(controller.run())
    await asyncio.sleep(span.total_seconds())
    controller.stop()
    await running
