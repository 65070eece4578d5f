"""What an import adds, and under which names."""

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconcile.config.edit import with_imported
from reconcile.config.load import load_text
from reconcile.live.discovery import candidates, imported, lacking
from reconcile.model.address import Address
from reconcile.model.desired import (
    Connection,
    NativeSchedule,
    ResetItem,
    ScheduleItem,
    ScheduleSpec,
)
from reconcile.model.observed import Mentioned, Observed, ObservedConnection, ObservedModel
from reconcile.model.struct import replace
from tests.planning.making import NOON, desired, refresh

WAREHOUSE = "aaaaaaaa-0000-4000-8000-000000000001"
NIGHTLY, HOURLY = ScheduleSpec("0 6 * * ? *", "UTC"), ScheduleSpec("0 * * * ? *", "UTC")
NOTHING = Mentioned()


def model(name: str | None, number: int = 1, **more: Any) -> ObservedModel:
    facts: dict[str, Any] = {"kind": "SHARED", "connection_id": WAREHOUSE} | more
    return ObservedModel(model_id=f"00000000-0000-4000-8000-{number:012d}", name=name, **facts)


def seen(*models: ObservedModel, **more: Any) -> Observed:
    connections = (ObservedConnection(connection_id=WAREHOUSE, name="Snow flake"),)
    facts: dict[str, Any] = {"at": NOON, "models": models, "connections": connections}
    return Observed(**(facts | more))


def names(observed: Observed, *patterns: str, connection: str | None = None) -> list[str | None]:
    found = candidates(observed, desired(), patterns, "SHARED", connection)
    return [found_model.name for found_model in found]


def test_a_model_is_named_by_a_glob_or_by_its_id() -> None:
    observed = seen(model("Sales", 1), model("Ops", 2), model("Query", 3, kind="QUERY"))
    assert names(observed, "S*", observed.models[1].model_id if observed.models else "") == [
        "Ops",
        "Sales",
    ]
    assert names(observed, "*", connection="Snow*") == ["Ops", "Sales"]
    assert names(observed, "*", connection="other") == []


def test_a_connection_is_named_after_omnis_name_and_models_refer_to_it() -> None:
    found = seen(model("Sales"), policies={model("Sales").model_id: ("daily",)})
    added = imported(desired(), found, found.models or (), NOTHING, with_schedules=False)
    (connection,), (sales,) = added.connections, added.models
    assert (connection.name, connection.is_new, connection.schedules) == ("snow_flake", True, ())
    assert (sales.name, sales.connection, sales.policies) == ("sales", "snow_flake", ("daily",))


def test_a_connection_nobody_may_see_is_told_by_its_id() -> None:
    found = seen(model("Sales"), connections=None)
    added = imported(desired(), found, found.models or (), NOTHING, with_schedules=True)
    assert added.connections == ()
    assert added.models[0].connection == WAREHOUSE


def test_a_connection_the_files_name_keeps_its_name() -> None:
    wanted = desired(connections=(Connection("dwh", WAREHOUSE),))
    found = seen(model("Sales"))
    added = imported(wanted, found, found.models or (), NOTHING, with_schedules=False)
    assert added.connections == ()
    assert added.models[0].connection == "dwh"


SPARE = WAREHOUSE.replace("a", "b")
TWO = tuple(ObservedConnection(connection_id=i, name="Snow flake") for i in (WAREHOUSE, SPARE))


@given(st.lists(st.sampled_from([WAREHOUSE, SPARE, None]), min_size=1, max_size=3))
def test_a_name_that_models_use_is_given_to_their_connection_or_to_none(
    lives_on: list[str | None],
) -> None:
    mine = [model(f"m{n}", n, connection_id=place) for n, place in enumerate(lives_on)]
    items = (
        replace(refresh(f"m{n}", connection="snow_flake"), model_id=one.model_id)
        for n, one in enumerate(mine)
    )
    new = model("New", 9)
    known = Mentioned(connection_names=frozenset(["snow_flake"]))
    found = seen(*mine, new, connections=TWO)
    added = imported(desired(*items), found, [new], known, with_schedules=False)
    (connection,) = added.connections
    assert (connection.name == "snow_flake") == ({*lives_on} == {WAREHOUSE})
    assert (connection.connection_id, connection.is_new) == (WAREHOUSE, True)
    assert added.models[0].connection == connection.name


