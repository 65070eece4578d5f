"""Instants, requests and records as plain JSON values, and back. `decode(encode(x)) == x`."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NoReturn, assert_never

from reconcile.model.address import Address
from reconcile.model.desired import ScheduleSpec
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
    ScheduleEntry,
    ScheduleGone,
    ScheduleIntent,
    ScheduleKept,
    Waived,
)
from reconcile.model.plan import Request, ScheduleAct
from reconcile.model.recorded import (
    Carrier,
    Coverage,
    Failure,
    Kind,
    Look,
    Pending,
    PendingWrite,
    Record,
    ScheduleRecord,
    Unseen,
)

# Native schedules, and the entries about them, as plain JSON values, and back.

Plain = dict[str, object]


def encode_schedule(record: ScheduleRecord) -> Plain:
    """Encode what is known of one schedule; what is not is left out."""
    encoded: Plain = {"connection_id": record.connection_id, **_encode_spec(record.spec)}
    if record.schedule_id is not None:
        encoded["schedule_id"] = record.schedule_id
    if record.pending is not None:
        encoded["pending"] = _encode_pending_write(record.pending)
    return encoded


def decode_schedule(value: object) -> ScheduleRecord:
    """Decode one record of a schedule. Raises MalformedError."""
    known = fields(value, "connection_id", "schedule_id", "cron", "timezone", "hard", "pending")
    return ScheduleRecord(
        connection_id=text(known.get("connection_id")),
        spec=_decode_spec(known),
        schedule_id=_decode_optional(known.get("schedule_id")),
        pending=_decode_pending_write(known["pending"]) if "pending" in known else None,
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


def _decode_schedule_intent(plain: Plain) -> ScheduleIntent:
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


def _encode_pending_write(pending: PendingWrite) -> Plain:
    told: Plain = {"operation": pending.operation, "since": encode_instant(pending.since)}
    flags = {"first": pending.first, "after_doubt": pending.after_doubt}
    return told | {name: True for name, is_set in flags.items() if is_set}


def _decode_pending_write(value: object) -> PendingWrite:
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
    (ScheduleIntent, "schedule_intent", _decode_schedule_intent),
    (ScheduleKept, "schedule_kept", _decode_kept),
    (ScheduleGone, "schedule_gone", _decode_gone),
)
"""Each entry's type, its name in the journal, and how it is decoded."""


# JSON read strictly: what it does not say plainly is refused, never guessed.

MAX_DEPTH = 32
"""Nesting allowed in a free-form value."""

MAX_INTEGER = 2**63 - 1

_INFINITIES = (float("inf"), float("-inf"))


class MalformedError(Exception):
    """Bytes that are not what they should be. Its text says why, to a person."""


def decode_json(data: bytes) -> object:
    """Read UTF-8 JSON without duplicate keys, NaN or lone surrogates.

    A number too large for a float is refused where a number is taken, by `number` and `free_form`.
    """
    try:
        text = data.decode("utf-8")
        value = _DECODER.decode(text)
        if "\\ud" in text or "\\uD" in text:
            # Our own files never escape what is not ASCII; whoever does may escape half a pair.
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise MalformedError("it is nested too deeply") from None
    except UnicodeError:
        raise MalformedError("it is not plain UTF-8 text") from None
    except ValueError as error:
        raise MalformedError(f"it is not strict JSON ({error})") from None
    return value


def free_form(value: object, depth: int = MAX_DEPTH) -> Mapping[str, object]:
    """Take a JSON object of any shape, as long as it is not nested beyond reason."""
    if type(value) is not dict:
        raise MalformedError("an object is expected where there is none")
    _bound(value.values(), depth)
    return value


def table(value: object) -> Mapping[str, object]:
    """Take a JSON object as it is; how deep it goes is known from where it was read."""
    if type(value) is not dict:
        raise MalformedError("an object is expected where there is none")
    return value


def fields(value: object, *names: str) -> dict[str, object]:
    """Take a JSON object with no other keys than these."""
    if type(value) is not dict:
        raise MalformedError("an object is expected where there is none")
    unknown = value.keys() - set(names)
    if unknown:
        raise MalformedError(f"it has an unknown key {min(unknown)!r}")
    return value


def text(value: object) -> str:
    """Take a string."""
    if type(value) is not str:
        raise MalformedError("a string is expected where there is none")
    return value


def count(value: object) -> int:
    """Take a whole number from 0 to 2**63 - 1; `true` is not 1."""
    if type(value) is not int or not 0 <= value <= MAX_INTEGER:
        raise MalformedError("a whole number from 0 is expected where there is none")
    return value


def number(value: object) -> float:
    """Take a number, as a float."""
    if type(value) is float and value not in _INFINITIES:
        return value
    if type(value) is int and abs(value) <= MAX_INTEGER:
        return float(value)
    raise MalformedError("a number is expected where there is none")


