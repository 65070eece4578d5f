"""Jobs whose end nobody sees: awaited for a while, tried once more, then not before a next slot."""

from datetime import datetime, timedelta

import pytest

from reconcile.model.journal import EndUnseen
from reconcile.model.recorded import Coverage, Look, Pending
from reconcile.planning.unseen import given_up
from tests.planning.making import NOON, hours, refresh

SALES = refresh("sales").address
MINUTE = timedelta(minutes=1)


def job(look: Look | None = None, since: datetime = NOON) -> Pending:
    return Pending("op", "refresh", since, Coverage(SALES), "job", accepted=True, look=look)


def looks(absent: int = 0, forbidden: int = 0, after_m: float = 30) -> Look:
    at = NOON + after_m * MINUTE
    return Look(at, "404: no such job", absent, forbidden, counted_at=at)


@pytest.mark.parametrize(
    ("look", "gone"),
    [
        (None, False),
        (looks(absent=2), False),
        (looks(absent=3), True),
        (looks(absent=3, after_m=9.9), False),
        (looks(absent=3, after_m=10), True),
        (looks(absent=2, forbidden=2), False),
    ],
)
def test_a_job_that_omni_does_not_know_is_given_up_after_three_looks(  # F2
    look: Look | None, *, gone: bool
) -> None:
    expected = EndUnseen(NOON + hours(1), "op", "404: no such job") if gone else None
    assert given_up(job(look), NOON + hours(1)) == expected


def test_a_job_that_may_not_be_read_is_given_up_as_forbidden() -> None:  # F1
    assert given_up(job(looks(forbidden=2)), NOON + hours(1)) is None
    found = given_up(job(looks(forbidden=3, after_m=4)), NOON + hours(1))
    assert found is not None
    assert found.forbidden


def test_no_job_is_awaited_for_longer_than_a_day() -> None:  # F2
    assert given_up(job(), NOON + hours(24) - MINUTE) is None
    assert given_up(job(), NOON + hours(24)) is not None


def test_a_call_without_a_job_is_not_given_up() -> None:  # F7
    assert given_up(Pending("op", "refresh", NOON, Coverage(SALES)), NOON + hours(99)) is None
