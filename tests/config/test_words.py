from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.config.values import (
    check_name,
    check_uuid,
    check_zone,
    parse_days,
    parse_duration,
    parse_instant,
    parse_origin,
    parse_positive_duration,
    parse_times,
    parse_windows,
)
from reconcile.errors import LeafError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("15m", 900), ("6h", 21600), ("2d", 172800), ("1w", 604800), ("1h30m", 5400)],
)
def test_a_duration_is_the_sum_of_its_parts(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "h", "6", "6 h", "-1h", "1.5h", "1m1h", "6H", "367d", "1h1h", "6h\n", "\uff16h"]
)
def test_what_is_not_a_duration_is_refused(text: str) -> None:
    with pytest.raises(LeafError) as refusal:
        parse_positive_duration(text)
    assert refusal.value.code == "bad-duration"


def test_no_time_at_all_is_refused_where_some_is_needed() -> None:
    assert parse_duration("0s") == timedelta()
    with pytest.raises(LeafError):
        parse_positive_duration("0s")


@given(st.integers(0, 8000), st.integers(0, 59), st.integers(0, 59))
def test_every_spelling_of_a_duration_means_the_same(
    hours: int, minutes: int, seconds: int
) -> None:
    total = hours * 3600 + minutes * 60 + seconds
    assert parse_duration(f"{hours}h{minutes}m{seconds}s") == parse_duration(f"{total}s")


def test_times_are_sorted_and_each_is_kept_once() -> None:
    assert parse_times(("18:00", "06:00", "18:00")) == (time(6), time(18))


@pytest.mark.parametrize("text", ["6:00", "24:00", "06:60", "06:00:00", "6am", "", "06:00 "])
def test_what_is_not_a_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(LeafError) as refusal:
        parse_times(("06:00", text))
    assert (refusal.value.code, refusal.value.element) == ("bad-time", 1)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon-fri", {0, 1, 2, 3, 4}),
        ("fri-mon", {4, 5, 6, 0}),
        ("mon,wed", {0, 2}),
        ("mon, sat-sun", {0, 5, 6}),
        ("weekdays", {0, 1, 2, 3, 4}),
        ("weekends,wed", {2, 5, 6}),
        ("sun-sun", {6}),
        ("mon-sun", set(range(7))),
    ],
)
def test_days_may_be_ranges_lists_and_groups(text: str, days: set[int]) -> None:
    assert parse_days((text,)) == days


@pytest.mark.parametrize("text", ["monday", "Mon", "mon-", "", "mon,,tue", "1-5", "mon fri"])
def test_what_does_not_name_days_is_refused(text: str) -> None:
    with pytest.raises(LeafError):
        parse_days((text,))


def test_a_window_may_run_over_midnight_and_end_with_the_day() -> None:
    assert parse_windows(("22:00-06:00", "12:00-24:00")) == (
        (time(12), time(0)),
        (time(22), time(6)),
    )


@pytest.mark.parametrize("text", ["22:00", "22-06", "24:00-06:00", "22:00 - 06:00", "-"])
def test_what_is_not_a_window_is_refused(text: str) -> None:
    with pytest.raises(LeafError):
        parse_windows((text,))


@pytest.mark.parametrize(
    "text",
    ["2026-12-01T07:00:00-05:00", "2026-12-01T12:00:00Z", "2026-12-01 12:00:00z"],
)
def test_an_instant_is_the_same_however_its_offset_is_written(text: str) -> None:
    assert parse_instant(text) == datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("2026-12-01T07:00:00", "no-offset"),
        (datetime(2026, 12, 1), "no-offset"),  # noqa: DTZ001 - what TOML makes of it
        ("2026-12-01", "bad-instant"),
        ("2026-13-01T07:00:00Z", "bad-instant"),
        ("0001-01-01T00:00:00+23:00", "bad-instant"),
        ("tomorrow", "bad-instant"),
    ],
)
def test_what_is_not_an_instant_is_refused(value: datetime | str, code: str) -> None:
    with pytest.raises(LeafError) as refusal:
        parse_instant(value)
    assert refusal.value.code == code


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"])
def test_iana_names_are_zones(name: str) -> None:
    assert check_zone(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "Mars/Base", "../etc/passwd", "/etc/localtime", "America", "localtime", "UTC\0", "A" * 99],
)
def test_paths_folders_and_inventions_are_not_zones(name: str) -> None:
    with pytest.raises(LeafError) as refusal:
        check_zone(name)
    assert refusal.value.code == "unknown-zone"


@pytest.mark.parametrize("name", ["right/UTC", "right/Europe/Berlin", "posix/Europe/Berlin"])
def test_zones_that_only_some_machines_have_are_refused(name: str) -> None:
    with pytest.raises(LeafError, match="is not a time zone"):
        check_zone(name)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("America/NewYork", "America/New_York"),
        ("europe/berlin", "Europe/Berlin"),
        ("tokyo", "Asia/Tokyo"),
        ("right/Europe/Berlin", "Europe/Berlin"),
    ],
)
def test_a_misspelt_zone_is_answered_with_the_nearest(wrong: str, right: str) -> None:
    with pytest.raises(LeafError) as refusal:
        check_zone(wrong)
    assert refusal.value.hint == f'Did you mean "{right}"?'


@pytest.mark.fault("Z26")
@pytest.mark.parametrize("filler", ["1h", "mon,", "a.", "00:00-", "A/", "-", "2026-", "1"])
def test_a_megabyte_of_almost_right_is_refused_at_once(filler: str) -> None:
    text = filler * (1_000_000 // len(filler))
    for parse in (parse_duration, check_zone, check_uuid, parse_origin, parse_instant, check_name):
        with pytest.raises(LeafError):
            parse(text)
    for parse_several in (parse_times, parse_days, parse_windows):
        with pytest.raises(LeafError):
            parse_several((text,))
