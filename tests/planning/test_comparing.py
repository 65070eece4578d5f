"""Comparing two versions of the files, against the planner stepped from change to change."""

from collections import defaultdict
from datetime import datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.address import Address
from reconcile.model.desired import AfterRefresh, At, Desired, Every
from reconcile.model.plan import Refresh, ResetCache
from reconcile.model.recorded import Recorded
from reconcile.model.struct import replace
from reconcile.planning.compare import Former, compare, compare_ahead
from reconcile.planning.plan import plan
from tests.planning.making import (
    NOON,
    carried_out,
    desired,
    hours,
    of,
    refresh,
    reset,
)
from tests.planning.worlds import MODELS, files, worlds
from tests.strategies import examples

DAY = timedelta(days=1)
MOST_STEPS = 5_000
WEEK = timedelta(days=7)
NOTHING = of({})


def stepped(
    declared: Desired, state: Recorded, now: datetime, until: datetime
) -> tuple[dict[Address, list[int]], int]:
    """Apply whenever the planner says that something changes; count runs by day, and calls."""
    runs: dict[Address, list[int]] = defaultdict(lambda: [0, 0])
    calls, at = 0, now
    for _ in range(MOST_STEPS):
        if at >= until:
            return runs, calls
        planned = plan(declared, state, at)
        for action in planned.actions:
            if isinstance(action, Refresh | ResetCache):
                calls += 1
                for coverage in action.covers:
                    runs[coverage.address][(at - now) // DAY] += 1
        state = carried_out(planned, state)
        left = plan(declared, state, at)
        # What an apply notes may release a hold, and the next apply then finds the item due.
        at = at if left.actions else left.valid_until or until
    raise AssertionError("the planner does not come to rest")


@st.composite
def edits(draw: st.DrawFn) -> tuple[Desired, Desired, Recorded]:
    """Draw files, others in which some models are as they were, and a state of the first."""
    before, state = draw(worlds().filter(lambda world: bool(world[1].items)))
    other = draw(files())
    kept = draw(st.sets(st.sampled_from(MODELS)))
    items = [item for item in before.items if item.model in kept]
    items += [item for item in other.items if item.model not in kept]
    freezes = draw(st.sampled_from([before.freezes, other.freezes]))
    return before, desired(*items, freezes=freezes), state


@examples(60)
@given(edits())
def test_runs_and_calls_are_those_of_the_planner_stepped_through_the_days(
    edit: tuple[Desired, Desired, Recorded],
) -> None:
    before, after, state = edit
    comparison = compare(before, after, state, NOON, 2 * DAY)
    was, calls_before = stepped(before, state, NOON, NOON + 2 * DAY)
    now, calls_after = stepped(after, state, NOON, NOON + 2 * DAY)
    figures = comparison.figures
    assert (sum(figures.before.calls), sum(figures.after.calls)) == (calls_before, calls_after)
    for change in comparison.items:
        assert list(change.runs.before) == was[change.address]
        assert list(change.runs.after) == now[change.address]
    changed = {change.address for change in comparison.items}
    assert all(was[a] == now[a] for a in was.keys() | now.keys() if a not in changed)


@examples(40)
@given(worlds())
def test_a_version_compared_with_itself_changes_nothing(world: tuple[Desired, Recorded]) -> None:
    declared, state = world
    comparison = compare(declared, declared, state, NOON, DAY)
    assert comparison.is_empty
    assert comparison.joined == comparison.parted == ()
    assert (comparison.freezes, comparison.nights) == ((), ())
    assert not comparison.figures.is_change
    assert comparison.unchanged == len(declared.items)


def test_only_what_differs_and_what_shares_a_call_with_it_is_foreseen_twice() -> None:
    """P2: an edit of one item costs what its connection costs."""
    one, other, far = (refresh(name, connection=name[0]) for name in ("a1", "a2", "b1"))
    follower = reset("a2", AfterRefresh(other.address))
    edited = replace(one, timing=replace(one.timing, cadence=Every(hours(1))))
    before, after = desired(one, other, far, follower), desired(edited, other, far, follower)
    outlook = compare_ahead(Former(before), after, NOTHING, NOON, DAY)
    twice = {item.address for item in outlook.after.items}
    assert twice == {one.address, other.address, follower.address}
    assert [line.addresses for line in outlook.shared.lines] == [(far.address,)]
    assert far.address not in outlook.before.ahead.runs


def test_a_reset_that_differs_concerns_nobody_else() -> None:
    """It shares no call, yet what it follows is looked at with it."""
    one, other = (refresh(name, connection="w") for name in ("a1", "a2"))
    early, late = (reset("a2", At((time(hour),)), after=other.address) for hour in (6, 7))
    before, after = desired(one, other, early), desired(one, other, late)
    outlook = compare_ahead(Former(before), after, NOTHING, NOON, DAY)
    assert (outlook.before.items, outlook.after.items) == ((early,), (late,))
    assert set(outlook.before.ahead.runs) == {one.address, other.address, early.address}


@examples(25)
@given(files(), files(), st.data())
def test_the_order_of_declaration_does_not_matter(
    before: Desired, after: Desired, data: st.DataObject
) -> None:
    items = data.draw(st.permutations(after.items))
    shuffled = replace(after, items=tuple(items), freezes=after.freezes[::-1])
    assert compare(before, after, NOTHING, NOON, DAY) == compare(
        before, shuffled, NOTHING, NOON, DAY
    )


@examples(25)
@given(files(), files())
def test_swapping_the_versions_swaps_what_is_new_and_gone(one: Desired, other: Desired) -> None:
    state = of({})
    state = carried_out(plan(one, state, NOON - DAY), state)
    there, back = (compare(a, b, state, NOON, DAY) for a, b in ((one, other), (other, one)))
    assert [c.first_new for c in there.items] == [c.first_gone for c in back.items]
    assert (there.joined, there.parted) == (back.parted, back.joined)
    assert there.figures.before == back.figures.after
