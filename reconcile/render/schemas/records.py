"""The published JSON Schemas of what is recorded: `show`, `state list`, `state show`."""

from collections.abc import Mapping
from typing import get_args

from reconcile.model.plan import Status
from reconcile.model.recorded import Kind
from reconcile.render.records import RECORDS_FORMAT_VERSION
from reconcile.render.schemas.parts import (
    ADDRESS,
    ATTEMPT,
    CARRIER,
    COUNT,
    FLAG,
    INSTANT,
    INSTANT_OR_NULL,
    ITEM_ADDRESS,
    SCHEDULE_ADDRESS,
    SECONDS,
    TEXT,
    TEXT_OR_NULL,
    Schema,
    document,
    headed,
    listed,
    one_of,
    or_null,
    record,
    told,
)

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
    "marked_at": "when a person said that it is due again, until a call is made",
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
