"""One call per connection and branch."""

from datetime import time, timedelta
from typing import Any

import pytest

from reconcile.model.desired import At, Every, Freeze, FrozenSpan, Generation, Mode, RefreshItem
from reconcile.model.plan import Await, Choice, Refresh
from reconcile.model.reason import CarrierLeft
from reconcile.model.recorded import Carrier, Coverage, Failure, Pending, Record, Recorded
from reconcile.model.struct import replace
from reconcile.planning.plan import plan
from reconcile.planning.record import declaration
from reconcile.planning.requests import carrier_of, without_blamed
from tests.planning.making import (
    NOON,
    carried_out,
    desired,
    hours,
    model_id,
    of,
    only_refresh,
    recorded,
    refresh,
    standing,
)
from tests.render.plans import plan_text

NEVER = of({})
SOFT: dict[str, Any] = {"mode": Mode.SOFT, "connection": "warehouse"}
RUNNING = Record(
    pending=Pending(
        "op",
        "refresh",
        NOON - hours(1),
        Coverage(refresh("a").address),
        job_id="job",
        accepted=True,
    )
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


def test_a_freeze_keeps_an_item_from_riding_along_until_it_ends() -> None:
    soon = refresh("b", connection="w", coalesce_within=timedelta(minutes=20))
    state = recorded(b=Record(last_success=NOON - hours(5.9)))
    freeze = Freeze("close", (soon.address,), FrozenSpan(NOON - hours(1), NOON + hours(0.05)))
    files = replace(desired(refresh("a", connection="w"), soon), freezes=(freeze,))
    planned = plan(files, state, NOON)
    assert [c.address for c in only_refresh(planned).covers] == ["models.a.refresh"]
    assert planned.valid_until == NOON + hours(0.05)


def test_a_slot_that_was_made_up_by_riding_along_is_not_made_up_again() -> None:
    often = refresh("a", Every(hours(0.25)), connection="w")
    rides = refresh("b", At((time(12, 30),)), connection="w", coalesce_within=hours(0.5))
    files, state = desired(often, rides), NEVER
    for at in (NOON - hours(1), NOON):
        state = carried_out(plan(files, state, at), state)
    planned = plan(files, state, NOON + hours(0.25))
    assert [c.address for c in only_refresh(planned).covers] == ["models.a.refresh"]
    assert standing(planned, rides).next_slot == NOON + hours(24.5)


@pytest.mark.fault("A14", "N19")
def test_a_running_job_is_awaited_and_not_started_again() -> None:
    planned = plan(desired(refresh("a")), recorded(a=RUNNING), NOON)
    (action,) = planned.actions
    assert isinstance(action, Await)
    assert action.job_id == "job"


@pytest.mark.parametrize(
    ("place", "kinds"), [("w", ["await", "refresh"]), ("elsewhere", ["refresh"])]
)
def test_a_call_waits_for_a_job_on_its_connection_whoever_is_selected(
    place: str, kinds: list[str]
) -> None:
    files = desired(refresh("a", connection="w"), refresh("b", connection=place))
    planned = plan(files, recorded(a=RUNNING), NOON, Choice(select=("models.b.*",)))
    assert [action.kind for action in planned.actions] == kinds
    text = plan_text(planned, width=200, colour=False)
    assert ("what is called on its connection waits for it" in text) == (place == "w")


def test_a_job_that_no_selected_call_waits_for_is_left_alone() -> None:
    files = desired(refresh("a", connection="w"), refresh("b", connection="w"))
    state = recorded(a=RUNNING, b=Record(last_success=NOON - hours(1)))
    assert plan(files, state, NOON, Choice(select=("models.b.*",))).actions == ()


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


def merged_once(*items: RefreshItem) -> Recorded:
    """Apply files once: model a, which comes first, carries the call of its connection."""
    return carried_out(plan(desired(*items), NEVER, NOON), NEVER)


A, B = refresh("a", connection="w"), refresh("b", connection="w")
LAKE = "5d0f7a52-64b3-4c1c-9d0e-2f6a51a3b7c4"
GONE = Failure(NOON, "404")


def test_what_another_model_carried_is_due_once_they_share_no_connection() -> None:  # F10
    moved = replace(B, connection="other")
    planned = plan(desired(A, moved), merged_once(A, B), NOON + hours(1))
    call = only_refresh(planned)
    assert [c.address for c in call.covers] == [B.address]
    assert call.reasons == (CarrierLeft(A.model_id, NOON),)


def test_who_carried_the_call_stays_covered_wherever_it_goes() -> None:  # F10
    moved = replace(A, connection="other")
    call = only_refresh(plan(desired(moved, B), merged_once(A, B), NOON + hours(1)))
    assert [c.address for c in call.covers] == [B.address]


def test_a_new_label_for_a_whole_connection_changes_nothing() -> None:  # F10
    both = [replace(item, connection="other") for item in (A, B)]
    assert plan(desired(*both), merged_once(A, B), NOON + hours(1)).actions == ()


def test_what_a_live_look_found_to_share_a_connection_stays_covered_without_one() -> None:
    files = refresh("a"), refresh("b")
    seen = [replace(item, lives_on="w") for item in files]
    state = merged_once(*seen)
    assert plan(desired(*files), state, NOON + hours(1)).actions == ()
    assert plan(desired(*seen), state, NOON + hours(1)).actions == ()
    moved = [seen[0], replace(seen[1], lives_on="other")]
    assert len(plan(desired(*moved), state, NOON + hours(1)).actions) == 1


def test_a_carrier_that_is_declared_nowhere_counts_while_the_label_stays() -> None:  # F10
    state = merged_once(A, B)
    state = of({B.address: state.items[B.address]})
    assert plan(desired(B), state, NOON + hours(1)).actions == ()
    moved = replace(B, connection="other")
    assert len(only_refresh(plan(desired(moved), state, NOON + hours(1))).covers) == 1


def test_a_carrier_recorded_with_another_spelling_of_the_connection_counts() -> None:
    state = merged_once(*(replace(item, connection=LAKE.upper()) for item in (A, B)))
    state = of({B.address: state.items[B.address]})
    assert plan(desired(replace(B, connection=LAKE)), state, NOON + hours(1)).actions == ()


def test_another_spelling_of_the_connection_frees_nothing_that_is_held() -> None:
    was = replace(A, connection=LAKE.upper())
    held = Record(declared=declaration(was), since=NOON, failures=9, last_failure=GONE)
    planned = plan(desired(replace(A, connection=LAKE)), of({A.address: held}), NOON + hours(99))
    assert (planned.actions, planned.noted) == ((), {})


def test_a_call_of_its_own_ends_the_matter() -> None:  # F10
    moved = replace(B, connection="other")
    state = merged_once(A, B)
    state = carried_out(plan(desired(A, moved), state, NOON), state)
    assert plan(desired(A, moved), state, NOON + hours(1)).actions == ()


def test_a_plan_says_because_of_whom_a_call_is_hard_and_what_it_is_narrowed_to() -> None:  # F4
    soft = [
        refresh("b", schemas=("analytics",), **SOFT),
        refresh("c", tables=("public.orders",), **SOFT),
    ]
    text = plan_text(plan(desired(*soft), NEVER, NOON), width=200, colour=False)
    assert "only schemas analytics, public" in text
    hard = plan(desired(refresh("a", connection="warehouse"), *soft), NEVER, NOON)
    assert "hard because of models.a.refresh" in plan_text(hard, width=200, colour=False)


APART: dict[str, Any] = {"connection": "warehouse", "merges": False}


def test_a_connection_that_does_not_merge_has_a_call_for_each_and_one_job_at_a_time() -> None:
    files = desired(*(refresh(name, coalesce_within=hours(9), **APART) for name in "abc"))
    planned = plan(files, recorded(a=Record(last_success=NOON - hours(1))), NOON)
    calls = [action for action in planned.actions if isinstance(action, Refresh)]
    assert [(len(call.covers), call.group) for call in calls] == [(1, "connection warehouse")] * 2
    assert {call.model_id for call in calls} == {model_id("b"), model_id("c")}


def test_what_was_covered_by_anothers_call_is_due_once_the_connection_does_not_merge() -> None:
    carried = Record(last_success=NOON, carrier=Carrier(model_id("a"), "connection warehouse"))
    records = recorded(a=Record(last_success=NOON), b=carried)
    names = ("a", "b")
    merged = desired(*(refresh(name, connection="warehouse") for name in names))
    apart = desired(*(refresh(name, **APART) for name in names))
    assert plan(merged, records, NOON).actions == ()
    assert only_refresh(plan(apart, records, NOON)).model_id == model_id("b")
