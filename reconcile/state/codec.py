"""Instants, requests and records as plain JSON values, and back. `decode(encode(x)) == x`."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from reconcile.model.address import Address
from reconcile.model.plan import Request
from reconcile.model.recorded import (
    Carrier,
    Coverage,
    Failure,
    Kind,
    Look,
    Pending,
    Record,
    Unseen,
)
from reconcile.state.strict import (
    MalformedError,
    array,
    count,
    fields,
    flag,
    free_form,
    number,
    table,
    text,
)

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
    if not _NAMES.issuperset(value):
        raise MalformedError(f"a record has an unknown key {min(value.keys() - _NAMES)!r}")
    known: dict[str, Any] = {}
    for key, encoded in value.items():
        # Under our own name: Python looks for a keyword by identity before it compares.
        name, decode = _DECODERS[key]
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
_DECODERS = {name: (name, decode) for name, _, decode in _FIELDS}
_NAMES = frozenset(_DECODERS)
