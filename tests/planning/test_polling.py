"""When jobs are polled, and what that makes of their expected durations."""

from collections import deque
from collections.abc import Callable
from random import Random
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.recorded import Record
from reconcile.planning.budget import (
    FIRST_S,
    LONGEST_S,
    SHORTEST_S,
    expected_duration_s,
    lasted_s,
    next_poll_s,
)
from reconcile.planning.plan import plan
from tests.planning.making import NOON, desired, of, only_refresh, refresh


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


SCATTERED: dict[str, tuple[Callable[[Random], float], float, float]] = {
    "always alike": (lambda _: 1.0, 1.25, 0.1),
    "5 % apart": (lambda random: random.lognormvariate(0, 0.05), 1.3, 0.15),
    "20 % apart": (lambda random: random.lognormvariate(0, 0.2), 1.35, 0.3),
    "40 % apart": (lambda random: random.lognormvariate(0, 0.4), 1.45, 0.55),
    "the longest six times the shortest": (lambda random: random.uniform(2, 12) / 7, 1.35, 0.5),
    "one in ten takes ten times as long": (
        lambda random: 1 + 9 * (random.random() < 0.1),
        1.9,
        3.5,
    ),
}
"""Durations in parts of the typical one; how many polls they may take, and how late the last may be
on average, in parts of it too."""


@pytest.mark.parametrize("scattered", SCATTERED)
@pytest.mark.parametrize("typical_s", [8.0, 60.0, 600.0, 3600.0])
def test_once_durations_are_known_most_jobs_take_one_poll(typical_s: float, scattered: str) -> None:
    random, runs = Random(1), Runs(typical_s)  # noqa: S311 -- to be repeated
    draw, most, latest = SCATTERED[scattered]
    followed = [runs.follow(typical_s * draw(random)) for _ in range(2000)]
    polls = sorted(count for count, _ in followed)
    assert polls[len(polls) // 2] == 1
    assert mean(polls) <= most
    assert mean(late_s for _, late_s in followed) <= latest * typical_s


@given(st.floats(10.0, 3600.0), st.floats(0.1, 1.0))
def test_a_job_that_became_quicker_is_soon_expected_to_be(before_s: float, part: float) -> None:
    runs = Runs(before_s)
    for _ in range(8):
        runs.follow(before_s)
    late_s = [runs.follow(before_s * part)[1] for _ in range(80)]
    assert min(late_s) <= 0.25 * before_s * part + SHORTEST_S


def test_a_job_is_polled_less_often_the_longer_it_runs() -> None:
    waits_s = [next_poll_s(age_s, 10.0) for age_s in (10.0, 20.0, 120.0, 180.0, 600.0)]
    assert waits_s == [2.5, 5.0, LONGEST_S, LONGEST_S, 100.0]


def polled_s(guess_s: float | None, until_s: float) -> list[float]:
    ages_s = [next_poll_s(0.0, None, guess_s)]
    while ages_s[-1] < until_s:
        ages_s.append(ages_s[-1] + next_poll_s(ages_s[-1], None, guess_s))
    return ages_s


def test_a_job_of_which_nothing_is_known_is_polled_at_twice_the_age_each_time() -> None:
    assert polled_s(None, 60.0) == [FIRST_S, 8.0, 16.0, 32.0, 62.0]


def test_a_guess_places_the_first_poll_and_is_left_as_soon_as_it_proves_wrong() -> None:
    assert polled_s(20.0, 60.0) == [20.0, 40.0, 70.0]
    assert polled_s(0.1, 6.0) == [SHORTEST_S, 4.0, 8.0]


def test_a_row_of_ever_shorter_durations_is_a_job_that_became_quicker() -> None:
    assert expected_duration_s((90.0, 88.0, 88.0, 85.0, 83.0, 80.0)) == 80.0
    assert expected_duration_s((90.0, 88.0, 89.0, 85.0, 83.0, 80.0)) == 89.0


@pytest.mark.fault("T01")
def test_a_clock_that_went_back_gives_no_negative_duration() -> None:
    assert lasted_s(None, 0.0, 60.0) == 0.0


def test_a_job_of_known_duration_is_first_polled_when_most_like_it_were_over() -> None:
    expected_s = expected_duration_s((60.0, 80.0, 100.0, 400.0))
    assert next_poll_s(0.0, expected_s) == expected_s == 100.0
    assert next_poll_s(100.0, expected_s) == 25.0


def test_a_new_model_is_guessed_by_the_quickest_of_its_connection() -> None:
    """P6: a first poll is placed by what is known there."""
    old, quick, new = (refresh(name, connection="one") for name in ("old", "quick", "new"))
    far = refresh("far", connection="two")
    lasted = {old.address: 90.0, quick.address: 40.0, far.address: 5.0}
    ran = {address: Record(last_success=NOON, durations_s=(s,)) for address, s in lasted.items()}
    call = only_refresh(plan(desired(old, quick, far, new), of(ran), NOON))
    assert (call.covers[0].address, call.expected_s, call.guess_s) == (new.address, None, 40.0)
