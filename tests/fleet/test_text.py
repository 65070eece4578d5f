"""Where the instances of a fleet stand, as programs read it."""

import json
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconcile.config.fleet import Hold, Seat
from reconcile.controller.cycle import Verdict
from reconcile.fleet.text import fleet_json
from reconcile.model.struct import replace
from tests.planning.making import NOON
from tests.render.schemas import validating

instants = st.none() | st.just(NOON) | st.just(NOON + timedelta(hours=2))
seats = st.builds(
    Seat,
    instance=st.text(min_size=1, max_size=8),
    wake_at=instants,
    hold=st.none() | st.builds(Hold, until=instants, reason=st.text(max_size=8)),
    ran_at=instants,
    took_s=st.none() | st.floats(0, 1_000),
    failures=st.integers(0, 9),
    outcome=st.none() | st.sampled_from([verdict.value for verdict in Verdict]),
    trouble=st.none() | st.text(max_size=8),
    worker=st.none() | st.text(max_size=8),
)
satisfies = validating("fleet-status")


@given(st.lists(seats, max_size=3))
def test_whatever_an_instance_came_to_satisfies_the_published_schema(known: list[Seat]) -> None:
    satisfies(json.loads(fleet_json(known, NOON)))


def test_a_pause_that_has_ended_is_not_told() -> None:
    seat = Seat(instance="acme", hold=Hold(until=NOON, reason="they migrate"))
    told = [json.loads(fleet_json([it], NOON))["instances"][0] for it in (seat, _later(seat))]
    assert [it["paused"] for it in told] == [False, True]


def _later(seat: Seat) -> Seat:
    return replace(seat, hold=Hold(until=NOON + timedelta(hours=1), reason="they migrate"))
