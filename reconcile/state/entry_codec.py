"""Journal entries as plain JSON values, and back."""

from collections.abc import Callable
from datetime import datetime
from typing import assert_never

from reconcile.model.address import Address
from reconcile.model.journal import (
    Accepted,
    Began,
    Blamed,
    ClockMended,
    Done,
    Doubted,
    EndUnseen,
    Entry,
    Failed,
    Forgotten,
    Intent,
    Looked,
    Marked,
    Missed,
    Moved,
    Noted,
    NotSent,
    Redated,
    Rejected,
    Renamed,
    Waived,
)
from reconcile.state.codec import (
    decode_carrier,
    decode_coverage,
    decode_instant,
    decode_kind,
    decode_request,
    encode_carrier,
    encode_coverage,
    encode_instant,
    encode_request,
)
from reconcile.state.schedule_codec import SCHEDULE_TYPES, encode_schedule_entry
from reconcile.state.strict import MalformedError, array, fields, flag, free_form, number, text

Plain = dict[str, object]


def encode_entry(entry: Entry) -> Plain:
    """Encode one entry; the key `entry` names its type."""
    return {"entry": WORDS[type(entry)], "at": encode_instant(entry.at), **_encode_rest(entry)}


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
        case NotSent() | Failed():
            return {"operation": entry.operation, "message": entry.message}
        case Doubted():
            cut = {"cut_off": True} if entry.cut_off else {}
            return {"operation": entry.operation, "message": entry.message, **cut}
        case Looked():
            lack = {} if entry.lack is None else {"lack": entry.lack}
            return {"operation": entry.operation, "answer": entry.answer, **lack}
        case EndUnseen():
            forbidden = {"forbidden": True} if entry.forbidden else {}
            return {"operation": entry.operation, "answer": entry.answer, **forbidden}
        case Rejected():
            told = {"operation": entry.operation, "message": entry.message}
            return {**told, **_encode_blames(entry.blames)}
        case Accepted():
            job = {} if entry.job_id is None else {"job_id": entry.job_id}
            return {"operation": entry.operation, **job}
        case Done():
            completed_at = encode_instant(entry.completed_at)
            lasted = {} if entry.lasted_s is None else {"lasted_s": entry.lasted_s}
            return {"operation": entry.operation, "completed_at": completed_at, **lasted}
        case Blamed() | Renamed() | ClockMended() | Redated() | Began() | Waived():
            return _encode_run(entry)
        case Noted() | Missed() | Forgotten() | Marked() | Moved():
            return {"address": entry.address, **_encode_change(entry)}
        case _:
            return encode_schedule_entry(entry)


def _encode_blames(blames: tuple[Address, ...] | None) -> Plain:
    match blames:
        case None:
            return {}
        case ():
            return {"blames_item": False}
        case _:
            return {"blames": list(blames)}


def _encode_run(entry: Blamed | Renamed | ClockMended | Redated | Began | Waived) -> Plain:
    match entry:
        case Blamed():
            return {"addresses": list(entry.addresses), "message": entry.message}
        case Renamed():
            return {"moves": [{"from": old, "to": new} for old, new in entry.moves]}
        case ClockMended():
            return {}
        case Redated():
            return {"operations": list(entry.operations), "ahead_s": entry.ahead_s}
        case Began():
            told = {name: getattr(entry, name) for name in _ORIGIN}
            known = {name: value for name, value in told.items() if value is not None}
            return {"command": entry.command, **known}
        case Waived():
            return {"limit": entry.limit, "value": entry.value}
        case _ as unreachable:
            assert_never(unreachable)


_ORIGIN = ("who", "machine", "commit", "run")


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
        **({} if intent.carrier is None else {"carrier": encode_carrier(intent.carrier)}),
    }


def _decode_intent(plain: Plain) -> Intent:
    known = fields(plain, "at", "operation", "kind", "covers", "request", "host", "carrier")
    return Intent(
        decode_instant(known.get("at")),
        text(known.get("operation")),
        decode_kind(known.get("kind")),
        tuple(map(decode_coverage, array(known.get("covers")))),
        decode_request(known.get("request")),
        text(known.get("host")),
        decode_carrier(known["carrier"]) if "carrier" in known else None,
    )


