"""The JSON Schema of a state file, for whoever reads one: it is made for `git diff`, and `pull`."""

from typing import get_args

from reconcile.model.recorded import Kind
from reconcile.render.schemas import (
    ABSENT,
    ACCEPTED,
    ADDRESS,
    ANSWER,
    ATTEMPT,
    CARRIED,
    CARRIER,
    COUNT,
    COUNTED,
    FLAG,
    FORBIDDEN,
    GIVEN_UP,
    INSTANT,
    INTENT,
    ITEM_ADDRESS,
    LINEAGE,
    LOOK,
    RECORDED,
    SCHEDULE_ADDRESS,
    SECONDS,
    SERIAL,
    TEXT,
    UNREAD,
    Schema,
    headed,
    listed,
    one_of,
    record,
    table,
    told,
)
from reconcile.state.snapshot import FORMAT_VERSION, OLDEST_VERSION, SCHEDULES_VERSION

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
