"""The limiter on a loop whose clock jumps: fifty workers, cancellations, penalties."""

import asyncio
import itertools
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.omni.limiter import PacedLimiter
from reconcile.planning.budget import Turn
from reconcile.simulation.virtual import run_in_virtual_time
from tests.omni.test_pacing import most_in_a_window


def seeded(seed: int = 1) -> Random:
    return Random(seed)  # noqa: S311 - it spreads waits, it keeps no secret


def clock() -> float:
    return asyncio.get_running_loop().time()


async def work(
    limiter: PacedLimiter, count: int, workers: int, random: Random
) -> tuple[list[float], list[float]]:
    """Send `count` calls from a pool of workers; returns when they left and when they arrived."""
    sent: list[float] = []
    arrived: list[float] = []

    async def worker() -> None:
        while len(sent) < count:
            await limiter.turn(Turn.CALL)
            sent.append(clock())
            await asyncio.sleep(random.uniform(0, 0.4))
            arrived.append(clock())
            await asyncio.sleep(random.uniform(0, 30))

    await asyncio.gather(*(worker() for _ in range(workers)))
    return sent, arrived


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([7, 60, 100]))
def test_fifty_workers_never_send_nor_arrive_above_the_limit(seed: int, limit: int) -> None:
    async def run() -> tuple[list[float], list[float]]:
        limiter = PacedLimiter(limit, random=seeded(seed))
        return await work(limiter, 4 * limit, 50, seeded(seed))

    sent, arrived = run_in_virtual_time(run())
    assert most_in_a_window(sent) <= limit
    assert most_in_a_window(arrived) <= limit


def test_fifty_busy_workers_use_the_whole_budget() -> None:
    async def run() -> float:
        limiter = PacedLimiter(60, random=seeded())
        await asyncio.gather(*(limiter.turn(Turn.CALL) for _ in range(600)))
        return clock()

    assert 540 <= run_in_virtual_time(run()) <= 1.03 * 600


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 120), min_size=1, max_size=40), st.integers(0, 2**32))
def test_cancelled_waiters_leave_no_hole(patience: list[float], seed: int) -> None:
    async def impatient(limiter: PacedLimiter, seconds: float, kind: Turn) -> None:
        try:
            async with asyncio.timeout(seconds):
                await limiter.turn(kind)
        except TimeoutError:
            pass

    async def run() -> tuple[int, float]:
        random = seeded(seed)
        limiter = PacedLimiter(12, random=random)
        waits = [impatient(limiter, s, random.choice(list(Turn))) for s in patience]
        await asyncio.gather(*waits)
        waiting, before = limiter.snapshot().waiting, clock()
        await limiter.turn(Turn.CALL)
        return waiting, clock() - before

    waiting, delay = run_in_virtual_time(run())
    assert waiting == 0
    assert delay <= 60.5


def test_calls_overtake_polls_that_wait() -> None:
    async def run() -> list[str]:
        limiter = PacedLimiter(6, random=seeded())
        order: list[str] = []

        async def one(kind: Turn) -> None:
            await limiter.turn(kind)
            order.append(kind)

        await asyncio.gather(*(one(kind) for kind in (Turn.POLL, Turn.POLL, Turn.CALL, Turn.CALL)))
        return order

    assert run_in_virtual_time(run()) == ["poll", "call", "call", "poll"]


@pytest.mark.fault("A01", "A02")
@pytest.mark.parametrize("retry_after_s", [None, 1.0, 40.0])
def test_a_penalty_holds_back_even_those_already_waiting(retry_after_s: float | None) -> None:
    async def run() -> tuple[float, int]:
        limiter = PacedLimiter(60, random=seeded(3))
        turns = asyncio.gather(*(limiter.turn(Turn.CALL) for _ in range(20)))
        await asyncio.sleep(2.5)
        limiter.penalise(retry_after_s)
        used = limiter.snapshot().used
        await asyncio.sleep(retry_after_s or 5.0)
        assert limiter.snapshot().used == used
        await turns
        return clock(), limiter.snapshot().limit

    finished, limit = run_in_virtual_time(run())
    assert finished >= 2.5 + (retry_after_s or 5.0)
    assert 30 <= limit < 60


def test_a_penalty_between_waking_and_going_is_obeyed() -> None:
    async def run() -> float:
        limiter = PacedLimiter(6, random=seeded(3))
        await limiter.turn(Turn.CALL)
        loop = asyncio.get_running_loop()
        loop.call_at(limiter_due := loop.time() + 60.5 / 6, limiter.penalise, 20.0)
        await limiter.turn(Turn.CALL)
        return loop.time() - limiter_due

    assert run_in_virtual_time(run()) >= 20.0


def test_a_clock_that_moves_at_every_look_makes_no_turn_wait_for_ever() -> None:
    async def run() -> float:
        loop, elapsed = asyncio.get_running_loop(), itertools.count()
        began, time_s = loop.time(), loop.time
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loop, "time", lambda: time_s() + next(elapsed) * 1e-3)
            await PacedLimiter(60, random=seeded()).turn(Turn.CALL)
            return loop.time() - began

    assert run_in_virtual_time(run()) < 1.0


def test_history_and_snapshot_speak_of_the_last_minute() -> None:
    async def run() -> tuple[int, int, int]:
        limiter = PacedLimiter(60, random=seeded(), history=[0.0, 1.0, 59.0, 61.0, -5.0])
        await limiter.turn(Turn.CALL)
        budget = limiter.snapshot()
        return budget.used, budget.limit, budget.waiting

    assert run_in_virtual_time(run()) == (5, 60, 0)
