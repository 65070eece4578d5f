"""Warnings about the budget say what is really over it, and hints that really help."""

from collections import Counter
from datetime import time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconcile.errors import Severity
from reconcile.model.address import Address
from reconcile.model.desired import (
    AfterRefresh,
    At,
    Cadence,
    Cron,
    Desired,
    Every,
    Freeze,
    FrozenSpan,
    Item,
    OnChange,
    OpenHours,
    Pause,
    ScheduleItem,
    ScheduleSpec,
)
from reconcile.model.struct import replace
from reconcile.planning.feasibility import bursts, feasibility, never_run
from reconcile.planning.forecast import forecast
from tests.planning.making import HOURS_6, NOON, SIX, desired, hours, of, refresh, reset
from tests.strategies import examples

WEEK = timedelta(days=7)
MINUTES = st.integers(0, 59).map(lambda minute: Cron(f"{minute} * * * *"))
SCHEDULES: st.SearchStrategy[Cadence] = st.one_of(
    st.just(SIX), st.sampled_from([Cron("0 */6 * * *"), Cron("*/30 * * * *")]), MINUTES
)


def resets(number: int, spread: timedelta = timedelta()) -> list[Item]:
    return [reset(f"m{n}", SIX, spread=spread) for n in range(number)]


def busiest(files: Desired) -> int:
    """Most calls the planner would ever want in one minute of the week, nothing being overdue."""
    items = tuple(
        replace(item, timing=replace(item.timing, on_change=OnChange.NEXT)) for item in files.items
    )
    calls = forecast(replace(files, items=items), of({}), NOON, WEEK).calls
    counts = Counter(call.at.replace(second=0) for call in calls)
    return max(counts.values(), default=0)


@st.composite
def crowds(draw: st.DrawFn) -> Desired:
    """Draw up to six items whose slots may meet, under a budget of one to four a minute."""
    items: list[Item] = []
    for number in range(draw(st.integers(1, 6))):
        spread = draw(st.sampled_from([timedelta(), timedelta(seconds=90)]))
        if draw(st.booleans()):
            items.append(reset(f"m{number}", draw(SCHEDULES), spread=spread))
        else:
            connection = draw(st.sampled_from([None, "one", "two"]))
            found = refresh(f"m{number}", draw(SCHEDULES), spread=spread, connection=connection)
            items.append(replace(found, model_id=f"id {number}"))
    return desired(*items, requests_per_minute=draw(st.integers(1, 4)))


@examples(40)
@given(crowds())
def test_a_burst_is_a_minute_in_which_the_forecast_has_more_calls_than_fit(files: Desired) -> None:
    most = busiest(files)
    found = bursts(files, NOON)
    assert bool(found) == (most > files.requests_per_minute)
    assert not found or found[0].calls == most


NIGHT = Freeze("night", ("*",), OpenHours(((time(1), time(5)),), "UTC"))


@given(st.sampled_from(["00:00", "00:30", "04:59", "05:00", "12:00"]), st.integers(1, 30))
def test_what_is_said_never_to_run_is_what_has_no_call_in_a_week(at: str, halves: int) -> None:
    daily, deadline = At((time.fromisoformat(at),)), hours(halves / 2)
    item = refresh("sales", daily, deadline=deadline, on_change=OnChange.NEXT)
    files = desired(item, freezes=(NIGHT,))
    said = [warning.code for warning in never_run(files, NOON)]
    assert said == ([] if [*forecast(files, of({}), NOON, WEEK).calls] else ["never-runs"])


def test_nothing_is_said_of_an_item_without_a_slot_in_the_coming_year() -> None:
    leap = refresh("sales", Cron("0 12 29 2 *"), deadline=hours(2))
    assert [*never_run(desired(leap, freezes=(NIGHT,)), NOON)] == []


def test_a_native_schedule_whose_years_are_over_is_said_never_to_run() -> None:
    over, last = (
        ScheduleItem(
            address=Address(f"connections.w.schedules.y{year}"),
            connection="w",
            connection_id="c1",
            spec=ScheduleSpec(f"0 2 * * ? {year}", "UTC"),
        )
        for year in (2025, 2026)
    )
    (warning,) = never_run(desired(schedules=(over, last)), NOON)
    assert warning.detail == f"The last year in which {over.address} ran is over."


def test_items_that_never_run_for_one_reason_are_one_warning() -> None:
    items = (refresh(name, At((time(12),)), deadline=hours(1)) for name in ("a", "b", "c"))
    (warning,) = never_run(desired(*items, freezes=(NIGHT,)), NOON)
    assert "models.a.refresh" in warning.detail
    assert warning.detail.endswith("The same holds for 2 more.")


def test_seventy_four_calls_at_six_need_a_spread_of_two_minutes() -> None:
    (warning,) = feasibility(desired(*resets(74)), NOON)
    assert (warning.code, warning.severity) == ("minute-over-budget", Severity.WARNING)
    assert warning.detail == (
        "06:00 UTC (2026-11-23 and 6 more times a week) needs 74 calls in one minute; "
        "the budget is 60: spread 2 minutes."
    )
    cache = "or in [defaults.cache]"
    assert warning.hint == f'spread = "2m" on each item that is called alone, {cache}'


