"""What wall clocks show, and which instant a local time means."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.planning.time.wall_clock import (
    Transition,
    UnknownZoneError,
    local,
    resolve,
    resolve_end,
    spans,
    transitions,
    zone_info,
)

UNTIMED = settings(deadline=None)
ZONES = st.sampled_from(sorted(available_timezones()))
HOUR = timedelta(hours=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.fault("T03")
@pytest.mark.parametrize(
    ("zone", "wall", "instant"),
    [
        ("Europe/Berlin", "2026-07-01T12:00", "2026-07-01T10:00"),
        ("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:00"),
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30"),
        ("Pacific/Apia", "2011-12-30T23:59", "2011-12-30T10:00"),
        ("America/Sao_Paulo", "2018-11-04T00:00", "2018-11-04T03:00"),
    ],
)
def test_a_local_time_means_the_first_instant_that_reaches_it(
    zone: str, wall: str, instant: str
) -> None:
    assert resolve(zone, datetime.fromisoformat(wall)) == utc(instant)


@pytest.mark.fault("T03")
@pytest.mark.parametrize(
    ("wall", "instant"),
    [
        ("2027-03-28T02:00", "2027-03-28T01:00"),
        ("2027-03-28T02:30", "2027-03-28T01:30"),
        ("2027-03-28T03:00", "2027-03-28T02:00"),
        ("2027-03-28T03:01", "2027-03-28T01:01"),
        ("2026-10-25T02:30", "2026-10-25T00:30"),
    ],
)
def test_a_stretch_that_ends_on_or_in_a_gap_ends_as_much_later(wall: str, instant: str) -> None:
    assert resolve_end("Europe/Berlin", datetime.fromisoformat(wall)) == utc(instant)


@UNTIMED
@given(ZONES, st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis adds the zone
def test_an_instant_is_not_before_what_its_own_local_time_means(zone: str, at: datetime) -> None:
    shown = local(zone, at).replace(tzinfo=None, fold=0)
    first = resolve(zone, shown)
    assert first <= at
    assert local(zone, first).replace(tzinfo=None, fold=0) == shown


@UNTIMED
@given(ZONES, st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)), st.timedeltas(timedelta()))  # noqa: DTZ001 - local times
def test_a_later_local_time_never_means_an_earlier_instant(
    zone: str, wall: datetime, later: timedelta
) -> None:
    later %= timedelta(days=3)
    assert resolve(zone, wall) <= resolve(zone, wall + later)


def test_transitions_are_listed_after_and_up_to() -> None:
    spring, fall = utc("2026-03-29T01:00"), utc("2026-10-25T01:00")
    changes = transitions("Europe/Berlin", utc("2026-01-01"), utc("2027-01-01"))
    assert changes == (Transition(spring, HOUR, 2 * HOUR), Transition(fall, 2 * HOUR, HOUR))
    assert transitions("Europe/Berlin", spring, fall) == changes[1:]


def test_a_transition_in_the_first_second_of_a_year_is_found() -> None:
    new_year = utc("1901-01-01")
    changes = transitions("Africa/Ceuta", utc("1900-06-01"), utc("1901-06-01"))
    assert [change.instant for change in changes] == [new_year]
    assert resolve("Africa/Ceuta", datetime.fromisoformat("1900-12-31T23:45")) == new_year


def test_transitions_a_week_apart_are_both_found() -> None:
    assert len(transitions("Africa/Tunis", utc("1943-04-01"), utc("1943-05-01"))) == 2


def changes_seen_hour_by_hour(zone: str, start: datetime, hours: int) -> list[datetime]:
    """The full hours before which the offset changed, asking `zoneinfo` alone."""
    moments = [start + number * HOUR for number in range(hours)]
    offsets = [moment.astimezone(ZoneInfo(zone)).utcoffset() for moment in moments]
    return [
        moment
        for moment, (before, after) in zip(moments[1:], pairwise(offsets), strict=True)
        if before != after
    ]


def found_by_full_hour(zone: str, start: datetime, hours: int) -> list[datetime]:
    found = transitions(zone, start, start + (hours - 1) * HOUR)
    return [start - (start - change.instant) // HOUR * HOUR for change in found]


@pytest.mark.parametrize("zone", ["Africa/Casablanca", "Asia/Gaza", "Australia/Lord_Howe"])
def test_no_transition_of_two_years_is_missed(zone: str) -> None:
    start, hours = utc("2029-01-01"), 2 * 365 * 24
    assert found_by_full_hour(zone, start, hours) == changes_seen_hour_by_hour(zone, start, hours)


@pytest.mark.slow
@pytest.mark.parametrize("year", range(2020, 2041))
def test_no_transition_of_any_zone_is_missed(year: int) -> None:
    start, hours = datetime(year, 1, 1, tzinfo=UTC), 367 * 24
    for zone in available_timezones():
        seen = changes_seen_hour_by_hour(zone, start, hours)
        assert found_by_full_hour(zone, start, hours) == seen, zone


def test_a_zone_without_transitions_has_none_ahead() -> None:
    assert transitions("Asia/Tokyo", utc("2026-01-01"), utc("2036-12-31")) == ()
    assert transitions("UTC", utc("0001-01-01"), utc("0009-01-01")) == ()


@UNTIMED
@given(ZONES, st.integers(1850, 2100))
def test_the_spans_of_a_year_cover_it_without_a_hole(zone: str, year: int) -> None:
    found = spans(zone, year)
    assert found[0].start == datetime(year, 1, 1, tzinfo=UTC)
    assert found[-1].end == datetime(year + 1, 1, 1, tzinfo=UTC)
    assert all(one.end == other.start for one, other in pairwise(found))


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "America", "../etc/passwd", "a\0b", "x" * 999]
)
def test_an_unknown_zone_is_one_error(name: str) -> None:
    with pytest.raises(UnknownZoneError, match="there is no time zone named"):
        zone_info(name)


@pytest.mark.fault("T04")
@pytest.mark.parametrize("wall", [datetime.min, datetime.max, datetime(9998, 6, 1)])  # noqa: DTZ001, DTZ901 - local times
def test_the_ends_of_time_cannot_be_resolved(wall: datetime) -> None:
    with pytest.raises(OverflowError):
        resolve("America/New_York", wall)
