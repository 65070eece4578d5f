import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec import Struct

from reconcile.cli.explain import schema
from reconcile.model.address import Address, refresh_address
from reconcile.model.plan import Request
from reconcile.model.struct import Telling, replace
from reconcile.render.actions import plan_document
from reconcile.render.documents import encode, encoded
from tests.conftest import Snapshot
from tests.render.reasons import EVERY_REASON
from tests.render.samples import morning_standings, plan, refresh, standing, troubled_plan
from tests.strategies import plain_json

floats_of_any_tongue = st.floats(1e-4, 1e15) | st.floats(-1e15, -1e-4) | st.just(0.0)
"""Farther out, exponents have leading zeros here and none there."""

anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | floats_of_any_tongue,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


class Lists(Struct):
    """A document of which two lists are told as they are read."""

    before: Any
    some: Telling[int, Any]
    between: Any
    others: Telling[int, Any]


def parsed(text: str) -> Any:
    return json.loads(text)


def test_the_json_of_a_plan(snapshot: Snapshot) -> None:
    snapshot("plan_morning.json", encode(plan_document(plan(standings=morning_standings()))))


def test_every_action_and_status_fits_the_schema() -> None:
    document = parsed(encode(plan_document(troubled_plan(), host="https://myorg.omniapp.co")))
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
    Draft202012Validator(schema("plan")).validate(
        parsed(encode(plan_document(plan((), standings))))
    )


@pytest.mark.parametrize("key", ["kind", "request", "addresses", "slot", "reason", "covers"])
def test_the_schema_notices_a_missing_part_of_an_action(key: str) -> None:
    document = parsed(encode(plan_document(troubled_plan())))
    del document["actions"][0][key]
    assert not Draft202012Validator(schema("plan")).is_valid(document)


@pytest.mark.parametrize(("index", "key"), [(0, "mode"), (1, "waits_for"), (3, "job_id")])
def test_the_schema_knows_what_each_kind_of_action_has(index: int, key: str) -> None:
    document = parsed(encode(plan_document(troubled_plan())))
    del document["actions"][index][key]
    assert not Draft202012Validator(schema("plan")).is_valid(document)


def test_a_query_is_an_object_and_a_repeated_key_a_list() -> None:
    action = refresh(refresh_address("sales"))
    request = Request("POST", "/x", (("a", "1"), ("schemas", "s"), ("schemas", "t")))
    action = replace(action, request=request)
    (shown,) = parsed(encode(plan_document(plan((action,)))))["actions"]
    assert shown["request"]["query"] == {"a": "1", "schemas": ["s", "t"]}


def test_instants_are_utc_with_a_z() -> None:
    document = parsed(encode(plan_document(plan())))
    assert document["now"] == "2026-11-23T11:22:00Z"
    assert document["actions"][2]["slot"] == "2026-11-23T11:00:00Z"


@pytest.mark.fault("Z10")
def test_json_is_plain_ascii_without_controls() -> None:
    hostile = plan((refresh(Address("\x1b\x7f\u202e\u2028é")),))
    text = encode(plan_document(hostile))
    assert text.isascii()
    assert text.replace("\n", "").isprintable()


@given(anything)
def test_compiled_json_is_spelled_as_the_standard_library_does(value: Any) -> None:
    """P4: faster, and the same bytes."""
    spelled = json.dumps(value, indent=2, allow_nan=False) + "\n"
    assert encode(value) == spelled.replace("##", "\\u0023\\u0023")


@given(plain_json)
def test_what_is_encoded_reads_as_what_it_was_half_pairs_too(value: Any) -> None:
    assert parsed(encode(value)) == value


@given(anything, st.integers(0, 201), st.integers(0, 3))
def test_a_document_in_pieces_is_the_whole_document(told: Any, many: int, few: int) -> None:
    """P4: lists are never held as a whole."""
    some = Telling(range(many), lambda number: [number, told])
    document = Lists(told, some, told, Telling(range(few), str))
    assert "".join(encoded(document)) == encode(document)


def test_a_plan_in_pieces_is_the_whole_plan() -> None:
    planned = troubled_plan()
    assert "".join(encoded(plan_document(planned))) == encode(plan_document(planned))
