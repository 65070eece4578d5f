"""The published JSON Schema of `state history`."""

from typing import get_args

from reconcile.model.journal import Lack
from reconcile.model.plan import ScheduleAct
from reconcile.model.recorded import Kind
from reconcile.render.history import HISTORY_FORMAT_VERSION
from reconcile.render.schemas.parts import (
    ADDRESS,
    ATTEMPT,
    CARRIER,
    FLAG,
    INSTANT,
    INSTANT_OR_NULL,
    NUMBER,
    SCHEDULE_ADDRESS,
    SECONDS_OR_NULL,
    TEXT,
    TEXT_OR_NULL,
    Schema,
    by_word,
    document,
    listed,
    moves,
    one_of,
    or_null,
    record,
    sent,
    told,
)
from reconcile.render.schemas.records import ANSWER, FORBIDDEN

_COVERAGE: Schema = {"$ref": "#/$defs/coverage"}
_REQUEST: Schema = {"$ref": "#/$defs/request"}
_ADDRESSES = listed(ADDRESS)

LACK = "why it showed nothing; null: Omni said how the job stands"
AHEAD = "by how much the clock that dated them was ahead of Omni's; below 0: behind"
ORIGIN = ("who", "machine", "commit", "run")
"""Where an apply was made, and from what, as far as its environment tells."""


def state_history_schema() -> Schema:
    """Return what `state history --format json` satisfies, of all items or of one."""
    words = {word: record(keys) for word, keys in (_calls() | _changes() | _schedules()).items()}
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
        {"coverage": _coverage(), "request": sent()},
    )


def _calls() -> dict[str, Schema]:
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


def _changes() -> dict[str, Schema]:
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


def _schedules() -> dict[str, Schema]:
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


def _coverage() -> Schema:
    return record(
        {
            "address": ADDRESS,
            "slot": told(INSTANT_OR_NULL, "slot that is made up"),
            "stamp": told(INSTANT_OR_NULL, "resetAt that is sent"),
            "content": told(TEXT_OR_NULL, "hash of the watched files"),
            "attempt": ATTEMPT,
        }
    )
