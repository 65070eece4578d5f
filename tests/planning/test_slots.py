"""Slots: laws that hold for every schedule, and the edges of time."""

from datetime import UTC, datetime, time, timedelta
from itertools import islice
from zoneinfo import available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.model.desired import At, Cron
from reconcile.model.struct import replace
from reconcile.planning.time.cron import CronError
from reconcile.planning.time.slots import slots_around, spread_of, wall_slots
from reconcile.planning.time.wall_clock import UnknownZoneError
from tests.planning.making import refresh

UNTIMED = settings(deadline=None)
ZONES = st.sampled_from(sorted(available_timezones()))
INSTANTS = st.datetimes(datetime(1850, 1, 1), datetime(2150, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
CADENCES = st.one_of(
    st.sampled_from(
        [
            Cron("*/7 * * * *"),
            Cron("@hourly"),
            Cron("0,30 0-4 * * *"),
            Cron("59 23 L * *"),
            Cron("30 2 1-7 * SUN"),
            Cron("15 */3 * 3,10 FRIL"),
        ]
    ),
    st.builds(
        At,
        st.lists(st.times().map(lambda at: at.replace(second=0, microsecond=0)), max_size=3).map(
            tuple
        ),
        st.frozensets(st.integers(0, 6)),
    ),
)


@UNTIMED
@given(CADENCES, ZONES, INSTANTS)
def test_now_lies_between_the_newest_slot_and_the_next(
    cadence: Cron | At, zone: str, now: datetime
) -> None:
    newest, following = slots_around(cadence, zone, now)
    assert newest is None or newest <= now
    assert following is None or following > now


@UNTIMED
@given(CADENCES, ZONES, INSTANTS)
def test_the_newest_slot_just_before_the_next_is_the_newest_now(
    cadence: Cron | At, zone: str, now: datetime
) -> None:
    slots = wall_slots(cadence, zone)
    if (following := slots.next(now)) is not None:
        assert slots.newest(following) == following
        assert slots.newest(following - timedelta.resolution) == slots.newest(now)


@UNTIMED
@given(CADENCES, ZONES, INSTANTS)
def test_slots_are_found_listed_and_counted_alike(
    cadence: Cron | At, zone: str, now: datetime
) -> None:
    slots = wall_slots(cadence, zone)
    listed = list(islice(slots.between(now, now + timedelta(days=400)), 20))
    asked, moment = [], now
    for _ in listed:
        following = slots.next(moment)
        assert following is not None
        asked.append(following)
        moment = following
    assert asked == listed
    assert slots.count(now, moment) == len(listed)


@UNTIMED
@given(CADENCES, ZONES, INSTANTS, st.timedeltas(timedelta(), timedelta(days=40_000)))
def test_a_count_is_the_sum_of_its_parts(
    cadence: Cron | At, zone: str, now: datetime, span: timedelta
) -> None:
    slots = wall_slots(cadence, zone)
    middle, end = now + span / 3, now + span
    assert slots.count(now, end) == slots.count(now, middle) + slots.count(middle, end)


def test_an_outage_of_centuries_is_counted_without_walking_it() -> None:
    slots = wall_slots(Cron("* * * * *"), "Asia/Tokyo")
    since, until = datetime(1990, 1, 1, tzinfo=UTC), datetime(2390, 1, 1, tzinfo=UTC)
    assert slots.count(since, until) == (until - since) // timedelta(minutes=1)


def test_a_slot_may_be_forty_years_away() -> None:
    slots = wall_slots(Cron("0 0 */28 2 MON#5"), "UTC")
    assert slots.next(datetime(2080, 1, 1, tzinfo=UTC)) == datetime(2112, 2, 29, tzinfo=UTC)
    assert slots.newest(datetime(2112, 1, 1, tzinfo=UTC)) == datetime(2072, 2, 29, tzinfo=UTC)


@pytest.mark.parametrize("cadence", [At(()), At((time(6),), frozenset())])
def test_a_cadence_without_times_or_days_has_no_slots(cadence: At) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert slots_around(cadence, "Europe/Paris", now) == (None, None)
    assert wall_slots(cadence, "Europe/Paris").count(now, now + timedelta(days=99)) == 0


@pytest.mark.fault("T04")
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Gaza"])
def test_the_ends_of_time_hold_no_slots(zone: str) -> None:
    slots = wall_slots(Cron("*/5 * * * *"), zone)
    dawn, dusk = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    assert slots.newest(dawn) is None
    assert slots.next(dusk) is None
    assert slots.count(dusk - timedelta(days=1), dusk) == 0
    assert (first := slots.next(dawn)) is not None
    assert (last := slots.newest(dusk)) is not None
    assert (first.year, last.year) == (2, 9998)


def test_an_offset_with_seconds_gives_slots_with_seconds() -> None:
    slots = wall_slots(At((time(12),)), "America/New_York")
    noon = datetime(1880, 1, 1, 16, 56, 2, tzinfo=UTC)
    assert slots.next(datetime(1880, 1, 1, tzinfo=UTC)) == noon
    assert slots.newest(noon) == noon


@pytest.mark.parametrize(
    ("zone", "at", "noon", "slot"),
    [
        # back from midnight to 22:51:32, ten minutes before the UTC year ends
        ("Africa/Niamey", time(23, 30), "1911-12-31T12:00Z", "1911-12-31T23:21:32Z"),
        # back from midnight to 21:00, with the UTC year
        ("Antarctica/Palmer", time(22), "1964-12-31T12:00Z", "1964-12-31T22:00Z"),
        # forward from 23:38:44 to midnight, with the UTC year
        ("Africa/Ceuta", time(23, 45), "1900-12-31T12:00Z", "1901-01-01T00:00Z"),
    ],
)
def test_what_clocks_had_shown_is_remembered_over_new_year(
    zone: str, at: time, noon: str, slot: str
) -> None:
    since = datetime.fromisoformat(noon)
    found = wall_slots(At((at,)), zone).between(since, since + timedelta(hours=20))
    assert list(found) == [datetime.fromisoformat(slot)]


def test_a_bad_expression_or_zone_is_refused() -> None:
    with pytest.raises(CronError):
        wall_slots(Cron("0 0 31 2 *"), "UTC")
    with pytest.raises(UnknownZoneError):
        wall_slots(Cron("0 0 1 2 *"), "Mars/Olympus")


@UNTIMED
@given(st.text(), st.timedeltas(timedelta(), timedelta(days=2)))
def test_a_spread_is_a_fixed_whole_second_below_its_bound(model_id: str, bound: timedelta) -> None:
    item = replace(refresh("sales"), model_id=model_id)
    share = spread_of(item, bound)
    assert timedelta() <= share < max(bound, timedelta(seconds=1))
    assert share.microseconds == 0
    assert share == spread_of(replace(item, address=refresh("another").address), bound)


def test_a_spread_tells_models_apart() -> None:
    items = [replace(refresh("sales"), model_id=f"{n}") for n in range(100)]
    assert len({spread_of(item, timedelta(hours=1)) for item in items}) > 90
