"""`schema`: the JSON Schemas of what people write, of the state, and of every output.

Here, because those of the extras stand beside those of the core.
"""

from collections.abc import Callable, Mapping
from typing import Final, get_args

import click

from reconcile.controller.situation import (
    LOG_FORMAT_VERSION,
    SITUATION_FORMAT_VERSION,
    Level,
    RecentWord,
)
from reconcile.fleet.text import FLEET_FORMAT_VERSION
from reconcile.forecast.text import (
    FORECAST_FORMAT_VERSION,
    WHY_FORMAT_VERSION,
)
from reconcile.forecast.why import ObstacleKind
from reconcile.live.observed import Part, Weight
from reconcile.live.text import DRIFT_FORMAT_VERSION, INVENTORY_FORMAT_VERSION, finding_kinds
from reconcile.model.comparison import ChangeKind
from reconcile.model.desired import Mode
from reconcile.model.plan import ActionKind, Status
from reconcile.model.recorded import Kind
from reconcile.render.clocks import VALIDATION_FORMAT_VERSION
from reconcile.render.documents import PLAN_FORMAT_VERSION, WRITTEN_FORMAT_VERSION, encode
from reconcile.render.schemas import (
    ABSENT,
    ACCEPTED,
    ADDRESS,
    ANSWER,
    ATTEMPT,
    BECAUSE,
    CARRIED,
    CARRIER,
    CODE,
    COUNT,
    COUNT_OR_NULL,
    COUNTED,
    FLAG,
    FORBIDDEN,
    GIVEN_UP,
    INSTANT,
    INSTANT_OR_NULL,
    INTENT,
    ITEM_ADDRESS,
    LINEAGE,
    LOOK,
    NUMBER,
    RECORDED,
    RIDING,
    SCHEDULE_ADDRESS,
    SECONDS,
    SECONDS_OR_NULL,
    SERIAL,
    TEXT,
    TEXT_OR_NULL,
    UNREAD,
    VERDICTS,
    WALL,
    Schema,
    because,
    blocking,
    both,
    by_word,
    diagnostics_schema,
    document,
    event_schema,
    explain_schema,
    headed,
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
    table,
    told,
)
from reconcile.review.text import COMPARISON_FORMAT_VERSION
from reconcile.simulation.text import SIMULATION_FORMAT_VERSION
from reconcile.state.snapshot import FORMAT_VERSION, OLDEST_VERSION, SCHEDULES_VERSION
from reconcile.terminal.console import Console
from reconcile.terminal.options import (
    Command,
    OneOf,
    Options,
    output_options,
)

# The published JSON Schemas of what the extras print.

# The published JSON Schemas of comparisons: of two versions of the files, and of two plans.

_VALUE: Schema = {"type": ["string", "number", "null", "array"], "items": TEXT}
_FIELDS = listed({"$ref": "#/$defs/field"})
_KIND = one_of(get_args(ChangeKind))


def comparison_schema() -> Schema:
    """Return what the key `against` of `plan --against REF --format json` satisfies."""
    what = "What `reconcile plan --against REF --format json` has under `against`."
    return headed("comparison", what, comparison_record(), comparison_definitions())


def difference_schema() -> Schema:
    """Return what `plan diff A B --format json` satisfies."""
    status = or_null(one_of(Status))
    return document(
        "difference of plans",
        "plan diff A.json B.json --format json",
        COMPARISON_FORMAT_VERSION,
        {
            "changes": FLAG,
            "now": both(INSTANT),
            "digest": both(TEXT),
            "host": both(TEXT_OR_NULL),
            "calls": listed(record({"address": ADDRESS, "kind": _KIND, "fields": _FIELDS})),
            "unchanged": COUNT,
            "items": listed(record({"address": ADDRESS, "status": both(status)})),
        },
        {"field": _field()},
    )


def comparison_record() -> Schema:
    """Return the schema of a comparison inside another document."""
    return record({"format_version": {"const": COMPARISON_FORMAT_VERSION}, **_comparison()})


def comparison_definitions() -> dict[str, Schema]:
    """Return what `comparison_record` refers to under `$defs`."""
    return {"field": _field(), "figures": _figures(), "sharing": _sharing()}


