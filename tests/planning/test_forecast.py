"""A forecast says what the planner will say, instant after instant."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta

import pytest
from hypothesis import given

from reconcile.model.desired import (
    AfterRefresh,
    At,
    Cron,
    Desired,
    Freeze,
    FrozenSpan,
    Generation,
    Pause,
)
from reconcile.model.forecast import ExpectedCall
from reconcile.model.plan import Await, Plan, Refresh, ResetCache
from reconcile.model.reason import PausedUntil
from reconcile.model.recorded import Failure, Record, Recorded
from reconcile.model.struct import replace
from reconcile.planning.ahead import look_ahead, requests_by_minute
from reconcile.planning.budget import addresses
from reconcile.planning.forecast import first_call, forecast
from reconcile.planning.plan import plan
from tests.planning.making import (
    NOON,
    SIX,
    carried_out,
    desired,
    hours,
    of,
    recorded,
    refresh,
    reset,
)
from tests.planning.worlds import worlds
from tests.strategies import examples

World = tuple[Desired, Recorded]
MINUTE = timedelta(minutes=1)
DAY = hours(24)


def stepped(
    files: Desired, state: Recorded, span: timedelta, start: datetime = NOON
) -> list[ExpectedCall]:
    """Plan and apply each minute, and at odd seconds where a plan ends there: a tireless runner."""
    calls: list[ExpectedCall] = []
    now, end = start, start + span
    while now < end:
        for _ in range(2):  # What was awaited may have been sent too long ago.
            planned = plan(files, state, now)
            calls += planned_calls(planned)
            state = carried_out(planned, state)
        ends = plan(files, state, now).valid_until
        minute = now.replace(second=0, microsecond=0) + MINUTE
        now = minute if ends is None else min(minute, ends)
    return calls


def planned_calls(planned: Plan) -> list[ExpectedCall]:
    calls = [
        ExpectedCall(planned.now, action)
        for action in planned.actions
        if isinstance(action, Refresh | ResetCache)
    ]
    return sorted(calls, key=lambda call: min(addresses([call.action])))


def told(calls: Iterable[ExpectedCall]) -> list[object]:
    """What is sent and settled; not the reasons, which count slots that an apply let pass."""
    return [(call.at, call.action.covers, call.action.request) for call in calls]


def instants(calls: Iterable[ExpectedCall]) -> list[datetime]:
    return [call.at for call in calls]


@examples(25)
@given(worlds())
def test_a_forecast_agrees_with_planning_and_applying_every_minute(world: World) -> None:
    span = 240 * MINUTE
    assert told(forecast(*world, NOON, span).calls) == told(stepped(*world, span))


@given(worlds())
def test_what_is_forecast_for_now_is_what_the_plan_holds(world: World) -> None:
    planned = plan(*world, NOON)
    # Once its job has ended, an item may be due again at once: that is the next apply's.
    awaited = set(addresses(action for action in planned.actions if isinstance(action, Await)))
    calls = forecast(*world, NOON, timedelta(microseconds=1)).calls
    first = [call for call in calls if awaited.isdisjoint(addresses([call.action]))]
    assert first == planned_calls(planned)


@examples(50)
@given(worlds())
def test_the_first_call_of_an_item_is_the_first_of_the_forecast(world: World) -> None:
    calls = forecast(*world, NOON, 2 * DAY).calls
    for item in world[0].items:
        of_item = [call for call in calls if item.address in call.addresses]
        if of_item:
            assert first_call(*world, NOON, item.address)[0] == of_item[0]


def test_an_interval_recurs_at_exactly_its_interval() -> None:
    calls = forecast(desired(refresh("sales")), of({}), NOON, DAY).calls
    assert instants(calls) == [NOON + hours(6 * step) for step in range(4)]


def test_refreshes_that_fall_due_together_are_one_call() -> None:
    both = [refresh(name, SIX, connection="warehouse") for name in ("ops", "sales")]
    calls = forecast(desired(*both), of({}), NOON + hours(12), DAY).calls
    assert [len(call.addresses) for call in calls] == [2, 2]


def test_a_reset_follows_every_completion_of_its_refresh() -> None:
    first = refresh("sales")
    follower = reset("sales", AfterRefresh(first.address))
    calls = forecast(desired(first, follower), of({}), NOON, DAY).calls
    of_follower = [call for call in calls if follower.address in call.addresses]
    assert instants(of_follower) == [NOON + hours(6 * step) for step in range(4)]


def test_a_freeze_collects_slots_into_one_call_at_its_end() -> None:
    freeze = Freeze("close", ("*",), FrozenSpan(NOON - hours(1), NOON + hours(5)))
    files = desired(reset("sales", Cron("0 * * * *")), freezes=(freeze,))
    assert instants(forecast(files, of({}), NOON, hours(7)).calls) == [
        NOON + hours(5),
        NOON + hours(6),
    ]


def test_an_item_without_a_call_is_listed_with_its_reason() -> None:
    item = refresh("sales", pause=Pause(None, "moving"))
    found = forecast(desired(item), of({}), NOON, DAY)
    assert (found.refreshes, list(found.calls)) == (0, [])
    assert found.idle == ((item.address, PausedUntil(None, "moving")),)


def test_a_slot_at_the_very_end_of_the_span_belongs_to_the_next() -> None:
    state = recorded(sales=Record(last_success=NOON))
    assert forecast(desired(refresh("sales")), state, NOON, hours(6)).refreshes == 0


def test_a_gap_in_the_night_moves_the_call_to_its_end() -> None:
    item = reset("sales", At((NOON.time().replace(hour=2, minute=30),)), zone="America/New_York")
    night = datetime.fromisoformat("2027-03-14T05:00:00Z")
    state = of({item.address: Record(last_success=night)})
    (call,) = forecast(desired(item), state, night, hours(6)).calls
    assert call.at == datetime.fromisoformat("2027-03-14T07:00:00Z")


def test_a_refresh_demands_its_polls_beside_the_call() -> None:
    state = recorded(sales=Record(last_success=NOON - hours(6), durations_s=(90.0,)))
    ahead = look_ahead(desired(refresh("sales")), state, NOON, NOON + 3 * MINUTE)
    assert requests_by_minute(ahead) == [1, 1, 0]


def test_the_legacy_api_has_no_job_to_poll() -> None:
    files = desired(refresh("sales"), generation=Generation.LEGACY)
    assert requests_by_minute(look_ahead(files, of({}), NOON, NOON + 2 * MINUTE)) == [1, 0]


def test_an_edited_declaration_lets_a_held_item_run_once_it_is_noted() -> None:
    held = Record(failures=9, last_failure=Failure(NOON, "no"), declared={"timing": "another"})
    calls = forecast(desired(refresh("sales")), recorded(sales=held), NOON, hours(1)).calls
    assert instants(calls) == [NOON]


@pytest.mark.parametrize("failures", [2, 9])
def test_a_blocked_reset_goes_when_its_refresh_is_past_its_deadline(failures: int) -> None:
    """Between them the refresh has slots that change nothing, and end no search."""
    first = refresh("sales", At((time(11), time(12, 5))), deadline=hours(0.25))
    item = reset("sales", Cron("0 12 * * *"), after=first.address)
    failure = Failure(NOON + 4 * MINUTE, "no")
    state = Record(failures=failures, last_failure=failure, last_success=NOON - hours(2))
    files = desired(first, item)
    world = carried_out(plan(files, recorded(sales=state), NOON - hours(3)), recorded(sales=state))
    held = replace(world.items[first.address], failures=failures, last_failure=failure)
    known = of({**world.items, first.address: held})
    now = NOON + 5 * MINUTE
    calls = forecast(files, known, now, hours(1)).calls
    assert told(calls) == told(stepped(files, known, hours(1), now))
