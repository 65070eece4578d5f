"""A plan for people who were not there: as a comment on a change, or as a page."""

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass

from reconcile.cli.comparing import horizon_of
from reconcile.cli.console import Console
from reconcile.cli.saved_options import planning_arguments
from reconcile.clock import wall_clock
from reconcile.model.comparison import Comparison
from reconcile.model.desired import Desired
from reconcile.model.plan import Plan
from reconcile.model.recorded import Recorded
from reconcile.planning.ahead import timeline
from reconcile.render.layout import Told

WIDTHS = {"markdown": 96, "html": 40}
"""Cells of a line of a comparison: a comment is read on a desktop, a page also on a phone."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What a review shows beside the plan.

    `live`: the lines of what a look at the instance found, for a page; a comment has them below.
    """

    comparison: Comparison | None = None
    live: Sequence[str] = ()


def say_review(
    planned: Plan,
    desired: Desired,
    recorded: Recorded,
    options: Namespace,
    console: Console,
    beside: Beside,
) -> None:
    """Print a plan with the next days, and with what changes where that was asked."""
    if beside.comparison is not None:
        # The days of both start from the same record, be it only assumed.
        recorded = beside.comparison.recorded
    ahead = timeline(desired, recorded, planned, horizon_of(options.horizon), wall_clock())
    arguments = tuple(planning_arguments(options))
    changes = _changes(beside.comparison, options, console)
    host = desired.base_url
    if console.format == "html":
        from reconcile.render.plan_page import plan_html

        page = plan_html(
            planned, ahead, host=host, arguments=arguments, changes=changes, live=beside.live
        )
        console.say(page)
        return
    from reconcile.render.markdown import plan_markdown

    console.say(plan_markdown(planned, ahead, host=host, arguments=arguments, changes=changes))


def say_told(told: Told, console: Console) -> None:
    """Print what is told in lines of text, as a comment or as a page."""
    if console.format == "html":
        from reconcile.render.page import told_html

        console.say(told_html(told))
        return
    from reconcile.render.markdown import told_markdown

    console.say(told_markdown(told))


def _changes(
    comparison: Comparison | None, options: Namespace, console: Console
) -> tuple[str, ...]:
    if comparison is None:
        return ()
    from reconcile.render.comparison import comparison_text

    text = comparison_text(comparison, options.against, width=WIDTHS[console.format], colour=False)
    return tuple(text.splitlines())