def _comparison() -> Schema:
    addresses = listed(ADDRESS)
    night: Schema = {"zone": TEXT, "at": INSTANT, "offset_s": both(NUMBER), "touched": addresses}
    return {
        "reference": TEXT,
        "changes": FLAG,
        "now": INSTANT,
        "until": INSTANT,
        "assumed_just_run": FLAG,
        "items": listed(_compared_item()),
        "sections": listed(record({"section": TEXT, "kind": _KIND, "fields": _FIELDS})),
        "unchanged": COUNT,
        "before": {"$ref": "#/$defs/figures"},
        "after": {"$ref": "#/$defs/figures"},
        "freezes": listed(record({"freeze": TEXT, "gained": addresses, "lost": addresses})),
        "nights": listed(record(night)),
        "joined": listed({"$ref": "#/$defs/sharing"}),
        "parted": listed({"$ref": "#/$defs/sharing"}),
    }


def _compared_item() -> Schema:
    return record(
        {
            "address": ADDRESS,
            "kind": _KIND,
            "zone": TEXT,
            "fields": _FIELDS,
            "runs_per_day": both(listed(COUNT)),
            "first_new": INSTANT_OR_NULL,
            "first_gone": INSTANT_OR_NULL,
            "was": or_null(ADDRESS),
            "riding": or_null(RIDING),
        }
    )


def _field() -> Schema:
    sets: Schema = {"gained": listed(TEXT), "lost": listed(TEXT)}
    return record({"field": TEXT, "before": _VALUE, "after": _VALUE, **sets})


def _figures() -> Schema:
    peak = record(
        {"at": INSTANT, "calls": COUNT, "requests_in_a_minute": COUNT, "duration_s": SECONDS}
    )
    return record(
        {
            "calls": COUNT,
            "calls_per_day": listed(COUNT),
            "hard_refreshes": COUNT,
            "hard_refreshes_per_day": listed(COUNT),
            "peak": or_null(peak),
            "requests_per_minute": COUNT,
        }
    )


def _sharing() -> Schema:
    return record({"group": TEXT, "addresses": listed(ADDRESS)})


# The published JSON Schemas of `forecast`, `why` and `simulate`.

_DATE: Schema = {"type": "string", "format": "date"}


def forecast_schema() -> Schema:
    """Return what `forecast --format json` satisfies."""
    cover = record({"address": ADDRESS, "slot": INSTANT_OR_NULL})
    shared: Schema = {"at": INSTANT, "model_id": TEXT, "covers": listed(cover)}
    refresh = record({"kind": {"const": "refresh"}, **shared, "mode": one_of(("hard", "soft"))})
    own: Schema = {"policy": TEXT, "waits_for": TEXT_OR_NULL}
    reset = record({"kind": {"const": "reset"}, **shared, **own})
    idle: Schema = {"address": ADDRESS, "reason": TEXT, "because": BECAUSE}
    return document(
        "forecast",
        "forecast --format json",
        FORECAST_FORMAT_VERSION,
        {
            "now": INSTANT,
            "until": INSTANT,
            "zone": TEXT,
            "requests_per_minute": COUNT,
            "calls": listed({"oneOf": [refresh, reset]}),
            "days": listed(_day()),
            "riding": listed(RIDING),
            "idle": listed(record(idle)),
        },
        {"because": because()},
    )


def _day() -> Schema:
    return record(
        {
            "date": _DATE,
            "calls": COUNT,
            "items": table(COUNT),
            "busiest_minute": INSTANT_OR_NULL,
            "peak_per_minute": COUNT,
            "hour_peaks": listed(COUNT),
        }
    )


def why_schema() -> Schema:
    """Return what `why ADDRESS --format json` satisfies."""
    call = record({"covers": listed(ADDRESS), "place": COUNT, "of": COUNT})
    return document(
        "why",
        "why ADDRESS --format json",
        WHY_FORMAT_VERSION,
        {
            "now": INSTANT,
            "address": ADDRESS,
            "kind": one_of(("refresh", "reset")),
            "zone": TEXT,
            "status": one_of(Status),
            "reason": TEXT,
            "because": BECAUSE,
            "newest_slot": INSTANT_OR_NULL,
            "next_slot": INSTANT_OR_NULL,
            "missed": COUNT,
            "steps": listed(record({"step": TEXT, "found": TEXT})),
            "call": or_null(call),
            "earliest": INSTANT_OR_NULL,
            "searched": INSTANT_OR_NULL,
            "without": listed(_without()),
        },
        {"because": because()},
    )


