"""A forecast for people and for programs."""

import json
from datetime import date, timedelta

import pytest

from reconcile.forecast.command import forecast_json
from reconcile.forecast.text import forecast_text
from reconcile.model.forecast import Forecast
from reconcile.planning.forecast import forecast
from reconcile.render.layout import cells, for_encoding
from tests.conftest import Snapshot
from tests.planning.making import NOON, desired, of, refresh
from tests.render.moments import NOW
from tests.render.outlook import FILES, HOSTILE, STATE

WEEK = timedelta(days=7)


@pytest.fixture(scope="module")
def week() -> Forecast:
    return forecast(FILES, STATE, NOW, WEEK)


@pytest.mark.parametrize("width", [50, 80])
def test_the_whole_text(week: Forecast, snapshot: Snapshot, width: int) -> None:
    snapshot(f"forecast_{width}.txt", forecast_text(week, width=width, colour=False))


def test_the_whole_json(week: Forecast, snapshot: Snapshot) -> None:
    snapshot("forecast.json", "".join(forecast_json(week, singly=True)))


@pytest.mark.parametrize("days", [1, 7, 21, 60])
def test_a_line_never_leaves_eighty_columns(days: int) -> None:
    text = forecast_text(forecast(FILES, STATE, NOW, timedelta(days=days)), width=80, colour=False)
    assert max(map(cells, text.splitlines())) <= 80


def test_colour_only_adds_colour(week: Forecast, snapshot: Snapshot) -> None:
    snapshot("forecast_colour.txt", forecast_text(week, width=80, colour=True))


def test_the_strip_has_a_plain_form(week: Forecast) -> None:
    text = for_encoding(forecast_text(week, width=80, colour=False), "ascii")
    assert "Wed 25  ---2--4--2-----2--8--2--  9 at 18:00 EST" in text


def test_the_days_add_up_to_the_calls(week: Forecast) -> None:
    document = json.loads("".join(forecast_json(week, singly=True)))
    assert sum(day["calls"] for day in document["days"]) == len(document["calls"])
    covered = sum(len(call["covers"]) for call in document["calls"])
    assert sum(sum(day["items"].values()) for day in document["days"]) == covered


def test_single_calls_are_listed_only_on_request(week: Forecast) -> None:
    """P2: the counts are there without them, and the same."""
    shown, listed = (
        json.loads("".join(forecast_json(week, singly=singly))) for singly in (False, True)
    )
    assert shown["refreshes"] + shown["resets"] == len(listed["calls"])
    assert shown == {**listed, "calls": None}


def test_days_without_a_call_are_listed_too() -> None:
    days = forecast(desired(refresh("sales")), of({}), NOON, WEEK).days
    assert days[0].date == date(2026, 11, 22)
    assert len(days) == 8


def test_hostile_names_are_escaped_and_kept_in_their_room() -> None:
    text = forecast_text(forecast(desired(HOSTILE), of({}), NOON, WEEK), width=60, colour=False)
    assert "\u202e" not in text
    assert max(map(cells, text.splitlines())) <= 60


def test_nothing_ahead_is_said_in_few_words() -> None:
    text = forecast_text(forecast(desired(), of({}), NOON, WEEK), width=80, colour=False)
    assert text.startswith("0 calls in 7d")
    assert "Requests" not in text
