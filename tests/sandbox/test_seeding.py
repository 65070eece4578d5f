"""A world made from a desired state holds what that state talks about."""

from datetime import timedelta

from reconcile.model.address import refresh_address, reset_address
from reconcile.model.desired import Desired, Every, RefreshItem, ResetItem, Timing
from reconcile.sandbox.instance import SeedModel, connection_id, seeds_of
from reconcile.sandbox.world import World
from tests.sandbox.conftest import BRANCH, NOON, OPS, SALES, call, refresh_call

TIMING = Timing(cadence=Every(timedelta(hours=1)))


def _refresh(model: str, model_id: str, connection: str | None, branch: str | None) -> RefreshItem:
    return RefreshItem(
        address=refresh_address(model),
        model=model,
        model_id=model_id,
        timing=TIMING,
        connection=connection,
        branch_id=branch,
    )


def _reset(model: str, model_id: str, policy: str) -> ResetItem:
    return ResetItem(
        address=reset_address(model, policy),
        model=model,
        model_id=model_id,
        policy=policy,
        timing=TIMING,
    )


def test_each_model_of_a_desired_state_is_one_seed() -> None:
    items = (
        _reset("ops", OPS, "hourly"),
        _refresh("ops", OPS.upper(), "lake", BRANCH),
        _reset("sales", SALES, "a/b"),
        _reset("sales", SALES, "daily"),
    )
    assert seeds_of(Desired(items=items, state_url="file:///state.json")) == (
        SeedModel("ops", OPS, "lake", ("hourly",), BRANCH),
        SeedModel("sales", SALES, None, ("a/b", "daily")),
    )


def test_a_seed_declared_twice_is_one_model_with_the_policies_of_both() -> None:
    seeds = [SeedModel("a", SALES, "w", ("x",)), SeedModel("b", SALES.upper(), "w", ("y",))]
    [model] = [m for m in World(seeds).instance.models.values() if m.id == SALES]
    assert (model.name, model.policies) == ("a", frozenset("xy"))


def test_a_seed_without_a_connection_has_one_of_its_own() -> None:
    world = World([SeedModel("a", SALES), SeedModel("b", OPS)])
    assert len({world.instance.models[model].connection_id for model in (SALES, OPS)}) == 2


def test_a_connection_named_by_its_id_keeps_that_id() -> None:
    assert connection_id(SeedModel("a", SALES, OPS.upper())) == OPS


def test_a_seeded_branch_turns_branch_refresh_on_for_its_whole_connection() -> None:
    seeds = [SeedModel("a", SALES, "w"), SeedModel("b", OPS, "w", branch_id=BRANCH)]
    world = World(seeds)
    assert world.answer(refresh_call(SALES), NOON).status == 400
    soft = call("POST", f"/api/v1/models/{OPS}/refresh", query=(("branch_id", BRANCH),))
    assert world.answer(soft, NOON).status == 200
