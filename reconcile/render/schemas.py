"""The published JSON Schemas (draft 2020-12) of what the core prints as JSON.

Keys may be added within a format version; readers ignore what they do not know.
"""

from collections.abc import Iterable, Mapping
from typing import get_args

from reconcile.errors import Severity
from reconcile.model.journal import Lack
from reconcile.model.plan import ActionKind, LimitName, ScheduleAct, Status
from reconcile.model.progress import ResultStatus
from reconcile.model.recorded import Kind
from reconcile.render.apply import SUMMARY_FORMAT_VERSION
from reconcile.render.diagnostics import DIAGNOSTICS_FORMAT_VERSION
from reconcile.render.documents import EVENTS_FORMAT_VERSION, EXPLANATIONS_FORMAT_VERSION
from reconcile.render.items import HISTORY_FORMAT_VERSION, RECORDS_FORMAT_VERSION
from reconcile.render.reasons import reason_kinds
from reconcile.render.saved import SAVED_FORMAT_VERSION

# What the schemas have in common: instants, addresses, reasons, and how an object is spelled.

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, object]

TEXT: Schema = {"type": "string"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
FLAG: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
ATTEMPT: Schema = {
    "type": "integer",
    "minimum": 1,
    "description": "counts the calls for one slot; those before it were never seen to end",
}
COUNT_OR_NULL: Schema = {"type": ["integer", "null"], "minimum": 0}
SECONDS: Schema = {"type": "number", "minimum": 0}
SECONDS_OR_NULL: Schema = {"type": ["number", "null"], "minimum": 0}
INSTANT: Schema = {"type": "string", "format": "date-time", "pattern": "Z$"}
INSTANT_OR_NULL: Schema = {"type": ["string", "null"], "format": "date-time", "pattern": "Z$"}
ADDRESS: Schema = {"type": "string", "pattern": "^(models|connections)\\."}
ITEM_ADDRESS: Schema = {"type": "string", "pattern": "^models\\."}
SCHEDULE_ADDRESS: Schema = {"type": "string", "pattern": "^connections\\."}
CODE: Schema = {"type": "string", "pattern": "^[a-z0-9-]+$"}
WALL: Schema = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T[\d:.]+$"}
CARRIER: Schema = {
    "model_id": TEXT,
    "group": {**TEXT, "description": "the refreshes that the call stood for"},
}
"""Keys of the model whose id carried a call for others too."""
BECAUSE: Schema = {"$ref": "#/$defs/because"}

VERDICTS = ("idle", "done", "partly", "stopped", "blocked", "locked", "failed")
"""What a cycle of a controller or of a fleet comes to."""

_UNITS = "Instants are RFC 3339 in UTC; what ends in _s is in seconds."
_GROWTH = "Within a format version keys may be added: ignore what you do not know."


def blocking() -> Schema:
    """Return the shape of a limit that blocks a plan."""
    return record(
        {
            "limit": one_of(get_args(LimitName)),
            "allowed": NUMBER,
            "planned": NUMBER,
            "waiver": {**TEXT, "pattern": "^--allow "},
        }
    )


def document(
    title: str,
    printed_by: str,
    version: int,
    properties: Schema,
    definitions: Mapping[str, Schema] | None = None,
    optional: Schema | None = None,
) -> Schema:
    """Return the schema of a whole document with its `format_version`.

    `printed_by`: the command, without the name of the program.
    """
    whole = record({"format_version": {"const": version}, **properties}, optional)
    return headed(title, f"What `reconcile {printed_by}` prints.", whole, definitions)


def headed(
    title: str,
    what: str,
    whole: Schema,
    definitions: Mapping[str, Schema] | None = None,
    *,
    grows: bool = True,
) -> Schema:
    """Return a schema with its dialect, its title, and how what it describes is to be read."""
    description = f"{what} {_UNITS} {_GROWTH}" if grows else f"{what} {_UNITS}"
    head: Schema = {
        "$schema": DIALECT,
        "title": f"reconcile {title}",
        "description": description,
    }
    return head | whole | ({"$defs": dict(definitions)} if definitions else {})


def told(schema: Schema, meaning: str) -> Schema:
    """Return a schema that says what its value means, where the key alone does not."""
    return {**schema, "description": meaning}


def record(properties: Schema, optional: Schema | None = None) -> Schema:
    """Return the schema of an object that has all of `properties`, and perhaps the others."""
    known = properties | (optional or {})
    return {"type": "object", "required": list(properties), "properties": known}


def listed(items: Schema) -> Schema:
    """Return the schema of an array."""
    return {"type": "array", "items": items}


def table(values: Schema) -> Schema:
    """Return the schema of an object whose keys are names."""
    return {"type": "object", "additionalProperties": values}


def one_of(words: Iterable[str]) -> Schema:
    """Return the schema of a closed list of words."""
    return {"enum": list(words)}


def or_null(schema: Schema) -> Schema:
    """Return the schema of a value that may be absent."""
    return {"oneOf": [schema, {"type": "null"}]}


def both(schema: Schema) -> Schema:
    """Return the schema of a value before and after."""
    return record({"before": schema, "after": schema})


def by_word(key: str, own: Mapping[str, Schema]) -> list[Schema]:
    """Return the `allOf` of an object that has more keys, by which word stands under `key`."""
    return [
        {"if": {"properties": {key: {"const": word}}}, "then": schema}
        for word, schema in own.items()
    ]


def moves() -> Schema:
    """Return the schema of the records that a rename moves, all at once."""
    return {**listed(record({"from": ADDRESS, "to": ADDRESS})), "minItems": 1}


def because() -> Schema:
    """Return the schema of a reason: its kind, and facts that depend on it."""
    return {**record({"kind": one_of(reason_kinds())}), "additionalProperties": True}


def request() -> Schema:
    """Return the schema of a request as a plan shows it."""
    value: Schema = {"oneOf": [TEXT, listed(TEXT)]}
    return record(
        {
            "method": TEXT,
            "path": {"type": "string", "pattern": "^/"},
            "query": table(value),
            "body": _body(),
        }
    )


def sent() -> Schema:
    """Return the schema of a request as the journal has it: its parameters in their order."""
    pair: Schema = {"type": "array", "items": TEXT, "minItems": 2, "maxItems": 2}
    return record({"method": TEXT, "path": TEXT, "query": listed(pair), "body": _body()})


def _body() -> Schema:
    value: Schema = {"type": ["string", "boolean", "null"]}
    return {"type": ["object", "null"], "additionalProperties": value}


RIDING: Schema = record({"address": ADDRESS, "along_with": ADDRESS, "runs": COUNT, "alone": COUNT})
"""What is said of an item that runs more often than its cadence alone would."""


# The published JSON Schema of `state history`.

_COVERAGE: Schema = {"$ref": "#/$defs/coverage"}
_REQUEST: Schema = {"$ref": "#/$defs/request"}
_ADDRESSES = listed(ADDRESS)

LACK = "why it showed nothing; null: Omni said how the job stands"
AHEAD = "by how much the clock that dated them was ahead of Omni's; below 0: behind"
ORIGIN = ("who", "machine", "commit", "run")
"""Where an apply was made, and from what, as far as its environment tells."""


def state_history_schema() -> Schema:
    """Return what `state history --format json` satisfies, of all items or of one."""
    words = {
        word: record(keys)
        for word, keys in (_recorded_calls() | _recorded_changes() | _recorded_schedules()).items()
    }
    sequence: Schema = {"type": "integer", "minimum": 1}
    entry: Schema = {
        "sequence": told(sequence, "its place in the journal, over the life of the state"),
        "entry": one_of(words),
        "at": INSTANT,
    }
    return document(
        "state history",
        "state history --format json",
        HISTORY_FORMAT_VERSION,
        {"entries": listed({**record(entry), "allOf": by_word("entry", words)})},
        {"coverage": _recorded_coverage(), "request": sent()},
    )


def _recorded_calls() -> dict[str, Schema]:
    operation: Schema = {"operation": told(TEXT, "names one call from its intent to its outcome")}
    message: Schema = {**operation, "message": TEXT}
    intent: Schema = {
        "kind": one_of(get_args(Kind)),
        "covers": listed(_COVERAGE),
        "request": _REQUEST,
        "host": TEXT,
        "carrier": told(
            or_null(record(CARRIER)), "whose id carries it, where it is made for others too"
        ),
    }
    blames = told(FLAG, "false: the answer says nothing about the item")
    blamed = told(or_null(_ADDRESSES), "whose failure it is; null: that of all it covered")
    answer: Schema = {**operation, "answer": told(TEXT, ANSWER)}
    cut_off = told(FLAG, "our own end cut the call off; it is sent again at once")
    lasted = told(SECONDS_OR_NULL, "how long its job is taken to have run; null: not known")
    return {
        "intent": {**operation, **intent},
        "not_sent": message,
        "rejected": {**message, "blames_item": blames, "blames": blamed},
        "accepted": {**operation, "job_id": TEXT_OR_NULL},
        "doubted": {**message, "cut_off": cut_off},
        "looked": {**answer, "lack": told(or_null(one_of(get_args(Lack))), LACK)},
        "unseen": {**answer, "forbidden": told(FLAG, FORBIDDEN)},
        "done": {
            **operation,
            "completed_at": told(INSTANT, "when that was seen"),
            "lasted_s": lasted,
        },
        "failed": message,
    }


def _recorded_changes() -> dict[str, Schema]:
    address: Schema = {"address": ADDRESS}
    covers = told(or_null(_COVERAGE), "what somebody said is done; null: it is due again")
    return {
        "noted": {**address, "declared": {"type": "object"}},
        "missed": {**address, "slot": INSTANT},
        "forgotten": address,
        "marked": {**address, "covers": covers},
        "moved": {**address, "to": ADDRESS},
        "blamed": {"addresses": _ADDRESSES, "message": TEXT},
        "renamed": {"moves": told(moves(), "all at once")},
        "clock_mended": {},
        "redated": {"operations": listed(TEXT), "ahead_s": told(NUMBER, AHEAD)},
        "began": {"command": TEXT, **dict.fromkeys(ORIGIN, TEXT_OR_NULL)},
        "waived": {"limit": TEXT, "value": NUMBER},
    }


def _recorded_schedules() -> dict[str, Schema]:
    address: Schema = {"address": SCHEDULE_ADDRESS}
    spec = record({"cron": TEXT, "zone": TEXT, "hard": FLAG})
    wanted: Schema = {**address, "connection_id": TEXT, "spec": spec}
    operation = told(TEXT_OR_NULL, "null: it was found so, and nothing was sent")
    return {
        "schedule_intent": {
            **wanted,
            "operation": TEXT,
            "act": one_of(get_args(ScheduleAct)),
            "schedule_id": TEXT_OR_NULL,
            "request": _REQUEST,
            "host": TEXT,
        },
        "schedule_kept": {**wanted, "schedule_id": TEXT, "operation": operation},
        "schedule_gone": {**address, "operation": operation},
    }


def _recorded_coverage() -> Schema:
    return record(
        {
            "address": ADDRESS,
            "slot": told(INSTANT_OR_NULL, "slot that is made up"),
            "stamp": told(INSTANT_OR_NULL, "resetAt that is sent"),
            "content": told(TEXT_OR_NULL, "hash of the watched files"),
            "attempt": ATTEMPT,
        }
    )


# The published JSON Schemas of what an apply says: its summary, its events, and diagnostics.


def summary_schema() -> Schema:
    """Return what `apply --format json` satisfies."""
    statuses = get_args(ResultStatus)
    job: Schema = {
        "job_id": TEXT,
        "since": INSTANT,
        "looked_at": INSTANT_OR_NULL,
        "answer": TEXT_OR_NULL,
        "until": INSTANT_OR_NULL,
    }
    trouble: Schema = {"code": CODE, "summary": TEXT, "detail": TEXT, "hint": TEXT_OR_NULL}
    result: Schema = {
        "kind": one_of(get_args(ActionKind)),
        "addresses": _ADDRESSES,
        "request": or_null(request()),
        "status": one_of(statuses),
        "may_have_happened": FLAG,
        "message": TEXT_OR_NULL,
        "took_s": SECONDS,
        "operation": TEXT_OR_NULL,
        "job": or_null(record(job)),
    }
    return document(
        "summary",
        "apply --format json",
        SUMMARY_FORMAT_VERSION,
        {
            "results": listed(record(result)),
            "statuses": record(dict.fromkeys(statuses, COUNT)),
            "calls": COUNT,
            "polls": COUNT,
            "took_s": SECONDS,
            "interrupted": FLAG,
            "troubles": listed(record(trouble)),
        },
    )


def diagnostics_schema() -> Schema:
    """Return what any command prints on standard error with `--format json`, one or more."""
    place: Schema = {
        "file": TEXT,
        "line": COUNT_OR_NULL,
        "column": COUNT_OR_NULL,
        "width": COUNT,
        "text": TEXT_OR_NULL,
    }
    diagnostic: Schema = {
        "code": CODE,
        "severity": one_of(Severity),
        "summary": TEXT,
        "detail": TEXT,
        "hint": TEXT_OR_NULL,
        "places": listed(record(place)),
    }
    version: Schema = {"const": DIAGNOSTICS_FORMAT_VERSION}
    whole = record({"format_version": version, "diagnostics": listed(record(diagnostic))})
    what = "What any command prints on standard error with --format json, once or more."
    return headed("diagnostics", what, whole)


def event_schema() -> Schema:
    """Return what each line of `apply --events FILE` satisfies."""
    words = (
        {
            "started": record({"digest": TEXT, "valid_until": INSTANT_OR_NULL, "actions": COUNT}),
            "finished": record(
                {
                    "statuses": table(COUNT),
                    "calls": COUNT,
                    "polls": COUNT,
                    "took_s": SECONDS,
                    "interrupted": FLAG,
                }
            ),
        }
        | _runs()
        | {word: _about_call(own, more) for word, (own, more) in _calls().items()}
        | {word: _about_item(own, more) for word, (own, more) in _changes().items()}
        | {word: _about_item(own, more) for word, (own, more) in _schedules().items()}
    )
    head: Schema = {
        "format_version": {"const": EVENTS_FORMAT_VERSION},
        "event": one_of(words),
        "at": INSTANT,
    }
    whole = {**record(head), "allOf": by_word("event", words)}
    return headed("event", "A line that `reconcile apply --events FILE` writes.", whole)


def _about_call(own: Schema, more: Schema) -> Schema:
    return record({"operation": TEXT, "addresses": _ADDRESSES, **own}, more)


def _about_item(own: Schema, more: Schema) -> Schema:
    return record({"address": ADDRESS, **own}, more)


def _calls() -> dict[str, tuple[Schema, Schema]]:
    intent: Schema = {
        "kind": one_of(get_args(Kind)),
        "covers": listed(_coverage()),
        "request": sent(),
        "host": TEXT,
    }
    told: Schema = {"message": TEXT}
    answer: Schema = {"answer": TEXT}
    return {
        "intent": (intent, {"carrier": record(CARRIER)}),
        "accepted": ({}, {"job_id": TEXT}),
        "done": ({"completed_at": INSTANT}, {"lasted_s": SECONDS}),
        "rejected": (told, {"blames_item": FLAG, "blames": _ADDRESSES}),
        "not_sent": (told, {}),
        "doubted": (told, {"cut_off": FLAG}),
        "looked": (answer, {"lack": one_of(get_args(Lack))}),
        "unseen": (answer, {"forbidden": FLAG}),
        "failed": (told, {}),
    }


def _changes() -> dict[str, tuple[Schema, Schema]]:
    return {
        "noted": ({"declared": {"type": "object"}}, {}),
        "missed": ({"slot": INSTANT}, {}),
        "forgotten": ({}, {}),
        "marked": ({}, {"covers": _coverage()}),
        "moved": ({"to": ADDRESS}, {}),
    }


def _runs() -> dict[str, Schema]:
    """Return what is said of a whole run, or of several items at once."""
    origin: Schema = dict.fromkeys(ORIGIN, TEXT)
    return {
        "began": record({"command": TEXT}, origin),
        "blamed": record({"addresses": _ADDRESSES, "message": TEXT}),
        "renamed": record({"moves": moves()}),
        "clock_mended": record({}),
        "redated": record({"operations": listed(TEXT), "ahead_s": NUMBER}),
        "waived": record({"limit": TEXT, "value": NUMBER}),
    }


def _schedules() -> dict[str, tuple[Schema, Schema]]:
    spec: Schema = {"connection_id": TEXT, "cron": TEXT, "timezone": TEXT, "hard": FLAG}
    write: Schema = {
        "operation": TEXT,
        "act": one_of(get_args(ScheduleAct)),
        "request": sent(),
        "host": TEXT,
    }
    operation: Schema = {"operation": TEXT}
    return {
        "schedule_intent": ({**spec, **write}, {"schedule_id": TEXT}),
        "schedule_kept": ({**spec, "schedule_id": TEXT}, operation),
        "schedule_gone": ({}, operation),
    }


def _coverage() -> Schema:
    known: Schema = {"slot": INSTANT, "stamp": INSTANT, "content": TEXT, "attempt": ATTEMPT}
    return record({"address": ADDRESS}, known)


# The published JSON Schemas of what is recorded: `show`, `state list`, `state show`.

LINEAGE = told(TEXT, "the same for as long as one version continues the other")
SERIAL = told(COUNT, "grows by one with every saved change")
INTENT = told(INSTANT, "when its intent was written")
GIVEN_UP = "when it was no longer awaited"
ANSWER = "Omni's word for how the job stands, or why there was none"
FORBIDDEN = "the job may not be read, so that it is not called again before its next slot"
ABSENT = "looks, two minutes apart at least, at which Omni did not know the job"
UNREAD = "looks, two minutes apart at least, at which it did not let the job be read"
COUNTED = "the newest look that was counted"
CARRIED = "the model whose id carried the call, where that is another's"
LOOK = "what was last learned of its job"
ACCEPTED = told(FLAG, "Omni took it; else it may or may not have been sent")

RECORDED: Mapping[str, str] = {
    "declared": "what it declared when an apply last saw it",
    "since": "when an apply first saw its present timing",
    "covered_slot": "newest slot that a success made up",
    "stamp": "newest resetAt that Omni acknowledged",
    "content": "hash of its watched files when it last succeeded",
    "last_success": "when the last successful call was sent",
    "completed_at": "when the job of that call was seen to end",
    "missed_slot": "newest slot that passed its deadline",
    "failures": "in a row, since the last success",
    "last_failure": "the last one since the last success",
    "pending": "a call whose outcome is not known yet",
    "durations_s": "how long its newest jobs took, oldest first",
    "carrier": "the model whose id carried the call that covers it, where that is another's",
    "doubts": "calls in a row whose outcome is not known",
    "last_doubt": "the newest of these",
    "unseen": "its last accepted refresh, while nobody knows how that ended",
    "marked_at": "when a person said that it is due again, until it has run",
}
"""What each key of a record means, in a state file as in what is printed of it."""

_ITEM: Schema = {"$ref": "#/$defs/recorded"}
_SCHEDULES = listed({"$ref": "#/$defs/schedule"})
_NULL: Schema = {"type": "null"}


def show_schema() -> Schema:
    """Return what `show --format json` satisfies."""
    known: Schema = {
        "address": ADDRESS,
        "status": one_of(Status),
        "zone": told(TEXT, "IANA name of the zone its times of day are in"),
        "newest_slot": told(INSTANT_OR_NULL, "its last slot that has passed"),
        "next_slot": told(INSTANT_OR_NULL, "its first slot to come"),
        "until": told(INSTANT_OR_NULL, "when its status changes by itself; null: not by itself"),
        "recorded": _ITEM,
    }
    gone = told({"const": "not_declared"}, "recorded, but the files declare it no more")
    instants = dict.fromkeys(("zone", "newest_slot", "next_slot", "until"), _NULL)
    undeclared: Schema = {"address": ITEM_ADDRESS, "status": gone, **instants, "recorded": _ITEM}
    return document(
        "show",
        "show --format json",
        RECORDS_FORMAT_VERSION,
        {
            "now": INSTANT,
            "items": listed({"oneOf": [record(known), record(undeclared)]}),
            "schedules": _SCHEDULES,
        },
        _definitions(),
    )


def state_list_schema() -> Schema:
    """Return what `state list --format json` satisfies."""
    return document(
        "state list",
        "state list --format json",
        RECORDS_FORMAT_VERSION,
        {
            "lineage": LINEAGE,
            "serial": SERIAL,
            "host": told(TEXT_OR_NULL, "the instance it is bound to; null: no call was made yet"),
            "items": listed(_ITEM),
            "schedules": _SCHEDULES,
        },
        _definitions(),
    )


def state_show_schema() -> Schema:
    """Return what `state show ADDRESS --format json` satisfies: an item, or a native schedule."""
    version: Schema = {"format_version": {"const": RECORDS_FORMAT_VERSION}}
    item = record({**version, **_recorded(), "address": ITEM_ADDRESS})
    schedule = record({**version, **_schedule()})
    what = "What `reconcile state show ADDRESS --format json` prints."
    return headed("state show", what, {"oneOf": [item, schedule]})


def _definitions() -> dict[str, Schema]:
    return {"recorded": record(_recorded()), "schedule": record(_schedule())}


def _recorded() -> Schema:
    """Return what is known of one item; null: nothing."""
    declared: Schema = {"type": ["object", "null"]}
    failure = record({"at": INSTANT, "message": TEXT})
    return {
        "address": ADDRESS,
        "declared": told(declared, f"{RECORDED['declared']}, as it was stored"),
        "since": told(INSTANT_OR_NULL, RECORDED["since"]),
        "covered_slot": told(INSTANT_OR_NULL, RECORDED["covered_slot"]),
        "stamp": told(INSTANT_OR_NULL, RECORDED["stamp"]),
        "content": told(TEXT_OR_NULL, RECORDED["content"]),
        "last_success": told(INSTANT_OR_NULL, RECORDED["last_success"]),
        "completed_at": told(INSTANT_OR_NULL, RECORDED["completed_at"]),
        "missed_slot": told(INSTANT_OR_NULL, RECORDED["missed_slot"]),
        "failures": told(COUNT, RECORDED["failures"]),
        "last_failure": told(or_null(failure), RECORDED["last_failure"]),
        "pending": told(or_null(_pending()), RECORDED["pending"]),
        "durations_s": told(listed(SECONDS), RECORDED["durations_s"]),
        "carrier": told(or_null(record(CARRIER)), RECORDED["carrier"]),
        "doubts": told(COUNT, RECORDED["doubts"]),
        "last_doubt": told(or_null(failure), RECORDED["last_doubt"]),
        "unseen": told(or_null(_unseen()), RECORDED["unseen"]),
        "marked_at": told(INSTANT_OR_NULL, RECORDED["marked_at"]),
    }


def _unseen() -> Schema:
    return record(
        {
            "call": _pending(),
            "at": told(INSTANT, GIVEN_UP),
            "answer": told(TEXT, ANSWER),
            "forbidden": told(FLAG, FORBIDDEN),
        }
    )


def _look() -> Schema:
    return record(
        {
            "at": INSTANT,
            "answer": told(TEXT, ANSWER),
            "absent": told(COUNT, ABSENT),
            "forbidden": told(COUNT, UNREAD),
            "counted_at": told(INSTANT_OR_NULL, COUNTED),
        }
    )


def _pending() -> Schema:
    covers: Schema = {
        "slot": INSTANT_OR_NULL,
        "stamp": INSTANT_OR_NULL,
        "content": TEXT_OR_NULL,
        "attempt": ATTEMPT,
    }
    return record(
        {
            "operation": TEXT,
            "kind": one_of(get_args(Kind)),
            "since": INTENT,
            "job_id": told(TEXT_OR_NULL, "Omni's id of the job; null: there is none to ask after"),
            "accepted": ACCEPTED,
            "coverage": told(record(covers), "what is settled once it succeeds"),
            "carrier": told(or_null(record(CARRIER)), CARRIED),
            "look": told(or_null(_look()), LOOK),
        }
    )


def _schedule() -> Schema:
    """Return what is known of one of Omni's own schedules that is ours."""
    return {
        "address": SCHEDULE_ADDRESS,
        "connection_id": TEXT,
        "schedule_id": told(TEXT_OR_NULL, "Omni's id; null: its creation is in doubt"),
        "cron": told(TEXT, "as last applied, in the six fields of Omni's schedules"),
        "timezone": told(TEXT, "IANA name of the zone the cron is in"),
        "hard": FLAG,
        "in_doubt_since": told(INSTANT_OR_NULL, "intent of a write whose outcome is not known"),
    }


# The published JSON Schema of what codes mean.


def explain_schema() -> Schema:
    """Return what `explain --format json` satisfies, of one code or of all."""
    one = record({"summary": TEXT, "explanation": TEXT})
    exit_code: Schema = {"type": "string", "pattern": "^[0-9]{1,3}$"}
    codes, exits = {"propertyNames": CODE}, {"propertyNames": exit_code}
    return document(
        "explain",
        "explain --format json",
        EXPLANATIONS_FORMAT_VERSION,
        {
            "codes": told({**table(one), **codes}, "by the code of the diagnostic"),
            "exit_codes": told({**table(TEXT), **exits}, "by the code the process ends with"),
        },
    )


# The published JSON Schema of `show PLAN`.


def saved_schema() -> Schema:
    """Return what `show PLAN --format json` satisfies."""
    action: Schema = {
        "kind": one_of(get_args(ActionKind)),
        "slots": table(INSTANT_OR_NULL),
        "request": or_null(request()),
        "reason": TEXT,
    }
    difference = record({"subject": TEXT, "field": TEXT_OR_NULL, "then": TEXT, "now": TEXT})
    return document(
        "saved plan",
        "show PLAN --format json",
        SAVED_FORMAT_VERSION,
        {
            "now": INSTANT,
            "valid_until": INSTANT_OR_NULL,
            "digest": TEXT,
            "host": TEXT_OR_NULL,
            "blocked_by": listed(blocking()),
            "force": listed(ADDRESS),
            "select": listed(TEXT),
            "on_unknown": one_of(("resend", "hold")),
            "live": FLAG,
            "files": listed(TEXT),
            "state": TEXT_OR_NULL,
            "actions": listed(record(action)),
            "stands": FLAG,
            "differences": listed(difference),
            "left": COUNT,
            "covered": listed(ADDRESS),
            "left_alone": listed(ADDRESS),
            "spent": listed(ADDRESS),
        },
    )
