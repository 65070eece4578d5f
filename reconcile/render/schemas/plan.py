"""The published JSON Schema of a plan."""

from typing import get_args

from reconcile.model.desired import Mode
from reconcile.model.plan import ActionKind, Status
from reconcile.render.plan_json import PLAN_FORMAT_VERSION
from reconcile.render.schemas.comparison import comparison_definitions, comparison_record
from reconcile.render.schemas.parts import (
    ADDRESS,
    BECAUSE,
    COUNT,
    FLAG,
    INSTANT,
    INSTANT_OR_NULL,
    SECONDS,
    SECONDS_OR_NULL,
    TEXT,
    TEXT_OR_NULL,
    Schema,
    because,
    document,
    listed,
    one_of,
    or_null,
    record,
    request,
)


def plan_schema() -> Schema:
    """Return what `plan --format json` satisfies; `against` is there with `--against` only."""
    against: Schema = {"against": {"$ref": "#/$defs/comparison"}}
    return document(
        "plan",
        PLAN_FORMAT_VERSION,
        {
            "now": INSTANT,
            "valid_until": INSTANT_OR_NULL,
            "digest": TEXT,
            "host": TEXT_OR_NULL,
            "actions": listed({"$ref": "#/$defs/action"}),
            "items": listed({"$ref": "#/$defs/item"}),
            "noted": listed(ADDRESS),
            "missed": listed(record({"address": ADDRESS, "slot": INSTANT})),
            "load": {"$ref": "#/$defs/load"},
        },
        {
            "action": _action(),
            "cover": _cover(),
            "request": request(),
            "item": _item(),
            "load": _load(),
            "because": because(),
            "comparison": comparison_record(),
            **comparison_definitions(),
        },
        against,
    )


def _action() -> Schema:
    shared: Schema = {
        "kind": one_of(get_args(ActionKind)),
        "addresses": {**listed(ADDRESS), "minItems": 1},
        "request": or_null({"$ref": "#/$defs/request"}),
        "slot": INSTANT_OR_NULL,
        "reason": TEXT,
        "covers": listed({"$ref": "#/$defs/cover"}),
    }
    job: Schema = {"timeout_s": SECONDS, "expected_s": SECONDS_OR_NULL}
    refresh: Schema = {"mode": one_of(Mode), "model_id": TEXT, **job}
    reset: Schema = {"model_id": TEXT, "policy": TEXT, "waits_for": TEXT_OR_NULL}
    awaited: Schema = {"operation": TEXT, "job_id": TEXT, "since": INSTANT, **job}
    own = {"refresh": refresh, "reset": reset, "await": awaited}
    return {**record(shared), "allOf": [_if_kind(kind, keys) for kind, keys in own.items()]}


def _if_kind(kind: str, keys: Schema) -> Schema:
    return {"if": {"properties": {"kind": {"const": kind}}}, "then": record(keys)}


def _cover() -> Schema:
    return record(
        {
            "address": ADDRESS,
            "slot": INSTANT_OR_NULL,
            "stamp": INSTANT_OR_NULL,
            "content": TEXT_OR_NULL,
            "reason": TEXT,
            "because": BECAUSE,
        }
    )


def _item() -> Schema:
    return record(
        {
            "address": ADDRESS,
            "status": one_of(Status),
            "zone": TEXT,
            "newest_slot": INSTANT_OR_NULL,
            "next_slot": INSTANT_OR_NULL,
            "missed": COUNT,
            "reason": TEXT,
            "because": BECAUSE,
            "until": INSTANT_OR_NULL,
            "selected": FLAG,
        }
    )


def _load() -> Schema:
    counts = ("calls", "polls", "peak_per_minute", "requests_per_minute")
    return record({**dict.fromkeys(counts, COUNT), "duration_s": SECONDS})
