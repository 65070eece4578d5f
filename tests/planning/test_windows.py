"""When freezes hold, against a table and against the minute-by-minute oracle."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.address import Address, refresh_address
from reconcile.model.desired import ALL_DAYS, Freeze, FrozenSpan, OpenHours
from reconcile.model.struct import replace
from reconcile.planning.time.slots import (
    HORIZON,
    Frozen,
    frozen_by,
    frozen_until,
    matches,
    next_change,
)
from reconcile.planning.time.wall_clock import local, resolve, transitions
from tests.planning import oracle
from tests.strategies import examples

SALES = Address("models.sales.refresh")
ZONES = sorted(available_timezones() - {"localtime", "posixrules", "Factory"})
WEEKEND = frozenset({5, 6})
TIMES = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
QUARTERS = st.integers(0, 12).map(lambda quarters: timedelta(minutes=15) * quarters)
HOURS = st.builds(
    OpenHours,
    st.lists(st.tuples(TIMES, TIMES), min_size=1, max_size=3).map(tuple),
    st.sampled_from(ZONES),
    st.one_of(st.just(ALL_DAYS), st.frozensets(st.integers(0, 6))),
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def span(start: str, until: str, name: str = "close") -> Freeze:
    return Freeze(name, ("*",), FrozenSpan(utc(start), utc(until)))


def hours(*allow: str, zone: str = "UTC", days: frozenset[int] = ALL_DAYS) -> Freeze:
    edges = [text.split("-") for text in allow]
    windows = tuple((time.fromisoformat(opens), time.fromisoformat(end)) for opens, end in edges)
    return Freeze("night", ("*",), OpenHours(windows, zone, days))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("models.sales.refresh", True),
        ("models.sales.*", True),
        ("*.refresh", True),
        ("models.s[ab]les.*", True),
        ("models.Sales.*", False),
        ("models.sales", False),
    ],
)
def test_a_freeze_is_about_what_its_globs_match(pattern: str, *, expected: bool) -> None:
    freeze = Freeze(
        "x", ("models.other.*", pattern), FrozenSpan(utc("2026-01-01"), utc("2027-01-01"))
    )
    assert matches(freeze, SALES) is expected


@pytest.mark.parametrize("pattern", ['models."sales [EU]".refresh', 'models."sales [EU]".*'])
def test_brackets_of_a_name_stand_for_themselves_too(pattern: str) -> None:
    freeze = replace(span("2026-01-01", "2027-01-01"), match=(pattern,))
    assert matches(freeze, refresh_address("sales [EU]"))
    assert not matches(freeze, SALES)


def test_a_span_holds_from_its_start_until_before_its_end() -> None:
    freeze = span("2026-12-30", "2027-01-03")
    moments = ["2026-12-29T23:59", "2026-12-30", "2027-01-02T23:59", "2027-01-03"]
    held = [frozen_until(freeze, utc(moment)) for moment in moments]
    assert held == [None, *[Frozen("close", utc("2027-01-03"))] * 2, None]
    changes = [next_change(freeze.window, utc(moment)) for moment in moments]
    assert changes == [utc("2026-12-30"), utc("2027-01-03"), utc("2027-01-03"), None]


def test_a_span_that_ends_before_it_starts_never_holds() -> None:
    freeze = span("2027-01-03", "2026-12-30")
    assert frozen_until(freeze, utc("2027-01-01")) is None
    assert next_change(freeze.window, utc("2026-01-01")) is None


@pytest.mark.parametrize(
    ("freeze", "at", "frozen", "change"),
    [
        (hours("22:00-06:00"), "2026-05-01T21:59", True, "2026-05-01T22:00"),
        (hours("22:00-06:00"), "2026-05-01T22:00", False, "2026-05-02T06:00"),
        (hours("22:00-06:00"), "2026-05-02T06:00", True, "2026-05-02T22:00"),
        # a night belongs to the day it opens on: Sunday's lasts into Monday
        (hours("22:00-06:00", days=WEEKEND), "2026-05-02T05:00", True, "2026-05-02T22:00"),
        (hours("22:00-06:00", days=WEEKEND), "2026-05-04T05:00", False, "2026-05-04T06:00"),
        # windows that overlap or touch are one
        (hours("08:00-10:00", "09:00-12:00"), "2026-05-01T08:00", False, "2026-05-01T12:00"),
        (hours("08:00-09:00", "09:00-10:00"), "2026-05-01T08:00", False, "2026-05-01T10:00"),
        (hours("00:00-00:00", days=WEEKEND), "2026-05-02T10:00", False, "2026-05-04T00:00"),
        (hours("00:00-00:00"), "2026-05-02T10:00", False, None),
        (hours(), "2026-05-02T10:00", True, None),
        (hours("08:00-10:00", days=frozenset()), "2026-05-02T10:00", True, None),
    ],
)
def test_open_hours_freeze_all_other_time(
    freeze: Freeze, at: str, change: str | None, *, frozen: bool
) -> None:
    expected = None if change is None else utc(change)
    assert frozen_until(freeze, utc(at)) == (Frozen("night", expected) if frozen else None)
    assert next_change(freeze.window, utc(at)) == expected


@pytest.mark.fault("T03")
@pytest.mark.parametrize(
    ("allow", "at", "change"),
    [
        ("02:15-04:00", "2026-03-08T06:00", "2026-03-08T07:00"),  # opens when the gap is over
        ("01:30-02:00", "2026-03-08T06:40", "2026-03-08T07:00"),  # closes before it
        ("01:30-02:30", "2026-03-08T06:40", "2026-03-08T07:30"),  # closes in it: as much later
        ("01:30-03:00", "2026-03-08T06:40", "2026-03-08T08:00"),  # closes at its end: the same
        ("01:30-03:15", "2026-03-08T06:40", "2026-03-08T07:15"),  # closes after it
        ("02:15-02:45", "2026-03-08T06:00", "2026-03-08T07:00"),  # skipped whole: opens after it
        ("02:15-02:45", "2026-03-08T07:00", "2026-03-08T07:45"),
        ("00:30-01:30", "2026-11-01T05:00", "2026-11-01T05:30"),  # closes at the first 01:30
        ("01:30-02:30", "2026-11-01T05:30", "2026-11-01T07:30"),  # open for two hours
    ],
)
def test_open_hours_follow_the_wall_clock(allow: str, at: str, change: str) -> None:
    assert next_change(hours(allow, zone="America/New_York").window, utc(at)) == utc(change)


@pytest.mark.fault("T03")
@given(st.sampled_from(ZONES), QUARTERS, QUARTERS, st.data())
@examples(50)
def test_what_a_window_names_around_a_transition_runs_while_it_is_open(
    zone: str, since: timedelta, left: timedelta, data: st.DataObject
) -> None:
    changes = transitions(zone, utc("2010-01-01"), utc("2040-01-01"))
    instant = data.draw(st.sampled_from(changes)).instant if changes else utc("2026-05-01")
    before = local(zone, instant - timedelta(minutes=1)).replace(tzinfo=None, fold=0)
    wall = before.replace(minute=0) + data.draw(QUARTERS)
    opens, closes = (wall - since).time(), (wall + left + timedelta(minutes=15)).time()
    window = OpenHours(((opens, closes),), zone)
    assert frozen_until(Freeze("x", ("*",), window), resolve(zone, wall)) is None


def test_freezes_that_follow_each_other_hold_as_one() -> None:
    first = span("2026-01-01", "2026-01-03", "first")
    second = span("2026-01-02", "2026-01-05", "second")
    apart = span("2026-01-06", "2026-01-07", "apart")
    held = frozen_by((first, second, apart), SALES, utc("2026-01-01"))
    assert held == Frozen("second", utc("2026-01-05"))
    assert frozen_by((first, second, apart), SALES, utc("2026-01-05")) is None


def test_freezes_that_take_turns_for_ever_have_no_end() -> None:
    days, nights = hours("08:00-20:00"), hours("20:00-08:00")
    held = frozen_by((days, nights), SALES, utc("2026-01-01"))
    assert held is not None
    assert held.until is None


def test_a_span_of_many_years_keeps_its_end() -> None:
    held = frozen_by((span("2026-01-01", "2036-01-01"),), SALES, utc("2026-01-02"))
    assert held == Frozen("close", utc("2036-01-01"))


def test_a_freeze_of_other_items_does_not_hold() -> None:
    freeze = Freeze("x", ("models.finance.*",), FrozenSpan(utc("2026-01-01"), utc("2027-01-01")))
    assert frozen_by((freeze,), SALES, utc("2026-06-01")) is None


@pytest.mark.fault("T04")
@pytest.mark.parametrize("at", [datetime.min, datetime.max])  # noqa: DTZ901 - made aware below
def test_open_hours_survive_the_ends_of_time(at: datetime) -> None:
    freeze = hours("22:00-06:00", zone="Pacific/Kiritimati")
    assert frozen_until(freeze, at.replace(tzinfo=UTC)) is not None


def assert_agreement(window: OpenHours, start: datetime) -> None:
    """Compare frozenness at every quarter of a day and a half, and every change in it."""
    freeze = Freeze("x", ("*",), window)
    moments = [start + timedelta(minutes=15 * quarter) for quarter in range(144)]
    is_open = [oracle.is_open(window, moment) for moment in moments]
    assert [frozen_until(freeze, moment) is None for moment in moments] == is_open
    for (here, now), (there, later) in pairwise(zip(is_open, moments, strict=True)):
        change = next_change(freeze.window, now)
        assert (change == later) is (here != there)
        assert change is None or later <= change <= now + HORIZON


@given(HOURS, st.integers(0, 20 * 366))
@examples(25)
def test_open_hours_agree_with_the_oracle_on_any_day(window: OpenHours, day: int) -> None:
    assert_agreement(window, datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=day))


@pytest.mark.fault("T03")
@given(HOURS, st.data())
@examples(25)
def test_open_hours_agree_with_the_oracle_around_transitions(
    window: OpenHours, data: st.DataObject
) -> None:
    changes = transitions(window.zone, utc("2010-01-01"), utc("2040-01-01"))
    if changes:
        instant = data.draw(st.sampled_from(changes)).instant
        assert_agreement(window, instant - timedelta(hours=18))
