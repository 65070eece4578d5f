"""The stream of events of an apply: one JSON object a line, in the journal's own words.

Every key that the journal has for an entry is here under the same name with the same value, so
that who can read one can read the other. An event adds `format_version`, and to the outcome of a
call the `addresses` it covers, which the journal says once, with the intent.
"""

import json
from collections import Counter
from collections.abc import Sequence
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
    ScheduleEntry,
    ScheduleGone,
    ScheduleIntent,
    ScheduleKept,
    Waived,
)
from reconcile.model.plan import Plan, Request
from reconcile.model.progress import Summary
from reconcile.model.recorded import Carrier, Coverage
from reconcile.render.instants import rfc3339
from reconcile.render.json_text import instant_json
from reconcile.render.schedules.actions import spec_json

EVENTS_FORMAT_VERSION = 1

Fields = dict[str, object]
_SCHEDULE_WORDS: dict[type[ScheduleEntry], str] = {
    ScheduleIntent: "schedule_intent",
    ScheduleKept: "schedule_kept",
    ScheduleGone: "schedule_gone",
}
Call = Intent | NotSent | Rejected | Accepted | Doubted | Looked | EndUnseen | Done | Failed


def started_line(planned: Plan) -> str:
    """Return the first event of an apply: what it set out to do, at the plan's `now`."""
    return _line(
        "started",
        planned.now,
        {
            "digest": planned.digest,
            "valid_until": instant_json(planned.valid_until),
            "actions": len(planned.actions),
        },
    )


def finished_line(summary: Summary, at: datetime) -> str:
    """Return the last event. A stream without one is of an apply that died or failed midway."""
    statuses = Counter(result.status for result in summary.results)
    return _line(
        "finished",
        at,
        {
            "statuses": dict(sorted(statuses.items())),
            "calls": summary.calls,
            "polls": summary.polls,
            "took_s": summary.took_s,
            "interrupted": summary.interrupted,
        },
    )


def entry_line(entry: Entry, addresses: Sequence[Address]) -> str:
    """Return the event of one journal entry. `addresses`: what its call covers."""
    match entry:
        case (
            Intent()
            | NotSent()
            | Rejected()
            | Accepted()
            | Doubted()
            | Looked()
            | EndUnseen()
            | Done()
            | Failed()
        ):
            word, fields = _call(entry)
            told = {"operation": entry.operation, "addresses": list(addresses), **fields}
            return _line(word, entry.at, told)
        case Noted() | Missed() | Forgotten() | Marked() | Moved():
            word, fields = _change(entry)
            return _line(word, entry.at, {"address": entry.address, **fields})
        case ScheduleIntent() | ScheduleKept() | ScheduleGone():
            return _line(_SCHEDULE_WORDS[type(entry)], entry.at, _schedule(entry))
        case Blamed() | Renamed() | ClockMended() | Redated() | Began() | Waived():
            word, fields = _run(entry)
            return _line(word, entry.at, fields)
        case _ as unreachable:
            assert_never(unreachable)


def _call(entry: Call) -> tuple[str, Fields]:
    match entry:
        case Intent():
            return "intent", _intent(entry)
        case Accepted(job_id=job_id):
            return "accepted", {} if job_id is None else {"job_id": job_id}
        case Done(completed_at=completed_at, lasted_s=lasted_s):
            lasted = {} if lasted_s is None else {"lasted_s": lasted_s}
            return "done", {"completed_at": rfc3339(completed_at), **lasted}
        case Rejected(message=message, blames=blames):
            return "rejected", {"message": message, **_blame(blames)}
        case NotSent(message=message):
            return "not_sent", {"message": message}
        case Doubted(message=message, cut_off=cut_off):
            return "doubted", {"message": message, **({"cut_off": True} if cut_off else {})}
        case Looked(answer=answer, lack=lack):
            return "looked", {"answer": answer, **({} if lack is None else {"lack": lack})}
        case EndUnseen(answer=answer, forbidden=forbidden):
            return "unseen", {"answer": answer, **({"forbidden": True} if forbidden else {})}
        case Failed(message=message):
            return "failed", {"message": message}
        case _ as unreachable:
            assert_never(unreachable)


