"""Showing a plan, for every command that makes one."""

from reconcile.model.plan import Plan
from reconcile.render.outline import outlined, plan_json
from reconcile.render.plan import plan_text
from reconcile.terminal.console import Console
from reconcile.terminal.inputs import read_elsewhere


def say_plan(planned: Plan, console: Console, *, host: str | None, verbose: bool) -> None:
    """Print a plan in the format that was asked for."""
    if console.format == "json":
        console.say(plan_json(planned, host=host))
        return
    text = plan_text(
        outlined(planned, host=host),
        width=console.width(),
        colour=console.coloured(console.out),
        verbose=verbose,
        elsewhere=read_elsewhere(planned.now, console),
    )
    console.say(text)
