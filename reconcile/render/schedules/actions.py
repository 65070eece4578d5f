"""What a plan does about a native schedule: a line for people, keys for programs."""

import json
from typing import assert_never

from reconcile.model.desired import ScheduleSpec
from reconcile.model.plan import (
    AdoptSchedule,
    CreateSchedule,
    DeleteSchedule,
    ScheduleAction,
    UpdateSchedule,
)
from reconcile.render.escape import escape_terminal
from reconcile.render.layout import Cell, Ink, Row
from reconcile.render.names import address_text, request_text
from reconcile.render.reader import Reader
from reconcile.render.schedules.words import changes_text, schedule_reason, spec_text

_ID_LIMIT = 64


def schedule_row(action: ScheduleAction, reader: Reader, *, verbose: bool) -> Row:
    """Return the line of a plan for one action, with what is there before and after."""
    verb, what = _told(action)
    why = f"{what}; {schedule_reason(action.reason, reader.vantage(action.address))}"
    details = (request_line(action),) if verbose else ()
    return Row(verb, address_text(action.address), Cell(""), (why, *details))


def request_line(action: ScheduleAction) -> str:
    """Return the exact request with its body; of one that sends nothing, what it is about."""
    if isinstance(action, AdoptSchedule):
        return f"schedule {escape_terminal(action.schedule_id, _ID_LIMIT)}, nothing is sent"
    if action.request is None:
        return "asks which schedule it is, then DELETE"
    body = action.request.body
    told = "" if body is None else json.dumps(dict(body), ensure_ascii=False)
    return f"{request_text(action.request)} {escape_terminal(told, 240)}".rstrip()


def schedule_keys(action: ScheduleAction) -> dict[str, object]:
    """Return what the JSON of an action has besides what all actions have."""
    before, after, schedule_id = _sides(action)
    return {
        "connection_id": action.connection_id,
        "schedule_id": schedule_id,
        "before": before and spec_json(before),
        "after": after and spec_json(after),
    }


def spec_json(spec: ScheduleSpec) -> dict[str, object]:
    """Return what a schedule says, under the keys of the file."""
    return {"cron": spec.cron, "timezone": spec.zone, "hard": spec.hard}


def _told(action: ScheduleAction) -> tuple[Cell, str]:
    match action:
        case CreateSchedule():
            return Cell("create", Ink.REFRESH), spec_text(action.spec)
        case UpdateSchedule():
            return Cell("update", Ink.RESET), changes_text(action.before, action.spec)
        case DeleteSchedule():
            return Cell("delete", Ink.BAD), spec_text(action.spec)
        case AdoptSchedule():
            return Cell("adopt", Ink.DIM), spec_text(action.spec)
        case _:
            assert_never(action)


def _sides(
    action: ScheduleAction,
) -> tuple[ScheduleSpec | None, ScheduleSpec | None, str | None]:
    match action:
        case CreateSchedule():
            return None, action.spec, None
        case UpdateSchedule():
            return action.before, action.spec, action.schedule_id
        case DeleteSchedule():
            return action.spec, None, action.schedule_id
        case AdoptSchedule():
            return action.spec, action.spec, action.schedule_id
        case _:
            assert_never(action)