def _blame(blames: tuple[Address, ...] | None) -> Fields:
    """Say whose failure it is, where it is not that of all that the call covered."""
    match blames:
        case None:
            return {}
        case ():
            return {"blames_item": False}
        case _:
            return {"blames": list(blames)}


def _run(entry: Blamed | Renamed | ClockMended | Redated | Began | Waived) -> tuple[str, Fields]:
    match entry:
        case Blamed(addresses=addresses, message=message):
            return "blamed", {"addresses": list(addresses), "message": message}
        case Renamed(moves=moves):
            return "renamed", {"moves": [{"from": old, "to": new} for old, new in moves]}
        case ClockMended():
            return "clock_mended", {}
        case Redated(operations=operations, ahead_s=ahead_s):
            return "redated", {"operations": list(operations), "ahead_s": ahead_s}
        case Began():
            told = {name: getattr(entry, name) for name in ("who", "machine", "commit", "run")}
            known = {name: value for name, value in told.items() if value is not None}
            return "began", {"command": entry.command, **known}
        case Waived(limit=limit, value=value):
            return "waived", {"limit": limit, "value": value}
        case _ as unreachable:
            assert_never(unreachable)


def _change(entry: Noted | Missed | Forgotten | Marked | Moved) -> tuple[str, Fields]:
    match entry:
        case Noted(declared=declared):
            return "noted", {"declared": dict(declared)}
        case Missed(slot=slot):
            return "missed", {"slot": rfc3339(slot)}
        case Forgotten():
            return "forgotten", {}
        case Marked(covers=covers):
            return "marked", {} if covers is None else {"covers": _coverage(covers)}
        case Moved(to=to):
            return "moved", {"to": to}
        case _ as unreachable:
            assert_never(unreachable)


def _intent(entry: Intent) -> Fields:
    return {
        "kind": entry.kind,
        "covers": [_coverage(coverage) for coverage in entry.covers],
        "request": _request(entry.request),
        "host": entry.host,
        **({} if entry.carrier is None else {"carrier": _carrier(entry.carrier)}),
    }


def _carrier(carrier: Carrier) -> Fields:
    return {"model_id": carrier.model_id, "group": carrier.group}


def _schedule(entry: ScheduleEntry) -> Fields:
    operation: Fields = {} if entry.operation is None else {"operation": entry.operation}
    subject = {"address": entry.address, **operation}
    if isinstance(entry, ScheduleGone):
        return subject
    known: Fields = {} if entry.schedule_id is None else {"schedule_id": entry.schedule_id}
    told = {**subject, "connection_id": entry.connection_id, **spec_json(entry.spec), **known}
    if isinstance(entry, ScheduleKept):
        return told
    return {**told, "act": entry.act, "request": _request(entry.request), "host": entry.host}


def _coverage(coverage: Coverage) -> Fields:
    known = {
        "address": coverage.address,
        "slot": instant_json(coverage.slot),
        "stamp": instant_json(coverage.stamp),
        "content": coverage.content,
        "attempt": None if coverage.attempt == 1 else coverage.attempt,
    }
    return {name: value for name, value in known.items() if value is not None}


def _request(request: Request) -> Fields:
    return {
        "method": request.method,
        "path": request.path,
        "query": [list(pair) for pair in request.query],
        "body": None if request.body is None else dict(request.body),
    }


def _line(word: str, at: datetime, fields: Fields) -> str:
    head = {"format_version": EVENTS_FORMAT_VERSION, "event": word, "at": rfc3339(at)}
    return json.dumps(head | fields, ensure_ascii=True, allow_nan=False) + "\n"
