"""Who goes first when the budget is short: what is most late by its own cadence; nobody starves."""

from collections import defaultdict
from datetime import timedelta

import pytest

from reconcile.model.address import Address
from reconcile.model.desired import Desired, Every
from reconcile.model.plan import Plan, ResetCache
from reconcile.model.recorded import Record, Recorded
from reconcile.model.struct import replace
from reconcile.planning.budget import order
from reconcile.planning.plan import plan
from tests.planning.making import NOON, SIX, carried_out, desired, hours, of, reset

HOURLY, DAILY = Every(hours(1)), Every(hours(24))


def calls(planned: Plan) -> list[ResetCache]:
    return [
        call
        for call in order(planned.actions, planned.standings, planned.now)
        if isinstance(call, ResetCache)
    ]


def places(files: Desired, recorded: Recorded) -> list[str]:
    planned = plan(files, recorded, NOON)
    return [call.covers[0].address.split(".")[1] for call in calls(planned)]


def sent(hours_ago: float) -> Record:
    return Record(since=NOON - hours(1000), last_success=NOON - hours(hours_ago))


def test_an_hourly_item_an_hour_late_goes_before_a_daily_one_two_hours_late() -> None:
    files = desired(reset("daily", DAILY), reset("hourly", HOURLY))
    recorded = of(
        {item.address: sent(2 if "hourly" in item.address else 26) for item in files.items}
    )
    assert places(files, recorded) == ["hourly", "daily"]


def test_a_daily_item_three_days_late_goes_before_hourly_ones() -> None:
    files = desired(reset("daily", DAILY), reset("hourly", HOURLY))
    recorded = of(
        {item.address: sent(2 if "hourly" in item.address else 96) for item in files.items}
    )
    assert places(files, recorded) == ["daily", "hourly"]


def test_what_never_ran_goes_first_and_equals_go_by_name() -> None:
    files = desired(*(reset(name, HOURLY) for name in "dcba"))
    recorded = of({item.address: sent(9) for item in files.items if ".c." not in item.address})
    assert places(files, recorded) == ["c", "a", "b", "d"]


def test_a_wall_clock_item_is_late_by_its_own_slots() -> None:
    files = desired(reset("wall", SIX), reset("hourly", HOURLY))
    covered = {item.address: sent(1.5) for item in files.items}
    long_ago = NOON - hours(54)
    covered[reset("wall").address] = Record(last_success=long_ago, covered_slot=long_ago)
    assert places(files, of(covered)) == ["wall", "hourly"]


@pytest.mark.parametrize("taken", [1, 2])
def test_with_more_demand_than_budget_nothing_starves(taken: int) -> None:
    """Every half hour a runner makes a call or two and is stopped; hourly items want four."""
    hourly = [reset(f"hourly{n}", HOURLY) for n in range(4)]
    files = desired(*hourly, reset("daily", SIX), reset("never", DAILY))
    recorded, now = of({}), NOON
    last = {item.address: NOON for item in files.items}
    waits: dict[Address, timedelta] = defaultdict(timedelta)
    for _ in range(2 * 24 * 4):
        planned = plan(files, recorded, now)
        chosen = calls(planned)[:taken]
        for call in chosen:
            address = call.covers[0].address
            waits[address] = max(waits[address], now - last[address])
            last[address] = now
        recorded = carried_out(replace(planned, actions=tuple(chosen)), recorded)
        now += hours(0.5)
    assert waits.keys() == last.keys()
    assert max(waits[item.address] for item in hourly) <= hours(6 / taken)
    assert max(waits.values()) <= hours(54)
