"""What an apply does with the request budget, and how well its plan foretold it."""

from datetime import timedelta
from functools import cache

import pytest

from reconcile.model.address import Address
from reconcile.model.desired import AfterRefresh, Desired
from reconcile.model.progress import Finished, Started, Waiting
from reconcile.model.recorded import Coverage, Pending, Record
from reconcile.model.struct import replace
from tests.applying.applies import Applied, Applies, refreshes
from tests.omni.test_pacing import most_in_a_window
from tests.planning.making import NOON, desired, hours, of, refresh, reset


def with_followers(number: int) -> Desired:
    jobs = list(refreshes(number, hours(1)))
    followers = [
        replace(reset(job.model, AfterRefresh(job.address)), model_id=job.model_id) for job in jobs
    ]
    return desired(*jobs, *followers)


PLANS = {
    "41 resets": (desired(*(reset(f"m{n}") for n in range(41))), 1.0, 1.0),
    "200 resets": (desired(*(reset(f"m{n}") for n in range(200))), 1.0, 1.0),
    "5 refreshes": (desired(*refreshes(5, hours(1))), 55.0, 65.0),
    "60 refreshes": (desired(*refreshes(60, hours(1))), 20.0, 30.0),
    "150 refreshes": (desired(*refreshes(150, hours(1))), 3.0, 60.0),
    "40 refreshes and their resets": (with_followers(40), 20.0, 25.0),
}


@cache
def settled(name: str) -> tuple[Applies, Applied]:
    """Apply until durations are known, and once more."""
    files, shortest_s, longest_s = PLANS[name]
    applies = Applies(files, shortest_s, longest_s)
    for _ in range(12):
        applied = applies.apply()
        if not any("refresh" in item.address for item in files.items):
            break
        applies.now += hours(1)
    return applies, applied


@pytest.mark.parametrize("name", PLANS)
def test_an_apply_takes_as_long_as_its_plan_foretold(name: str) -> None:
    _, applied = settled(name)
    foretold, took_s = applied.planned.load, applied.summary.took_s
    assert foretold.duration_s == pytest.approx(took_s, rel=0.1)
    assert foretold.calls == applied.summary.calls
    assert foretold.polls == pytest.approx(applied.summary.polls, rel=0.25)


def test_a_call_waits_for_none_of_the_many_polls_that_wait_too() -> None:
    applies = Applies(with_followers(60), 90.0, 90.0)
    applied = applies.apply()
    done = {str(e.addresses[0]): e.at for e in applied.events if isinstance(e, Finished)}
    begun = {str(e.addresses[0]): e.at for e in applied.events if isinstance(e, Started)}
    waits = [
        at - done[Address(a.removesuffix("cache.daily") + "refresh")]
        for a, at in begun.items()
        if "cache" in a
    ]
    assert len(waits) == 60
    assert max(waits) <= timedelta(seconds=10)


@pytest.mark.parametrize("name", PLANS)
def test_no_minute_holds_more_requests_than_the_budget(name: str) -> None:
    applies, _ = settled(name)
    assert most_in_a_window(applies.arrivals()) <= 60


def test_once_durations_are_known_a_refresh_takes_two_or_three_requests() -> None:
    _, applied = settled("60 refreshes")
    assert applied.summary.calls + applied.summary.polls <= 2.4 * 60


def waits(applied: Applied) -> list[tuple[str, str]]:
    found = [event for event in applied.events if isinstance(event, Waiting)]
    return [(event.addresses[0].split(".")[1], event.why) for event in found]


def test_the_even_pace_is_not_told_as_a_wait() -> None:
    _, applied = settled("41 resets")
    assert waits(applied) == []


def test_a_wait_for_the_budget_is_told_once_a_call() -> None:
    files = desired(*(reset(name) for name in "abcd"), requests_per_minute=3)
    applied = Applies(files).apply()
    told = waits(applied)
    assert {why for _, why in told} == {"waits for the request budget"}
    assert len(told) == len({name for name, _ in told}) == 3


def test_a_wait_for_the_job_of_its_connection_is_told() -> None:
    first, second = refresh("a", connection="c"), refresh("b", connection="c")
    applies = Applies(desired(first, second))
    applies.apply()
    job = next(iter(applies.world.instance.jobs), "00000000-0000-4000-8000-000000000009")
    running = Pending("x", "refresh", NOON, Coverage(first.address), job_id=job, accepted=True)
    applies.recorded = of({first.address: Record(last_success=NOON, pending=running)})
    told = waits(applies.apply())
    assert told == [("b", "waits for the job that runs on connection c")]


@pytest.mark.fault("A01")
def test_what_the_journal_knows_of_the_last_minute_counts_after_a_restart() -> None:
    first, second = ([reset(f"m{n}", policy=policy) for n in range(40)] for policy in "ab")
    applies = Applies(desired(*first, *second))
    for items in (first, second):
        applies.desired = desired(*items)
        applies.apply()
    assert most_in_a_window(applies.arrivals()) <= 60
    assert applies.now - NOON > timedelta(seconds=65)
