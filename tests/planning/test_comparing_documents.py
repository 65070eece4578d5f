"""What changed between two plans as they were printed."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.address import Address
from reconcile.model.comparison import PlannedCall, PrintedPlan
from reconcile.planning.fields import diff_plans
from tests.planning.making import NOON

ADDRESSES = st.sampled_from([Address(f"models.{name}.refresh") for name in "abc"])
SLOTS = st.none() | st.integers(0, 2).map(lambda hours: NOON + timedelta(hours=hours))


@st.composite
def documents(draw: st.DrawFn) -> PrintedPlan:
    slots = draw(st.dictionaries(ADDRESSES, SLOTS))
    return PrintedPlan(
        now=NOON,
        digest=draw(st.sampled_from(["one", "two"])),
        host=None,
        calls=tuple(
            PlannedCall(address, (("kind", "refresh"), ("slot", slot)))
            for address, slot in draw(st.permutations(list(slots.items())))
        ),
        statuses=tuple(
            draw(st.dictionaries(ADDRESSES, st.sampled_from(["due", "covered"]))).items()
        ),
    )


@given(documents())
def test_a_plan_does_not_differ_from_itself(plan: PrintedPlan) -> None:
    assert diff_plans(plan, plan).is_empty


@given(documents(), documents())
def test_every_call_is_either_unchanged_or_told(one: PrintedPlan, other: PrintedPlan) -> None:
    difference = diff_plans(one, other)
    old, new = ({call.address: call for call in plan.calls} for plan in (one, other))
    told = {change.address: change.kind for change in difference.calls}
    for address in old.keys() | new.keys():
        expected = "added" if address not in old else "changed"
        if address not in new:
            expected = "removed"
        assert (told.get(address) == expected) == (old.get(address) != new.get(address))
    assert difference.unchanged == sum(old.get(a) == call for a, call in new.items())


@given(documents(), documents())
def test_a_status_is_told_only_if_it_changed(one: PrintedPlan, other: PrintedPlan) -> None:
    told = {c.address: (c.status.before, c.status.after) for c in diff_plans(one, other).statuses}
    old, new = dict(one.statuses), dict(other.statuses)
    for address in old.keys() | new.keys():
        both = (old.get(address), new.get(address))
        assert told.get(address) == (both if both[0] != both[1] else None)
