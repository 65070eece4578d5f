from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.struct import rfc3339
from reconcile.render.words import Vantage, duration_text, interval_text
from tests.render.moments import NEW_YORK, NOW, SIX, ago, later

HERE = Vantage(NEW_YORK, NOW)


def test_machines_get_utc_with_a_z() -> None:
    assert rfc3339(NOW) == "2026-11-23T11:22:00Z"
    assert rfc3339(NOW + timedelta(microseconds=5)) == "2026-11-23T11:22:00.000005Z"
    assert rfc3339(NOW.astimezone(timezone(timedelta(hours=9)))) == "2026-11-23T11:22:00Z"


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_machine_reads_back_the_same_instant(instant: datetime) -> None:
    assert datetime.fromisoformat(rfc3339(instant)) == instant


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        (NEW_YORK, "06:00 EST (11:00Z)"),
        ("UTC", "11:00Z"),
        ("Etc/UTC", "11:00Z"),
        ("Europe/London", "11:00 GMT (11:00Z)"),
        ("Europe/Istanbul", "14:00 +03 (11:00Z)"),
        ("Asia/Kathmandu", "16:45 +0545 (11:00Z)"),
    ],
)
def test_people_get_their_own_clock_and_utc(zone: str, shown: str) -> None:
    assert Vantage(zone, NOW).both(SIX) == shown


def test_the_date_stands_there_when_it_is_not_today() -> None:
    assert HERE.both(SIX - timedelta(days=1)) == "Sun 22 Nov 06:00 EST (11:00Z)"
    assert HERE.both(SIX + timedelta(days=40)) == "Sat 2 Jan 2027 06:00 EST (11:00Z)"
    assert Vantage("UTC", NOW).both(SIX - timedelta(days=1)) == "Sun 22 Nov 11:00Z"


def test_today_is_the_readers_today_and_not_that_of_utc() -> None:
    assert HERE.local(datetime(2026, 11, 24, 4, 59, tzinfo=UTC)) == "23:59 EST"
    assert HERE.local(datetime(2026, 11, 24, 5, 0, tzinfo=UTC)) == "Tue 24 Nov 00:00 EST"


def test_the_two_sides_of_a_clock_change_differ_by_name() -> None:
    first = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    night = Vantage(NEW_YORK, first)
    assert night.both(first) == "01:30 EDT (05:30Z)"
    assert night.both(first + timedelta(hours=1)) == "01:30 EST (06:30Z)"


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_any_instant_can_be_told_from_anywhere(instant: datetime, now: datetime) -> None:
    for zone in (NEW_YORK, "Pacific/Kiritimati", "UTC"):
        assert Vantage(zone, now).both(instant)
        assert Vantage(zone, now).with_distance(instant)


@pytest.mark.parametrize(
    ("instant", "shown"),
    [
        (NOW, "now"),
        (ago(0.01), "now"),
        (ago(0.7), "42 s ago"),
        (ago(12.9), "12 m ago"),
        (later(0.001), "in 1 s"),
        (later(40.1), "in 41 m"),
        (later(59.5), "in 1h"),
        (ago(360), "6h ago"),
        (later(365), "in 6h 5m"),
        (later(28 * 60), "in 1d 4h"),
    ],
)
def test_distances_are_told_in_the_largest_useful_units(instant: datetime, shown: str) -> None:
    assert HERE.distance(instant) == shown


def test_durations_are_rounded_down() -> None:
    assert [duration_text(s) for s in (0, 59.9, 3599, 86_400)] == ["0 s", "59 s", "59 m", "1d"]


@pytest.mark.parametrize(
    ("minutes", "spelled"),
    [(360, "6h"), (90, "90m"), (24 * 60, "1d"), (36 * 60, "36h"), (0.5, "30s"), (0, "0s")],
)
def test_an_interval_is_spelled_as_a_file_spells_it(minutes: float, spelled: str) -> None:
    assert interval_text(timedelta(minutes=minutes)) == spelled
