"""A plan without what would be called on models that are not there."""

from reconcile.live.observed import hold_back
from reconcile.model.desired import AfterRefresh, Mode
from reconcile.model.plan import Refresh
from reconcile.planning.plan import plan
from tests.planning.making import NOON, desired, model_id, only_refresh, recorded, refresh, reset


def test_nothing_missing_leaves_a_plan_as_it_is() -> None:
    wanted = desired(refresh("sales"), reset("sales"))
    planned = plan(wanted, recorded(), NOON)
    assert hold_back(planned, wanted, frozenset()) == (planned, ())


def test_a_shared_refresh_is_sent_through_a_member_that_is_there() -> None:
    wanted = desired(refresh("a", connection="dwh"), refresh("b", connection="dwh"))
    left, held = hold_back(plan(wanted, recorded(), NOON), wanted, frozenset([model_id("a")]))
    (action,) = left.actions
    assert isinstance(action, Refresh)
    assert held == ("models.a.refresh",)
    assert [cover.address for cover in action.covers] == ["models.b.refresh"]
    assert len(action.reasons) == 1
    assert model_id("b") in action.request.path
    assert action.model_id == model_id("b")


def test_a_held_member_makes_no_call_hard_and_widens_no_filter() -> None:
    soft = [refresh(n, connection="w", mode=Mode.SOFT, schemas=(n,)) for n in ("a", "b")]
    wanted = desired(refresh("gone", connection="w"), *soft)
    gone = frozenset([model_id("gone")])
    left = only_refresh(hold_back(plan(wanted, recorded(), NOON), wanted, gone)[0])
    assert left == only_refresh(plan(desired(*soft), recorded(), NOON))


def test_what_follows_a_held_refresh_is_held_as_well() -> None:
    follower = reset("b", AfterRefresh(refresh("a").address))
    timed = reset("b", policy="timed", after=refresh("a").address)
    wanted = desired(refresh("a"), refresh("b"), follower, timed)
    left, held = hold_back(plan(wanted, recorded(), NOON), wanted, frozenset([model_id("a")]))
    assert [action.covers[0].address for action in left.actions if isinstance(action, Refresh)] == [
        "models.b.refresh"
    ]
    assert set(held) >= {"models.a.refresh", timed.address}
    assert len(left.actions) == 1
