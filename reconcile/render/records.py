"""All that is recorded of one address."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime

from reconcile.model.address import Address
from reconcile.model.recorded import Carrier, Coverage, Failure, Look, Pending, Record, Unseen
from reconcile.render.escape import escape_terminal
from reconcile.render.instants import Vantage, duration_text
from reconcile.render.json_text import encode, instant_json
from reconcile.render.layout import LEAST_WIDTH, wrap
from reconcile.render.names import address_text, counted, words_text

RECORDS_FORMAT_VERSION = 1
"""Of every document that tells what is recorded."""

_LABEL = 14
_VALUE_LIMIT = 400


def record_text(address: Address, record: Record, now: datetime, zone: str, *, width: int) -> str:
    """Return everything that is known of one address, a fact a line; ends with a line break."""
    room = max(width, LEAST_WIDTH) - _LABEL - 2
    lines = [address_text(address)]
    for label, value in _facts(record, Vantage(zone, now)):
        first, *rest = wrap(value, room)
        lines.append(f"  {label:<{_LABEL}}{first}")
        lines.extend(" " * (_LABEL + 2) + line for line in rest)
    return "\n".join(lines) + "\n"


def record_json(address: Address, record: Record) -> str:
    """Return the same as one JSON object, ending with a line break."""
    return encode({"format_version": RECORDS_FORMAT_VERSION, **record_document(address, record)})


def record_document(address: Address, record: Record) -> dict[str, object]:
    """Return what is recorded of one address as plain JSON values."""
    return {
        "address": address,
        "declared": None if record.declared is None else dict(record.declared),
        "since": instant_json(record.since),
        "covered_slot": instant_json(record.covered_slot),
        "stamp": instant_json(record.stamp),
        "content": record.content,
        "last_success": instant_json(record.last_success),
        "completed_at": instant_json(record.completed_at),
        "missed_slot": instant_json(record.missed_slot),
        "failures": record.failures,
        "last_failure": record.last_failure and _failure(record.last_failure),
        "pending": record.pending and _pending(record.pending),
        "durations_s": list(record.durations_s),
        "carrier": record.carrier and _carrier(record.carrier),
        "doubts": record.doubts,
        "last_doubt": record.last_doubt and _failure(record.last_doubt),
        "unseen": record.unseen and _unseen(record.unseen),
        "marked_at": instant_json(record.marked_at),
    }


def _failure(failure: Failure) -> dict[str, object]:
    return {"at": instant_json(failure.at), "message": failure.message}


def _carrier(carrier: Carrier) -> dict[str, object]:
    return {"model_id": carrier.model_id, "group": carrier.group}


def _unseen(unseen: Unseen) -> dict[str, object]:
    return {
        "call": _pending(unseen.call),
        "at": instant_json(unseen.at),
        "answer": unseen.answer,
        "forbidden": unseen.forbidden,
    }


def _look(look: Look) -> dict[str, object]:
    return {
        "at": instant_json(look.at),
        "answer": look.answer,
        "absent": look.absent,
        "forbidden": look.forbidden,
        "counted_at": instant_json(look.counted_at),
    }


def _pending(pending: Pending) -> dict[str, object]:
    return {
        "operation": pending.operation,
        "kind": pending.kind,
        "since": instant_json(pending.since),
        "job_id": pending.job_id,
        "accepted": pending.accepted,
        "coverage": _coverage(pending.coverage),
        "carrier": pending.carrier and _carrier(pending.carrier),
        "look": pending.look and _look(pending.look),
    }


def _coverage(coverage: Coverage) -> dict[str, object]:
    return {
        "slot": instant_json(coverage.slot),
        "stamp": instant_json(coverage.stamp),
        "content": coverage.content,
        "attempt": coverage.attempt,
    }


def _facts(record: Record, view: Vantage) -> Iterator[tuple[str, str]]:
    instants = {
        "last success": record.last_success,
        "completed": record.completed_at,
        "covered slot": record.covered_slot,
        "stamp": record.stamp,
        "missed slot": record.missed_slot,
        "timing since": record.since,
        "marked due": record.marked_at,
    }
    for label, instant in instants.items():
        if instant is not None:
            yield label, f"{view.both(instant)}, {view.distance(instant)}"
    if record.carrier is not None:
        model = escape_terminal(record.carrier.model_id, _VALUE_LIMIT)
        yield "carried by", f"model {model}, on the same connection"
    if record.content is not None:
        yield "content", escape_terminal(record.content, _VALUE_LIMIT)
    if record.durations_s:
        yield "durations", ", ".join(duration_text(seconds) for seconds in record.durations_s)
    yield from _troubles(record, view)
    for key, value in sorted((record.declared or {}).items()):
        yield escape_terminal(key, _LABEL - 1), _declared(value)


def _troubles(record: Record, view: Vantage) -> Iterator[tuple[str, str]]:
    if record.failures:
        yield "failures", f"{record.failures:,} in a row"
    if record.last_failure is not None:
        failure = record.last_failure
        yield "last failure", f"{view.both(failure.at)}: {words_text(failure.message)}"
    if record.doubts:
        yield "doubts", f"{counted(record.doubts, 'outcome')} in a row unknown"
    if record.last_doubt is not None:
        doubt = record.last_doubt
        yield "last doubt", f"{view.both(doubt.at)}: {words_text(doubt.message)}"
    if record.pending is not None:
        yield "pending", _pending_text(record.pending, view)
    if record.pending is not None and record.pending.look is not None:
        yield "last look", _look_text(record.pending.look, view)
    if record.unseen is not None:
        yield "end not seen", _unseen_text(record.unseen, view)


def _declared(value: object) -> str:
    """Leave out what says nothing, so that what was declared stands out."""
    if not isinstance(value, Mapping):
        return escape_terminal(json.dumps(value, ensure_ascii=False), _VALUE_LIMIT)
    told = (f"{key} {json.dumps(part, ensure_ascii=False)}" for key, part in value.items() if part)
    return escape_terminal(", ".join(told), _VALUE_LIMIT) or "-"


def _look_text(look: Look, view: Vantage) -> str:
    told = f"{view.with_distance(look.at)}: {words_text(look.answer)}"
    if look.absent:
        told += f"; Omni did not know the job at {counted(look.absent, 'look')}"
    if look.forbidden:
        told += f"; it could not be read at {counted(look.forbidden, 'look')}"
    return told


def _unseen_text(unseen: Unseen, view: Vantage) -> str:
    call = unseen.call
    job = "" if call.job_id is None else f", job {escape_terminal(call.job_id, _VALUE_LIMIT)}"
    why = " (it may not be read)" if unseen.forbidden else ""
    given_up = f"awaited until {view.with_distance(unseen.at)}: {words_text(unseen.answer)}"
    return f"{call.kind} of {view.with_distance(call.since)}{job}, {given_up}{why}"


def _pending_text(pending: Pending, view: Vantage) -> str:
    since = view.with_distance(pending.since)
    operation = escape_terminal(pending.operation, _VALUE_LIMIT)
    if pending.job_id is not None:
        job = escape_terminal(pending.job_id, _VALUE_LIMIT)
        return f"{pending.kind} since {since}, job {job} (operation {operation})"
    doubt = "accepted, end unknown" if pending.accepted else "it may or may not have been sent"
    return f"{pending.kind} since {since}, {doubt} (operation {operation})"