def _without() -> Schema:
    return record(
        {
            "obstacle": one_of(ObstacleKind),
            "name": TEXT_OR_NULL,
            "status": one_of(Status),
            "because": BECAUSE,
            "earliest": INSTANT_OR_NULL,
            "told": TEXT,
        }
    )


def simulation_schema() -> Schema:
    """Return what `simulate --format json` satisfies."""
    ticks = ("scheduled", "ran", "dropped", "locked", "blocked")
    requests = (
        "refreshes",
        "resets",
        "polls",
        "throttled",
        "peak_per_minute",
        "requests_per_minute",
    )
    return document(
        "simulation",
        "simulate --format json",
        SIMULATION_FORMAT_VERSION,
        {
            "scenario": _scenario(),
            "ticks": record(dict.fromkeys(ticks, COUNT)),
            "requests": record(dict.fromkeys(requests, COUNT)),
            "items": listed(_simulated_item()),
            "nights": listed(_night()),
        },
    )


def _scenario() -> Schema:
    return record(
        {
            "from": INSTANT,
            "until": INSTANT,
            "runner": TEXT,
            "timezone": TEXT,
            "lateness": TEXT,
            "fail_share": {**NUMBER, "minimum": 0, "maximum": 1},
            "seed": {"type": "integer"},
        }
    )


def _simulated_item() -> Schema:
    lateness = record({"slots": COUNT, "p50_s": SECONDS, "p95_s": SECONDS, "max_s": SECONDS})
    counts = ("successes", "collapsed", "missed", "failures", "doubts")
    return record(
        {
            "address": ADDRESS,
            "status": one_of(Status),
            "lateness": or_null(lateness),
            "expected": COUNT_OR_NULL,
            **dict.fromkeys(counts, COUNT),
        }
    )


def _night() -> Schema:
    item: Schema = {
        "address": ADDRESS,
        "wall": WALL,
        "times": COUNT,
        "slots": listed(INSTANT),
        "sent": listed(INSTANT_OR_NULL),
    }
    return record(
        {
            "timezone": TEXT,
            "at": INSTANT,
            "offset_change_s": NUMBER,
            "items": listed(record(item)),
        }
    )


# The published JSON Schema of what a live look found.


def drift_schema() -> Schema:
    """Return what `drift --format json` satisfies. It has neither a digest nor actions."""
    return document(
        "drift",
        "drift --format json",
        DRIFT_FORMAT_VERSION,
        {
            "kind": {"const": "drift"},
            "host": TEXT,
            "now": INSTANT,
            "differs": FLAG,
            **_live(),
        },
        {"finding": finding_record()},
    )


def live_record() -> Schema:
    """Return the schema of the key `live` of a plan; it refers to `$defs/finding`."""
    return record(_live())


def finding_record() -> Schema:
    """Return the schema of a finding: its kind, and facts that depend on it."""
    told: Schema = {
        "kind": one_of(finding_kinds()),
        "weight": one_of(Weight),
        "message": TEXT,
        "addresses": listed(ADDRESS),
    }
    return {**record(told), "additionalProperties": True}


def _not_checked() -> Schema:
    return record(
        {
            "part": one_of(get_args(Part)),
            "count": {"type": "integer", "minimum": 1},
            "why": or_null(TEXT),
            "declared": told(FLAG, "something in the files depends on it"),
            "message": TEXT,
        }
    )


def _live() -> Schema:
    return {
        "observed_at": INSTANT,
        "findings": listed({"$ref": "#/$defs/finding"}),
        "not_checked": listed(_not_checked()),
        "unseen": told(listed(TEXT), "the messages of `not_checked`"),
    }


# The published JSON Schema of what an instance has.

_PARTS: Final = ("connections", "policies", "schedules")


