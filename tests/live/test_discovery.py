"""Models that a template stands for, as the instance and the lock file have them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.live.discovery import lock_of, slug
from reconcile.live.drift import drift
from reconcile.live.observed import SelectionJoined, SelectionLeft
from reconcile.model.desired import Connection, Desired, LockedModel, Selection
from reconcile.model.observed import Observed, ObservedConnection, ObservedModel
from reconcile.model.struct import replace
from tests.planning.making import NOON, desired, model_id

WAREHOUSE = "aaaaaaaa-0000-4000-8000-000000000001"


def model(name: str | None, number: int = 1, **more: Any) -> ObservedModel:
    facts: dict[str, Any] = {"kind": "SHARED", "connection_id": WAREHOUSE} | more
    return ObservedModel(model_id=f"00000000-0000-4000-8000-{number:012d}", name=name, **facts)


def seen(*models: ObservedModel) -> Observed:
    return Observed(
        at=NOON,
        models=models,
        connections=(ObservedConnection(connection_id=WAREHOUSE, name="Snow"),),
    )


def selecting(name: str = "*", **more: Any) -> Desired:
    return desired(selections=(Selection(number=1, name=name, **more),))


def names(wanted: Desired, *models: ObservedModel) -> list[str]:
    return [locked.name for locked in lock_of(wanted, seen(*models)).models]


def test_a_glob_is_over_names_of_one_kind_that_are_not_deleted() -> None:
    models = (
        model("Sales EMEA", 1),
        model("Ops", 2),
        model("Sales X", 3, kind="WORKBOOK"),
        model("Sales old", 4, deleted_at=NOON),
        model(None, 5),
    )
    assert names(selecting("Sales*"), *models) == ["sales_emea"]


def test_a_name_in_brackets_selects_itself() -> None:
    models = model("Sales [EU]", 1), model("Sales E", 2), model("Sales", 3)
    assert names(selecting("Sales [EU]"), *models) == ["sales_e", "sales_eu"]


@pytest.mark.parametrize("connection", ["Snow", "S*", WAREHOUSE, "dwh"])
def test_a_connection_is_named_as_omni_or_the_files_do_and_locked_by_its_id(
    connection: str,
) -> None:
    wanted = replace(selecting(connection=connection), connections=(Connection("dwh", WAREHOUSE),))
    (locked,) = lock_of(wanted, seen(model("a"), model("b", 2, connection_id=None))).models
    assert (locked.name, locked.connection) == ("a", WAREHOUSE)


def test_names_that_reduce_to_one_are_told_apart() -> None:
    models = (model("Sales!", 1), model("Sales?", 2), model("Søl", 3), model("売上", 4))
    assert names(selecting(), *models) == ["model_00000000", "sales", "sales_2", "sl"]


def test_a_locked_model_keeps_its_name() -> None:
    locked = (LockedModel(name="old_name", model_id=model("x").model_id, selection=1),)
    wanted = replace(selecting(), locked=locked)
    assert names(wanted, model("Renamed"), model("old name", 2)) == ["old_name", "old_name_2"]


def test_the_first_of_several_blocks_counts_and_a_declared_model_not_at_all() -> None:
    blocks = (Selection(number=1, name="a*"), Selection(number=2))
    by_hand = ObservedModel(model_id=model_id("mine"), name="by hand", kind="SHARED")
    wanted = desired(selections=blocks, by_hand=(("mine", model_id("mine")),))
    lock = lock_of(wanted, seen(model("b", 1), model("ab", 2), by_hand))
    assert [(m.name, m.selection) for m in lock.models] == [("ab", 1), ("b", 2)]
    assert lock.made_for == ("SHARED a*", "SHARED *")


def test_who_joins_and_who_leaves_is_drift() -> None:
    gone = LockedModel(name="gone", model_id=model("x", 9).model_id, selection=1)
    found = drift(replace(selecting("S*"), locked=(gone,)), seen(model("Sales"), model("Ops", 2)))
    assert [type(finding) for finding in found] == [SelectionJoined, SelectionLeft]


titles = st.none() | st.text(max_size=300) | st.sampled_from(["a", "A", "a_2", "ä"])


@given(st.lists(titles, min_size=1, max_size=8))
def test_what_was_just_locked_does_not_differ(found: list[str | None]) -> None:
    observed = seen(*(model(title, number) for number, title in enumerate(found)))
    lock = lock_of(selecting(), observed)
    assert len({locked.name for locked in lock.models}) == len(lock.models) == len(found)
    again = replace(selecting(), locked=lock.models)
    assert (drift(again, observed), lock_of(again, observed)) == ((), lock)


@given(st.text(max_size=300))
def test_a_slug_needs_no_quotes(title: str) -> None:
    assert all(c.isascii() and (c.isalnum() or c == "_") for c in slug(title))
