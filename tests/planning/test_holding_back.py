"""What may hold a due item back, and for how long."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.address import Address
from reconcile.model.desired import Cadence, Freeze, FrozenSpan, Pause, ResetItem, WhenChanged
from reconcile.model.journal import Doubted, Marked, Numbered
from reconcile.model.plan import Choice
from reconcile.model.reason import BlockedBy, Forced, FrozenBy, MarkedDue, OutcomeUnknown, Status
from reconcile.model.recorded import Coverage, Failure, Pending, Record, Recorded
from reconcile.model.struct import replace
from reconcile.planning.budget import addresses
from reconcile.planning.item import LONGEST_DELAY, backoff
from reconcile.planning.plan import plan
from reconcile.planning.record import identity_of
from reconcile.planning.replay import replay
from tests.planning.making import (
    HOURS_6,
    NOON,
    SIX,
    Fate,
    carried_out,
    desired,
    hours,
    of,
    only_refresh,
    recorded,
    refresh,
    reset,
    standing,
    the_reset,
)
from tests.render.plans import plan_text

NEVER = of({})
FAILED_ONCE = Record(failures=1, last_failure=Failure(NOON, "no"))


def doubtful(item_address: Address, slot_hours_ago: float = 6) -> Record:
    coverage = Coverage(item_address, NOON - hours(slot_hours_ago), NOON - hours(slot_hours_ago))
    return Record(pending=Pending("op", "reset", NOON - hours(5), coverage, accepted=False))


def test_a_pause_defers_until_it_ends_by_itself() -> None:
    item = refresh("sales", pause=Pause(NOON + hours(1), "migration"))
    found = standing(plan(desired(item), NEVER, NOON), item)
    assert (found.status, found.until) == (Status.PAUSED, NOON + hours(1))
    assert standing(plan(desired(item), NEVER, NOON + hours(1)), item).status is Status.DUE


def test_a_freeze_defers_what_it_matches_and_nothing_else() -> None:
    freeze = Freeze("close", ("models.a.*",), FrozenSpan(NOON, NOON + hours(2)))
    frozen, free = refresh("a"), refresh("b")
    planned = plan(desired(frozen, free, freezes=(freeze,)), NEVER, NOON)
    assert standing(planned, frozen).reason == FrozenBy("close", NOON + hours(2))
    assert standing(planned, free).status is Status.DUE


def test_a_slot_that_falls_in_a_freeze_is_made_up_after_it() -> None:
    freeze = Freeze("close", ("*",), FrozenSpan(NOON - hours(7), NOON))
    item = reset("sales", SIX)
    state = of({item.address: Record(stamp=NOON - hours(30))})
    found = standing(plan(desired(item, freezes=(freeze,)), state, NOON), item)
    assert (found.status, found.newest_slot) == (Status.DUE, NOON - hours(6))


def test_a_failed_item_waits_and_then_goes_again() -> None:
    item = refresh("sales")
    wait = backoff(identity_of(item), 1)
    state = recorded(sales=FAILED_ONCE)
    early = standing(plan(desired(item), state, NOON), item)
    assert (early.status, early.until) == (Status.BACKING_OFF, NOON + wait)
    assert standing(plan(desired(item), state, NOON + wait), item).status is Status.DUE


def test_backoff_grows_and_is_capped() -> None:
    delays = [backoff("sales", failures) for failures in range(1, 40)]
    assert delays[0] < delays[2] < delays[4]
    assert max(delays) <= LONGEST_DELAY


def test_items_that_failed_together_do_not_return_together() -> None:
    assert len({backoff(f"m{n}", 3) for n in range(50)}) > 25


def test_too_many_failures_in_a_row_hold_an_item() -> None:
    item = refresh("sales", hold_after=3)
    state = recorded(sales=Record(failures=3, last_failure=Failure(NOON - hours(99), "no")))
    assert standing(plan(desired(item), state, NOON), item).status is Status.HELD


def test_a_changed_declaration_releases_a_held_item() -> None:
    item = refresh("sales", hold_after=1)
    files = desired(item)
    broken = carried_out(plan(files, NEVER, NOON), NEVER, fails=frozenset({item.address}))
    edited = desired(refresh("sales", hold_after=1, schemas=("a",)))
    released = carried_out(plan(edited, broken, NOON), broken)
    assert released.items[item.address].failures == 0


def test_an_edit_releases_a_held_item_in_the_very_next_plan() -> None:
    item = refresh("sales", hold_after=1)
    files = desired(item)
    broken = carried_out(plan(files, NEVER, NOON), NEVER, fails=frozenset({item.address}))
    edited = refresh("sales", hold_after=1, schemas=("a",))
    assert standing(plan(desired(edited), broken, NOON), edited).status is Status.DUE


def test_a_freeze_that_starts_while_another_holds_is_one_with_it() -> None:
    first = Freeze("first", ("*",), FrozenSpan(NOON + hours(1), NOON + hours(3)))
    second = Freeze("second", ("*",), FrozenSpan(NOON, NOON + hours(2)))
    item = refresh("sales")
    planned = plan(desired(item, freezes=(first, second)), NEVER, NOON)
    assert planned.valid_until == NOON + hours(3)


def test_one_failing_item_does_not_stop_another() -> None:
    bad, good = refresh("bad"), refresh("good")
    planned = plan(desired(bad, good), recorded(bad=FAILED_ONCE), NOON)
    assert only_refresh(planned).covers[0].address == good.address


def test_a_reset_stays_blocked_while_the_refresh_before_it_backs_off() -> None:
    first = refresh("sales")
    second = reset("sales", SIX, after=first.address)
    planned = plan(desired(first, second), recorded(sales=FAILED_ONCE), NOON)
    found = standing(planned, second)
    assert (found.status, type(found.reason)) == (Status.BLOCKED, BlockedBy)
    assert planned.actions == ()


def test_a_reset_with_a_time_does_not_wait_for_a_refresh_that_is_not_due() -> None:
    first = refresh("sales")
    second = reset("sales", SIX, after=first.address)
    planned = plan(desired(first, second), recorded(sales=Record(last_success=NOON)), NOON)
    assert the_reset(planned).waits_for is None


def test_a_reset_is_not_sent_before_a_due_refresh_that_was_not_selected() -> None:
    first = refresh("sales")
    second = reset("sales", SIX, after=first.address)
    planned = plan(desired(first, second), NEVER, NOON, Choice(select=("*.cache.*",)))
    assert planned.actions == ()


@given(st.text('[]!*?a-\\"', min_size=1, max_size=6))
def test_an_address_selects_and_excludes_itself_whatever_its_name_holds(name: str) -> None:
    named, other = refresh(name), refresh("z")
    for glob, left in ((named.address, {named.address}), (f"!{named.address}", {other.address})):
        planned = plan(desired(named, other), NEVER, NOON, Choice(select=(glob,)))
        assert set(addresses(planned.actions)) == left


@pytest.mark.fault("N04", "N05", "P01")
def test_a_reset_in_doubt_is_sent_again_with_the_same_stamp() -> None:
    item = reset("sales")
    state = of({item.address: doubtful(item.address)})
    planned = plan(desired(item), state, NOON)
    assert the_reset(planned).covers[0].stamp == NOON - hours(6)
    assert the_reset(planned).reasons == (OutcomeUnknown(NOON - hours(5)),)


def test_a_newer_slot_takes_the_place_of_one_in_doubt() -> None:
    item = reset("sales")
    state = of({item.address: doubtful(item.address, slot_hours_ago=30)})
    assert the_reset(plan(desired(item), state, NOON)).covers[0].stamp == NOON - hours(6)


def first_in_doubt(item: ResetItem) -> Recorded:
    """The first run of a reset whose stamp is only the instant at which it was planned."""
    return carried_out(plan(desired(item), NEVER, NOON), NEVER, fates={item.address: "cut off"})


@pytest.mark.parametrize("cadence", [HOURS_6, WhenChanged(("run.json",), "hash")])
def test_a_first_reset_in_doubt_is_sent_again_with_the_same_stamp(cadence: Cadence) -> None:
    item = reset("sales", cadence)
    again = plan(desired(item), first_in_doubt(item), NOON + hours(5))
    assert the_reset(again).covers[0].stamp == NOON


def test_a_first_reset_in_doubt_is_stamped_with_the_newest_interval_since() -> None:
    item, later = reset("sales", HOURS_6), NOON + hours(20)
    state, files = first_in_doubt(item), desired(item)
    assert the_reset(again := plan(files, state, later)).covers[0].stamp == NOON + hours(18)
    assert plan(files, carried_out(again, state), later).actions == ()


def test_content_that_changed_since_a_reset_in_doubt_is_reset_as_of_now() -> None:
    before, item = (reset("sales", WhenChanged(("run.json",), it)) for it in ("old", "new"))
    again = plan(desired(item), first_in_doubt(before), NOON + hours(5))
    assert the_reset(again).covers[0].stamp == NOON + hours(5)


def test_an_item_in_doubt_is_held_if_the_operator_says_so() -> None:
    item = reset("sales")
    state = of({item.address: doubtful(item.address)})
    planned = plan(desired(item), state, NOON, Choice(hold_unknown=True))
    assert standing(planned, item).status is Status.HELD


def test_force_passes_a_pause_a_freeze_and_a_backoff() -> None:
    item = refresh("sales", pause=Pause(None, "later"))
    freeze = Freeze("all", ("*",), FrozenSpan(NOON, NOON + hours(1)))
    planned = plan(
        desired(item, freezes=(freeze,)),
        recorded(sales=FAILED_ONCE),
        NOON,
        Choice(force=frozenset({item.address})),
    )
    assert len(planned.actions) == 1


def doubted(times: int, **more: Any) -> Record:
    """A call of five hours ago that is in doubt, the last doubt of several just now."""
    known = doubtful(reset("sales").address)
    return replace(known, doubts=times, last_doubt=Failure(NOON, "no reply"), **more)


def test_an_unknown_outcome_backs_off_and_goes_again_with_the_same_stamp() -> None:  # F7
    item, state = reset("sales"), of({reset("sales").address: doubted(3)})
    waits = standing(plan(desired(item), state, NOON), item)
    assert isinstance(waits.reason, OutcomeUnknown)
    assert (waits.status, waits.until) == (Status.BACKING_OFF, waits.reason.retry_at)
    assert waits.until == NOON + backoff("op", 3)
    again = the_reset(plan(desired(item), state, waits.until))
    assert again.covers[0].stamp == NOON - hours(6)


def test_a_doubt_whose_wait_is_over_names_no_moment_that_has_passed() -> None:
    item = reset("sales")
    late = plan(desired(item), of({item.address: doubted(1)}), NOON + hours(1))
    (line,) = re.findall("Next: .*", plan_text(late, width=120, colour=False))
    assert "ago" not in line


def test_unknown_outcomes_are_never_held_and_wait_an_hour_at_most() -> None:  # F7
    item = reset("sales", hold_after=1)
    state = of({item.address: doubted(500)})
    assert standing(plan(desired(item), state, NOON), item).status is Status.BACKING_OFF
    assert the_reset(plan(desired(item), state, NOON + LONGEST_DELAY)).covers[0].slot is not None


def test_a_call_that_our_own_end_cut_off_goes_again_at_once() -> None:  # F7
    item = reset("sales")
    state = of({item.address: doubtful(item.address)})
    cut = Numbered(1, Doubted(NOON, "op", "stopped", cut_off=True))
    assert the_reset(plan(desired(item), replay(state, [cut]), NOON)).reasons == (
        OutcomeUnknown(NOON - hours(5)),
    )


def test_those_in_doubt_that_shared_a_call_are_sent_again_in_one() -> None:  # F7
    files, start = desired(*(refresh(name, connection="w") for name in "abc")), of({})
    fates: dict[Address, Fate] = {refresh("a").address: "doubted"}
    state = carried_out(plan(files, start, NOON), start, fates=fates)
    waits = plan(files, state, NOON)
    assert (waits.actions, len({s.until for s in waits.standings})) == ((), 1)
    assert waits.valid_until is not None
    assert len(only_refresh(plan(files, state, waits.valid_until)).covers) == 3


def test_a_forced_refresh_in_doubt_is_made_still_after_an_hour_without_a_network() -> None:
    item = refresh("sales")
    files, ran = desired(item), of({item.address: Record(last_success=NOON)})
    forced = plan(files, ran, NOON, Choice(force=frozenset({item.address})))
    lost = carried_out(forced, ran, fates={item.address: "doubted"})
    away = carried_out(plan(files, lost, NOON + hours(1)), lost, fates={item.address: "not sent"})
    again = plan(files, away, NOON + hours(2))
    assert isinstance(only_refresh(again).reasons[0], OutcomeUnknown)


def test_what_follows_a_refresh_in_doubt_waits() -> None:  # F7
    first = refresh("sales")
    second = reset("sales", SIX, after=first.address)
    state = recorded(
        sales=replace(
            doubted(1),
            pending=Pending("op", "refresh", NOON, Coverage(first.address), accepted=False),
        )
    )
    assert standing(plan(desired(first, second), state, NOON), second).status is Status.BLOCKED


def test_force_and_a_mark_free_an_item_in_doubt() -> None:  # F7
    item = reset("sales")
    state = of({item.address: doubted(3)})
    forced = plan(desired(item), state, NOON, Choice(force=frozenset({item.address})))
    assert the_reset(forced).reasons == (Forced(),)
    marked = replay(state, [Numbered(1, Marked(NOON, item.address, None))])
    assert the_reset(plan(desired(item), marked, NOON)).reasons == (MarkedDue(NOON),)
