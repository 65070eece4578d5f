"""Over weeks, a controller makes the calls that an apply at every slot would make."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from reconcile.applying.ports import Stop
from reconcile.controller.watch import Keeper
from reconcile.model.journal import Intent
from reconcile.model.recorded import Recorded
from reconcile.planning.plan import plan
from reconcile.simulation.virtual import MemoryLedger, run_in_virtual_time
from tests.controller.virtual import Virtual, for_a_while
from tests.planning.making import NOON
from tests.stage import models

pytestmark = pytest.mark.long

CADENCES = (
    'at = ["06:00", "18:30"]\ndays = "mon-fri"',
    'cron = "*/45 3-9 * * *"',
    'cron = "30 */5 * * *"',
    'at = "02:30"\ntimezone = "Europe/Berlin"',
    'cron = "0 9 * * 1"\nspread = "10m"',
)


def random_file(seed: int) -> str:
    """Say some models, each on its own connection, with a refresh and one that follows it."""
    draw = Random(seed)  # noqa: S311 -- the same draws each time are the point
    parts = []
    for name in "abcd":
        refresh, reset = draw.choices(CADENCES, k=2)
        body = f'connection = "{name}"\n'
        body += f"[models.{name}.refresh]\n{refresh}\non_change = 'next'\n"
        body += f"[models.{name}.cache.own]\n{reset}\non_change = 'next'\n"
        body += f'[models.{name}.cache.following]\nafter = "models.{name}.refresh"\n'
        parts.append(models([name], body).replace("8000-000000000001", f"8000-{ord(name):012d}"))
    return "\n".join(parts)


def slots(intents: Iterable[Intent]) -> Counter[tuple[str, datetime | None]]:
    """Count what was called for; a completion is known a poll earlier or later, its slot is not."""
    return Counter(
        (part.address, None if part.address.endswith("following") else part.slot)
        for intent in intents
        for part in intent.covers
    )


def applied_every_minute(virtual: Virtual, days: int) -> list[Intent]:
    """Plan at every minute, and apply whatever is due before anything else."""
    intents: list[Intent] = []

    async def play() -> None:
        controller = virtual.controller()
        del controller
        files = Keeper(virtual.instance()).kept.desired
        ledger = MemoryLedger(
            Recorded(lineage="here"),
            lambda entry, _: intents.append(entry) if isinstance(entry, Intent) else None,
        )
        recorded, end = ledger.recorded, NOON + timedelta(days=days)
        while virtual.now() < end:
            planned = plan(files, recorded, virtual.now())
            await virtual.carry(
                planned,
                ledger=ledger,
                recorded=recorded,
                access=virtual.instance().access,
                report=lambda _: None,
                stop=Stop(),
            )
            await asyncio.sleep(60 - virtual.now().timestamp() % 60)

    run_in_virtual_time(play())
    return intents


def same_calls(folder: Path, seed: int, days: int) -> None:
    virtual = Virtual(folder, look_every_s=60)
    virtual.file.write_text(random_file(seed))

    async def play() -> None:
        await for_a_while(virtual.controller(), timedelta(days=days))

    run_in_virtual_time(play())
    expected = slots(applied_every_minute(Virtual(folder), days))
    assert sum(expected.values()) > days
    assert slots(virtual.intents) == expected


@pytest.mark.parametrize("seed", range(2))
def test_a_controller_calls_what_an_apply_at_every_slot_calls(tmp_path: Path, seed: int) -> None:
    same_calls(tmp_path, seed, days=3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 16))
def test_and_it_does_so_for_weeks(tmp_path: Path, seed: int) -> None:
    same_calls(tmp_path, seed, days=28)
