"""Journal entries as plain JSON values, and back."""

from collections.abc import Callable
from datetime import datetime
from typing import assert_never

from reconcile.model.address import Address
from reconcile.model.journal import (
    Accepted,
    Done,
    Doubted,
    Entry,
    Failed,
    Forgotten,
    Intent,
    Marked,
    Missed,
    Moved,
    Noted,
    NotSent,
    Rejected,
    Waived,
)
from reconcile.state.codec import (
    decode_coverage,
    decode_instant,
    decode_kind,
    decode_request,
    encode_coverage,
    encode_instant,
    encode_request,
)
from reconcile.state.schedule_codec import SCHEDULE_TYPES, encode_schedule_entry
from reconcile.state.strict import MalformedError, array, fields, flag, free_form, number, text

Plain = dict[str, object]


def encode_entry(entry: Entry) -> Plain:
    """Encode one entry; the key `entry` names its type."""
    return {"entry": _NAMES[type(entry)], "at": encode_instant(entry.at), **_encode_rest(entry)}


def decode_entry(value: object) -> Entry:
    """Decode one entry. Raises MalformedError."""
    plain = free_form(value)
    decode = _DECODERS.get(text(plain.get("entry")))
    if decode is None:
        raise MalformedError("it is of an unknown type")
    return decode({key: part for key, part in plain.items() if key != "entry"})


def _encode_rest(entry: Entry) -> Plain:
    match entry:
        case Intent():
            return _encode_intent(entry)
        case NotSent() | Doubted() | Failed():
            return {"operation": entry.operation, "message": entry.message}
        case Rejected():
            blame = {} if entry.blames_item else {"blames_item": False}
            return {"operation": entry.operation, "message": entry.message, **blame}
        case Accepted():
            job = {} if entry.job_id is None else {"job_id": entry.job_id}
            return {"operation": entry.operation, **job}
        case Done():
            completed_at = encode_instant(entry.completed_at)
            lasted = {} if entry.lasted_s is None else {"lasted_s": entry.lasted_s}
            return {"operation": entry.operation, "completed_at": completed_at, **lasted}
        case Waived():
            return {"limit": entry.limit, "value": entry.value}
        case Noted() | Missed() | Forgotten() | Marked() | Moved():
            return {"address": entry.address, **_encode_change(entry)}
        case _:
            return encode_schedule_entry(entry)


def _encode_change(entry: Noted | Missed | Forgotten | Marked | Moved) -> Plain:
    match entry:
        case Noted():
            return {"declared": dict(entry.declared)}
        case Missed():
            return {"slot": encode_instant(entry.slot)}
        case Marked():
            return {} if entry.covers is None else {"covers": encode_coverage(entry.covers)}
        case Moved():
            return {"to": entry.to}
        case Forgotten():
            return {}
        case _ as unreachable:
            assert_never(unreachable)


def _encode_intent(intent: Intent) -> Plain:
    return {
        "operation": intent.operation,
        "kind": intent.kind,
        "covers": [encode_coverage(coverage) for coverage in intent.covers],
        "request": encode_request(intent.request),
        "host": intent.host,
    }


def _decode_intent(plain: Plain) -> Intent:
    known = fields(plain, "at", "operation", "kind", "covers", "request", "host")
    return Intent(
        decode_instant(known.get("at")),
        text(known.get("operation")),
        decode_kind(known.get("kind")),
        tuple(map(decode_coverage, array(known.get("covers")))),
        decode_request(known.get("request")),
        text(known.get("host")),
    )


def _outcome(kind: Callable[[datetime, str, str], Entry]) -> Callable[[Plain], Entry]:
    def decode(plain: Plain) -> Entry:
        known = fields(plain, "at", "operation", "message")
        return kind(*_operation(known), text(known.get("message")))

    return decode


def _decode_rejected(plain: Plain) -> Rejected:
    known = fields(plain, "at", "operation", "message", "blames_item")
    blames = flag(known.get("blames_item", True))
    return Rejected(*_operation(known), text(known.get("message")), blames_item=blames)


def _decode_accepted(plain: Plain) -> Accepted:
    known = fields(plain, "at", "operation", "job_id")
    return Accepted(*_operation(known), text(known["job_id"]) if "job_id" in known else None)


def _decode_done(plain: Plain) -> Done:
    known = fields(plain, "at", "operation", "completed_at", "lasted_s")
    lasted_s = number(known["lasted_s"]) if "lasted_s" in known else None
    return Done(*_operation(known), decode_instant(known.get("completed_at")), lasted_s)


def _decode_noted(plain: Plain) -> Noted:
    known = fields(plain, "at", "address", "declared")
    return Noted(*_subject(known), free_form(known.get("declared")))


def _decode_missed(plain: Plain) -> Missed:
    known = fields(plain, "at", "address", "slot")
    return Missed(*_subject(known), decode_instant(known.get("slot")))


def _decode_forgotten(plain: Plain) -> Forgotten:
    return Forgotten(*_subject(fields(plain, "at", "address")))


def _decode_marked(plain: Plain) -> Marked:
    known = fields(plain, "at", "address", "covers")
    return Marked(*_subject(known), decode_coverage(known["covers"]) if "covers" in known else None)


def _decode_moved(plain: Plain) -> Moved:
    known = fields(plain, "at", "address", "to")
    return Moved(*_subject(known), Address(text(known.get("to"))))


def _decode_waived(plain: Plain) -> Waived:
    known = fields(plain, "at", "limit", "value")
    return Waived(
        decode_instant(known.get("at")), text(known.get("limit")), number(known.get("value"))
    )


def _operation(known: Plain) -> tuple[datetime, str]:
    return decode_instant(known.get("at")), text(known.get("operation"))


def _subject(known: Plain) -> tuple[datetime, Address]:
    return decode_instant(known.get("at")), Address(text(known.get("address")))


_TYPES: tuple[tuple[type[Entry], str, Callable[[Plain], Entry]], ...] = (
    (Intent, "intent", _decode_intent),
    (NotSent, "not_sent", _outcome(NotSent)),
    (Rejected, "rejected", _decode_rejected),
    (Accepted, "accepted", _decode_accepted),
    (Doubted, "doubted", _outcome(Doubted)),
    (Done, "done", _decode_done),
    (Failed, "failed", _outcome(Failed)),
    (Noted, "noted", _decode_noted),
    (Missed, "missed", _decode_missed),
    (Forgotten, "forgotten", _decode_forgotten),
    (Marked, "marked", _decode_marked),
    (Moved, "moved", _decode_moved),
    (Waived, "waived", _decode_waived),
    *SCHEDULE_TYPES,
)
_NAMES = {kind: name for kind, name, _ in _TYPES}
_DECODERS = {name: decode for _, name, decode in _TYPES}
