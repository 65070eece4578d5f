import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconcile.cli.schema import schema
from reconcile.model.address import Address, refresh_address
from reconcile.model.plan import Request
from reconcile.model.struct import replace
from reconcile.render.outline import plan_json
from tests.conftest import Snapshot
from tests.render.reasons import EVERY_REASON
from tests.render.samples import morning_standings, plan, refresh, standing, troubled_plan


def parsed(text: str) -> Any:
    return json.loads(text)


def test_the_json_of_a_plan(snapshot: Snapshot) -> None:
    snapshot("plan_morning.json", plan_json(plan(standings=morning_standings())))


def test_every_action_and_status_fits_the_schema() -> None:
    document = parsed(plan_json(troubled_plan(), host="https://myorg.omniapp.co"))
    Draft202012Validator(schema("plan")).validate(document)
    assert {action["kind"] for action in document["actions"]} == {
        "refresh",
        "reset",
        "await",
        "forget",
    }


def test_every_reason_fits_the_schema() -> None:
    standings = tuple(
        standing(refresh_address(f"m{number}"), reason=reason)
        for number, reason in enumerate(EVERY_REASON)
    )
    Draft202012Validator(schema("plan")).validate(parsed(plan_json(plan((), standings))))


@pytest.mark.parametrize("key", ["kind", "request", "addresses", "slot", "reason", "covers"])
def test_the_schema_notices_a_missing_part_of_an_action(key: str) -> None:
    document = parsed(plan_json(troubled_plan()))
    del document["actions"][0][key]
    assert not Draft202012Validator(schema("plan")).is_valid(document)


@pytest.mark.parametrize(("index", "key"), [(0, "mode"), (1, "waits_for"), (3, "job_id")])
def test_the_schema_knows_what_each_kind_of_action_has(index: int, key: str) -> None:
    document = parsed(plan_json(troubled_plan()))
    del document["actions"][index][key]
    assert not Draft202012Validator(schema("plan")).is_valid(document)


def test_a_query_is_an_object_and_a_repeated_key_a_list() -> None:
    action = refresh(refresh_address("sales"))
    request = Request("POST", "/x", (("a", "1"), ("schemas", "s"), ("schemas", "t")))
    action = replace(action, request=request)
    (shown,) = parsed(plan_json(plan((action,))))["actions"]
    assert shown["request"]["query"] == {"a": "1", "schemas": ["s", "t"]}


def test_instants_are_utc_with_a_z() -> None:
    document = parsed(plan_json(plan()))
    assert document["now"] == "2026-11-23T11:22:00Z"
    assert document["actions"][2]["slot"] == "2026-11-23T11:00:00Z"


@pytest.mark.fault("Z10")
def test_json_is_plain_ascii_without_controls() -> None:
    hostile = plan((refresh(Address("\x1b\x7f\u202e\u2028é")),))
    text = plan_json(hostile)
    assert text.isascii()
    assert text.replace("\n", "").isprintable()
