"""The engine against the oracle: every zone, every transition, random schedules."""

import random
from bisect import bisect_right
from datetime import UTC, datetime, time, timedelta
from zoneinfo import available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.model.desired import ALL_DAYS, At, Cron
from reconcile.planning.time.cron import CronError, parse_cron
from reconcile.planning.time.slots import wall_slots
from reconcile.planning.time.wall_clock import transitions
from tests.planning import oracle

ZONES = sorted(available_timezones() - {"localtime", "posixrules", "Factory"})
FROM, UPTO = datetime(2020, 1, 1, tzinfo=UTC), datetime(2041, 1, 1, tzinfo=UTC)
AROUND = timedelta(hours=26)
SCHEDULES_EACH = 8
WEEKDAYS = ("*", "*", "*", "SUN", "1-5", "0,6", "fri-sun", "7", "SUNL", "5L", "sun#2", "0#5", "*/2")


def seeded(seed: str) -> random.Random:
    return random.Random(seed)  # noqa: S311 - repeatable is what a test wants


def schedule(rng: random.Random, near: datetime) -> Cron | At:
    """Invent a schedule that has something to do around a local time."""
    minute, hour = rng.choice((0, 15, 30, 59, near.minute)), (near.hour + rng.randint(-2, 2)) % 24
    if rng.random() < 0.2:
        times = {time(hour, minute), time(near.hour, 0), time(rng.randrange(24), 30)}
        return At(
            tuple(times), rng.choice((ALL_DAYS, frozenset({5, 6}), frozenset({near.weekday()})))
        )
    minutes = (
        "*",
        "*/7",
        "*/30",
        f"{minute}",
        f"{minute}/20",
        "0,30",
        f"{minute % 30}-59/9",
        "0-59",
    )
    hours = ("*", "*/2", f"{hour}", f"{hour}", f"{near.hour}", f"{hour}/3", "0-6", "1,2,23", "0-23")
    day = near.day
    days = ("*", "*", "*", f"{day}", "L", "*/2", f"{day}/2", "1,15,L", f"1-{day}")
    months = ("*", "*", "*", f"{near.month}", "mar-apr,oct,NOV", "*/3")
    return Cron(" ".join(rng.choice(field) for field in (minutes, hours, days, months, WEEKDAYS)))


def assert_agreement(
    cadence: Cron | At, zone: str, after: datetime, upto: datetime, rng: random.Random
) -> None:
    """Compare all four questions; `after` and `upto` are whole minutes."""
    expected = oracle.slots(cadence, zone, after, upto, margin=timedelta(hours=27))
    slots = wall_slots(cadence, zone)
    where = f"{cadence} in {zone} from {after} to {upto}"
    assert list(slots.between(after, upto)) == expected, where
    assert slots.count(after, upto) == len(expected), where
    seconds = int((upto - after).total_seconds())
    moments = [after + timedelta(seconds=rng.randrange(seconds)) for _ in range(4)]
    for slot in rng.sample(expected, min(3, len(expected))):
        moments += [slot, slot - timedelta(microseconds=1), slot + timedelta(seconds=59)]
    for at in moments:
        place = bisect_right(expected, at)
        newest, following = slots.newest(at), slots.next(at)
        if place > 0 or (newest is not None and newest > after):
            assert newest == expected[place - 1], f"newest at {at}: {where}"
        if place < len(expected) or (following is not None and following <= upto):
            assert following == expected[place], f"next after {at}: {where}"
        assert following is None or following > at, f"next after {at}: {where}"
        assert slots.count(at, upto) == len(expected) - place, f"count after {at}: {where}"


