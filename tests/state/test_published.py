"""The published schema of a state file: what is saved satisfies it, and nothing else does."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from reconcile.cli.explain import schema
from reconcile.model.address import schedule_address
from reconcile.model.desired import ScheduleSpec
from reconcile.model.recorded import PendingWrite, Recorded, ScheduleRecord
from reconcile.state.codec import encode_state
from tests.planning.making import NOON
from tests.render.breaking import unnoticed
from tests.render.schemas import closed_validator
from tests.render.test_items import RECORDED
from tests.render.test_record_schemas import lasting
from tests.strategies import states

SCHEDULE = ScheduleRecord(
    connection_id="one",
    spec=ScheduleSpec("0 2 * * ? *", "UTC", hard=False),
    schedule_id="two",
    pending=PendingWrite("op", NOON, first=True, after_doubt=True),
)
FULL = Recorded(
    lineage="c0ffee",
    host="https://myorg.omniapp.co",
    items=RECORDED.items,
    schedules={schedule_address("warehouse", "nightly"): SCHEDULE},
)
SATISFIES = closed_validator(schema("state"))


def test_the_schema_is_itself_valid() -> None:
    Draft202012Validator.check_schema(schema("state"))


@settings(max_examples=30)
@given(states().map(lasting))
def test_whatever_is_saved_satisfies_its_schema(recorded: Recorded) -> None:
    SATISFIES.validate(json.loads(encode_state(recorded)))


@pytest.mark.parametrize("recorded", [RECORDED, FULL])
def test_what_is_wrong_anywhere_does_not_satisfy_the_schema(recorded: Recorded) -> None:
    assert unnoticed(SATISFIES, json.loads(encode_state(recorded))) == []


def test_a_state_of_the_first_format_has_no_schedules() -> None:
    document: Any = json.loads(encode_state(FULL))
    assert not SATISFIES.is_valid(document | {"format_version": 1})
