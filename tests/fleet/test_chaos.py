"""Workers killed and frozen at random, judged by the log of an Omni that knows nothing of them."""

import random
import signal
import sys
import time
from collections import defaultdict
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from reconcile.clock import wall_clock
from tests.fleet.conftest import Yarding
from tests.fleet.yard import Yard, model_id

INSTANCES = 40
TICK = timedelta(seconds=6)
LASTS_S = 150
LIMIT = 15
"""Requests a minute; an instance makes 10."""
WARM_UP = timedelta(seconds=20)
"""While three processes start and forty instances are looked at for the first time."""
FROZEN_S = 5.0
"""Longer than a lease and a silence last: others have taken the work over by then."""


def _body(number: int) -> str:
    return (
        f'[models.m{number}]\nid = "{model_id(number)}"\n'
        f'[models.m{number}.cache.daily]\nevery = "{TICK.seconds}s"\n'
    )


@pytest.mark.slow
@pytest.mark.parametrize("kept", ["files", "postgres"])
def test_killed_and_frozen_workers_cost_no_slot_and_send_nothing_twice(
    yarded: Yarding, kept: str
) -> None:
    names = [f"i{number:02d}" for number in range(INSTANCES)]
    yard = yarded(
        {name: _body(number) for number, name in enumerate(names, 1)},
        state="" if kept == "files" else "{database}#{name}",
        settings='look_every = "1s"\nsilent_after = "3s"',
        limit=LIMIT,
    )
    began = wall_clock()
    kills, freezes = _harass(yard, random.Random(7))  # noqa: S311 -- chance, not a secret
    ended = wall_clock()
    for worker in yard.workers:
        worker.send_signal(signal.SIGTERM)
    stamps = _stamps(yard)
    repeated = sum(len(sent) - len(set(sent)) for sent in stamps.values())
    longest = max(_gaps(yard, began + WARM_UP, ended))
    made = sum(map(len, stamps.values()))
    lost = sum(len(sent) < (ended - began - WARM_UP) / (3 * TICK) for sent in stamps.values())
    harm = f"{kills} kills, {freezes} freezes"
    sys.stdout.write(f"{harm}, {made} calls, {repeated} repeated, longest gap {longest}\n")
    assert not [exchange for exchange in yard.world.log if exchange.status == 429]
    assert repeated <= kills + freezes  # one in doubt each
    assert not lost
    assert longest < 3 * TICK


def _harass(yard: Yard, chance: random.Random) -> tuple[int, int]:
    """Kill or freeze one of three workers every 7 to 12 s; count what was done."""
    kills = freezes = 0
    alive = [yard.start_worker() for _ in range(3)]
    end = time.monotonic() + LASTS_S
    time.sleep(chance.uniform(7, 12))
    while time.monotonic() < end:
        pause_s = chance.uniform(7, 12)
        victim = alive.pop(chance.randrange(len(alive)))
        if chance.random() < 0.5:
            victim.kill()
            victim.wait()
            kills += 1
            alive.append(yard.start_worker())
        else:
            victim.send_signal(signal.SIGSTOP)
            time.sleep(FROZEN_S)
            pause_s -= FROZEN_S
            victim.send_signal(signal.SIGCONT)
            freezes += 1
            alive.append(victim)
        time.sleep(pause_s)
    assert all(worker.poll() is None for worker in alive), "a worker that thawed has ended"
    return kills, freezes


def _stamps(yard: Yard) -> dict[str, list[bytes]]:
    stamps = defaultdict(list)
    for exchange in yard.posts():
        stamps[exchange.call.path].append(exchange.call.body)
    return stamps


def _gaps(yard: Yard, began: datetime, ended: datetime) -> list[timedelta]:
    """List how long each instance went without a call, up to the end included."""
    calls = defaultdict(list)
    for exchange in yard.posts():
        calls[exchange.token_name].append(exchange.at)
    assert len(calls) == INSTANCES
    gaps = []
    for instants in calls.values():
        inside = [instant for instant in instants if began < instant < ended]
        gaps += [later - earlier for earlier, later in pairwise([*inside, ended])]
    return gaps
