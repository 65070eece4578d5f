"""`show`: every item and when it next matters, or a saved plan and whether it still stands."""

from argparse import Namespace

from reconcile.cli.console import Console
from reconcile.cli.gathering import gather_desired, gather_recorded
from reconcile.cli.saving import show_saved
from reconcile.clock import wall_clock
from reconcile.planning.planner import plan


def run(options: Namespace, console: Console) -> int:
    """Print a table of all items, or a saved plan."""
    desired = gather_desired(options, console)
    recorded = gather_recorded(desired, console)
    if options.plan is not None:
        return show_saved(options.plan, desired, recorded, console)
    planned = plan(desired, recorded, wall_clock())
    from reconcile.render import items as render

    if console.format == "json":
        console.say(render.items_json(planned.standings, recorded, planned.now))
        return 0
    coloured = console.coloured(console.out)
    console.say(
        render.items_text(
            planned.standings, recorded, planned.now, width=console.width(), colour=coloured
        )
    )
    return 0
