from collections import Counter
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.desired import AfterRefresh, At, Cadence, Cron, Every, ResetAt, WhenChanged
from reconcile.model.forecast import ClockNight, Span, Timeline
from reconcile.render.layout import middle_cut
from reconcile.render.words import (
    Vantage,
    busiest_text,
    cadence_text,
    clock_change_text,
    days,
    freeze_texts,
    hours,
)
from tests.render.moments import NEW_YORK, NOW, SALES, later
from tests.render.timelines import CHANGE

VIEW = Vantage(NEW_YORK, NOW)
NIGHT = datetime(2026, 10, 31, 12, tzinfo=UTC)


def timeline(*calls: datetime, start: datetime = NOW, hours: int = 48) -> Timeline:
    minutes = Counter(call.replace(second=0, microsecond=0) for call in calls)
    until = start + timedelta(hours=hours)
    return Timeline(start=start, until=until, addresses=(), tracks=(), minutes=minutes)


def test_calls_are_counted_on_the_calendar_of_the_reader() -> None:
    late = datetime(2026, 11, 24, 4, 59, tzinfo=UTC)
    laid_out = timeline(NOW, late, late + timedelta(minutes=1))
    assert [(day.label, day.calls) for day in days(laid_out, NEW_YORK)] == [
        ("Mon 23", 2),
        ("Tue 24", 1),
        ("Wed 25", 0),
    ]


def test_a_day_on_which_clocks_go_back_has_25_hours() -> None:
    _, sunday, *_ = days(timeline(start=NIGHT), NEW_YORK)
    assert sunday.label == "Sun 1"
    assert sunday.until - sunday.start == timedelta(hours=25)


@given(
    calls=st.lists(st.integers(0, 47 * 60).map(later), max_size=30).map(sorted),
    zone=st.sampled_from([NEW_YORK, "UTC", "Asia/Kolkata", "Pacific/Apia", "America/Havana"]),
)
def test_days_and_hours_follow_each_other_and_miss_no_call(
    calls: list[datetime], zone: str
) -> None:
    laid_out = timeline(*calls)
    cut = days(laid_out, zone)
    assert [cut[0].start, *(day.until for day in cut)] == [
        *(day.start for day in cut),
        laid_out.until,
    ]
    assert (
        sum(day.calls for day in cut) == sum(hour.calls for hour in hours(laid_out)) == len(calls)
    )
    assert all(hour.peak <= hour.calls for hour in hours(laid_out))


def test_the_busiest_minute_is_the_first_of_the_fullest() -> None:
    crowded = timeline(NOW, later(5), later(5.5), later(9), later(9.1))
    assert busiest_text(crowded, 60, VIEW) == (
        "busiest minute 06:27 EST, 2 of 60 requests before polls"
    )
    assert busiest_text(timeline(), 60, VIEW) is None


def test_a_freeze_that_recurs_is_told_once() -> None:
    spans = [Span(later(60), later(120), "night"), Span(later(180), later(240), "night")]
    assert list(freeze_texts(spans, VIEW)) == [
        'frozen by "night" from 07:22 EST until 08:22 EST, and 1 more time'
    ]


def test_a_clock_change_says_which_way_and_to_what() -> None:
    assert clock_change_text(CHANGE, NOW).startswith("clocks in America/New_York go back by 1h")
    half = timedelta(minutes=30)
    ahead = ClockNight("Australia/Lord_Howe", NOW, 21 * half, 22 * half)
    assert "forward by 30 m" in clock_change_text(ahead, NOW)


@pytest.mark.parametrize(
    ("cadence", "text"),
    [
        (Every(timedelta(hours=6)), "every 6h"),
        (Cron("0 6 * * *"), "cron 0 6 * * *"),
        (At((time(6), time(18))), "at 06:00, 18:00"),
        (At((time(6),), frozenset(range(5))), "at 06:00 mon-fri"),
        (At((time(6),), frozenset({0, 2})), "at 06:00 mon, wed"),
        (At((time(6),), frozenset({0, 1, 2, 3, 5, 6})), "at 06:00 mon-thu, sat, sun"),
        (WhenChanged(("a.json",), None), "when a.json changes"),
        (AfterRefresh(SALES), "after models.sales.refresh"),
        (ResetAt(later(38)), "once at 07:00 EST (12:00Z)"),
    ],
)
def test_a_cadence_is_told_as_a_file_spells_it(cadence: Cadence, text: str) -> None:
    assert cadence_text(cadence, VIEW) == text


@given(
    sizes=st.lists(st.integers(0, 50), max_size=30),
    room=st.integers(0, 400),
    at_most=st.integers(0, 40),
)
def test_a_cut_keeps_both_ends_within_the_room(sizes: list[int], room: int, at_most: int) -> None:
    head, tail = middle_cut(sizes, room, at_most)
    kept = [*sizes[:head], *sizes[len(sizes) - tail :]]
    assert sum(kept) <= room
    assert len(kept) <= min(at_most, len(sizes))
    if len(kept) < len(sizes):
        assert 0 <= head - tail <= 1
