"""Showing a plan and getting a yes for it."""

import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import replace

from reconcile.cli.commands.plan import has_calls, say_plan
from reconcile.cli.console import Console
from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.model.exit_code import ExitCode
from reconcile.model.plan import Excess, Plan

MOST_QUESTIONS = 3


def approved(
    replan: Callable[[], Plan],
    options: Namespace,
    console: Console,
    host: str | None,
    waived: Mapping[str, float],
) -> Plan | None:
    """Show a plan and return it once it is approved; None if the answer is no.

    Time passes while a person reads. What was read is compared with what would be planned at the
    instant of the yes; if a slot fell in between, the new plan is shown and asked about again. A
    saved plan and a digest are consent already; and nobody is asked about what a limit blocks all
    the same. `waived`: what each named limit may be passed up to.
    """
    planned = replan()
    for _ in range(MOST_QUESTIONS):
        if console.format == "text":
            shown = replace(planned, blocked_by=unwaived(planned, waived))
            say_plan(shown, console, host=host, verbose=options.verbose)
        if _is_settled(planned, options) or unwaived(planned, waived):
            return planned
        _require_answerable(console)
        if not _yes(console):
            return None
        later = replan()
        if later.digest == planned.digest:
            return later
        console.note("The plan changed while it waited for an answer.")
        planned = later
    raise ReconcileError(
        Diagnostic(
            code="plan-keeps-changing",
            summary="The plan changed before it could be approved",
            detail="Slots fell due faster than the question was answered.",
            hint="reconcile apply --yes",
        ),
        exit_code=ExitCode.STALE,
    )


def _is_settled(planned: Plan, options: Namespace) -> bool:
    """Tell whether consent was given before, or is not needed."""
    return bool(options.yes or options.plan or options.approve) or not has_calls(planned)


def unwaived(planned: Plan, waived: Mapping[str, float]) -> tuple[Excess, ...]:
    """Return the limits that still block the plan."""
    over = planned.blocked_by
    return tuple(excess for excess in over if waived.get(excess.limit, -1.0) < excess.planned)


def _require_answerable(console: Console) -> None:
    """Refuse to wait for an answer that nobody can give."""
    if _interactive(console):
        return
    raise ReconcileError(
        Diagnostic(
            code="no-terminal",
            summary="Nobody can be asked",
            detail="apply asks before it sends anything, and standard input is not a terminal. "
            "Nothing was sent.",
            hint="reconcile apply --yes",
        )
    )


def _interactive(console: Console) -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and console.format == "text"


def _yes(console: Console) -> bool:
    console.ask("Make these calls? Only 'yes' is taken as consent: ")
    try:
        return input().strip() == "yes"
    except EOFError:
        return False
