"""Native schedules without a network: an Omni in memory, and applies of the real executor to it."""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from itertools import count
from random import Random

from reconcile.applying.execute import execute
from reconcile.applying.ports import Ports, Stop
from reconcile.model.address import schedule_address
from reconcile.model.desired import (
    Connection,
    Desired,
    Manage,
    NativeSchedule,
    ScheduleItem,
    ScheduleSpec,
)
from reconcile.model.observed import Observed
from reconcile.model.plan import Plan, Request
from reconcile.model.progress import (
    CallNotSent,
    CallRejected,
    CallUnknown,
    Proof,
    ScheduleAccepted,
    ScheduleOutcome,
    Summary,
)
from reconcile.model.recorded import Recorded
from reconcile.model.struct import replace
from reconcile.omni.limiter import PacedLimiter
from reconcile.omni.reads import Finding, Found
from reconcile.planning.plan import plan
from reconcile.sandbox.world import World
from reconcile.simulation.tally import Meter
from reconcile.simulation.virtual import MemoryLedger, SimulatedOmni, run_in_virtual_time
from tests.planning.making import NOON

CONNECTIONS = ("north", "south")


class Fate(Enum):
    """What becomes of one write: its answer arrives, is lost, or it never leaves."""

    ANSWERED = auto()
    LOST = auto()
    NOT_SENT = auto()


@dataclass
class MemoryOmni:
    """Connections and their schedules. `fates` decide about the next writes; then all goes well."""

    schedules: dict[str, NativeSchedule] = field(default_factory=dict)
    fates: deque[Fate] = field(default_factory=deque)
    writes: int = 0
    _ids: Iterable[int] = field(default_factory=count)

    def add(self, connection_id: str, spec: ScheduleSpec) -> NativeSchedule:
        schedule_id = f"id-{next(iter(self._ids)):03d}"
        made = NativeSchedule(schedule_id=schedule_id, connection_id=connection_id, spec=spec)
        self.schedules[schedule_id] = made
        return made

    def delete_by_hand(self, schedule_id: str) -> str:
        return self.schedules.pop(schedule_id).schedule_id

    def of(self, connection_id: str) -> tuple[NativeSchedule, ...]:
        there = self.schedules.values()
        return tuple(one for one in there if one.connection_id == connection_id)

    def seen(self) -> Observed:
        return Observed(at=NOON, schedules={name: self.of(name) for name in CONNECTIONS})

    async def fetch_schedules(self, connection_id: str) -> Finding[tuple[NativeSchedule, ...]]:
        return Found(self.of(connection_id))

    async def send_schedule(
        self, request: Request, *, connection_id: str, spec: ScheduleSpec, schedule_id: str | None
    ) -> ScheduleOutcome:
        at = f"/{connection_id}/schedules"
        assert request.path.endswith(at if schedule_id is None else f"{at}/{schedule_id}")
        assert request.method == ("POST" if schedule_id is None else "PUT")
        fate = self._fate()
        if fate is Fate.NOT_SENT:
            return CallNotSent("no route")
        if schedule_id is None:
            return self._answer(fate, self.add(connection_id, spec))
        if schedule_id not in self.schedules:
            return CallRejected(Proof.NOT_FOUND, 404, "no such schedule")
        self.schedules[schedule_id] = replace(self.schedules[schedule_id], spec=spec)
        return self._answer(fate, self.schedules[schedule_id])

    async def send_schedule_delete(self, request: Request) -> ScheduleOutcome:
        fate = self._fate()
        if fate is Fate.NOT_SENT:
            return CallNotSent("no route")
        if self.schedules.pop(request.path.rpartition("/")[2], None) is None:
            return CallRejected(Proof.NOT_FOUND, 404, "no such schedule")
        return self._answer(fate, None)

    def _fate(self) -> Fate:
        self.writes += 1
        return self.fates.popleft() if self.fates else Fate.ANSWERED

    def _answer(self, fate: Fate, schedule: NativeSchedule | None) -> ScheduleOutcome:
        return CallUnknown("cut") if fate is Fate.LOST else ScheduleAccepted(schedule, None)


def declared(
    schedules: dict[tuple[str, str], ScheduleSpec], manage: Manage = Manage.DECLARED
) -> Desired:
    """Declare schedules by connection and name."""
    items = (
        ScheduleItem(
            address=schedule_address(connection, name),
            connection=connection,
            connection_id=connection,
            spec=spec,
        )
        for (connection, name), spec in schedules.items()
    )
    return Desired(
        items=(),
        state_url="state.json",
        connections=tuple(Connection(name, name, manage) for name in CONNECTIONS),
        schedules=tuple(sorted(items, key=lambda item: item.address)),
    )


class Stage:
    """One state and one Omni."""

    def __init__(self, omni: MemoryOmni | None = None) -> None:
        self.omni = omni or MemoryOmni()
        self.ledger = MemoryLedger(Recorded(lineage="memory"), lambda _, __: None)
        self._operations = count(1)

    @property
    def recorded(self) -> Recorded:
        return self.ledger.recorded

    def planned(self, files: Desired, *, live: bool = False) -> Plan:
        observed = self.omni.seen() if live else None
        return plan(files, self.recorded, NOON, observed=observed)

    def apply(self, files: Desired, *, live: bool = False) -> Summary:
        return self.carry_out(self.planned(files, live=live))

    def carry_out(self, planned: Plan) -> Summary:
        async def run() -> Summary:
            return await execute(planned, self._ports(), Stop())

        return run_in_virtual_time(run())

    def _ports(self) -> Ports:
        def now() -> datetime:
            return NOON + timedelta(seconds=asyncio.get_running_loop().time())

        return Ports(
            omni=SimulatedOmni(World(()), now, Meter()),
            schedules=self.omni,
            ledger=self.ledger,
            limiter=PacedLimiter(600, random=Random(1)),  # noqa: S311 -- spreads waits only
            now=now,
            report=lambda _: None,
            new_operation=lambda: f"operation-{next(self._operations)}",
            host="https://memory.invalid",
        )
