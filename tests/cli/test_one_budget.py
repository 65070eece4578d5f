"""Several applies at once on one machine with one key: one budget, by the server's own log."""

from itertools import pairwise

import pytest

from tests.logged_world import LoggedExchange
from tests.omni.test_pacing import most_in_a_window
from tests.stage import Stage, Staging, models

RESET = 'cache.daily.at = "06:00"\n'
ALL_AT_ONCE = "[omni]\nrequests_per_minute = {limit}\n[state]\nurl = '{state}'\n{models}"


def written(stage: Stage, run: int, calls: int, limit: int) -> str:
    body = models([f"m{number}" for number in range(calls)], RESET)
    name = f"run{run}.toml"
    stage.write(ALL_AT_ONCE.format(limit=limit, state=f"run{run}.json", models=body), name)
    return name


def arrivals(stage: Stage) -> list[float]:
    log: list[LoggedExchange] = list(stage.world.log)
    assert {exchange.status for exchange in log} == {200}
    return sorted(exchange.at.timestamp() for exchange in log)


def applied_at_once(stage: Stage, runs: int, calls: int, limit: int) -> list[float]:
    files = [written(stage, run, calls, limit) for run in range(runs)]
    started = [stage.start("apply", "--yes", "-f", file) for file in files]
    said = [process.communicate(timeout=300)[1] for process in started]
    assert [process.returncode for process in started] == [0] * runs, said
    return arrivals(stage)


def one_world(staged: Staging, calls: int, limit: int) -> Stage:
    return staged(models([f"m{number}" for number in range(calls)], RESET), limit=limit)


def test_two_applies_share_the_burst_and_the_pace_that_follows(staged: Staging) -> None:
    stage = one_world(staged, 6, 60)
    arrived = applied_at_once(stage, runs=2, calls=6, limit=60)
    assert len(arrived) == 12
    paced = [later - earlier for earlier, later in pairwise(arrived[9:])]
    assert all(gap > 0.5 for gap in paced)


def test_an_apply_right_after_another_counts_what_that_one_sent(staged: Staging) -> None:
    stage = one_world(staged, 6, 60)
    for run in range(2):
        stage.run("apply", "--yes", "-f", written(stage, run, 6, 60))
    assert arrivals(stage)[10] - arrivals(stage)[9] > 0.5


@pytest.mark.slow
def test_no_minute_holds_more_than_the_limit_however_many_applies_run(staged: Staging) -> None:
    stage = one_world(staged, 10, 12)
    arrived = applied_at_once(stage, runs=3, calls=10, limit=12)
    assert len(arrived) == 30
    assert most_in_a_window(arrived) <= 12
