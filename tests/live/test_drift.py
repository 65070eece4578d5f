"""What a live look concludes, and what it does not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.live.drift import drift
from reconcile.live.observed import (
    BranchMissing,
    ClockOff,
    ConnectionDiffers,
    ConnectionFilled,
    ConnectionGone,
    ConnectionShared,
    ConnectionSplit,
    Finding,
    ModelDeleted,
    ModelMissing,
    PolicyUnknown,
    SchemaUnknown,
    Weight,
    resolved,
    weight,
)
from reconcile.model.address import Address
from reconcile.model.desired import Connection, Desired, OnChange, RefreshItem
from reconcile.model.observed import Observed, ObservedConnection, ObservedModel, branch_of
from reconcile.model.plan import Refresh
from reconcile.planning.plan import plan
from tests.planning.making import NOON, desired, model_id, recorded, refresh, reset

WAREHOUSE = "aaaaaaaa-0000-4000-8000-000000000001"
OTHER = "aaaaaaaa-0000-4000-8000-000000000002"
BRANCH = "bbbbbbbb-0000-4000-8000-000000000001"


def model(name: str, connection: str | None = WAREHOUSE, **more: Any) -> ObservedModel:
    return ObservedModel(
        model_id=model_id(name), name=name, kind="SHARED", connection_id=connection, **more
    )


def seen(*models: ObservedModel, **more: Any) -> Observed:
    connections = tuple(ObservedConnection(connection_id=i) for i in (WAREHOUSE, OTHER))
    return Observed(at=NOON, **({"models": models, "connections": connections} | more))


def found(wanted: Desired, observed: Observed) -> list[Finding]:
    """Leave out what is only worth knowing."""
    return [f for f in drift(wanted, observed) if weight(f) is not Weight.NOTES]


def test_a_model_that_is_not_listed_is_missing() -> None:
    (finding,) = found(desired(refresh("sales"), reset("sales")), seen(model("ops")))
    assert isinstance(finding, ModelMissing)
    assert len(finding.addresses) == 2


def test_a_missing_model_names_the_live_one_of_the_same_name() -> None:
    recreated = ObservedModel(model_id=OTHER, name="Sa-les", kind="SHARED")
    (finding,) = found(desired(refresh("sales")), seen(recreated))
    assert isinstance(finding, ModelMissing)
    assert finding.alike == OTHER


def test_a_deleted_model_is_told_apart_from_one_that_never_was() -> None:
    (finding,) = found(desired(reset("sales")), seen(model("sales", deleted_at=NOON)))
    assert isinstance(finding, ModelDeleted)
    assert finding.deleted_at == NOON


def test_what_the_token_may_not_see_concludes_nothing() -> None:
    wanted = desired(refresh("sales", connection=WAREHOUSE, branch_id=BRANCH), reset("sales"))
    assert drift(wanted, Observed(at=NOON)) == ()
    assert drift(wanted, seen(models=None, connections=())) != ()


def test_a_connection_declared_by_its_id_is_compared() -> None:
    (finding,) = found(desired(refresh("sales", connection=OTHER.upper())), seen(model("sales")))
    assert isinstance(finding, ConnectionDiffers)
    assert finding.lives_on == WAREHOUSE


def test_a_connection_that_is_gone_is_named() -> None:
    observed = seen(model("sales"), connections=())
    (finding,) = found(desired(refresh("sales", connection=WAREHOUSE)), observed)
    assert isinstance(finding, ConnectionGone)


def test_one_name_for_two_connections_is_a_split() -> None:
    wanted = desired(refresh("sales", connection="dwh"), refresh("ops", connection="dwh"))
    (finding,) = found(wanted, seen(model("sales"), model("ops", OTHER)))
    assert isinstance(finding, ConnectionSplit)
    assert finding.lives_on == (WAREHOUSE, OTHER)


def test_two_names_for_one_connection_are_shared() -> None:
    wanted = desired(refresh("sales", connection="dwh"), refresh("ops", connection=WAREHOUSE))
    (finding,) = found(wanted, seen(model("sales"), model("ops")))
    assert isinstance(finding, ConnectionShared)
    assert finding.declared == (WAREHOUSE, "dwh")


def test_a_branch_may_be_listed_below_its_model_or_as_a_model() -> None:
    wanted = desired(refresh("sales", branch_id=BRANCH))
    below = model("sales", branches={BRANCH.upper(): "dev"})
    apart = ObservedModel(model_id=BRANCH, kind="BRANCH", base_model_id=model_id("sales"))
    assert found(wanted, seen(below)) == found(wanted, seen(model("sales"), apart)) == []


def test_a_branch_of_another_model_is_no_branch_of_this_one() -> None:
    wanted = desired(refresh("sales", branch_id=BRANCH))
    foreign = ObservedModel(model_id=BRANCH, kind="BRANCH", base_model_id=OTHER)
    (finding,) = found(wanted, seen(model("sales", branches={OTHER: "dev"}), foreign))
    assert isinstance(finding, BranchMissing)
    assert finding.branches == ("dev",)


def test_a_policy_that_is_not_in_the_model_names_the_near_one() -> None:
    wanted = desired(reset("sales", policy="daily_cache_polcy"))
    known = {model_id("sales"): ("Daily_cache_policy", "hourly")}
    (finding,) = found(wanted, seen(model("sales"), policies=known))
    assert isinstance(finding, PolicyUnknown)
    assert finding.near == "Daily_cache_policy"


def test_a_policy_nothing_is_near_to_still_shows_the_known_ones() -> None:
    known = {model_id("sales"): ("b", "a")}
    wanted = desired(reset("sales", policy="month-end close"))
    (finding,) = found(wanted, seen(model("sales"), policies=known))
    assert isinstance(finding, PolicyUnknown)
    assert (finding.near, finding.known) == (None, ("a", "b"))


def test_a_policy_of_an_extension_counts() -> None:
    extension = ObservedModel(
        model_id=OTHER, kind="SHARED_EXTENSION", base_model_id=model_id("sales")
    )
    known = {model_id("sales"): (), OTHER: ("daily",)}
    observed = seen(model("sales"), extension, policies=known)
    assert found(desired(reset("sales")), observed) == []


@pytest.mark.parametrize("ahead_s", [31.0, -3600.0])
def test_a_clock_far_off_is_told(ahead_s: float) -> None:
    (finding,) = found(desired(), seen(clock_ahead_s=ahead_s))
    assert finding == ClockOff(addresses=(), ahead_s=ahead_s)


def test_a_clock_a_little_off_is_not() -> None:
    assert found(desired(), seen(clock_ahead_s=2.0)) == []


def test_refreshes_that_leave_the_connection_out_share_one_call() -> None:
    wanted = desired(refresh("sales"), refresh("ops", connection="dwh"), refresh("hr"))
    observed = seen(model("sales"), model("ops"), model("hr", OTHER))
    assert len(plan(wanted, recorded(), NOON).actions) == 3
    live = plan(resolved(wanted, observed), recorded(), NOON)
    shared = [a.covers for a in live.actions if isinstance(a, Refresh) and len(a.covers) > 1]
    assert [[c.address for c in covers] for covers in shared] == [
        ["models.ops.refresh", "models.sales.refresh"]
    ]
    filled = [f for f in drift(wanted, observed) if isinstance(f, ConnectionFilled)]
    assert [f.addresses for f in filled] == [("models.hr.refresh",), ("models.sales.refresh",)]


def test_a_model_that_is_not_listed_stays_with_those_it_is_declared_with() -> None:
    wanted = desired(refresh("sales", connection="dwh"), refresh("ops", connection="dwh"))
    live = resolved(wanted, seen(model("sales")))
    assert {i.lives_on for i in live.items if isinstance(i, RefreshItem)} == {WAREHOUSE}


def test_a_live_plan_notes_the_same_as_a_plain_one() -> None:
    wanted = desired(refresh("sales", on_change=OnChange.NEXT))
    live = plan(resolved(wanted, seen(model("sales"))), recorded(), NOON)
    assert live.noted == plan(wanted, recorded(), NOON).noted


NAMES = st.lists(st.sampled_from("abcdef"), min_size=1, unique=True)


@given(NAMES, st.data())
def test_an_instance_as_declared_differs_in_nothing(names: list[str], data: st.DataObject) -> None:
    places = {name: data.draw(st.sampled_from((WAREHOUSE, OTHER))) for name in names}
    by_id = data.draw(st.booleans())
    items = [refresh(n, connection=places[n] if by_id else f"c-{places[n]}") for n in names]
    policies = {model_id(n): ("daily",) for n in names}
    observed = seen(*(model(n, places[n]) for n in names), policies=policies)
    wanted = desired(*items, *map(reset, names))
    assert drift(wanted, observed) == ()
    assert plan(wanted, recorded(), NOON).digest == (
        plan(resolved(wanted, observed), recorded(), NOON).digest
    )


@given(st.text(max_size=300), st.lists(st.text(max_size=300), max_size=5))
def test_no_name_upsets_it(policy: str, known: list[str]) -> None:
    observed = seen(model("sales"), policies={model_id("sales"): tuple(known)})
    findings = found(desired(reset("sales", policy=policy)), observed)
    assert bool(findings) == (policy not in known)


def test_the_order_of_findings_is_that_of_addresses() -> None:
    wanted = desired(*(refresh(name, pause=None) for name in ("b", "a", "c")))
    addresses = [f.addresses[0] for f in drift(wanted, seen(clock_ahead_s=0.0))]
    assert addresses == [Address(f"models.{name}.refresh") for name in "abc"]


def of_schemas(known: tuple[str, ...], **filters: Any) -> list[Finding]:
    observed = seen(model("sales"), schemas={branch_of(model_id("sales"), None): known})
    return found(desired(refresh("sales", **filters)), observed)


@pytest.mark.parametrize(
    "filters",
    [
        {"schemas": ("Analytics",)},
        {"schemas": ("ana*", "*lytics", "*")},
        {"schemas": ("prod.analytics", "prod.*", "prod*")},
        {"tables": ("analytics.orders", "ana*.orders", "prod.analytics.*")},
        {"tables": ("orders", "o*", '"analytcs.x".y', "[analytcs].orders")},
    ],
)
def test_a_name_that_may_be_of_a_schema_concludes_nothing(filters: dict[str, Any]) -> None:
    assert of_schemas(("PROD.ANALYTICS",), **filters) == []


@pytest.mark.parametrize(
    ("key", "name", "near"),
    [
        ("schemas", "analytcs", "analytics"),
        ("schemas", "analytisc*", "analytics"),
        ("schemas", "dev.analytics", "prod.analytics"),
        ("tables", "analytcs.orders", "analytics"),
        ("tables", "zzz*.orders", None),
    ],
)
def test_a_name_of_no_schema_is_told_with_the_near_one(
    key: str, name: str, near: str | None
) -> None:
    (finding,) = of_schemas(("prod.analytics", "prod.raw"), **{key: ("*raw*", name)})
    assert isinstance(finding, SchemaUnknown)
    assert (finding.key, finding.name, finding.near) == (key, name, near)
    assert finding.known == ("prod.analytics", "prod.raw")


def test_schemas_that_were_not_told_conclude_nothing() -> None:
    wanted = desired(refresh("sales", schemas=("analytcs",)))
    assert found(wanted, seen(model("sales"))) == of_schemas((), schemas=("analytcs",)) == []


def test_the_schemas_of_a_branch_are_not_those_of_its_model() -> None:
    known = {branch_of(model_id("sales"), None): ("raw",)}
    below = model("sales", branches={BRANCH: "dev"})
    wanted = desired(refresh("sales", schemas=("mine",), branch_id=BRANCH))
    assert found(wanted, seen(below, schemas=known)) == []
    (finding,) = found(wanted, seen(below, schemas={branch_of(model_id("sales"), BRANCH): ("x",)}))
    assert isinstance(finding, SchemaUnknown)


def test_what_is_found_to_live_on_a_connection_that_does_not_merge_shares_no_call() -> None:
    apart = Connection("dwh", WAREHOUSE, merge=False)
    wanted = desired(refresh("sales"), refresh("ops"), connections=(apart,))
    planned = plan(resolved(wanted, seen(model("sales"), model("ops"))), recorded(), NOON)
    assert len(planned.actions) == 2
