"""`show`: every item and when it next matters, or a saved plan and whether it still stands."""

from argparse import Namespace

from reconcile.cli.console import Console
from reconcile.cli.gathering import gather_desired, gather_recorded, read_elsewhere
from reconcile.cli.holding import hold
from reconcile.cli.saved_options import take_up
from reconcile.cli.showing import show_saved
from reconcile.clock import wall_clock
from reconcile.planning.plan import standings


def run(options: Namespace, console: Console) -> int:
    """Print a table of all items, or a saved plan."""
    kept = take_up(options)
    desired = gather_desired(options, console)
    recorded = hold(gather_recorded(desired, console))
    if kept is not None:
        return show_saved(kept, desired, recorded, console)
    now = wall_clock()
    items = standings(desired, recorded, now)
    from reconcile.render import items as render

    verbose = options.verbose
    if console.format == "json":
        console.say(render.items_json(items, recorded, now))
    elif console.format == "text":
        text = render.items_text(
            items,
            recorded,
            now,
            width=console.width(),
            colour=console.coloured(console.out),
            verbose=verbose,
            elsewhere=read_elsewhere(now, console),
        )
        console.say(text)
    else:
        from reconcile.cli.reviewing import WIDTHS, say_told
        from reconcile.render.items import items_told

        width = WIDTHS[console.format]
        say_told(items_told(items, recorded, now, width=width, verbose=verbose), console)
    return 0
