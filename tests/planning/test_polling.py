"""When jobs are polled, and what that makes of their measured durations."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from reconcile.planning.budget.polling import LONGEST_S, expected_duration_s, next_poll_s


def seen_to_end_s(lasts_s: float, expected_s: float | None) -> float:
    age_s = 0.0
    while age_s < lasts_s:
        age_s += next_poll_s(age_s, expected_s)
    return age_s


@given(st.floats(3.0, 3600.0), st.floats(1.0, 10.0))
def test_measuring_a_job_again_and_again_does_not_make_it_longer(
    lasts_s: float, overrated: float
) -> None:
    measured = deque([lasts_s * overrated], maxlen=8)
    for _ in range(500):
        measured.append(seen_to_end_s(lasts_s, expected_duration_s(tuple(measured))))
    assert lasts_s <= max(measured) <= lasts_s * 1.4 + LONGEST_S


def test_a_job_of_known_duration_is_first_polled_when_it_should_be_about_to_end() -> None:
    assert next_poll_s(0.0, 100.0) == 95.0