def flag(value: object) -> bool:
    """Take true or false."""
    if type(value) is not bool:
        raise MalformedError("true or false is expected where there is neither")
    return value


def array(value: object) -> list[object]:
    """Take a JSON array."""
    if type(value) is not list:
        raise MalformedError("an array is expected where there is none")
    return value


def _bound(value: Iterable[object], depth: int) -> None:
    for child in value:
        kind = type(child)
        if kind is dict or kind is list:
            if not depth:
                raise MalformedError("it is nested too deeply")
            _bound(child.values() if isinstance(child, dict) else array(child), depth - 1)
        elif kind is float and child in _INFINITIES:
            raise MalformedError("a number is out of range")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key occurs twice in one object")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


_LENGTHS = (len("2026-01-01T00:00:00Z"), len("2026-01-01T00:00:00.000000Z"))


def encode_instant(at: datetime) -> str:
    """Spell an instant as RFC 3339 in UTC with `Z`; microseconds only where there are any."""
    if at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return at.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def decode_instant(value: object) -> datetime:
    """Read an instant in the one spelling that `encode_instant` has."""
    if type(value) is str:
        try:
            return _instant(value)
        except ValueError:
            pass
    raise MalformedError("an instant such as 2026-01-01T00:00:00Z is expected where there is none")


@lru_cache(maxsize=4096)
def _instant(text: str) -> datetime:
    """Memoised: items share their slots, and what one apply did at once."""
    if len(text) not in _LENGTHS or text[-1] != "Z":
        raise ValueError("another spelling")
    return datetime.fromisoformat(text)


def encode_record(record: Record) -> dict[str, object]:
    """Encode what is known; what is not is left out, so that a file reads as it means."""
    encoded: dict[str, object] = {}
    for name, encode, _ in _FIELDS:
        value = getattr(record, name)
        if value not in (None, 0, ()):
            encoded[name] = encode(value)
    return encoded


def decode_record(value: object) -> Record:
    """Decode one record. Raises MalformedError."""
    if type(value) is not dict:
        raise MalformedError("a record is expected where there is none")
    if not _FIELD_NAMES.issuperset(value):
        raise MalformedError(f"a record has an unknown key {min(value.keys() - _FIELD_NAMES)!r}")
    known: dict[str, Any] = {}
    for key, encoded in value.items():
        # Under our own name: Python looks for a keyword by identity before it compares.
        name, decode = _FIELD_DECODERS[key]
        known[name] = decode(encoded)
    return Record(**known)


def encode_coverage(coverage: Coverage) -> dict[str, object]:
    """Encode what a call settles for one address."""
    encoded: dict[str, object] = {"address": coverage.address}
    if coverage.slot is not None:
        encoded["slot"] = encode_instant(coverage.slot)
    if coverage.stamp is not None:
        encoded["stamp"] = encode_instant(coverage.stamp)
    if coverage.content is not None:
        encoded["content"] = coverage.content
    if coverage.attempt != 1:
        encoded["attempt"] = coverage.attempt
    return encoded


def decode_coverage(value: object) -> Coverage:
    """Decode what a call settles for one address. Raises MalformedError."""
    known = fields(value, "address", "slot", "stamp", "content", "attempt")
    return Coverage(
        Address(text(known.get("address"))),
        decode_instant(known["slot"]) if "slot" in known else None,
        decode_instant(known["stamp"]) if "stamp" in known else None,
        text(known["content"]) if "content" in known else None,
        count(known["attempt"]) if "attempt" in known else 1,
    )


def encode_carrier(carrier: Carrier) -> dict[str, object]:
    """Encode whose model id carried a call."""
    return {"model_id": carrier.model_id, "group": carrier.group}


def decode_carrier(value: object) -> Carrier:
    """Decode whose model id carried a call. Raises MalformedError."""
    known = fields(value, "model_id", "group")
    return Carrier(text(known.get("model_id")), text(known.get("group")))


def decode_kind(value: object) -> Kind:
    """Decode which kind of call it was. Raises MalformedError."""
    match value:
        case "refresh" | "reset":
            return value
        case _:
            raise MalformedError("a call is neither a refresh nor a reset")


def encode_request(request: Request) -> dict[str, object]:
    """Encode a request as it was, or was to be, sent."""
    return {
        "method": request.method,
        "path": request.path,
        "query": [list(pair) for pair in request.query],
        "body": None if request.body is None else dict(request.body),
    }


def decode_request(value: object) -> Request:
    """Decode a request. Raises MalformedError."""
    known = fields(value, "method", "path", "query", "body")
    body = known.get("body")
    return Request(
        text(known.get("method")),
        text(known.get("path")),
        tuple(map(_decode_pair, array(known.get("query")))),
        None if body is None else _decode_body(body),
    )


def _decode_pair(value: object) -> tuple[str, str]:
    match value:
        case [str() as name, str() as part]:
            return name, part
        case _:
            raise MalformedError("a query parameter is no pair of strings")


