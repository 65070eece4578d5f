"""What remembering a call costs: its lines in the journal, and the state written at the end."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from msgspec import Struct

from reconcile.clock import wall_clock
from reconcile.config.load import load
from reconcile.model.journal import Accepted, Done, Intent
from reconcile.model.plan import Request
from reconcile.planning.item import coverage_of
from reconcile.state.backend import open_session
from tests.benchmarks.figures import Figure
from tests.benchmarks.written import ITEMS_A_MODEL, LATER, write

MOST_MS = 1.0
GROWTH = 1.5
_SIZES = (1_000, 10_000)


def bench_state(directory: Path) -> Iterator[Figure]:
    """Journal one call for each item, as an apply does: three entries, two of them waited for."""
    costs = {size: _cost_ms(directory / f"calls-{size}", size) for size in _SIZES}
    for size, cost in costs.items():
        yield Figure(
            what=f"state per call, {size:,} items",
            value=cost.cpu_ms,
            unit="ms",
            goal=MOST_MS,
            against=f"CPU; {cost.wall_ms:.2f} ms of wall clock with its fsyncs",
        )
    small, large = (costs[size].cpu_ms for size in _SIZES)
    yield Figure(
        what="growth of it",
        value=round(large / small, 2),
        unit="x",
        goal=GROWTH,
        against="1,000 items",
    )


class _Cost(Struct, frozen=True):
    cpu_ms: float
    wall_ms: float


def _cost_ms(directory: Path, items: int) -> _Cost:
    file = write(directory, -(-items // ITEMS_A_MODEL))
    declared = load(file).desired.items[:items]
    state = str(file.with_name("state.json"))
    session = open_session(state, command="benchmark", lock_timeout_s=0.0, now=wall_clock())
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    for number, item in enumerate(declared):
        at, operation = LATER + timedelta(seconds=number), f"operation-{number}"
        coverage = coverage_of(item, LATER, LATER)
        request = Request("POST", f"/api/v1/models/{item.model_id}/cache_reset/daily")
        session.append(Intent(at, operation, "reset", (coverage,), request, "https://omni"))
        session.append(Accepted(at, operation, None), Done(at, operation, at))
    session.close()
    cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
    return _Cost(round(cpu_s / items * 1000, 3), round(wall_s / items * 1000, 3))
