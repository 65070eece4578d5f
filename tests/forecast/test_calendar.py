"""The calendar, read back by a small parser of RFC 5545 that knows nothing of how it was made."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from reconcile.forecast.text import forecast_ics
from reconcile.model.forecast import Forecast
from reconcile.planning.forecast import forecast
from tests.conftest import Snapshot
from tests.planning.making import NOON, desired, of
from tests.render.moments import NOW
from tests.render.outlook import FILES, HOSTILE, STATE

WEEK = timedelta(days=7)
Event = dict[str, str]


@pytest.fixture(scope="module")
def week() -> Forecast:
    return forecast(FILES, STATE, NOW, WEEK)


def calendar(told: Forecast, *, singly: bool = True) -> str:
    return "".join(forecast_ics(told, singly=singly))


def read(text: str) -> list[Event]:
    """Unfold, check the nesting, split names from values, and unescape."""
    lines = text.replace("\r\n ", "").removesuffix("\r\n").split("\r\n")
    assert (lines[0], lines[-1]) == ("BEGIN:VCALENDAR", "END:VCALENDAR")
    events: list[Event] = []
    open_event: Event | None = None
    for line in lines[1:-1]:
        name, _, value = line.partition(":")
        if (name, value) == ("BEGIN", "VEVENT"):
            assert open_event is None
            open_event = {}
        elif (name, value) == ("END", "VEVENT"):
            assert open_event is not None
            events.append(open_event)
            open_event = None
        elif open_event is not None:
            assert name not in open_event
            unescaped = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], value)
            open_event[name] = unescaped
    return events


def instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def test_each_call_is_one_event_at_its_instant(week: Forecast) -> None:
    events = read(calendar(week))
    assert [instant(event["DTSTART"]) for event in events] == [call.at for call in week.calls]


def test_an_event_names_every_item_its_call_covers(week: Forecast) -> None:
    for event, call in zip(read(calendar(week)), week.calls, strict=True):
        assert all(address in event["DESCRIPTION"] for address in call.addresses)


def test_every_event_has_a_name_of_its_own_and_the_stamp_of_the_forecast(week: Forecast) -> None:
    events = read(calendar(week))
    assert len({event["UID"] for event in events}) == len(events)
    assert {instant(event["DTSTAMP"]) for event in events} == {NOW}


def test_a_slot_keeps_its_name_when_the_calendar_is_fetched_later(week: Forecast) -> None:
    an_hour_later = forecast(FILES, STATE, NOW + timedelta(hours=1), WEEK)
    ahead = [call.at > NOW + timedelta(hours=12) for call in week.calls]
    names = {e["UID"] for e, is_ahead in zip(read(calendar(week)), ahead, strict=True) if is_ahead}
    again = {event["UID"] for event in read(calendar(an_hour_later))}
    walls = {
        event["UID"]
        for event in read(calendar(week))
        if "models.sales.refresh" not in event["DESCRIPTION"]
    }
    assert names & walls <= again


def test_lines_end_as_the_standard_says_and_have_75_octets_at_most(week: Forecast) -> None:
    text = calendar(week) + calendar(forecast(desired(HOSTILE), of({}), NOON, WEEK))
    assert text.count("\n") == text.count("\r\n")
    assert max(len(line.encode()) for line in text.split("\r\n")) == 75


def test_folding_never_cuts_a_character_in_two() -> None:
    octets = calendar(forecast(desired(HOSTILE), of({}), NOON, WEEK)).encode()
    for line in octets.split(b"\r\n"):
        line.decode()


def test_separators_and_controls_in_names_are_inert() -> None:
    text = calendar(forecast(desired(HOSTILE), of({}), NOON, WEEK))
    assert "Größe\\, " in text.replace("\r\n ", "")
    assert not re.search(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f\u202e]", text)
    assert all("Größe, " in event["SUMMARY"] for event in read(text))


def test_without_single_calls_each_day_that_has_any_is_one_event(week: Forecast) -> None:
    """P2: a subscriber sees days and counts."""
    events = read(calendar(week, singly=False))
    days = {f"{day.date:%Y%m%d}": f"{day.calls} calls" for day in week.days if day.calls}
    assert {event["DTSTART;VALUE=DATE"]: event["SUMMARY"] for event in events} == days
    assert len({event["UID"] for event in events}) == len(events)


def test_the_whole_calendar_of_two_days(snapshot: Snapshot) -> None:
    days = forecast(FILES, STATE, NOW, timedelta(days=1))
    snapshot("forecast_days.ics", calendar(days, singly=False))


def test_the_whole_calendar_of_a_day(snapshot: Snapshot) -> None:
    day = forecast(FILES, STATE, NOW, timedelta(hours=5))
    snapshot("forecast.ics", calendar(day))