def test_the_hint_to_spread_parts_no_refreshes_that_share_a_call() -> None:
    shared = [refresh(f"m{n}", SIX, connection="w") for n in range(100)]
    alone = [refresh(f"n{n}", SIX, connection=f"c{n}") for n in range(70)]
    (warning,) = feasibility(desired(*shared, *alone), NOON)
    assert warning.hint == 'spread = "2m" on each item that is called alone'


@examples(20)
@given(st.integers(61, 200))
def test_following_the_hint_ends_the_warning(number: int) -> None:
    (burst,) = bursts(desired(*resets(number)), NOON)
    assert burst.spread_m is not None
    spread = resets(number, spread=timedelta(minutes=burst.spread_m))
    assert feasibility(desired(*spread), NOON) == ()


def test_refreshes_without_a_connection_would_fit_if_they_shared_one() -> None:
    items = [replace(refresh(f"m{n}", SIX), model_id=f"id {n}") for n in range(70)]
    (warning,) = feasibility(desired(*items), NOON)
    assert "70 of them refresh models without a `connection`" in warning.detail
    assert "naming it leaves 1 call, which fits" in warning.detail
    assert warning.hint == 'connection = "warehouse" in each [models.NAME] that is on it'
    shared = [replace(item, connection="warehouse") for item in items]
    assert feasibility(desired(*shared), NOON) == ()


def test_one_connection_spelled_in_two_ways_is_pointed_out() -> None:
    named = [refresh("a", SIX, connection="Ware-house"), refresh("b", SIX, connection="warehouse")]
    (warning,) = feasibility(desired(*named, requests_per_minute=1), NOON)
    assert 'connections "Ware-house" and "warehouse" differ only in spelling' in warning.detail


def test_what_fits_is_not_warned_of() -> None:
    assert feasibility(desired(*resets(60)), NOON) == ()


def test_items_paused_without_an_end_ask_for_nothing() -> None:
    items = [reset(f"m{n}", SIX, pause=Pause(None, "")) for n in range(70)]
    assert feasibility(desired(*items), NOON) == ()


def test_a_freeze_makes_no_burst() -> None:
    freeze = Freeze("close", ("*",), FrozenSpan(NOON, NOON + hours(5)))
    files = desired(reset("a", SIX), freezes=(freeze,), requests_per_minute=1)
    assert feasibility(files, NOON) == ()


def test_intervals_that_outrun_the_budget_for_good_are_warned_of() -> None:
    quick = [reset(f"m{n}", Every(timedelta(minutes=1))) for n in range(61)]
    (warning,) = feasibility(desired(*quick), NOON)
    assert warning.code == "budget-too-small"
    assert "at least 61 requests a minute on average; the budget is 60" in warning.detail


def test_a_connection_is_refreshed_no_oftener_than_its_quickest_model() -> None:
    quick = [
        refresh(f"m{n}", Every(timedelta(minutes=1)), connection="warehouse") for n in range(99)
    ]
    assert feasibility(desired(*quick), NOON) == ()


def test_a_reset_that_follows_a_refresh_counts_as_often_as_it() -> None:
    first = refresh("a", Every(timedelta(minutes=1)))
    files = desired(first, reset("a", AfterRefresh(first.address)), requests_per_minute=2)
    assert "at least 3 requests" in feasibility(files, NOON)[0].detail
    assert feasibility(replace(files, requests_per_minute=3), NOON) == ()


def test_what_rides_along_leaves_its_own_minute() -> None:  # G2
    leads = refresh("a", Cron("0 * * * *"), connection="w")
    rides = refresh("b", Cron("10 * * * *"), connection="w", coalesce_within=hours(0.5))
    crowd = desired(leads, rides, reset("c", Cron("10 * * * *")), requests_per_minute=1)
    assert feasibility(crowd, NOON + hours(0.5)) == ()
    alone = replace(rides, coalesce_within=timedelta())
    assert len(feasibility(replace(crowd, items=(leads, alone, crowd.items[2])), NOON)) == 1


def test_calls_saved_by_riding_along_are_not_counted_against_the_budget() -> None:  # G2
    leads = refresh("a", Every(timedelta(minutes=1)), connection="w")
    rides = refresh("b", Every(timedelta(seconds=50)), connection="w")
    apart = desired(leads, rides, requests_per_minute=3)
    assert [warning.code for warning in feasibility(apart, NOON)] == ["budget-too-small"]
    rides = replace(rides, coalesce_within=timedelta(seconds=30))
    leads = replace(leads, coalesce_within=timedelta(seconds=30))
    assert feasibility(replace(apart, items=(leads, rides)), NOON) == ()


def test_the_fullest_minutes_are_told_first_and_only_a_few() -> None:
    crowds = [reset(f"m{n}", At((time(n % 8),)), policy=f"p{n}") for n in range(40)]
    found = feasibility(desired(*crowds, requests_per_minute=1), NOON)
    assert len(found) == 5


def test_an_interval_of_hours_is_no_wall_clock_burst() -> None:
    items = [refresh(f"m{n}", HOURS_6) for n in range(70)]
    assert feasibility(desired(*items), NOON) == ()