def inventory_schema() -> Schema:
    """Return what `discover --format json` satisfies. Null: not seen, or not asked for."""
    unseen = record({"part": one_of(_PARTS), "id": TEXT_OR_NULL, "message": TEXT})
    return document(
        "discover",
        "discover --format json",
        INVENTORY_FORMAT_VERSION,
        {
            "host": TEXT,
            "observed_at": INSTANT,
            "connections": listed(_connection()),
            "unseen": listed(unseen),
            "requests": COUNT,
        },
    )


def _connection() -> Schema:
    return record(
        {
            "id": TEXT_OR_NULL,
            "name": TEXT_OR_NULL,
            "dialect": TEXT_OR_NULL,
            "database": TEXT_OR_NULL,
            "deleted_at": INSTANT_OR_NULL,
            "schedules": or_null(listed(_schedule())),
            "models": listed(_model()),
        }
    )


def _schedule() -> Schema:
    return record(
        {
            "id": TEXT,
            "cron": TEXT,
            "timezone": TEXT,
            "hard": FLAG,
            "disabled_at": INSTANT_OR_NULL,
            "next_run": INSTANT_OR_NULL,
        }
    )


def _model() -> Schema:
    return record(
        {
            "id": TEXT,
            "name": TEXT_OR_NULL,
            "kind": TEXT_OR_NULL,
            "base_model_id": TEXT_OR_NULL,
            "deleted_at": INSTANT_OR_NULL,
            "branches": listed(record({"id": TEXT, "name": TEXT})),
            "policies": or_null(listed(TEXT)),
        }
    )


# The published JSON Schemas of a running controller: its log, and how it stands.

_SERVED = "What `reconcile run --listen PLACE` serves at /state.json."
_LOGGED = "A line that `reconcile run --format json` logs, on standard error."


def log_schema() -> Schema:
    """Return what each line of the log of `run --format json` satisfies."""
    words = _events()
    head: Schema = {
        "format_version": {"const": LOG_FORMAT_VERSION},
        "at": INSTANT,
        "level": one_of(get_args(Level)),
        "event": one_of(words),
    }
    return headed("log", _LOGGED, {**record(head), "allOf": by_word("event", words)})


def _events() -> dict[str, Schema]:
    why = record({"why": TEXT})
    found = record({"code": CODE, "summary": TEXT, "detail": TEXT}, {"place": TEXT, "hint": TEXT})
    nothing = record({})
    ended = record(
        {"verdict": one_of(VERDICTS), "took_s": SECONDS},
        {"calls": COUNT, "polls": COUNT, "next": told(INSTANT, "when another has something to do")},
    )
    touched: Schema = {"slots_missed": COUNT, "items_late": COUNT}
    gap = record({"last_seen": INSTANT, "for_s": SECONDS, **touched})
    left = told(
        record(
            {"item": TEXT, "job": TEXT, "since": INSTANT},
            {"looked_at": INSTANT_OR_NULL, "answer": or_null(TEXT), "until": INSTANT_OR_NULL},
        ),
        "its end is left to a later cycle",
    )
    failed = record({"item": TEXT, "message": TEXT, "may_have_happened": FLAG})
    return {
        "started": record({"file": TEXT, "host": TEXT}),
        "serving": record({"url": TEXT}),
        "absent": told(gap, "nobody reconciled for that long"),
        "item-late": record({"item": ADDRESS, "since": INSTANT}),
        "cycle": ended,
        "cycle-problem": found,
        "note": found,
        "item-failed": failed,
        "job-left": left,
        "end-unseen": left,
        "throttled": record({"wait_s": SECONDS}),
        "files-reloaded": record({"items": COUNT}),
        "files-refused": found,
        "files-kept": why,
        "metrics-not-written": why,
        "heartbeat-failed": why,
        "heartbeat-resumed": nothing,
        "stopping": nothing,
        "stopped": nothing,
    }