def _decode_body(value: object) -> dict[str, str | bool | None]:
    return {name: _decode_part(part) for name, part in free_form(value).items()}


def _decode_part(value: object) -> str | bool | None:
    return value if value is None or isinstance(value, bool) else text(value)


def _encode_pending(pending: Pending) -> dict[str, object]:
    encoded: dict[str, object] = {
        "operation": pending.operation,
        "kind": pending.kind,
        "since": encode_instant(pending.since),
        "coverage": encode_coverage(pending.coverage),
        "accepted": pending.accepted,
    }
    if pending.job_id is not None:
        encoded["job_id"] = pending.job_id
    if pending.carrier is not None:
        encoded["carrier"] = encode_carrier(pending.carrier)
    if pending.look is not None:
        encoded["look"] = _encode_look(pending.look)
    return encoded


def _decode_pending(value: object) -> Pending:
    known = fields(
        value, "operation", "kind", "since", "coverage", "accepted", "job_id", "carrier", "look"
    )
    return Pending(
        text(known.get("operation")),
        decode_kind(known.get("kind")),
        decode_instant(known.get("since")),
        decode_coverage(known.get("coverage")),
        text(known["job_id"]) if "job_id" in known else None,
        flag(known.get("accepted")),
        decode_carrier(known["carrier"]) if "carrier" in known else None,
        _decode_look(known["look"]) if "look" in known else None,
    )


def _encode_look(look: Look) -> dict[str, object]:
    encoded: dict[str, object] = {"at": encode_instant(look.at), "answer": look.answer}
    if look.absent:
        encoded["absent"] = look.absent
    if look.forbidden:
        encoded["forbidden"] = look.forbidden
    if look.counted_at is not None:
        encoded["counted_at"] = encode_instant(look.counted_at)
    return encoded


def _decode_look(value: object) -> Look:
    known = fields(value, "at", "answer", "absent", "forbidden", "counted_at")
    return Look(
        decode_instant(known.get("at")),
        text(known.get("answer")),
        count(known.get("absent", 0)),
        count(known.get("forbidden", 0)),
        decode_instant(known["counted_at"]) if "counted_at" in known else None,
    )


def _encode_unseen(unseen: Unseen) -> dict[str, object]:
    encoded: dict[str, object] = {
        "at": encode_instant(unseen.at),
        "answer": unseen.answer,
        "call": _encode_pending(unseen.call),
    }
    if unseen.forbidden:
        encoded["forbidden"] = True
    return encoded


def _decode_unseen(value: object) -> Unseen:
    known = fields(value, "at", "answer", "call", "forbidden")
    return Unseen(
        _decode_pending(known.get("call")),
        decode_instant(known.get("at")),
        text(known.get("answer")),
        flag(known.get("forbidden", False)),
    )


def _encode_failure(failure: Failure) -> dict[str, object]:
    return {"at": encode_instant(failure.at), "message": failure.message}


def _decode_failure(value: object) -> Failure:
    known = fields(value, "at", "message")
    return Failure(decode_instant(known.get("at")), text(known.get("message")))


def _decode_durations(value: object) -> tuple[float, ...]:
    return tuple(map(number, array(value)))


_FIELDS: tuple[tuple[str, Callable[[Any], object], Callable[[object], object]], ...] = (
    ("declared", dict, table),
    ("since", encode_instant, decode_instant),
    ("covered_slot", encode_instant, decode_instant),
    ("stamp", encode_instant, decode_instant),
    ("content", str, text),
    ("last_success", encode_instant, decode_instant),
    ("completed_at", encode_instant, decode_instant),
    ("missed_slot", encode_instant, decode_instant),
    ("failures", int, count),
    ("last_failure", _encode_failure, _decode_failure),
    ("pending", _encode_pending, _decode_pending),
    ("durations_s", list, _decode_durations),
    ("carrier", encode_carrier, decode_carrier),
    ("doubts", int, count),
    ("last_doubt", _encode_failure, _decode_failure),
    ("unseen", _encode_unseen, _decode_unseen),
    ("marked_at", encode_instant, decode_instant),
)
_FIELD_DECODERS = {name: (name, decode) for name, _, decode in _FIELDS}
_FIELD_NAMES = frozenset(_FIELD_DECODERS)


# Journal entries as plain JSON values, and back.


def encode_entry(entry: Entry) -> Plain:
    """Encode one entry; the key `entry` names its type."""
    return {"entry": WORDS[type(entry)], "at": encode_instant(entry.at), **_encode_rest(entry)}


def decode_entry(value: object) -> Entry:
    """Decode one entry. Raises MalformedError."""
    plain = free_form(value)
    decode = _ENTRY_DECODERS.get(text(plain.get("entry")))
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


def _decode_end_unseen(plain: Plain) -> EndUnseen:
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
    (EndUnseen, "unseen", _decode_end_unseen),
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

_ENTRY_DECODERS = {name: decode for _, name, decode in _TYPES}
