"""A journal that can no longer be written ends an apply: nothing is sent that it would not hold."""

import asyncio
from datetime import datetime, timedelta
from random import Random

import pytest

from reconcile.applying.execute import execute
from reconcile.applying.ports import Ports, Stop, StopCause
from reconcile.model.journal import Entry, Intent
from reconcile.model.recorded import Recorded
from reconcile.omni.limiter import PacedLimiter
from reconcile.planning.plan import plan
from reconcile.sandbox.instance import seeds_of
from reconcile.simulation.tally import Meter
from reconcile.simulation.virtual import MemoryLedger, SimulatedOmni, run_in_virtual_time
from tests.logged_world import LoggedWorld
from tests.planning.making import NOON, desired, of, reset

NAMES = [f"model{number:02d}" for number in range(30)]


class DiskFullError(Exception):
    pass


class FullDisk(MemoryLedger):
    """Takes some intents and no more."""

    room = 3

    async def append(self, *entries: Entry) -> Recorded:
        self.room -= sum(isinstance(entry, Intent) for entry in entries)
        if self.room < 0:
            raise DiskFullError
        return await super().append(*entries)


def now() -> datetime:
    return NOON + timedelta(seconds=asyncio.get_running_loop().time())


async def applied(world: LoggedWorld, stop: Stop) -> None:
    files = desired(*(reset(name) for name in NAMES))
    chance = Random(1)  # noqa: S311 -- spreads waits only
    ports = Ports(
        omni=SimulatedOmni(world, now, Meter()),
        ledger=FullDisk(of({}), lambda _, __: None),
        limiter=PacedLimiter(60, random=chance),
        now=now,
        report=lambda _: None,
        new_operation=iter(map(str, range(1000))).__next__,
        host="https://omni",
    )
    await execute(plan(files, of({}), NOON), ports, stop)


def test_no_call_is_sent_without_its_intent() -> None:
    files = desired(*(reset(name) for name in NAMES))
    world, stop = LoggedWorld(seeds_of(files)), Stop()
    with pytest.raises(DiskFullError):
        run_in_virtual_time(applied(world, stop))
    assert (len(world.log), stop.cause) == (FullDisk.room, StopCause.JOURNAL_FAILED)