def run_status_schema() -> Schema:
    """Return what the page of `run` serves to programs."""
    codes = listed(CODE)
    by_verdict = record({}, dict.fromkeys(VERDICTS, COUNT))
    return headed(
        "run-status",
        _SERVED,
        record(
            {
                "format_version": {"const": SITUATION_FORMAT_VERSION},
                "now": INSTANT,
                "name": TEXT,
                "host": TEXT,
                "ready": told(FLAG, "the files are valid and the last cycle went well"),
                "started_at": INSTANT,
                "wake_at": told(INSTANT_OR_NULL, "the next cycle; null: under way, or none"),
                "planned_at": told(INSTANT_OR_NULL, "as of when the items are told"),
                "under_way": told(FLAG, "an apply is being made"),
                "last_cycle": or_null(_cycle()),
                "cycles": told(by_verdict, "since the start, by verdict"),
                "requests": told(_requests(), "of the last minute, against the budget"),
                "refused": told(codes, "why the newest version of the files is not used"),
                "problems": told(codes, "why the last cycle did not end well"),
                "recent": told(listed(_recent()), "newest first"),
                "items": listed(_controlled_item()),
            }
        ),
    )


def _requests() -> Schema:
    return record({"used": COUNT, "limit": COUNT})


def _cycle() -> Schema:
    counts: Schema = {"calls": COUNT, "polls": COUNT}
    return record({"at": INSTANT, "verdict": one_of(VERDICTS), "took_s": SECONDS, **counts})


def _recent() -> Schema:
    word = one_of(get_args(RecentWord))
    return record({"at": INSTANT, "addresses": listed(ADDRESS), "outcome": word, "detail": TEXT})


def _controlled_item() -> Schema:
    return record(
        {
            "address": ADDRESS,
            "status": one_of(Status),
            "late_s": told(SECONDS, "for how long it has been due"),
            "last_success": INSTANT_OR_NULL,
            "failures": COUNT,
            "newest_slot": INSTANT_OR_NULL,
            "next_slot": INSTANT_OR_NULL,
            "reason": TEXT,
        }
    )


# The published JSON Schema of where the instances of a fleet stand.


def fleet_status_schema() -> Schema:
    """Return what `fleet status --format json` satisfies. Null: never run, or not so."""
    instance: Schema = {
        "instance": TEXT,
        "outcome": {"enum": [*VERDICTS, None]},
        "trouble": TEXT_OR_NULL,
        "ran_at": INSTANT_OR_NULL,
        "took_s": SECONDS_OR_NULL,
        "wake_at": INSTANT_OR_NULL,
        "failures": COUNT,
        "worker": TEXT_OR_NULL,
        "paused": FLAG,
        "paused_until": INSTANT_OR_NULL,
        "paused_reason": TEXT_OR_NULL,
    }
    return document(
        "fleet-status",
        "fleet status --format json",
        FLEET_FORMAT_VERSION,
        {"now": INSTANT, "instances": listed(record(instance))},
    )


# Every published schema of an output, by the name that `schema` knows it under.

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


# The JSON Schema of a state file, for whoever reads one: it is made for `git diff`, and `pull`.

_WHAT = "What `reconcile state pull` prints, and the state file holds; what is not known is absent."


def state_schema() -> Schema:
    """Return what a state file satisfies. That its checksum fits, no schema can say."""
    version: Schema = {"enum": list(range(OLDEST_VERSION, FORMAT_VERSION + 1))}
    checksum: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
    later: Schema = {"properties": {"format_version": {"minimum": SCHEDULES_VERSION}}}
    whole = _closed(
        {
            "format_version": told(version, f"{FORMAT_VERSION} in all that is saved now"),
            "writer": told(TEXT, "program and version that saved it"),
            "sha256": told(checksum, "of all other bytes of the file"),
            "lineage": LINEAGE,
            "serial": SERIAL,
            "sequence": told(COUNT, "the last journal entry that is folded in"),
            "items": _by(ITEM_ADDRESS, _item()),
        },
        {
            "host": told(TEXT, "the instance it is bound to, once a call was made"),
            "clock_wrong_at": told(INSTANT, "when a run last found its clock wrong"),
            "schedules": told(_by(SCHEDULE_ADDRESS, _state_schedule()), "Omni's own that are ours"),
        },
    )
    bound = {"if": {"required": ["schedules"]}, "then": later}
    return headed("state", _WHAT, {**whole, "allOf": [bound]}, grows=False)


def _closed(properties: Schema, optional: Schema) -> Schema:
    # Unlike an output: a version that does not know a key must not lose what it says.
    return {**record(properties, optional), "additionalProperties": False}


