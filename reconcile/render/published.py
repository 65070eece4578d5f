"""Every published schema of an output, by the name that `schema` knows it under."""

from collections.abc import Callable, Mapping
from typing import get_args

from reconcile.forecast.text import VALIDATION_FORMAT_VERSION
from reconcile.model.desired import Mode
from reconcile.model.plan import ActionKind, Status
from reconcile.render.documents import PLAN_FORMAT_VERSION, WRITTEN_FORMAT_VERSION
from reconcile.render.extra_schemas import (
    comparison_definitions,
    comparison_record,
    comparison_schema,
    difference_schema,
    drift_schema,
    finding_record,
    fleet_status_schema,
    forecast_schema,
    inventory_schema,
    live_record,
    log_schema,
    run_status_schema,
    simulation_schema,
    why_schema,
)
from reconcile.render.schemas import (
    ADDRESS,
    BECAUSE,
    COUNT,
    FLAG,
    INSTANT,
    INSTANT_OR_NULL,
    ITEM_ADDRESS,
    NUMBER,
    SECONDS,
    SECONDS_OR_NULL,
    TEXT,
    TEXT_OR_NULL,
    WALL,
    Schema,
    because,
    blocking,
    by_word,
    diagnostics_schema,
    document,
    event_schema,
    explain_schema,
    listed,
    moves,
    one_of,
    or_null,
    record,
    request,
    saved_schema,
    show_schema,
    state_history_schema,
    state_list_schema,
    state_show_schema,
    summary_schema,
    told,
)

# The published JSON Schema of a plan.

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
            "item": _plan_item(),
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
    own |= dict.fromkeys(_SCHEDULE_KINDS, _plan_schedule())
    more = {kind: record(keys) for kind, keys in own.items()}
    return {**record(shared), "allOf": by_word("kind", more)}


def _plan_schedule() -> Schema:
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


def _plan_item() -> Schema:
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


# The published JSON Schemas of commands about the files: validate, init, fmt, import, lock.

_FILE = told(TEXT, "path as it was given")
_MODELS = listed(
    record(
        {
            "name": told(TEXT, "what addresses call it"),
            "id": TEXT,
            "title": told(TEXT_OR_NULL, "Omni's name of it"),
        }
    )
)


def validation_schema() -> Schema:
    """Return what `validate --format json` satisfies; for invalid files it prints diagnostics."""
    return document(
        "validation",
        "validate --format json",
        VALIDATION_FORMAT_VERSION,
        {
            "valid": told({"const": True}, "else nothing is printed but diagnostics"),
            "models": COUNT,
            "refreshes": COUNT,
            "resets": COUNT,
            "clock_changes": told(
                listed(_clock_change()), "of the coming year, where a slot falls into one"
            ),
        },
        optional={
            "schedules": told({**COUNT, "minimum": 1}, "of Omni's own; left out if there are none")
        },
    )


def _clock_change() -> Schema:
    slot: Schema = {
        "wall_time": told(WALL, "local time, without an offset"),
        "change": told(one_of(("skipped", "repeated")), "no such time that day, or two of it"),
        "before": told(INSTANT, "what it means by the offset before the change"),
        "after": told(INSTANT, "what it means by the offset after the change"),
        "runs": told({**listed(INSTANT), "maxItems": 2}, "when it runs, before any spread"),
        "addresses": {**listed(ITEM_ADDRESS), "minItems": 1},
    }
    return record(
        {
            "zone": told(TEXT, "IANA name"),
            "at": INSTANT,
            "offset_before_s": told(NUMBER, "east of UTC"),
            "offset_after_s": told(NUMBER, "east of UTC"),
            "slots": {**listed(record(slot)), "minItems": 1},
        }
    )


def init_schema() -> Schema:
    """Return what `init --format json` satisfies."""
    result = told(one_of(("created", "added", "unchanged")), "what became of the file")
    return _written("init", {"file": _FILE, "result": result})


def fmt_schema() -> Schema:
    """Return what `fmt --format json` satisfies."""
    changed = told(FLAG, "it was not in its canonical form; with --check or --diff it still is not")
    return _written("fmt", {"files": listed(record({"file": _FILE, "changed": changed}))})


def import_schema() -> Schema:
    """Return what `import --format json` satisfies."""
    added: Schema = {
        "models": told(_MODELS, "that are added; with --diff, would be"),
        "schedules": told(COUNT, "of Omni's own, added with them"),
    }
    return _written("import", {"file": _FILE, **added})


def lock_schema() -> Schema:
    """Return what `lock --format json` satisfies."""
    return _written(
        "lock",
        {
            "file": told(TEXT, "path of the lock file"),
            "models": told(COUNT, "that the selections stand for now"),
            "joined": told(_MODELS, "since the lock file before"),
            "left": told(_MODELS, "since the lock file before"),
        },
    )


def _written(command: str, properties: Schema) -> Schema:
    return document(command, f"{command} --format json", WRITTEN_FORMAT_VERSION, properties)


# Every published schema of an output, by the name that `schema` knows it under.

PUBLISHED: Mapping[str, Callable[[], Schema]] = {
    "plan": plan_schema,
    "saved": saved_schema,
    "comparison": comparison_schema,
    "difference": difference_schema,
    "show": show_schema,
    "state-list": state_list_schema,
    "state-show": state_show_schema,
    "state-history": state_history_schema,
    "drift": drift_schema,
    "discover": inventory_schema,
    "forecast": forecast_schema,
    "why": why_schema,
    "simulation": simulation_schema,
    "summary": summary_schema,
    "event": event_schema,
    "validation": validation_schema,
    "init": init_schema,
    "fmt": fmt_schema,
    "import": import_schema,
    "lock": lock_schema,
    "explain": explain_schema,
    "log": log_schema,
    "run-status": run_status_schema,
    "fleet-status": fleet_status_schema,
    "diagnostics": diagnostics_schema,
}
