"""What of an instance is listed: chosen by name, id, kind and connection, and sorted."""

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.live.discovery import (
    Filters,
    candidates,
    inventory,
    listed_connections,
    listed_models,
    unmatched,
)
from reconcile.model.desired import NativeSchedule, ScheduleSpec
from reconcile.model.observed import Observed, ObservedConnection, ObservedModel
from tests.planning.making import desired

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
LAKE = ObservedConnection(connection_id="c1", name="lake")
GONE = ObservedConnection(connection_id="c2", name="gone", deleted_at=NOON)
SALES = ObservedModel(model_id="m1", name="Sales", kind="SHARED", connection_id="c1")
NOTES = ObservedModel(model_id="m2", name="Notes", kind="WORKBOOK", connection_id="c1")
OLD = ObservedModel(model_id="m3", name="Old", kind="SHARED", connection_id="c2", deleted_at=NOON)
STRAY = ObservedModel(model_id="m4", name=None, kind="SHARED")
SEEN = Observed(at=NOON, models=(STRAY, SALES, OLD, NOTES), connections=(GONE, LAKE))


@pytest.mark.parametrize(
    ("filters", "models", "connections"),
    [
        (Filters(), ["m4", "m2", "m1"], ["c1", None]),
        (Filters(deleted=True), ["m4", "m2", "m3", "m1"], ["c2", "c1", None]),
        (Filters(kinds=frozenset({"WORKBOOK"})), ["m2"], ["c1"]),
        (Filters(patterns=("S*", "M2")), ["m2", "m1"], ["c1"]),
        (Filters(patterns=("nobody",)), [], []),
        (Filters(connection="la*"), ["m2", "m1"], ["c1"]),
        (Filters(connection="C1", patterns=("Sales",)), ["m1"], ["c1"]),
        (Filters(connection="C1*"), ["m2", "m1"], ["c1"]),
        (Filters(kinds=frozenset({"shared"}), patterns=("?1",)), ["m1"], ["c1"]),
        (Filters(connection="gone"), [], []),
    ],
)
def test_what_is_listed_follows_the_filters(
    filters: Filters, models: list[str], connections: list[str | None]
) -> None:
    assert [model.model_id for model in listed_models(filters, SEEN)] == models
    places = listed_connections(filters, SEEN)
    assert [place and place.connection_id for place in places] == connections


WORDS = ("Sales", "sales", "S*", "M1", "m?", "*", "C1", "c*", "lake", "L*", "gone", "nobody")


CHOICES = (
    st.sampled_from(WORDS),
    st.none() | st.sampled_from(WORDS),
    st.sampled_from(["SHARED", "shared", "Workbook"]),
)


def ids(models: Iterable[ObservedModel]) -> set[str]:
    return {model.model_id for model in models}


@given(*CHOICES)
def test_what_is_listed_is_what_can_be_imported(
    pattern: str, connection: str | None, kind: str
) -> None:
    filters = Filters(patterns=(pattern,), connection=connection, kinds=frozenset({kind}))
    by_id = {"m1"} & {pattern.lower()}  # whatever its kind and connection
    imported = candidates(SEEN, desired(), [pattern], kind, connection)
    assert ids(imported) == ids(listed_models(filters, SEEN)) | by_id


@given(*CHOICES)
def test_what_matches_nothing_is_told_and_what_it_matches_elsewhere_is_there(
    pattern: str, connection: str | None, kind: str
) -> None:
    kinds = frozenset({kind})
    filters = Filters(patterns=(pattern,), connection=connection, kinds=kinds)
    found = listed_models(filters, SEEN)
    told = unmatched(
        SEEN,
        patterns=[pattern],
        connection=connection,
        kinds=kinds,
        labels={},
        found=lambda _: found,
    )
    anywhere = listed_models(Filters(patterns=(pattern,), deleted=True), SEEN)
    assert bool(told) is not bool(found)
    assert all(one.elsewhere == len(anywhere) for one in told if one.what == "model")


def test_connections_that_may_not_be_listed_are_known_by_the_models_on_them() -> None:
    blind = Observed(at=NOON, models=(SALES,))
    assert listed_connections(Filters(), blind) == (ObservedConnection(connection_id="c1"),)


def test_an_inventory_tells_what_was_not_seen_from_what_is_not_there() -> None:
    told = Observed(at=NOON, models=(SALES, NOTES), connections=(LAKE,), policies={"m1": ()})
    [lake] = inventory(Filters(), told, "omni").connections
    assert lake.schedules is None
    assert [(model.id, model.policies) for model in lake.models] == [("m2", None), ("m1", ())]


@pytest.mark.parametrize(
    ("cron", "zone", "disabled_at", "next_run"),
    [
        ("0 9 * * ? *", "UTC", None, datetime(2026, 3, 5, 9, tzinfo=UTC)),
        ("0 9 * * ? *", "UTC", NOON, None),
        ("0 9 L-2 * ? *", "UTC", None, None),
        ("0 9 * * ? *", "Mars/Olympus", None, None),
        ("0 9 * * ? 2020", "UTC", None, None),
    ],
)
def test_a_schedules_next_run_is_known_unless_it_cannot_be(
    cron: str, zone: str, disabled_at: datetime | None, next_run: datetime | None
) -> None:
    spec = ScheduleSpec(cron, zone)
    schedule = NativeSchedule(
        schedule_id="s", connection_id="c1", spec=spec, disabled_at=disabled_at
    )
    told = Observed(at=NOON, models=(), connections=(LAKE,), schedules={"c1": (schedule,)})
    [lake] = inventory(Filters(), told, "omni").connections
    assert lake.schedules is not None
    assert [listed.next_run for listed in lake.schedules] == [next_run]
