"""When jobs are polled, and what that makes of their expected durations."""

from collections import deque
from collections.abc import Callable
from random import Random
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.planning.budget.polling import (
    LONGEST_S,
    expected_duration_s,
    lasted_s,
    next_poll_s,
)


class Runs:
    """Jobs of one item, each expected to last as the ones before it seemed to."""

    def __init__(self, first_s: float) -> None:
        self.recorded_s = deque([first_s], maxlen=8)

    def follow(self, took_s: float, late_s: float = 0.0) -> tuple[int, float]:
        """Poll one job to its end, each poll late by so much; returns polls and the wait after."""
        expected_s = expected_duration_s(tuple(self.recorded_s))
        age_s, running_s, polls = 0.0, None, 0
        while age_s < took_s:
            running_s = age_s or None
            age_s += next_poll_s(age_s, expected_s) + late_s
            polls += 1
        self.recorded_s.append(lasted_s(running_s, age_s, expected_s))
        return polls, age_s - took_s


@given(st.floats(3.0, 3600.0), st.floats(1.0, 10.0), st.floats(0.0, 60.0))
def test_looking_late_again_and_again_does_not_make_a_job_seem_longer(
    took_s: float, overrated: float, late_s: float
) -> None:
    runs = Runs(took_s * overrated)
    for _ in range(700):
        runs.follow(took_s, late_s)
    assert max(runs.recorded_s) <= took_s * 1.25 + LONGEST_S + late_s


@given(st.floats(3.0, 3600.0), st.floats(0.1, 1.0))
def test_a_job_that_became_longer_is_expected_to_be_at_once(took_s: float, under: float) -> None:
    runs = Runs(took_s * under)
    for _ in range(7):
        runs.follow(took_s)
    assert runs.follow(took_s)[0] <= 3


NOISES: dict[str, Callable[[Random], float]] = {
    "always alike": lambda _: 1.0,
    "5 % apart": lambda random: random.lognormvariate(0, 0.05),
    "20 % apart": lambda random: random.lognormvariate(0, 0.2),
    "40 % apart": lambda random: random.lognormvariate(0, 0.4),
}


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize(("typical_s", "most"), [(8.0, 1.45), (60.0, 1.45), (600.0, 1.75)])
def test_once_durations_are_known_most_jobs_take_one_poll(
    noise: str, typical_s: float, most: float
) -> None:
    random, runs = Random(1), Runs(typical_s)  # noqa: S311 -- to be repeated
    followed = [runs.follow(typical_s * NOISES[noise](random)) for _ in range(2000)]
    polls = sorted(count for count, _ in followed)
    assert polls[len(polls) // 2] == 1
    assert mean(polls) <= most
    assert mean(late_s for _, late_s in followed) <= 0.5 * typical_s


@pytest.mark.fault("T01")
def test_a_clock_that_went_back_gives_no_negative_duration() -> None:
    assert lasted_s(None, 0.0, 60.0) == 0.0


def test_a_job_of_known_duration_is_first_polled_when_most_like_it_were_over() -> None:
    expected_s = expected_duration_s((60.0, 80.0, 100.0, 400.0))
    assert next_poll_s(0.0, expected_s) == expected_s == 100.0
    assert next_poll_s(100.0, expected_s) == 25.0