def assert_agreement_around(zone: str, instant: datetime, schedules: int) -> int:
    """Compare random schedules around a transition; return how many could be compared."""
    rng = seeded(f"{zone} {instant}")
    moment = instant.replace(second=0)
    compared = 0
    for _ in range(schedules):
        side = rng.choice((-1, 0, 0, 0, 1)) * timedelta(minutes=rng.randrange(90))
        near = oracle.walk(zone, moment - 2 * AROUND, moment + 2 * AROUND)
        wall = near.shown[len(near.shown) // 2 + int(side.total_seconds() // 60)][1]
        cadence = schedule(rng, wall)
        if isinstance(cadence, Cron) and not can_be_read(cadence.expression):
            continue
        assert_agreement(cadence, zone, moment - AROUND, moment + AROUND, rng)
        compared += 1
    return compared


def can_be_read(expression: str) -> bool:
    try:
        parse_cron(expression)
    except CronError as error:
        if "never matches" not in error.message:
            raise
        return False
    return True


def assert_agreement_throughout(zone: str) -> tuple[int, int]:
    """Compare around every transition of a zone, and once a year where there is none."""
    instants = [change.instant for change in transitions(zone, FROM, UPTO)]
    instants += [datetime(year, 7, 1, tzinfo=UTC) for year in range(2020, 2041) if not instants]
    compared = [assert_agreement_around(zone, instant, SCHEDULES_EACH) for instant in instants]
    return len(instants), sum(compared)


@pytest.mark.fault("T03")
def test_a_sample_of_all_transitions_agrees_with_the_oracle() -> None:
    rng = seeded("sample")
    for zone in rng.sample(ZONES, 60):
        for change in rng.sample(changes := transitions(zone, FROM, UPTO), min(1, len(changes))):
            assert_agreement_around(zone, change.instant, 4)


@pytest.mark.slow
@pytest.mark.fault("T03")
@pytest.mark.parametrize("area", sorted({zone.partition("/")[0] for zone in ZONES}))
def test_every_transition_from_2020_to_2040_agrees_with_the_oracle(area: str) -> None:
    for zone in ZONES:
        if zone.partition("/")[0] == area:
            assert_agreement_throughout(zone)


@pytest.mark.fault("T03")
@pytest.mark.parametrize(
    ("zone", "instant"),
    [
        ("Australia/Lord_Howe", "2026-10-03T15:30Z"),
        ("Australia/Lord_Howe", "2027-04-03T15:00Z"),
        ("Antarctica/Troll", "2026-03-29T01:00Z"),
        ("Antarctica/Troll", "2026-10-25T01:00Z"),
        ("Africa/Casablanca", "2026-02-15T02:00Z"),
        ("Africa/Casablanca", "2026-03-22T02:00Z"),
        ("Africa/El_Aaiun", "2030-01-06T02:00Z"),
        ("Pacific/Apia", "2011-12-30T10:00Z"),
        ("Pacific/Kwajalein", "1993-08-21T12:00Z"),
        ("Antarctica/Palmer", "1965-01-01T00:00Z"),
        ("America/Sao_Paulo", "2018-11-04T03:00Z"),
        ("America/Sao_Paulo", "2019-02-17T02:00Z"),
        ("Asia/Pyongyang", "2015-08-14T15:00Z"),
        ("America/Caracas", "2016-05-01T07:00Z"),
        ("Europe/Dublin", "2026-10-25T01:00Z"),
        ("Asia/Gaza", "2026-03-28T00:00Z"),
        ("America/Nuuk", "2040-03-25T01:00Z"),
    ],
)
def test_unusual_transitions_agree_with_the_oracle(zone: str, instant: str) -> None:
    assert_agreement_around(zone, datetime.fromisoformat(instant), 12)


@settings(deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    seed=st.text(max_size=8),
    minute=st.integers(0, 150 * 366 * 24 * 60),
)
def test_any_two_days_since_1973_agree_with_the_oracle(zone: str, seed: str, minute: int) -> None:
    after = datetime(1973, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    rng = seeded(seed)
    cadence = schedule(rng, after)
    if isinstance(cadence, At) or can_be_read(cadence.expression):
        assert_agreement(cadence, zone, after, after + timedelta(days=1), rng)
