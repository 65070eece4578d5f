"""The published JSON Schemas of what an apply says: its summary, its events, and diagnostics."""

from typing import get_args

from reconcile.model.diagnostic import Severity
from reconcile.model.journal import Lack
from reconcile.model.plan import ActionKind, ScheduleAct
from reconcile.model.progress import ResultStatus
from reconcile.model.recorded import Kind
from reconcile.render.diagnostics import DIAGNOSTICS_FORMAT_VERSION
from reconcile.render.events import EVENTS_FORMAT_VERSION
from reconcile.render.schemas.history import ORIGIN
from reconcile.render.schemas.parts import (
    ADDRESS,
    ATTEMPT,
    CARRIER,
    CODE,
    COUNT,
    COUNT_OR_NULL,
    FLAG,
    INSTANT,
    INSTANT_OR_NULL,
    NUMBER,
    SECONDS,
    TEXT,
    TEXT_OR_NULL,
    Schema,
    by_word,
    document,
    headed,
    listed,
    moves,
    one_of,
    or_null,
    record,
    request,
    sent,
    table,
)
from reconcile.render.summary import SUMMARY_FORMAT_VERSION

_ADDRESSES = listed(ADDRESS)


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
