"""Native schedules, and the entries about them, as plain JSON values, and back."""

from collections.abc import Callable

from reconcile.model.address import Address
from reconcile.model.desired import ScheduleSpec
from reconcile.model.journal import ScheduleEntry, ScheduleGone, ScheduleIntent, ScheduleKept
from reconcile.model.plan import ScheduleAct
from reconcile.model.recorded import PendingWrite, ScheduleRecord
from reconcile.state.codec import decode_instant, decode_request, encode_instant, encode_request
from reconcile.state.strict import MalformedError, fields, flag, text

Plain = dict[str, object]


def encode_schedule(record: ScheduleRecord) -> Plain:
    """Encode what is known of one schedule; what is not is left out."""
    encoded: Plain = {"connection_id": record.connection_id, **_encode_spec(record.spec)}
    if record.schedule_id is not None:
        encoded["schedule_id"] = record.schedule_id
    if record.pending is not None:
        encoded["pending"] = _encode_pending(record.pending)
    return encoded


def decode_schedule(value: object) -> ScheduleRecord:
    """Decode one record of a schedule. Raises MalformedError."""
    known = fields(value, "connection_id", "schedule_id", "cron", "timezone", "hard", "pending")
    return ScheduleRecord(
        connection_id=text(known.get("connection_id")),
        spec=_decode_spec(known),
        schedule_id=_decode_optional(known.get("schedule_id")),
        pending=_decode_pending(known["pending"]) if "pending" in known else None,
    )


def encode_schedule_entry(entry: ScheduleEntry) -> Plain:
    """Encode what an entry says besides its type and instant."""
    encoded: Plain = {"address": entry.address}
    if entry.operation is not None:
        encoded["operation"] = entry.operation
    if isinstance(entry, ScheduleGone):
        return encoded
    encoded |= {"connection_id": entry.connection_id, **_encode_spec(entry.spec)}
    if entry.schedule_id is not None:
        encoded["schedule_id"] = entry.schedule_id
    if isinstance(entry, ScheduleIntent):
        request = encode_request(entry.request)
        encoded |= {"act": entry.act, "request": request, "host": entry.host}
    return encoded


def _decode_intent(plain: Plain) -> ScheduleIntent:
    known = fields(
        plain,
        "at", "operation", "act", "address", "connection_id", "schedule_id",
        "cron", "timezone", "hard", "request", "host",
    )  # fmt: skip
    return ScheduleIntent(
        at=decode_instant(known.get("at")),
        operation=text(known.get("operation")),
        act=_decode_act(known.get("act")),
        address=Address(text(known.get("address"))),
        connection_id=text(known.get("connection_id")),
        schedule_id=_decode_optional(known.get("schedule_id")),
        spec=_decode_spec(known),
        request=decode_request(known.get("request")),
        host=text(known.get("host")),
    )


def _decode_kept(plain: Plain) -> ScheduleKept:
    known = fields(
        plain,
        "at", "operation", "address", "connection_id", "schedule_id", "cron", "timezone", "hard",
    )  # fmt: skip
    return ScheduleKept(
        at=decode_instant(known.get("at")),
        address=Address(text(known.get("address"))),
        connection_id=text(known.get("connection_id")),
        schedule_id=text(known.get("schedule_id")),
        spec=_decode_spec(known),
        operation=_decode_optional(known.get("operation")),
    )


def _decode_gone(plain: Plain) -> ScheduleGone:
    known = fields(plain, "at", "operation", "address")
    return ScheduleGone(
        at=decode_instant(known.get("at")),
        address=Address(text(known.get("address"))),
        operation=_decode_optional(known.get("operation")),
    )


def _encode_spec(spec: ScheduleSpec) -> Plain:
    return {"cron": spec.cron, "timezone": spec.zone, "hard": spec.hard}


def _decode_spec(known: Plain) -> ScheduleSpec:
    return ScheduleSpec(
        text(known.get("cron")), text(known.get("timezone")), flag(known.get("hard"))
    )


def _encode_pending(pending: PendingWrite) -> Plain:
    told: Plain = {"operation": pending.operation, "since": encode_instant(pending.since)}
    flags = {"first": pending.first, "after_doubt": pending.after_doubt}
    return told | {name: True for name, is_set in flags.items() if is_set}


def _decode_pending(value: object) -> PendingWrite:
    known = fields(value, "operation", "since", "first", "after_doubt")
    return PendingWrite(
        text(known.get("operation")),
        decode_instant(known.get("since")),
        first=flag(known.get("first", False)),
        after_doubt=flag(known.get("after_doubt", False)),
    )


def _decode_act(value: object) -> ScheduleAct:
    match value:
        case "create" | "update" | "delete":
            return value
        case _:
            raise MalformedError("a write to a schedule neither creates, updates nor deletes it")


def _decode_optional(value: object) -> str | None:
    return None if value is None else text(value)


SCHEDULE_TYPES: tuple[tuple[type[ScheduleEntry], str, Callable[[Plain], ScheduleEntry]], ...] = (
    (ScheduleIntent, "schedule_intent", _decode_intent),
    (ScheduleKept, "schedule_kept", _decode_kept),
    (ScheduleGone, "schedule_gone", _decode_gone),
)
"""Each entry's type, its name in the journal, and how it is decoded."""
