"""What an apply would send, as the lines of a coloured `diff`."""

from collections.abc import Iterator
from typing import assert_never

from reconcile.model.plan import (
    AdoptSchedule,
    Await,
    CreateSchedule,
    DeleteSchedule,
    Forget,
    Plan,
    Refresh,
    Rename,
    ResetCache,
    ScheduleAction,
    UpdateSchedule,
)
from reconcile.render.escape import escape_ci_log, escape_terminal
from reconcile.render.markdown.prose import shortened
from reconcile.render.names import address_text, request_text
from reconcile.render.schedules.actions import request_line


def request_lines(plan: Plan) -> Iterator[str]:
    """Yield a line for each action: `+` what is made, `!` what is changed, `-` what goes."""
    for action in plan.actions:
        told = _schedule(action) if isinstance(action, ScheduleAction) else _item(action)
        yield escape_ci_log(shortened(told.rstrip()))


def _item(action: Refresh | ResetCache | Await | Forget | Rename) -> str:
    match action:
        case Refresh(request=request):
            return f"+ {request_text(request)}"
        case ResetCache(request=request, waits_for=waits_for):
            later = f"when {waits_for} completes"
            body = ((key, value or later) for key, value in (request.body or {}).items())
            fields = ", ".join(f"{key}: {value}" for key, value in body)
            return f"! {request_text(request)}  {escape_terminal(fields, 240)}"
        case Await(job_id=job_id):
            return f"  await job {escape_terminal(job_id, 64)}"
        case Forget(address=address):
            return f"- {address_text(address)}, its record"
        case Rename(moves=moves):
            told = (f"{address_text(old)} -> {address_text(new)}" for old, new in moves)
            return f"  rename {', '.join(told)}"
        case _:
            assert_never(action)


def _schedule(action: ScheduleAction) -> str:
    match action:
        case CreateSchedule():
            return f"+ {request_line(action)}"
        case UpdateSchedule():
            return f"! {request_line(action)}"
        case DeleteSchedule():
            return f"- {request_line(action)}"
        case AdoptSchedule():
            return f"  adopt {request_line(action)}"
        case _:
            assert_never(action)
