"""When an item is due, form by form."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconcile.model.desired import (
    AfterRefresh,
    Cron,
    Freeze,
    FrozenSpan,
    Mode,
    OnChange,
    RefreshItem,
    ResetAt,
    WhenChanged,
)
from reconcile.model.plan import Choice, Refresh, ResetCache
from reconcile.model.reason import (
    DeadlineMissed,
    SlotPassed,
    StampWouldGoBack,
    Status,
    WaitsForNextSlot,
)
from reconcile.model.recorded import Record
from reconcile.model.struct import replace
from reconcile.planning.item import overdue
from reconcile.planning.plan import plan
from tests.planning.making import (
    HOURS_6,
    NOON,
    SIX,
    carried_out,
    desired,
    hours,
    of,
    recorded,
    refresh,
    reset,
    standing,
    the_reset,
)

NEVER = of({})
SIX_TODAY = NOON - hours(6)


def test_an_interval_item_that_never_ran_is_due_at_once() -> None:
    item = refresh("sales")
    assert standing(plan(desired(item), NEVER, NOON), item).status is Status.DUE


def test_an_interval_item_is_covered_until_its_interval_is_over() -> None:
    item = refresh("sales")
    state = recorded(sales=Record(last_success=NOON - hours(6) + timedelta(seconds=1)))
    found = standing(plan(desired(item), state, NOON), item)
    assert (found.status, found.next_slot) == (Status.COVERED, NOON + timedelta(seconds=1))


def test_an_interval_item_is_due_when_its_interval_is_exactly_over() -> None:
    item = refresh("sales")
    state = recorded(sales=Record(last_success=NOON - hours(6)))
    assert standing(plan(desired(item), state, NOON), item).newest_slot == NOON


def test_missed_intervals_collapse_to_the_newest_and_are_counted() -> None:
    item = refresh("sales")
    state = recorded(sales=Record(last_success=NOON - hours(20)))
    found = standing(plan(desired(item), state, NOON), item)
    assert (found.newest_slot, found.missed) == (NOON - hours(2), 2)


def test_a_reset_is_stamped_with_its_slot_and_never_with_now() -> None:
    planned = plan(desired(reset("sales")), NEVER, NOON)
    assert the_reset(planned).request.body == {"resetAt": "2026-11-22T06:00:00Z"}


def test_a_reset_by_interval_reaches_no_further_than_an_interval_from_its_stamp() -> None:  # F3
    """The clock was two days behind when it was planned, and right when it was sent."""
    item = reset("sales", HOURS_6)
    sent = Record(last_success=NOON - hours(1), stamp=NOON - hours(49))
    planned = plan(desired(item), of({item.address: sent}), NOON)
    assert the_reset(planned).covers[0].stamp == NOON - hours(1)
    assert overdue(desired(item), of({item.address: sent}), planned) == {
        item.address: NOON - hours(37)
    }


def test_a_first_interval_reset_is_stamped_with_the_instant_of_the_plan() -> None:
    planned = plan(desired(reset("sales", refresh("x").timing.cadence)), NEVER, NOON)
    assert the_reset(planned).request.body == {"resetAt": "2026-11-22T12:00:00Z"}


def test_a_missed_slot_is_made_up_once() -> None:
    files = desired(reset("sales"))
    after = carried_out(plan(files, NEVER, NOON), NEVER)
    assert plan(files, after, NOON + hours(1)).actions == ()


def test_missed_wall_clock_slots_are_counted_exactly() -> None:
    item = reset("sales", Cron("0 * * * *"))
    state = of({item.address: Record(stamp=NOON - hours(5), covered_slot=NOON - hours(5))})
    found = standing(plan(desired(item), state, NOON), item)
    assert found.reason == SlotPassed(NOON, 4)


def test_a_refresh_sent_after_its_slot_covers_it_whatever_it_was_meant_for() -> None:
    item = refresh("sales", SIX)
    state = recorded(sales=Record(last_success=SIX_TODAY + hours(1)))
    assert standing(plan(desired(item), state, NOON), item).status is Status.COVERED


def test_a_one_off_waits_while_it_lies_in_the_future() -> None:
    item = reset("close", ResetAt(NOON + hours(1)))
    found = standing(plan(desired(item), NEVER, NOON), item)
    assert (found.status, found.until) == (Status.DEFERRED, NOON + hours(1))


def test_a_one_off_never_moves_a_stamp_backwards() -> None:
    item = reset("close", ResetAt(NOON - hours(2)))
    state = of({item.address: Record(stamp=NOON - hours(1), last_success=NOON)})
    found = standing(plan(desired(item), state, NOON), item)
    assert found.reason == StampWouldGoBack(NOON - hours(2), NOON - hours(1))


def test_force_moves_a_stamp_backwards() -> None:
    item = reset("close", ResetAt(NOON - hours(2)))
    state = of({item.address: Record(stamp=NOON - hours(1), last_success=NOON)})
    planned = plan(desired(item), state, NOON, Choice(force=frozenset({item.address})))
    assert the_reset(planned).request.body == {"resetAt": "2026-11-22T10:00:00Z"}


def test_a_slot_older_than_its_deadline_is_not_run_and_is_noted_as_missed() -> None:
    item = refresh("sales", SIX, deadline=hours(6))
    planned = plan(desired(item), NEVER, NOON)
    assert planned.missed == ((item.address, SIX_TODAY),)
    assert standing(planned, item).reason == DeadlineMissed(SIX_TODAY, hours(6))


def test_a_slot_within_its_deadline_is_run() -> None:
    item = refresh("sales", SIX, deadline=hours(7))
    assert standing(plan(desired(item), NEVER, NOON), item).status is Status.DUE


def test_a_new_item_told_to_wait_lets_the_passed_slot_go() -> None:
    item = refresh("sales", SIX, on_change=OnChange.NEXT)
    first = plan(desired(item), NEVER, NOON)
    assert standing(first, item).status is Status.DEFERRED
    assert standing(first, item).reason == WaitsForNextSlot(SIX_TODAY, SIX_TODAY + hours(24))
    later = plan(desired(item), carried_out(first, NEVER), NOON + hours(18))
    assert standing(later, item).status is Status.DUE


def test_an_edited_time_told_to_wait_lets_the_passed_slot_go() -> None:
    before = refresh("sales", SIX, on_change=OnChange.NEXT)
    state = carried_out(plan(desired(before), NEVER, NOON), NEVER)
    state = carried_out(plan(desired(before), state, SIX_TODAY + hours(24)), state)
    edited = refresh("sales", Cron("30 11 * * *"), on_change=OnChange.NEXT)
    stands = standing(plan(desired(edited), state, NOON + hours(24)), edited)
    assert stands.status is Status.DEFERRED
    assert stands.reason == WaitsForNextSlot(NOON + hours(23.5))


def test_an_edited_time_runs_at_once_by_default() -> None:
    before = refresh("sales", SIX)
    state = carried_out(plan(desired(before), NEVER, SIX_TODAY), NEVER)
    edited = refresh("sales", Cron("30 11 * * *"))
    assert standing(plan(desired(edited), state, NOON), edited).status is Status.DUE


def test_another_model_under_the_same_name_is_not_covered_by_the_first() -> None:
    item = refresh("sales")
    state = carried_out(plan(desired(item), NEVER, NOON), NEVER)
    other = replace(item, model_id="11111111-1111-4111-8111-111111111111")
    assert standing(plan(desired(other), state, NOON), other).status is Status.DUE


@pytest.mark.parametrize(("content", "status"), [("old", Status.COVERED), ("new", Status.DUE)])
def test_watched_files_make_an_item_due_when_their_content_changes(
    content: str, status: Status
) -> None:
    item = refresh("sales", WhenChanged(("run_results.json",), content))
    state = recorded(sales=Record(content="old", last_success=NOON))
    assert standing(plan(desired(item), state, NOON), item).status is status


def test_watched_files_that_do_not_exist_yet_defer() -> None:
    item = refresh("sales", WhenChanged(("a.json",), None, missing=("a.json",)))
    assert standing(plan(desired(item), NEVER, NOON), item).status is Status.DEFERRED


def test_watched_files_told_to_wait_take_what_they_first_saw_as_done() -> None:
    item = refresh("sales", WhenChanged(("a",), "first"), on_change=OnChange.NEXT)
    state = carried_out(plan(desired(item), NEVER, NOON), NEVER)
    changed = refresh("sales", WhenChanged(("a",), "second"), on_change=OnChange.NEXT)
    assert standing(plan(desired(item), state, NOON), item).status is Status.DEFERRED
    assert standing(plan(desired(changed), state, NOON), changed).status is Status.DUE


def watching(content: str, *, paths: tuple[str, ...] = ("a",), **more: Any) -> RefreshItem:
    return refresh("sales", WhenChanged(paths, content), on_change=OnChange.NEXT, **more)


def test_an_edit_of_something_else_does_not_forget_a_change_that_was_put_off() -> None:
    state = carried_out(plan(desired(watching("first")), NEVER, NOON), NEVER)
    edited = watching("second", mode=Mode.SOFT)
    close = Freeze("close", ("*",), FrozenSpan(NOON, NOON + hours(2)))
    frozen = plan(desired(edited, freezes=(close,)), state, NOON + hours(1))
    assert standing(frozen, edited).status is Status.DEFERRED
    later = plan(desired(edited), carried_out(frozen, state), NOON + hours(2))
    assert standing(later, edited).status is Status.DUE


def test_a_filter_put_right_after_a_refusal_is_tried_until_it_succeeds() -> None:
    state = carried_out(plan(desired(watching("first")), NEVER, NOON), NEVER)
    for hour, schema in enumerate(("analytcs", "analytics", "analytics"), 1):
        item = watching("second", mode=Mode.SOFT, schemas=(schema,))
        planned = plan(desired(item), state, NOON + hours(hour))
        assert standing(planned, item).status is Status.DUE
        state = carried_out(planned, state, fails=frozenset({item.address}))


def test_other_files_to_watch_are_taken_as_they_are_when_told_to_wait() -> None:
    state = carried_out(plan(desired(watching("first")), NEVER, NOON), NEVER)
    edited = watching("second", paths=("a", "b"))
    first = plan(desired(edited), state, NOON + hours(1))
    later = plan(desired(edited), carried_out(first, state), NOON + hours(2))
    assert standing(first, edited).status is standing(later, edited).status is Status.DEFERRED


def test_a_reset_without_a_time_follows_each_completion_of_its_refresh() -> None:
    first = refresh("ops")
    follower = reset("ops", AfterRefresh(first.address))
    state = of({first.address: Record(last_success=NOON, completed_at=NOON)})
    planned = plan(desired(first, follower), state, NOON + hours(1))
    assert the_reset(planned).request.body == {"resetAt": "2026-11-22T12:00:00Z"}


def test_a_reset_without_a_time_is_planned_with_the_refresh_it_follows() -> None:
    first = refresh("ops")
    follower = reset("ops", AfterRefresh(first.address))
    planned = plan(desired(first, follower), NEVER, NOON)
    kinds = [type(action) for action in planned.actions]
    assert kinds == [Refresh, ResetCache]
    assert the_reset(planned).waits_for == first.address


def test_an_instant_from_the_future_in_the_state_covers_nothing() -> None:  # F3
    item = refresh("sales")
    state = recorded(sales=Record(last_success=datetime(2099, 1, 1, tzinfo=UTC)))
    assert standing(plan(desired(item), state, NOON), item).status is Status.DUE


def test_an_interval_counts_from_the_apply_that_first_saw_it_at_that_very_instant() -> None:
    item = refresh("sales", HOURS_6, on_change=OnChange.NEXT)
    after = carried_out(plan(desired(item), of({}), NOON), of({}))
    again = plan(desired(item), after, NOON)
    assert again.valid_until == standing(again, item).next_slot == NOON + hours(6)