def _outcome(kind: Callable[[datetime, str, str], Entry]) -> Callable[[Plain], Entry]:
    def decode(plain: Plain) -> Entry:
        known = fields(plain, "at", "operation", "message")
        return kind(*_operation(known), text(known.get("message")))

    return decode


def _decode_rejected(plain: Plain) -> Rejected:
    known = fields(plain, "at", "operation", "message", "blames_item", "blames")
    blames = _decode_addresses(known["blames"]) if "blames" in known else None
    if not flag(known.get("blames_item", True)):
        blames = ()
    return Rejected(*_operation(known), text(known.get("message")), blames)


def _decode_doubted(plain: Plain) -> Doubted:
    known = fields(plain, "at", "operation", "message", "cut_off")
    cut_off = flag(known.get("cut_off", False))
    return Doubted(*_operation(known), text(known.get("message")), cut_off)


def _decode_looked(plain: Plain) -> Looked:
    known = fields(plain, "at", "operation", "answer", "lack")
    match known.get("lack"):
        case None | "absent" | "forbidden" | "unreadable" as lack:
            return Looked(*_operation(known), text(known.get("answer")), lack)
        case _:
            raise MalformedError("a look lacks what no look does")


def _decode_unseen(plain: Plain) -> EndUnseen:
    known = fields(plain, "at", "operation", "answer", "forbidden")
    forbidden = flag(known.get("forbidden", False))
    return EndUnseen(*_operation(known), text(known.get("answer")), forbidden)


def _decode_blamed(plain: Plain) -> Blamed:
    known = fields(plain, "at", "addresses", "message")
    at, addresses = decode_instant(known.get("at")), _decode_addresses(known.get("addresses"))
    return Blamed(at, addresses, text(known.get("message")))


def _decode_renamed(plain: Plain) -> Renamed:
    known = fields(plain, "at", "moves")
    moves = [fields(move, "from", "to") for move in array(known.get("moves"))]
    pairs = ((Address(text(move.get("from"))), Address(text(move.get("to")))) for move in moves)
    return Renamed(decode_instant(known.get("at")), tuple(pairs))


def _decode_clock_mended(plain: Plain) -> ClockMended:
    return ClockMended(decode_instant(fields(plain, "at").get("at")))


def _decode_redated(plain: Plain) -> Redated:
    known = fields(plain, "at", "operations", "ahead_s")
    operations = tuple(map(text, array(known.get("operations"))))
    return Redated(decode_instant(known.get("at")), operations, number(known.get("ahead_s")))


def _decode_began(plain: Plain) -> Began:
    known = fields(plain, "at", "command", *_ORIGIN)
    origin = {name: text(known[name]) if name in known else None for name in _ORIGIN}
    command = text(known.get("command"))
    return Began(at=decode_instant(known.get("at")), command=command, **origin)


def _decode_addresses(value: object) -> tuple[Address, ...]:
    return tuple(Address(text(address)) for address in array(value))


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
    (Blamed, "blamed", _decode_blamed),
    (Accepted, "accepted", _decode_accepted),
    (Doubted, "doubted", _decode_doubted),
    (Looked, "looked", _decode_looked),
    (EndUnseen, "unseen", _decode_unseen),
    (Done, "done", _decode_done),
    (Failed, "failed", _outcome(Failed)),
    (Noted, "noted", _decode_noted),
    (Missed, "missed", _decode_missed),
    (Forgotten, "forgotten", _decode_forgotten),
    (Marked, "marked", _decode_marked),
    (Moved, "moved", _decode_moved),
    (Renamed, "renamed", _decode_renamed),
    (ClockMended, "clock_mended", _decode_clock_mended),
    (Redated, "redated", _decode_redated),
    (Began, "began", _decode_began),
    (Waived, "waived", _decode_waived),
    *SCHEDULE_TYPES,
)
WORDS = {kind: name for kind, name, _ in _TYPES}
"""What each entry is called in the journal, and in all that is printed of it."""

_DECODERS = {name: decode for _, name, decode in _TYPES}
