"""What is made of the request budget. On virtual time, so exact and the same in every run."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from statistics import mean

from reconcile.model.desired import Desired
from reconcile.omni.limiter import PacedLimiter
from reconcile.planning.budget import WINDOW_S, Turn
from reconcile.simulation.virtual import run_in_virtual_time
from tests.applying.applies import Applied, Applies, refreshes
from tests.benchmarks.figures import Figure
from tests.omni.test_limiter import work
from tests.omni.test_pacing import most_in_a_window
from tests.planning.making import desired, reset

_CALLS, _LIMIT, _WORKERS = 600, 60, 50
_ENOUGH = 6_000
"""A minute: so much that no job waits for its poll."""
_APPLIES = 30
_KNOWN_AFTER = 8


def bench_requests() -> Iterator[Figure]:
    """Measure the requests of a job, and how well a plan foretells its apply."""
    yield from _polls()
    for name, files, shortest_s, longest_s in _plans():
        worst = max(map(_error, _applied(files, shortest_s, longest_s)[_KNOWN_AFTER:]))
        yield Figure(what=f"forecast of {name}", value=worst, unit="%", goal=10.0, against="apply")


def bench_limiter() -> Iterator[Figure]:
    """Measure how much of the budget is used, and that it is never more."""

    async def run() -> tuple[list[float], list[float]]:
        limiter = PacedLimiter(_LIMIT, random=_chance())
        return await work(limiter, _CALLS, _WORKERS, _chance())

    async def hurry() -> float:
        limiter = PacedLimiter(_LIMIT, random=_chance())
        await asyncio.gather(*(limiter.turn(Turn.CALL) for _ in range(_CALLS)))
        return asyncio.get_running_loop().time()

    took_s = run_in_virtual_time(hurry()) / (_CALLS / _LIMIT * WINDOW_S)
    yield Figure(
        what=f"{_CALLS} calls at {_LIMIT} a minute",
        value=took_s,
        unit="x",
        goal=1.015,
        against="N/R",
    )
    for what, instants in zip(("sent", "arrived"), run_in_virtual_time(run()), strict=True):
        most = float(most_in_a_window(instants))
        against = f"in any minute, {_WORKERS} workers"
        yield Figure(what=f"most {what}", value=most, unit="", goal=_LIMIT, against=against)


def _polls() -> Iterator[Figure]:
    for lasts_s, goal in ((5.0, 3.5), (20.0, 5.0), (60.0, 6.0)):
        files = desired(*refreshes(20, timedelta(hours=1)), requests_per_minute=_ENOUGH)
        first = Applies(files, lasts_s, lasts_s, limit=_ENOUGH).apply().summary
        yield Figure(
            what=f"requests a job of {lasts_s:g} s, first apply",
            value=(first.calls + first.polls) / 20,
            unit="",
            goal=goal,
            against="its POST included",
        )
    for shortest_s, longest_s in ((25.0, 25.0), (20.0, 30.0), (10.0, 60.0), (300.0, 400.0)):
        files = desired(*refreshes(20, timedelta(hours=1)))
        known = _applied(files, shortest_s, longest_s)[_KNOWN_AFTER:]
        requests = mean(a.summary.calls + a.summary.polls for a in known) / 20
        yield Figure(
            what=f"requests a job of {shortest_s:g} to {longest_s:g} s",
            value=requests,
            unit="",
            goal=2.3,
            against="its POST included",
        )


def _plans() -> Iterator[tuple[str, Desired, float, float]]:
    hourly = timedelta(hours=1)
    yield "300 resets", desired(*(reset(f"m{n}") for n in range(300))), 1.0, 1.0
    yield "20 refreshes", desired(*refreshes(20, hourly)), 50.0, 60.0
    yield "150 refreshes", desired(*refreshes(150, hourly)), 20.0, 30.0


def _applied(files: Desired, shortest_s: float, longest_s: float) -> list[Applied]:
    applies, applied = Applies(files, shortest_s, longest_s), []
    for _ in range(_APPLIES):
        applied.append(applies.apply())
        applies.now += timedelta(hours=24)
    return applied


def _error(applied: Applied) -> float:
    took_s = applied.summary.took_s
    return round(abs(applied.planned.load.duration_s - took_s) / took_s * 100, 1)


def _chance() -> Random:
    return Random(1)  # noqa: S311 -- spreads waits only
