"""The digest of a plan: what an approval approves."""

import json
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import assert_never

from reconcile.model.desired import ScheduleSpec
from reconcile.model.plan import (
    Action,
    AdoptSchedule,
    Await,
    CreateSchedule,
    DeleteSchedule,
    Forget,
    Refresh,
    Rename,
    Request,
    ResetCache,
    ScheduleAction,
    UpdateSchedule,
    action_kind,
)
from reconcile.model.recorded import Coverage

_ENCODE = json.JSONEncoder(sort_keys=True, check_circular=False).encode


def digest(actions: Iterable[Action], base_url: str | None) -> str:
    """Hash the meaning of the actions: no clock, no order, no wording.

    Two plans of the same files a minute apart agree unless a slot fell between them. A stamp that
    is only the plan's own `now` (the first run of an `every` reset) is left out for that reason.
    """
    lines = sorted(_ENCODE(_meaning(action)) for action in actions)
    text = "\n".join([base_url or "", *lines])
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def _meaning(action: Action) -> tuple[object, ...]:
    match action:
        case Refresh():
            return "refresh", _covers(action.covers), _request(action.request, keep_body=True)
        case ResetCache():
            request = _request(action.request, keep_body=action.covers[0].slot is not None)
            return "reset", _covers(action.covers), request, action.waits_for
        case Await():
            return "await", _covers(action.covers), action.job_id
        case Forget():
            return "forget", action.address
        case Rename():
            return "rename", sorted(action.moves)
        case _:
            return _schedule(action)


def _schedule(action: ScheduleAction) -> tuple[object, ...]:
    subject = action_kind(action), action.address, action.connection_id
    match action:
        case CreateSchedule():
            return *subject, _spec(action.spec)
        case UpdateSchedule():
            return *subject, action.schedule_id, _spec(action.before), _spec(action.spec)
        case DeleteSchedule() | AdoptSchedule():
            return *subject, action.schedule_id, _spec(action.spec)
        case _ as unreachable:
            assert_never(unreachable)


def _spec(spec: ScheduleSpec) -> tuple[object, ...]:
    return spec.cron, spec.zone, spec.hard


def _covers(covers: tuple[Coverage, ...]) -> list[tuple[str | None, ...]]:
    return [(c.address, None if c.slot is None else _instant(c.slot), c.content) for c in covers]


_instant = lru_cache(maxsize=4096)(datetime.isoformat)
"""Spells a slot, which many items share."""


def _request(request: Request, *, keep_body: bool) -> tuple[object, ...]:
    body = dict(request.body) if keep_body and request.body is not None else None
    return request.method, request.path, request.query, body
