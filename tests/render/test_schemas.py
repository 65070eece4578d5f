"""The published schemas: whole, known by name, and true of whatever is printed."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconcile.cli.explain import PUBLISHED, schema
from reconcile.forecast.command import forecast_json
from reconcile.forecast.why import explain
from reconcile.model.desired import Desired
from reconcile.model.journal import Entry
from reconcile.model.recorded import Recorded
from reconcile.planning.compare import compare
from reconcile.planning.forecast import forecast
from reconcile.planning.plan import plan
from reconcile.render.actions import plan_document
from reconcile.render.documents import encode
from reconcile.review.text import comparison_document
from reconcile.terminal.events import entry_line
from tests.conftest import Snapshot
from tests.planning.making import NOON
from tests.planning.worlds import files, worlds
from tests.render.plans import why_json
from tests.render.schemas import ENTRIES, validating, words
from tests.strategies import entries, examples, few_addresses

ROOMS = Path(__file__).parents[1]
PRINTED = {
    "review/snapshots/comparison.json": "comparison",
    "forecast/snapshots/forecast.json": "forecast",
    "review/snapshots/plan-difference.json": "difference",
    "render/snapshots/plan_morning.json": "plan",
    "render/snapshots/summary.json": "summary",
    "forecast/snapshots/why.json": "why",
}
plan_satisfies, why_satisfies = validating("plan"), validating("why")
forecast_satisfies, comparison_satisfies = validating("forecast"), validating("comparison")
event_satisfies = validating("event")


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_schema_is_itself_valid(name: str, snapshot: Snapshot) -> None:
    Draft202012Validator.check_schema(schema(name))
    snapshot(f"schema_{name}.json", json.dumps(schema(name), indent=2) + "\n")


@pytest.mark.parametrize(("file", "name"), PRINTED.items())
def test_a_snapshot_satisfies_its_schema(file: str, name: str) -> None:
    validating(name)(json.loads((ROOMS / file).read_text()))


def test_every_entry_of_the_journal_is_an_event_of_the_schema() -> None:
    assert words("event", "event") == ENTRIES | {"started", "finished"}


@given(entries(few_addresses), st.lists(few_addresses, max_size=2))
def test_any_entry_satisfies_the_schema_of_events(entry: Entry, addresses: list[Any]) -> None:
    event_satisfies(json.loads(entry_line(entry, addresses)))


@examples(30)
@given(worlds())
def test_whatever_is_planned_foreseen_or_explained_satisfies_its_schema(
    world: tuple[Desired, Recorded],
) -> None:
    declared, state = world
    plan_satisfies(json.loads(encode(plan_document(plan(declared, state, NOON)))))
    ahead = forecast(declared, state, NOON, timedelta(days=2))
    for singly in (False, True):
        forecast_satisfies(json.loads("".join(forecast_json(ahead, singly=singly))))
    for item in declared.items:
        why_satisfies(json.loads(why_json(explain(declared, state, NOON, item.address))))


@examples(30)
@given(files(), worlds())
def test_any_comparison_satisfies_its_schema(
    after: Desired, world: tuple[Desired, Recorded]
) -> None:
    found = compare(world[0], after, world[1], NOON, timedelta(days=2))
    comparison_satisfies(json.loads(encode(comparison_document(found, "HEAD"))))
