"""What an apply would send, as the lines of a coloured `diff`."""

from collections.abc import Iterator
from typing import assert_never

from reconcile.model.plan import Await, Forget, Plan, Refresh, ResetCache
from reconcile.render.escape import escape_ci_log, escape_terminal
from reconcile.render.markdown.prose import shortened
from reconcile.render.names import address_text, request_text


def request_lines(plan: Plan) -> Iterator[str]:
    """Yield a line for each action: `+` a refresh, `!` a reset, `-` a record that goes."""
    for action in plan.actions:
        match action:
            case Refresh(request=request):
                text = f"+ {request_text(request)}"
            case ResetCache(request=request, waits_for=waits_for):
                later = f"when {waits_for} completes"
                body = ((key, value or later) for key, value in (request.body or {}).items())
                fields = ", ".join(f"{key}: {value}" for key, value in body)
                text = f"! {request_text(request)}  {escape_terminal(fields, 240)}"
            case Await(job_id=job_id):
                text = f"  await job {escape_terminal(job_id, 64)}"
            case Forget(address=address):
                text = f"- {address_text(address)}, its record"
            case _:
                assert_never(action)
        yield escape_ci_log(shortened(text.rstrip()))