def _by(address: Schema, what: Schema) -> Schema:
    return {**table(what), "propertyNames": address}


def _item() -> Schema:
    failure = _closed({"at": INSTANT, "message": TEXT}, {})
    return _closed(
        {},
        {
            "declared": told({"type": "object"}, RECORDED["declared"]),
            "since": told(INSTANT, RECORDED["since"]),
            "covered_slot": told(INSTANT, RECORDED["covered_slot"]),
            "stamp": told(INSTANT, RECORDED["stamp"]),
            "content": told(TEXT, RECORDED["content"]),
            "last_success": told(INSTANT, RECORDED["last_success"]),
            "completed_at": told(INSTANT, RECORDED["completed_at"]),
            "missed_slot": told(INSTANT, RECORDED["missed_slot"]),
            "failures": told({**COUNT, "minimum": 1}, RECORDED["failures"]),
            "last_failure": told(failure, RECORDED["last_failure"]),
            "pending": told(_pending(), RECORDED["pending"]),
            "durations_s": told(listed(SECONDS), RECORDED["durations_s"]),
            "carrier": told(_carrier(), RECORDED["carrier"]),
            "doubts": told({**COUNT, "minimum": 1}, RECORDED["doubts"]),
            "last_doubt": told(failure, RECORDED["last_doubt"]),
            "unseen": told(_unseen(), RECORDED["unseen"]),
            "marked_at": told(INSTANT, RECORDED["marked_at"]),
        },
    )


def _carrier() -> Schema:
    return _closed(CARRIER, {})


def _unseen() -> Schema:
    return _closed(
        {"at": told(INSTANT, GIVEN_UP), "answer": told(TEXT, ANSWER), "call": _pending()},
        {"forbidden": told(FLAG, FORBIDDEN)},
    )


def _look() -> Schema:
    return _closed(
        {"at": INSTANT, "answer": told(TEXT, ANSWER)},
        {
            "absent": told({**COUNT, "minimum": 1}, ABSENT),
            "forbidden": told({**COUNT, "minimum": 1}, UNREAD),
            "counted_at": told(INSTANT, COUNTED),
        },
    )


def _pending() -> Schema:
    slots: Schema = {"slot": INSTANT, "stamp": INSTANT, "content": TEXT}
    covers = _closed({"address": ADDRESS}, {**slots, "attempt": {**ATTEMPT, "minimum": 2}})
    return _closed(
        {
            "operation": TEXT,
            "kind": one_of(get_args(Kind)),
            "since": INTENT,
            "coverage": told(covers, "what is settled once it succeeds"),
            "accepted": ACCEPTED,
        },
        {
            "job_id": told(TEXT, "Omni's id of the job, where there is one to ask after"),
            "carrier": told(_carrier(), CARRIED),
            "look": told(_look(), LOOK),
        },
    )


def _state_schedule() -> Schema:
    pending = _closed({"operation": TEXT, "since": INSTANT}, {"first": FLAG, "after_doubt": FLAG})
    spec: Schema = {"cron": TEXT, "timezone": TEXT, "hard": FLAG}
    return _closed(
        {"connection_id": TEXT, **spec},
        {
            "schedule_id": told(TEXT, "Omni's id; absent while its creation is in doubt"),
            "pending": told(pending, "a write whose outcome is not known yet"),
        },
    )


# `schema`: the JSON Schema of what people write, for editors, of the state, and of outputs.

DOCUMENTS = ("file", "fleet", "state", *PUBLISHED)


@click.command(cls=Command)
@click.argument(
    "document",
    type=OneOf(DOCUMENTS),
    default="file",
    metavar="[DOCUMENT]",
    help=f"One of {', '.join(DOCUMENTS)}.",
)
@output_options
def run_schema(options: Options, console: Console) -> int:
    """Print one schema."""
    if options.document in {"file", "fleet"}:
        from reconcile.config.fleet import fleet_schema
        from reconcile.config.tables import file_schema

        console.give(encode(file_schema() if options.document == "file" else fleet_schema()))
    elif options.document == "state":
        console.give(encode(state_schema()))
    else:
        console.give(encode(PUBLISHED[options.document]()))
    return 0
