"""The laws of planning, over random files and random histories."""

from datetime import timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.desired import Desired
from reconcile.model.plan import Plan, Refresh, ResetCache
from reconcile.model.recorded import Recorded
from reconcile.model.struct import replace
from reconcile.planning.budget import addresses
from reconcile.planning.plan import plan
from tests.planning.making import NOON, carried_out
from tests.planning.worlds import worlds
from tests.strategies import examples

World = tuple[Desired, Recorded]
AN_INSTANT = timedelta(microseconds=1)


def meaning(planned: Plan) -> object:
    return planned.digest, planned.standings


def settled(files: Desired, state: Recorded) -> Recorded:
    """Apply, and once more where a job was awaited: it may have been sent too long ago."""
    for _ in range(2):
        state = carried_out(plan(files, state, NOON), state)
    return state


def untold(state: Recorded) -> object:
    """Return what is recorded, but not through whom: calls merge otherwise after a stop."""
    return {address: replace(r, carrier=None) for address, r in state.items.items()}


@given(worlds())
def test_applying_a_plan_leaves_nothing_to_plan(world: World) -> None:
    files, state = world
    again = plan(files, settled(files, state), NOON)
    assert (again.actions, again.noted, again.missed) == ((), {}, ())


@given(worlds())
def test_an_address_is_in_one_action_at_most(world: World) -> None:
    touched = list(addresses(plan(*world, NOON).actions))
    assert len(touched) == len(set(touched))


@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_declaration_does_not_matter(world: World, random: Random) -> None:
    files, state = world
    shuffled = list(files.items)
    random.shuffle(shuffled)
    assert plan(replace(files, items=tuple(shuffled)), state, NOON) == plan(files, state, NOON)


@examples(300)
@given(worlds())
def test_a_plan_changes_at_valid_until_and_not_an_instant_before(world: World) -> None:
    now = plan(*world, NOON)
    if now.valid_until is None:
        assert meaning(plan(*world, NOON + timedelta(days=400))) == meaning(now)
    else:
        assert now.valid_until > NOON
        assert meaning(plan(*world, now.valid_until - AN_INSTANT)) == meaning(now)
        assert meaning(plan(*world, now.valid_until)) != meaning(now)


@given(worlds(), st.integers(0, 5))
def test_stopping_after_any_action_and_planning_again_ends_in_the_same_state(
    world: World, cut: int
) -> None:
    files, state = world
    whole = plan(files, state, NOON)
    in_order = sorted(whole.actions, key=lambda action: isinstance(action, ResetCache))
    partly = carried_out(replace(whole, actions=tuple(in_order[:cut])), state)
    assert untold(settled(files, partly)) == untold(settled(files, state))


@given(worlds())
def test_the_digest_has_no_clock_in_it(world: World) -> None:
    now = plan(*world, NOON)
    if now.valid_until is None or now.valid_until > NOON + timedelta(seconds=1):
        assert plan(*world, NOON + timedelta(seconds=1)).digest == now.digest


@given(worlds())
def test_a_due_item_that_is_free_to_go_is_in_an_action(world: World) -> None:
    planned = plan(*world, NOON)
    due = {standing.address for standing in planned.standings if standing.status == "due"}
    assert due == set(addresses(planned.actions))


@given(worlds())
def test_a_stamp_never_lies_in_the_future_or_before_the_recorded_one(world: World) -> None:
    files, state = world
    for action in plan(files, state, NOON).actions:
        if isinstance(action, ResetCache) and action.covers[0].stamp is not None:
            record = state.items.get(action.covers[0].address)
            assert action.covers[0].stamp <= NOON
            assert record is None or record.stamp is None or record.stamp <= action.covers[0].stamp


@given(worlds())
def test_at_most_one_refresh_is_in_flight_for_a_connection_and_branch(world: World) -> None:
    groups = [action.group for action in plan(*world, NOON).actions if isinstance(action, Refresh)]
    assert len(groups) == len(set(groups))
