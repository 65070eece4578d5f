"""The dead man's switch of a whole fleet: while it gets on, and only then."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from reconcile.config.fleet import Fleet, FleetMember, Hold, Seat
from reconcile.fleet.database import Roster
from reconcile.fleet.worker import Habitat, Worker, stands_still
from reconcile.model.struct import replace
from tests.planning.making import NOON, hours

WAITS = Seat(instance="acme", ran_at=NOON - hours(2), outcome="done", wake_at=NOON - hours(1))
RAN = replace(WAITS, instance="bolt", ran_at=NOON - timedelta(minutes=1), wake_at=NOON + hours(1))
QUIET = replace(WAITS, wake_at=NOON + hours(1))
HELD = replace(WAITS, hold=Hold(until=None, reason="they migrate"))
NEW = Seat(instance="new")


class Remembered(Roster):
    """Rows that a test sets."""

    def __init__(self, *seats: Seat) -> None:
        self._seats = {seat.instance: seat for seat in seats}

    async def load(self) -> Mapping[str, Seat]:
        return self._seats


@pytest.mark.parametrize(
    ("seats", "expected"),
    [
        ([], False),
        ([WAITS], True),
        ([WAITS, RAN], False),
        ([WAITS, replace(RAN, outcome="locked")], True),
        ([WAITS, replace(RAN, ran_at=NOON + hours(1))], True),
        ([QUIET], False),
        ([HELD], False),
        ([NEW], True),
        ([replace(WAITS, wake_at=None)], False),
    ],
)
def test_a_fleet_stands_still_where_something_waits_long_and_nothing_is_done(
    seats: list[Seat], expected: object
) -> None:
    assert stands_still(seats, NOON - hours(2), NOON) is expected


def test_a_worker_that_has_just_begun_is_given_time() -> None:
    assert not stands_still([WAITS, NEW], NOON, NOON + timedelta(minutes=14))


def gets_on(member: FleetMember, *seats: Seat) -> bool:
    """Ask a worker that began two hours ago."""
    times = iter([NOON - hours(2)])
    fleet = Fleet(members=(member,), database=None, look_every_s=5, silent_after_s=30)
    with ThreadPoolExecutor(1) as threads:
        habitat = Habitat(
            name="one",
            environment={},
            now=lambda: next(times, NOON),
            threads=threads,
            tell=lambda *_: None,
        )
        return asyncio.run(Worker(fleet, Remembered(*seats), habitat).gets_on())


BOLT = FleetMember(name="bolt", file="/bolt", state_url="s3://states/bolt", credential="bolt")


def test_a_row_of_an_instance_that_is_no_longer_declared_withholds_nothing() -> None:
    assert gets_on(BOLT, WAITS, RAN)
    assert not gets_on(replace(BOLT, name="acme"), WAITS, RAN)


def test_an_instance_that_is_left_to_another_fleet_withholds_nothing() -> None:
    ago = NOON - timedelta(minutes=16)
    late = replace(RAN, ran_at=ago, wake_at=ago)
    assert not gets_on(BOLT, late)
    assert gets_on(BOLT, replace(late, place="of another state"))
