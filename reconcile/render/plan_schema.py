"""The published JSON Schema of a plan."""

from reconcile.model.plan import Status
from reconcile.render.plan_json import PLAN_FORMAT_VERSION
from reconcile.render.reason_json import reason_kinds

Schema = dict[str, object]

_TEXT: Schema = {"type": "string"}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_SECONDS: Schema = {"type": "number", "minimum": 0}
_SECONDS_OR_NULL: Schema = {"type": ["number", "null"], "minimum": 0}
_INSTANT: Schema = {"type": "string", "format": "date-time", "pattern": "Z$"}
_INSTANT_OR_NULL: Schema = {"type": ["string", "null"], "format": "date-time", "pattern": "Z$"}
_ADDRESS: Schema = {"type": "string", "pattern": "^models\\."}
_BECAUSE: Schema = {"$ref": "#/$defs/because"}


def plan_schema() -> Schema:
    """Return the JSON Schema (draft 2020-12) that every `plan_json` satisfies.

    Keys may be added within a format version; readers ignore what they do not know.
    """
    root = _object(
        {
            "format_version": {"const": PLAN_FORMAT_VERSION},
            "now": _INSTANT,
            "valid_until": _INSTANT_OR_NULL,
            "digest": _TEXT,
            "host": _TEXT_OR_NULL,
            "actions": _list({"$ref": "#/$defs/action"}),
            "items": _list({"$ref": "#/$defs/item"}),
            "noted": _list(_ADDRESS),
            "missed": _list(_object({"address": _ADDRESS, "slot": _INSTANT})),
            "load": {"$ref": "#/$defs/load"},
        }
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "reconcile plan",
        **root,
        "$defs": {
            "action": _action(),
            "cover": _cover(),
            "request": _request(),
            "item": _item(),
            "load": _load(),
            "because": _because(),
        },
    }


def _action() -> Schema:
    shared: Schema = {
        "kind": {"enum": ["refresh", "reset", "await", "forget"]},
        "addresses": {**_list(_ADDRESS), "minItems": 1},
        "request": {"oneOf": [{"$ref": "#/$defs/request"}, {"type": "null"}]},
        "slot": _INSTANT_OR_NULL,
        "reason": _TEXT,
        "covers": _list({"$ref": "#/$defs/cover"}),
    }
    job: Schema = {"timeout_s": _SECONDS, "expected_s": _SECONDS_OR_NULL}
    refresh: Schema = {"mode": {"enum": ["hard", "soft"]}, "model_id": _TEXT, **job}
    reset: Schema = {"model_id": _TEXT, "policy": _TEXT, "waits_for": _TEXT_OR_NULL}
    awaited: Schema = {"operation": _TEXT, "job_id": _TEXT, "since": _INSTANT, **job}
    own = {"refresh": refresh, "reset": reset, "await": awaited}
    return {**_object(shared), "allOf": [_if_kind(kind, keys) for kind, keys in own.items()]}


def _if_kind(kind: str, keys: Schema) -> Schema:
    return {"if": {"properties": {"kind": {"const": kind}}}, "then": _object(keys)}


def _cover() -> Schema:
    return _object(
        {
            "address": _ADDRESS,
            "slot": _INSTANT_OR_NULL,
            "stamp": _INSTANT_OR_NULL,
            "content": _TEXT_OR_NULL,
            "reason": _TEXT,
            "because": _BECAUSE,
        }
    )


def _request() -> Schema:
    value: Schema = {"oneOf": [_TEXT, _list(_TEXT)]}
    return _object(
        {
            "method": _TEXT,
            "path": {"type": "string", "pattern": "^/"},
            "query": {"type": "object", "additionalProperties": value},
            "body": {"type": ["object", "null"], "additionalProperties": _TEXT_OR_NULL},
        }
    )


def _item() -> Schema:
    return _object(
        {
            "address": _ADDRESS,
            "status": {"enum": [status.value for status in Status]},
            "zone": _TEXT,
            "newest_slot": _INSTANT_OR_NULL,
            "next_slot": _INSTANT_OR_NULL,
            "missed": _COUNT,
            "reason": _TEXT,
            "because": _BECAUSE,
            "until": _INSTANT_OR_NULL,
            "selected": {"type": "boolean"},
        }
    )


def _load() -> Schema:
    counts = ("calls", "polls", "peak_per_minute", "requests_per_minute")
    return _object({**dict.fromkeys(counts, _COUNT), "duration_s": _SECONDS})


def _because() -> Schema:
    return {**_object({"kind": {"enum": reason_kinds()}}), "additionalProperties": True}


def _object(properties: Schema) -> Schema:
    return {"type": "object", "required": list(properties), "properties": properties}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}
