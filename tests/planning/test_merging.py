"""One call per connection and branch."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconcile.model.desired import Generation, Mode
from reconcile.model.plan import Await
from reconcile.model.recorded import Carrier, Coverage, Failure, Pending, Record
from reconcile.planning.merging import carrier_of, without_blamed
from reconcile.planning.planner import plan
from tests.planning.making import (
    NOON,
    desired,
    hours,
    model_id,
    of,
    only_refresh,
    recorded,
    refresh,
    standing,
)

NEVER = of({})
SOFT: dict[str, Any] = {"mode": Mode.SOFT, "connection": "warehouse"}
RUNNING = Record(
    pending=Pending("op", "refresh", NOON - hours(1), Coverage(refresh("a").address), "job", True)  # noqa: FBT003
)


def test_due_refreshes_on_one_connection_are_one_call() -> None:
    files = desired(*(refresh(name, connection="warehouse") for name in "abc"))
    assert len(only_refresh(plan(files, NEVER, NOON)).covers) == 3


def test_models_without_a_connection_are_refreshed_apart() -> None:
    assert len(plan(desired(refresh("a"), refresh("b")), NEVER, NOON).actions) == 2


def test_branches_of_one_connection_are_refreshed_apart() -> None:
    files = desired(
        refresh("a", connection="w", branch_id="one"), refresh("b", connection="w", branch_id="two")
    )
    assert len(plan(files, NEVER, NOON).actions) == 2


def test_one_hard_refresh_makes_the_call_hard() -> None:
    files = desired(refresh("a", **SOFT), refresh("b", connection="warehouse"))
    assert only_refresh(plan(files, NEVER, NOON)).request.query == (("hard_refresh", "true"),)


def test_filters_of_one_call_are_united() -> None:
    files = desired(refresh("a", schemas=("x",), **SOFT), refresh("b", schemas=("y",), **SOFT))
    assert ("schemas", "x,y") in only_refresh(plan(files, NEVER, NOON)).request.query


def test_a_member_without_filters_widens_the_call_to_everything() -> None:
    files = desired(refresh("a", schemas=("x",), **SOFT), refresh("b", **SOFT))
    assert only_refresh(plan(files, NEVER, NOON)).request.query == (("hard_refresh", "false"),)


def test_an_item_due_shortly_rides_along() -> None:
    soon = refresh("b", connection="w", coalesce_within=timedelta(minutes=20))
    state = recorded(b=Record(last_success=NOON - hours(5.9)))
    planned = plan(desired(refresh("a", connection="w"), soon), state, NOON)
    assert len(only_refresh(planned).covers) == 2


def test_an_item_due_later_does_not_ride_along_and_ends_the_plan_when_it_would() -> None:
    later = refresh("b", connection="w", coalesce_within=timedelta(minutes=20))
    state = recorded(b=Record(last_success=NOON - hours(5)))
    planned = plan(desired(refresh("a", connection="w"), later), state, NOON)
    assert len(only_refresh(planned).covers) == 1
    assert planned.valid_until == NOON + timedelta(minutes=40)


@pytest.mark.fault("A14", "N19")
def test_a_running_job_is_awaited_and_not_started_again() -> None:
    planned = plan(desired(refresh("a")), recorded(a=RUNNING), NOON)
    (action,) = planned.actions
    assert isinstance(action, Await)
    assert action.job_id == "job"


def test_the_legacy_api_gets_neither_query_nor_job() -> None:
    files = desired(refresh("a"), generation=Generation.LEGACY)
    request = only_refresh(plan(files, NEVER, NOON)).request
    assert (request.path[:14], request.query) == ("/api/v0/model/", ())


def test_the_standing_of_what_rides_along_says_so() -> None:
    soon = refresh("b", connection="w", coalesce_within=timedelta(minutes=20))
    state = recorded(b=Record(last_success=NOON - hours(5.9)))
    planned = plan(desired(refresh("a", connection="w"), soon), state, NOON)
    assert type(standing(planned, soon).reason).__name__ == "PulledForward"


def failing(times: int) -> Record:
    return Record(failures=times, last_failure=Failure(NOON - hours(9), "404"))


def test_who_failed_least_carries_the_call() -> None:  # F5
    files = desired(refresh("a", connection="w"), refresh("b", connection="w"))
    assert only_refresh(plan(files, NEVER, NOON)).model_id == model_id("a")
    call = only_refresh(plan(files, recorded(a=failing(2), b=failing(1)), NOON))
    assert call.model_id == model_id("b")
    assert call.request.path == f"/api/v1/models/{model_id('b')}/refresh"


def test_the_carrier_does_not_depend_on_what_a_model_is_called() -> None:  # F5
    one, two = refresh("a", connection="w"), refresh("b", connection="w")
    swapped = replace(one, address=two.address), replace(two, address=one.address)
    calls = [only_refresh(plan(desired(*items), NEVER, NOON)) for items in ((one, two), swapped)]
    assert calls[0].request == calls[1].request


def test_members_are_told_in_the_order_of_what_is_covered() -> None:  # F5
    call = only_refresh(plan(desired(*(refresh(n, **SOFT) for n in "cab")), NEVER, NOON))
    assert tuple(member.coverage for member in call.members) == call.covers


def test_without_who_is_blamed_the_call_goes_through_another_and_asks_for_less() -> None:  # F5
    hard, soft = refresh("a", connection="warehouse"), refresh("b", schemas=("x",), **SOFT)
    whole = only_refresh(plan(desired(hard, soft), NEVER, NOON))
    left = without_blamed(whole, {hard.address})
    assert left is not None
    assert left == only_refresh(plan(desired(soft), NEVER, NOON))
    assert without_blamed(whole, {hard.address, soft.address}) is None


def test_a_call_for_one_model_has_no_carrier_to_remember() -> None:  # F10
    files = desired(refresh("a", connection="w"), refresh("b", connection="w"))
    assert carrier_of(only_refresh(plan(desired(refresh("a")), NEVER, NOON))) is None
    carrier = Carrier(model_id("a"), "connection w")
    assert carrier_of(only_refresh(plan(files, NEVER, NOON))) == carrier