def test_a_selected_model_is_added_if_it_is_named_itself_and_keeps_its_name() -> None:
    sales = model("Sales")
    known = Mentioned(locked={sales.model_id: "shop", model("x", 3).model_id: "sales"})
    found = seen(sales, model("sales", 2))
    for pattern, given_names in (("*", ["sales_2"]), ("Sales", ["shop", "sales_2"])):
        added = imported(
            desired(), found, found.models or (), known, with_schedules=False, patterns=[pattern]
        )
        assert [one.name for one in added.models] == given_names
    assert lacking([sales], known, [sales.model_id.upper()]) == [sales]


names_of_policies = st.text(max_size=4) | st.sampled_from(["daily", "Daily", "..", "a\u202eb"])


@given(st.lists(names_of_policies, unique=True, max_size=5))
def test_a_policy_is_added_where_a_file_can_hold_it_and_is_named_otherwise(
    policies: list[str],
) -> None:
    found = seen(model("Sales"), policies={model("Sales").model_id: tuple(policies)})
    added = imported(desired(), found, found.models or (), NOTHING, with_schedules=False)
    (sales,) = added.models
    assert sorted((*sales.policies, *sales.left_out)) == sorted(policies)
    written = with_imported(Path("none.toml"), added, every="6h").after
    items = load_text(written, "none.toml").desired.items
    assert {i.policy for i in items if isinstance(i, ResetItem)} == set(sales.policies)


def test_schedules_that_are_declared_are_not_added_again() -> None:
    there = tuple(
        NativeSchedule(schedule_id=str(number), connection_id=WAREHOUSE, spec=spec)
        for number, spec in enumerate((NIGHTLY, NIGHTLY, HOURLY))
    )
    declared = ScheduleItem(
        address=Address("connections.dwh.schedules.night"),
        connection="dwh",
        connection_id=WAREHOUSE,
        spec=NIGHTLY,
    )
    wanted = desired(connections=(Connection("dwh", WAREHOUSE),), schedules=(declared,))
    found = seen(model("Sales"), schedules={WAREHOUSE: there})
    added = imported(wanted, found, found.models or (), NOTHING, with_schedules=True)
    assert added.connections[0].schedules == (("native_2", HOURLY),)


def test_what_the_files_mention_is_not_added_and_its_name_not_taken() -> None:
    known = Mentioned(frozenset([model("x", 1).model_id]), frozenset(["Sales"]))
    found = seen(model("Sales", 1), model("sales", 2))
    added = imported(desired(), found, found.models or (), known, with_schedules=False)
    assert [one.name for one in added.models] == ["sales_2"]


@given(st.lists(st.none() | st.text(max_size=50), max_size=6))
def test_every_name_is_its_own_and_needs_no_quotes(titles: list[str | None]) -> None:
    found = seen(*(model(title, number) for number, title in enumerate(titles)))
    added = imported(desired(), found, found.models or (), NOTHING, with_schedules=False)
    given_names = [one.name for one in added.models]
    assert len(set(given_names)) == len(titles)
    assert all(name.replace("_", "").isalnum() and name.isascii() for name in given_names)


def test_schedules_a_file_cannot_declare_beside_each_other_are_added_once_or_not_at_all() -> None:
    odd, unzoned = ScheduleSpec("0 22-2 * * ? *", "UTC"), ScheduleSpec("0 6 * * ? *", "Moon/Sea")
    found = seen(
        model("Sales"),
        schedules={
            WAREHOUSE: tuple(
                NativeSchedule(schedule_id=str(number), connection_id=WAREHOUSE, spec=spec)
                for number, spec in enumerate([HOURLY, NIGHTLY, HOURLY, odd, unzoned])
            )
        },
    )
    address = Address("connections.dwh.schedules.native_2")
    there = ScheduleItem(address=address, connection="dwh", connection_id=WAREHOUSE, spec=NIGHTLY)
    wanted = desired(connections=(Connection("dwh", WAREHOUSE),), schedules=(there,))
    added = imported(wanted, found, found.models or (), NOTHING, with_schedules=True)
    assert added.connections[0].schedules == (("native_3", HOURLY),)
