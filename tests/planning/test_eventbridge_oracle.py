"""Runs of an EventBridge schedule against a reading of its text, day by day and minute by minute.

The reading shares no code with the engine: it asks of every date and every time whether the text
names it, and `zoneinfo` when wall clocks first show that time.
"""

import random
from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest

from reconcile.planning.time.eventbridge import canonical, newest_and_next
from tests.planning.oracle import walk

DAY = timedelta(days=1)
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
DAYS = ("* ?", "? *", "L ?", "15W ?", "1W ?", "31W ?", "*/3 ?", "1-7,20 ?")
WEEKS = ("? MON-FRI", "? 1,7", "? L", "? 6L", "? SUNL", "? 3#2", "? SUN#5", "? 2/2")
TIMES = ("30 2", "0 6,18", "*/20 1-3", "15 *", "0 */5", "5/25 2", "30 3")


def named(field: str, value: int, low: int, high: int) -> bool:
    for item in field.split(","):
        spread, _, step = item.partition("/")
        first, _, last = spread.partition("-")
        start = low if first == "*" else number(first)
        end = number(last) if last else high if step or first == "*" else start
        if value in range(start, end + 1, int(step or 1)):
            return True
    return False


def number(text: str) -> int:
    return WEEKDAYS.index(text) + 1 if text in WEEKDAYS else int(text)


def names_day(day_field: str, week_field: str, day: date) -> bool:
    last = monthrange(day.year, day.month)[1]
    weekday = day.isoweekday() % 7 + 1
    if day_field == "L":
        return day.day == last
    if day_field.endswith("W"):
        wanted = int(day_field[:-1])
        workdays = [n for n in range(1, last + 1) if day.replace(day=n).weekday() < 5]
        # Of two as near, a Saturday's is the Friday and a Sunday's the Monday: never a tie.
        return wanted <= last and day.day == min(workdays, key=lambda n: abs(n - wanted))
    if day_field != "?":
        return named(day_field, day.day, 1, 31)
    if week_field == "L":
        return weekday == 7
    if week_field.endswith("L"):
        return weekday == number(week_field[:-1]) and day.day + 7 > last
    if "#" in week_field:
        name, nth = week_field.split("#")
        return weekday == number(name) and (day.day - 1) // 7 + 1 == int(nth)
    return named(week_field, weekday, 1, 7)


def runs(cron: str, zone: str, start: datetime, end: datetime) -> list[datetime]:
    minute, hour, day_field, month, week_field, year = cron.split()
    steps = walk(zone, start, end)
    days = [
        day
        for day in steps.dates()
        if names_day(day_field, week_field, day)
        and named(month, day.month, 1, 12)
        and named(year, day.year, 1970, 2199)
    ]
    times = [
        time(h, m)
        for h in range(24)
        for m in range(60)
        if named(hour, h, 0, 23) and named(minute, m, 0, 59)
    ]
    if minute[:2] in {"*", "*/"} or hour[:2] in {"*", "*/"}:
        dates, clock = set(days), set(times)
        found = {at for at, wall in steps.shown if wall.date() in dates and wall.time() in clock}
    else:
        walls = [datetime.combine(day, at) for day in days for at in times]
        known = (wall for wall in walls if steps.walls[0] <= wall <= steps.walls[-1])
        found = {steps.first_instant(wall) for wall in known}
    return sorted(found)


@pytest.mark.parametrize(
    "zone", ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]
)
@pytest.mark.parametrize(
    "start", [datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 9, 25, tzinfo=UTC)]
)
def test_runs_are_those_that_the_text_names(zone: str, start: datetime) -> None:
    chance = random.Random(f"{zone}{start}")  # noqa: S311 - repeatable is what a test wants
    end = start + 45 * DAY
    for days in (*DAYS, *WEEKS):
        day, week = days.split()
        cron = f"{chance.choice(TIMES)} {day} */1 {week} *"
        expected = [at for at in runs(cron, zone, start - DAY, end + DAY) if start <= at < end]
        for newest, following in pairwise(expected):
            assert newest_and_next(cron, zone, newest) == (newest, following), (cron, zone)
            assert newest_and_next(canonical(cron), zone, following - DAY / 1440) == (
                newest,
                following,
            ), (cron, zone)


def test_years_bound_the_runs_on_both_sides() -> None:
    cron = "0 6 ? * MON 2025,2027-2028"
    between = newest_and_next(cron, "UTC", datetime(2026, 6, 1, tzinfo=UTC))
    assert between == (
        datetime(2025, 12, 29, 6, tzinfo=UTC),
        datetime(2027, 1, 4, 6, tzinfo=UTC),
    )
    assert newest_and_next(cron, "UTC", datetime(2024, 6, 1, tzinfo=UTC))[0] is None
    assert newest_and_next(cron, "UTC", datetime(2029, 6, 1, tzinfo=UTC))[1] is None


def test_the_year_is_that_of_the_zone() -> None:
    cron, midnight = "0 0 1 1 ? 2027", datetime(2026, 12, 31, 10, tzinfo=UTC)
    found = newest_and_next(cron, "Pacific/Kiritimati", midnight)
    assert found == (midnight, None)
