"""Hand-checked: what wall-clock schedules do when wall clocks jump. All instants are UTC.

Each row lists every slot after `since` and up to `until`.
"""

from datetime import UTC, datetime, time

import pytest
from msgspec import Struct

from reconcile.model.desired import At, Cron
from reconcile.planning.time.slots import wall_slots

FRIDAY = 4


def at(*times: str, days: frozenset[int] = frozenset(range(7))) -> At:
    return At(tuple(time.fromisoformat(text) for text in times), days)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Case(Struct, frozen=True):
    claim: str
    zone: str
    cadence: At | Cron
    since: str
    until: str
    slots: list[str]


CASES = [
    # New York, 2026-03-08: 02:00 -05 becomes 03:00 -04 at 07:00Z.
    Case(
        "a skipped time runs when the gap is over", "America/New_York", at("02:30"),
        "2026-03-08T05:00", "2026-03-09T04:00", ["2026-03-08T07:00"],
    ),
    Case(
        "so does fixed cron", "America/New_York", Cron("30 2 * * *"),
        "2026-03-08T05:00", "2026-03-09T04:00", ["2026-03-08T07:00"],
    ),
    Case(
        "times of one gap are one slot, and one with its end", "America/New_York",
        Cron("0,30 2,3 * * *"),
        "2026-03-08T05:00", "2026-03-09T04:00", ["2026-03-08T07:00", "2026-03-08T07:30"],
    ),
    Case(
        "cron with a star skips what is skipped", "America/New_York", Cron("30 */2 * * *"),
        "2026-03-08T04:59", "2026-03-08T10:00", ["2026-03-08T05:30", "2026-03-08T08:30"],
    ),
    Case(
        "even if nothing is left that day", "America/New_York", Cron("*/30 2 * * *"),
        "2026-03-08T05:00", "2026-03-09T04:00", [],
    ),
    Case(
        "the rules of 2050 are today's", "America/New_York", at("02:30"),
        "2050-03-13T05:00", "2050-03-14T04:00", ["2050-03-13T07:00"],
    ),
    # New York, 2026-11-01: 02:00 -04 becomes 01:00 -05 at 06:00Z.
    Case(
        "a repeated time runs at its first", "America/New_York", at("01:30"),
        "2026-11-01T04:00", "2026-11-02T05:00", ["2026-11-01T05:30"],
    ),
    Case(
        "so does every hour of fixed cron", "America/New_York", Cron("0 1-3 * * *"),
        "2026-11-01T04:00", "2026-11-01T12:00",
        ["2026-11-01T05:00", "2026-11-01T07:00", "2026-11-01T08:00"],
    ),
    Case(
        "hourly cron runs every hour that passes", "America/New_York", Cron("30 * * * *"),
        "2026-11-01T04:00", "2026-11-01T08:00",
        ["2026-11-01T04:30", "2026-11-01T05:30", "2026-11-01T06:30", "2026-11-01T07:30"],
    ),
    # London, 2027-10-31: 02:00 +01 becomes 01:00 +00 at 01:00Z.
    Case(
        "the second 01:15 to 01:34 is passed over", "Europe/London", Cron("33-34 0,1,9 * * *"),
        "2027-10-30T23:00", "2027-10-31T12:00",
        [
            "2027-10-30T23:33", "2027-10-30T23:34", "2027-10-31T00:33", "2027-10-31T00:34",
            "2027-10-31T09:33", "2027-10-31T09:34",
        ],
    ),
    # Dublin, whose winter time is the one called daylight saving, and negative.
    Case(
        "negative daylight saving repeats an hour too", "Europe/Dublin", at("01:30"),
        "2026-10-24T23:00", "2026-10-26T00:00", ["2026-10-25T00:30"],
    ),
    # Lord Howe, 2026-10-04: 02:00 +10:30 becomes 02:30 +11 at 15:30Z the day before.
    Case(
        "half an hour may be skipped", "Australia/Lord_Howe", at("02:15"),
        "2026-10-03T15:00", "2026-10-04T15:00", ["2026-10-03T15:30"],
    ),
    # Lord Howe, 2027-04-04: 02:00 +11 becomes 01:30 +10:30 at 15:00Z the day before.
    Case(
        "half an hour may be repeated", "Australia/Lord_Howe", at("01:45"),
        "2027-04-03T14:00", "2027-04-04T14:00", ["2027-04-03T14:45"],
    ),
    Case(
        "and cron with a star sees it twice", "Australia/Lord_Howe", Cron("*/15 1 * * *"),
        "2027-04-03T14:20", "2027-04-04T14:00",
        ["2027-04-03T14:30", "2027-04-03T14:45", "2027-04-03T15:00", "2027-04-03T15:15"],
    ),
    # Troll: 01:00 +00 becomes 03:00 +02 at 01:00Z, and back from 03:00 to 01:00.
    Case(
        "two skipped hours make one slot", "Antarctica/Troll", at("01:30", "02:30"),
        "2026-03-29T00:00", "2026-03-29T22:00", ["2026-03-29T01:00"],
    ),
    Case(
        "two repeated hours run once each", "Antarctica/Troll", at("01:30", "02:30"),
        "2026-10-24T22:00", "2026-10-25T22:00", ["2026-10-24T23:30", "2026-10-25T00:30"],
    ),
    # Casablanca leaves +01 for Ramadan: 03:00 becomes 02:00 on 2026-02-15 at 02:00Z, and back.
    Case(
        "Ramadan begins with a repeated hour", "Africa/Casablanca", at("02:30"),
        "2026-02-15T00:00", "2026-02-16T00:00", ["2026-02-15T01:30"],
    ),
    Case(
        "and ends with a skipped one", "Africa/Casablanca", at("02:30"),
        "2026-03-22T00:00", "2026-03-23T00:00", ["2026-03-22T02:00"],
    ),
    # Apia went from -10 to +14 at 2011-12-30T10:00Z: there was no Friday the 30th.
    Case(
        "a skipped day runs once it is over", "Pacific/Apia", at("09:00"),
        "2011-12-29T11:00", "2011-12-31T10:00",
        ["2011-12-29T19:00", "2011-12-30T10:00", "2011-12-30T19:00"],
    ),
    Case(
        "so does a Friday that never was", "Pacific/Apia",
        at("09:00", "18:00", days=frozenset({FRIDAY})),
        "2011-12-24T10:00", "2012-01-05T10:00", ["2011-12-30T10:00"],
    ),
    Case(
        "to hourly cron no hour is missing", "Pacific/Apia", Cron("0 * * * *"),
        "2011-12-30T08:30", "2011-12-30T11:30",
        ["2011-12-30T09:00", "2011-12-30T10:00", "2011-12-30T11:00"],
    ),
    # Sao Paulo, 2018-11-04: midnight became 01:00 at 03:00Z; 2019-02-17: midnight became 23:00.
    Case(
        "a midnight that is skipped runs at 01:00", "America/Sao_Paulo", Cron("@daily"),
        "2018-11-04T02:00", "2018-11-05T01:00", ["2018-11-04T03:00"],
    ),
    Case(
        "a midnight that clocks turn back from is not reached before 03:00Z",
        "America/Sao_Paulo", at("00:00", "23:30"),
        "2019-02-16T12:00", "2019-02-17T12:00", ["2019-02-17T01:30", "2019-02-17T03:00"],
    ),
    # St. John's, 2010-11-07: 00:01 -02:30 became 23:01 -03:30 of the day before, at 02:31Z.
    Case(
        "a midnight that comes again the same night runs at its first",
        "America/St_Johns", at("00:00"),
        "2010-11-07T02:00", "2010-11-08T03:00", ["2010-11-07T02:30"],
    ),
    # Changes of standard time, without any daylight saving.
    Case(
        "Caracas skipped half an hour for good", "America/Caracas", at("02:45"),
        "2016-05-01T05:00", "2016-05-02T05:00", ["2016-05-01T07:00"],
    ),
    Case(
        "Pyongyang repeated half an hour", "Asia/Pyongyang", Cron("45 23 * * *"),
        "2015-08-14T12:00", "2015-08-15T12:00", ["2015-08-14T14:45"],
    ),
]  # fmt: skip


@pytest.mark.fault("T03")
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.zone}: {case.claim}")
def test_slots_around_a_change_of_offset(case: Case) -> None:
    slots = wall_slots(case.cadence, case.zone).between(utc(case.since), utc(case.until))
    assert [slot.strftime("%Y-%m-%dT%H:%M") for slot in slots] == case.slots


@pytest.mark.fault("T03")
def test_the_next_slot_is_not_before_now_in_a_repeated_hour() -> None:
    slots = wall_slots(Cron("15-34 0,1,9 * * *"), "Europe/London")
    assert slots.next(utc("2027-10-31T01:09")) == utc("2027-10-31T09:15")
    assert slots.newest(utc("2027-10-31T01:20")) == utc("2027-10-31T00:34")


@pytest.mark.fault("T03")
def test_the_newest_slot_may_be_on_a_later_date_than_the_clock_shows() -> None:
    slots = wall_slots(at("00:00"), "America/St_Johns")
    half_past_eleven_the_day_before = utc("2010-11-07T03:00")
    assert slots.newest(half_past_eleven_the_day_before) == utc("2010-11-07T02:30")
    assert slots.next(half_past_eleven_the_day_before) == utc("2010-11-08T03:30")
