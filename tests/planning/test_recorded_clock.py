"""What a run under a clock that was ahead left in a record covers nothing and delays nothing."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.desired import Desired, Every, OnChange
from reconcile.model.journal import ClockMended, Numbered, Redated
from reconcile.model.plan import Await, Choice, Plan
from reconcile.model.reason import Status
from reconcile.model.recorded import (
    Coverage,
    Failure,
    Look,
    Pending,
    Record,
    Recorded,
    Unseen,
)
from reconcile.model.struct import replace
from reconcile.planning.plan import plan
from reconcile.planning.record import TOLERANCE, believed, believed_of
from reconcile.planning.replay import replay
from tests.planning.making import (
    FATES,
    NOON,
    SIX,
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
from tests.planning.worlds import worlds
from tests.strategies import few_addresses, records

World = tuple[Desired, Recorded]
AHEAD = st.sampled_from([timedelta(minutes=11), *map(timedelta, (2, 400, 9000))])
SALES = refresh("sales").address


def meaning(planned: Plan) -> object:
    return planned.digest, planned.standings, planned.noted


def without_the_future(record: Record, clock: datetime) -> Record:
    """Say in other words what is to be believed: each instant alone, none of the future."""
    limit = clock + TOLERANCE
    ran = record.last_success is None or record.last_success <= limit
    pending, unseen = record.pending, record.unseen
    if pending is not None:
        stamp, slot = pending.coverage.stamp, pending.coverage.slot
        early = limit + hours(1)  # As far as the drawn items may be pulled forward.
        known = replace(pending.coverage, slot=past(slot, early))
        kept = replace(pending, since=min(pending.since, clock), coverage=known)
        pending = None if stamp is not None and stamp > limit else kept
    if unseen is not None:
        at = unseen.at if unseen.at <= limit else unseen.call.since
        unseen = None if unseen.call.since > limit else replace(unseen, at=at)
    failed = record.last_failure is not None and record.last_failure.at <= limit
    doubted = record.last_doubt is not None and record.last_doubt.at <= limit
    return replace(
        record,
        since=past(record.since, limit),
        last_success=past(record.last_success, limit),
        completed_at=past(record.completed_at, limit),
        covered_slot=record.covered_slot if ran else None,
        stamp=past(record.stamp, limit),
        content=record.content if ran else None,
        carrier=record.carrier if ran else None,
        consumed=record.consumed if ran else (),
        missed_slot=past(record.missed_slot, limit),
        failures=record.failures if failed else 0,
        last_failure=record.last_failure if failed else None,
        doubts=record.doubts if doubted else 0,
        last_doubt=record.last_doubt if doubted else None,
        pending=pending,
        unseen=unseen,
    )


def past(instant: datetime | None, limit: datetime) -> datetime | None:
    return None if instant is None or instant > limit else instant


@given(worlds(), AHEAD, st.data())
def test_a_clock_that_was_ahead_plans_as_if_its_instants_were_unknown(  # F3
    world: World, ahead: timedelta, data: st.DataObject
) -> None:
    files, state = world
    planned = plan(files, state, NOON + ahead)
    addresses = st.sampled_from([item.address for item in files.items])
    fates = data.draw(st.dictionaries(addresses, st.sampled_from(FATES)))
    state = carried_out(planned, state, fates=fates)
    unknown = replace(state, items={a: without_the_future(r, NOON) for a, r in state.items.items()})
    assert meaning(plan(files, state, NOON)) == meaning(plan(files, unknown, NOON))


@given(worlds(), AHEAD)
def test_once_mended_the_plan_is_what_it_was_before(world: World, ahead: timedelta) -> None:  # F3
    files, state = world
    state = carried_out(plan(files, state, NOON + ahead), state)
    mended = replay(state, [Numbered(state.sequence + 1, ClockMended(NOON))])
    assert believed_of(mended, NOON).newest is None
    assert meaning(plan(files, mended, NOON)) == meaning(plan(files, state, NOON))


@given(worlds(), AHEAD)
def test_nothing_changes_before_the_plan_says(world: World, ahead: timedelta) -> None:  # F3
    files, state = world
    state = carried_out(plan(files, state, NOON + ahead), state)
    planned = plan(files, state, NOON)
    assert planned.valid_until is None or planned.valid_until > NOON
    if planned.valid_until is not None:
        before = planned.valid_until - timedelta(microseconds=1)
        assert meaning(plan(files, state, before)) == meaning(planned)


@given(records(few_addresses), st.datetimes().map(lambda at: at.replace(tzinfo=NOON.tzinfo)))
def test_believing_twice_is_believing_once(record: Record, clock: datetime) -> None:  # F3
    clock = min(clock, datetime.max.replace(tzinfo=NOON.tzinfo) - hours(1))
    once = believed(record, clock)
    assert believed(once, clock) == once


@pytest.mark.parametrize("days", [2, 400, 9000])
def test_a_run_under_a_clock_ahead_leaves_an_interval_due(days: int) -> None:  # F3
    files, start = desired(refresh("sales")), of({})
    state = carried_out(plan(files, start, NOON - hours(7)), start)
    state = carried_out(plan(files, state, NOON + timedelta(days)), state)
    planned = plan(files, state, NOON)
    assert only_refresh(planned).covers[0].address == SALES
    assert planned.clock_went_back == NOON + timedelta(days)


@pytest.mark.parametrize("days", [2, 400, 9000])
def test_a_failure_under_a_clock_ahead_delays_nothing(days: int) -> None:  # F3
    ahead = NOON + timedelta(days)
    item, slot = reset("sales"), (ahead).replace(hour=6)
    doubt = Pending("op", "reset", ahead, Coverage(item.address, slot, slot), accepted=False)
    late = Record(failures=9, last_failure=Failure(ahead, "future dated"), pending=doubt)
    planned = plan(desired(item), of({item.address: late}), NOON)
    assert the_reset(planned).covers[0].stamp == NOON - hours(6)


def test_an_instant_a_little_ahead_counts_as_now() -> None:  # F3
    state = recorded(sales=Record(last_success=NOON + TOLERANCE))
    planned = plan(desired(refresh("sales")), state, NOON)
    assert (planned.actions, planned.clock_went_back) == ((), None)
    assert planned.standings[0].next_slot == NOON + hours(6)


def test_what_was_to_be_a_moment_ago_is_history_all_the_same() -> None:  # F3
    state = recorded(sales=Record(last_success=NOON))
    planned = plan(desired(refresh("sales")), state, NOON - hours(9), clock=NOON)
    assert (planned.actions, planned.clock_went_back) == ((), None)


def test_a_look_into_the_future_believes_all_until_then() -> None:  # F3
    state = recorded(sales=Record(last_success=NOON + hours(9)))
    assert plan(desired(refresh("sales")), state, NOON + hours(10), clock=NOON).actions == ()


def test_a_job_begun_under_a_clock_ahead_is_awaited() -> None:  # F3
    look = Look(NOON + hours(99), "RUNNING")
    job = Pending(
        "op", "refresh", NOON + hours(99), Coverage(SALES), job_id="job", look=look, accepted=False
    )
    (action,) = plan(desired(refresh("sales")), recorded(sales=Record(pending=job)), NOON).actions
    assert isinstance(action, Await)
    assert action.since == NOON


def test_a_job_given_up_under_a_clock_ahead_holds_nothing_up() -> None:  # F3
    call = Pending(
        "op", "refresh", NOON + hours(99), Coverage(SALES, attempt=2), job_id="job", accepted=False
    )
    state = recorded(sales=Record(unseen=Unseen(NOON + hours(99), "404", call, forbidden=True)))
    assert plan(desired(refresh("sales")), state, NOON).actions != ()


def test_a_slot_pulled_forward_is_no_instant_of_the_future() -> None:  # F3
    first = refresh("a", Every(hours(1)), connection="w")
    soon = refresh("b", SIX, connection="w", coalesce_within=hours(12))
    files, start = desired(first, soon), of({})
    state = carried_out(plan(files, start, NOON - hours(2)), start)
    state = carried_out(plan(files, state, NOON + hours(6)), state)
    again = plan(files, state, NOON + hours(6))
    assert (again.actions, again.clock_went_back) == ((), None)
    assert standing(again, soon).status is Status.COVERED


def test_an_item_first_seen_under_a_clock_ahead_is_seen_anew() -> None:  # F3
    item = refresh("sales", on_change=OnChange.NEXT)
    start = of({})
    state = carried_out(plan(desired(item), start, NOON + hours(99)), start)
    planned = plan(desired(item), state, NOON)
    assert set(planned.noted) == {item.address}
    state = carried_out(planned, state)
    assert standing(plan(desired(item), state, NOON), item).next_slot == NOON + hours(6)


def test_a_choice_changes_nothing_of_what_is_believed() -> None:  # F3
    state = recorded(sales=Record(last_success=NOON + hours(99)))
    only = Choice(only=frozenset({SALES}))
    assert plan(desired(refresh("sales")), state, NOON, only).actions != ()


def test_a_clock_found_wrong_is_remembered_until_one_is_found_right() -> None:  # F3
    wrong = replay(of({}), [Numbered(1, Redated(NOON, ("one",), 172800.0))])
    assert wrong.clock_wrong_at == NOON
    assert replay(wrong, [Numbered(2, ClockMended(NOON))]).clock_wrong_at is None
