"""What finding the newest and the next slot costs for 10,000 items on 80 schedules."""

import time
from collections.abc import Iterator
from statistics import median

from reconcile.model.desired import Cron
from reconcile.planning.time.slots import slots_around
from tests.benchmarks.figures import Figure
from tests.benchmarks.written import NOW

MOST_MS = 20.0
_ITEMS = 10_000
_ZONES = ("UTC", "America/New_York", "Europe/London", "Australia/Lord_Howe")


def bench_slots(rounds: int) -> Iterator[Figure]:
    """Measure CPU time in this process; every round begins with what a process has not yet seen."""
    schedules = [(Cron(f"{m} {m % 24} * * *"), zone) for m in range(20) for zone in _ZONES]
    taken: list[float] = []
    for number in range(rounds):
        began_s = time.process_time()
        at = NOW.replace(minute=number % 60)
        for item in range(_ITEMS):
            slots_around(*schedules[item % len(schedules)], at)
        taken.append((time.process_time() - began_s) * 1000)
    what = f"newest and next slot, {_ITEMS:,} items"
    yield Figure(what=what, value=round(median(taken), 1), unit="ms", goal=MOST_MS, against="CPU")
