"""The published JSON Schema of a plan."""

from typing import get_args

from reconcile.model.desired import Mode
from reconcile.model.plan import ActionKind, Status
from reconcile.render.plan_json import PLAN_FORMAT_VERSION
from reconcile.render.schemas.comparison import comparison_definitions, comparison_record
from reconcile.render.schemas.live import finding_record, live_record
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
    blocking,
    by_word,
    document,
    listed,
    moves,
    one_of,
    or_null,
    record,
    request,
)

_SCHEDULE_KINDS = tuple(kind for kind in get_args(ActionKind) if kind.endswith("_schedule"))


def plan_schema() -> Schema:
    """Return what `plan --format json` satisfies; `against` and `live` only where asked for."""
    asked: Schema = {"against": {"$ref": "#/$defs/comparison"}, "live": live_record()}
    return document(
        "plan",
        "plan --format json",
        PLAN_FORMAT_VERSION,
        {
            "now": INSTANT,
            "valid_until": INSTANT_OR_NULL,
            "digest": TEXT,
            "host": TEXT_OR_NULL,
            "blocked_by": listed(blocking()),
            "attention": listed(
                record({"what": TEXT, "addresses": listed(ADDRESS), "command": TEXT_OR_NULL})
            ),
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
            "finding": finding_record(),
            **comparison_definitions(),
        },
        asked,
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
    own: dict[str, Schema] = {"refresh": refresh, "reset": reset, "await": awaited}
    own["rename"] = {"moves": moves()}
    own |= dict.fromkeys(_SCHEDULE_KINDS, _schedule())
    more = {kind: record(keys) for kind, keys in own.items()}
    return {**record(shared), "allOf": by_word("kind", more)}


def _schedule() -> Schema:
    spec = or_null(record({"cron": TEXT, "timezone": TEXT, "hard": FLAG}))
    ids: Schema = {"connection_id": TEXT, "schedule_id": TEXT_OR_NULL}
    return {**ids, "before": spec, "after": spec, "because": BECAUSE}


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
    numbers = {**dict.fromkeys(counts, COUNT), "duration_s": SECONDS}
    return record({**numbers, "overtaken": listed(ADDRESS)})
