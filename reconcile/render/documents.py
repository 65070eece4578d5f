"""What is printed as JSON: versioned, stable in order, ASCII only."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import assert_never

from reconcile.model.address import Address
from reconcile.model.desired import LockedModel
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
from reconcile.model.observed import Imported, ImportedModel
from reconcile.model.plan import (
    Action,
    AdoptSchedule,
    Await,
    Forget,
    Plan,
    Refresh,
    Rename,
    Request,
    ResetCache,
    ScheduleAction,
    Standing,
    action_kind,
)
from reconcile.model.progress import Summary
from reconcile.model.reason import Reason
from reconcile.model.recorded import Carrier, Coverage
from reconcile.render.plan import (
    action_addresses,
    alerts,
    alerts_json,
    blocked_json,
    schedule_keys,
    spec_json,
)
from reconcile.render.reasons import Reader, reason_json
from reconcile.render.words import rfc3339

# A plan as JSON: versioned, stable in order, ASCII only.

PLAN_FORMAT_VERSION = 1
"""Grows when a reader of the present form could misread the new one; added keys do not count."""


def plan_json(plan: Plan, *, host: str | None = None) -> str:
    """Return the plan as one JSON object, indented, ending with a line break.

    `host`: the origin the calls would go to, where it is known. Instants are RFC 3339 in UTC.
    """
    return encode(plan_document(plan, host=host))


def plan_document(plan: Plan, *, host: str | None = None) -> dict[str, object]:
    """Return what `plan_json` spells, for whoever has something to add to it."""
    reader = Reader.of(plan)
    load = plan.load
    return {
        "format_version": PLAN_FORMAT_VERSION,
        "now": rfc3339(plan.now),
        "valid_until": instant_json(plan.valid_until),
        "digest": plan.digest,
        "host": host,
        "blocked_by": blocked_json(plan.blocked_by),
        "attention": alerts_json(alerts(plan.standings)),
        "actions": [_action(action, reader) for action in plan.actions],
        "items": [_item(standing, reader) for standing in plan.standings],
        "noted": sorted(plan.noted),
        "missed": [{"address": address, "slot": rfc3339(slot)} for address, slot in plan.missed],
        "load": {
            "calls": load.calls,
            "polls": load.polls,
            "duration_s": load.duration_s,
            "peak_per_minute": load.peak_per_minute,
            "requests_per_minute": load.requests_per_minute,
            "overtaken": list(load.overtaken),
        },
    }


def _action(action: Action, reader: Reader) -> dict[str, object]:
    shared: dict[str, object] = {
        "kind": action_kind(action),
        "addresses": list(action_addresses(action)),
        "request": None,
        "slot": None,
        "reason": "no longer declared",
        "covers": [],
    }
    match action:
        case Refresh():
            own: dict[str, object] = {
                "request": request_json(action.request),
                "mode": action.mode.value,
                "model_id": action.model_id,
                "timeout_s": action.timeout_s,
                "expected_s": action.expected_s,
            }
        case ResetCache():
            own = {
                "request": request_json(action.request),
                "model_id": action.model_id,
                "policy": action.policy,
                "waits_for": action.waits_for,
            }
        case Await():
            own = {
                "operation": action.operation,
                "job_id": action.job_id,
                "since": rfc3339(action.since),
                "timeout_s": action.timeout_s,
                "expected_s": action.expected_s,
            }
        case Forget():
            return shared
        case Rename():
            return shared | _renamed(action)
        case _:
            return shared | _schedule_planned(action, reader)
    return shared | _covered(action, reader) | own


def _renamed(action: Rename) -> dict[str, object]:
    moves = [{"from": old, "to": new} for old, new in action.moves]
    return {"reason": "renamed", "moves": moves}


def _schedule_planned(action: ScheduleAction, reader: Reader) -> dict[str, object]:
    request = None if isinstance(action, AdoptSchedule) else action.request
    return {
        "request": request and request_json(request),
        "reason": reader.account(action.address).tell(action.reason),
        "because": reason_json(action.reason),
        **schedule_keys(action),
    }


def _covered(action: Refresh | ResetCache | Await, reader: Reader) -> dict[str, object]:
    parts = zip(action.covers, action.reasons, strict=True)
    covers = [_cover(coverage, reason, reader) for coverage, reason in parts]
    first = covers[0] if covers else {"slot": None, "reason": ""}
    return {"slot": first["slot"], "reason": first["reason"], "covers": covers}


def _cover(coverage: Coverage, reason: Reason, reader: Reader) -> dict[str, object]:
    return {
        "address": coverage.address,
        "slot": instant_json(coverage.slot),
        "stamp": instant_json(coverage.stamp),
        "content": coverage.content,
        "reason": reader.account(coverage.address).tell(reason),
        "because": reason_json(reason),
    }


def request_json(request: Request) -> dict[str, object]:
    """Return a request with its query as an object; a repeated name has a list of values."""
    query: dict[str, str | list[str]] = {}
    for name, _ in request.query:
        values = [value for key, value in request.query if key == name]
        query[name] = values[0] if len(values) == 1 else values
    body = None if request.body is None else dict(request.body)
    return {"method": request.method, "path": request.path, "query": query, "body": body}


def _item(standing: Standing, reader: Reader) -> dict[str, object]:
    return {
        "address": standing.address,
        "status": standing.status.value,
        "zone": standing.zone,
        "newest_slot": instant_json(standing.newest_slot),
        "next_slot": instant_json(standing.next_slot),
        "missed": standing.missed,
        "reason": reader.account(standing.address).tell(standing.reason),
        "because": reason_json(standing.reason),
        "until": instant_json(standing.until),
        "selected": standing.selected,
    }


# The stream of events of an apply: one JSON object a line, in the journal's own words.
#
# Every key that the journal has for an entry is here under the same name with the same value, so
# that who can read one can read the other. An event adds `format_version`, and to the outcome of a
# call the `addresses` it covers, which the journal says once, with the intent.

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
            return _line(_SCHEDULE_WORDS[type(entry)], entry.at, _schedule_written(entry))
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


def _schedule_written(entry: ScheduleEntry) -> Fields:
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


# What a command wrote, or would write, into the files: for programs.

WRITTEN_FORMAT_VERSION = 1


def started_json(file: Path, result: str) -> str:
    """Return what `init` did to a file: created, added or unchanged."""
    return _encoded({"file": str(file), "result": result})


def formatted_json(files: Iterable[tuple[Path, bool]]) -> str:
    """Return which files `fmt` changes, and which have their canonical form already."""
    listed = [{"file": str(file), "changed": changed} for file, changed in files]
    return _encoded({"files": listed})


def imported_json(file: Path, added: Imported) -> str:
    """Return the models that `import` adds to a file, and how many native schedules."""
    schedules = sum(len(connection.schedules) for connection in added.connections)
    models = [_model(model) for model in added.models]
    return _encoded({"file": str(file), "models": models, "schedules": schedules})


def locked_json(
    file: Path, models: int, joined: Iterable[LockedModel], left: Iterable[LockedModel]
) -> str:
    """Return how many models a lock file names, and who joined and left."""
    changes = {"joined": [*map(_model, joined)], "left": [*map(_model, left)]}
    return _encoded({"file": str(file), "models": models, **changes})


def _model(model: ImportedModel | LockedModel) -> dict[str, object]:
    return {"name": model.name, "id": model.model_id, "title": model.title}


def _encoded(document: dict[str, object]) -> str:
    return encode({"format_version": WRITTEN_FORMAT_VERSION, **document})


# What codes mean, for programs.

EXPLANATIONS_FORMAT_VERSION = 1


def explanations_json(codes: Mapping[str, tuple[str, str]], exit_codes: Mapping[str, str]) -> str:
    """Return the summary and the explanation of each code, and the meaning of each exit code."""
    told = {
        code: {"summary": summary, "explanation": explanation}
        for code, (summary, explanation) in codes.items()
    }
    head = {"format_version": EXPLANATIONS_FORMAT_VERSION}
    return encode({**head, "codes": told, "exit_codes": dict(exit_codes)})


# JSON as every machine-readable output spells it.


def encode(document: object) -> str:
    """Return indented JSON, ASCII only, ending with a line break.

    ASCII because bidi and zero-width characters are as harmful here as anywhere.
    """
    text = json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False) + "\n"
    return unheeded(text)


def unheeded(text: str) -> str:
    """Return the same JSON without `##`, by which CI runners find commands anywhere in a log."""
    # Only in a string can one stand next to another, and there it has a second spelling.
    return text.replace("##", "\\u0023\\u0023")


def instant_json(instant: datetime | None) -> str | None:
    """Return an instant as RFC 3339 in UTC; None stays None."""
    return None if instant is None else rfc3339(instant)
