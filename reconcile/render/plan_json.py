"""A plan as JSON: versioned, stable in order, ASCII only."""

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
from reconcile.model.reason import Reason
from reconcile.model.recorded import Coverage
from reconcile.render.actions import action_addresses
from reconcile.render.attention import alerts, alerts_json, blocked_json
from reconcile.render.instants import rfc3339
from reconcile.render.json_text import encode, instant_json
from reconcile.render.reader import Reader
from reconcile.render.reason_json import reason_json
from reconcile.render.schedules.actions import schedule_keys

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
            return shared | _schedule(action, reader)
    return shared | _covered(action, reader) | own


def _renamed(action: Rename) -> dict[str, object]:
    moves = [{"from": old, "to": new} for old, new in action.moves]
    return {"reason": "renamed", "moves": moves}


def _schedule(action: ScheduleAction, reader: Reader) -> dict[str, object]:
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
