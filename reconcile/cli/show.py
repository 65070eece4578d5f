"""`show`: every item and when it next matters, or a saved plan and whether it still stands."""

import click

from reconcile.clock import wall_clock
from reconcile.model.comparison import SavedPlan
from reconcile.model.desired import Desired
from reconcile.model.recorded import Recorded
from reconcile.planning.plan import standings
from reconcile.planning.saved import Confirmed, Stale, confirm
from reconcile.render.documents import SavedFate, saved_json
from reconcile.render.items import items_text, items_told
from reconcile.render.reasons import most_common
from reconcile.render.records import listed
from reconcile.render.saved import review_text, review_told
from reconcile.render.words import Vantage
from reconcile.terminal import options as shared
from reconcile.terminal.console import Console, read_elsewhere
from reconcile.terminal.inputs import gather_desired, gather_recorded, take_up


@click.command(cls=shared.Command)
@shared.saved_plan_argument
@shared.file_option
@shared.state_option
@shared.review_output_options
def run_show(options: shared.Options, console: Console) -> int:
    """Print a table of all items, or a saved plan."""
    kept = take_up(options)
    desired = gather_desired(options, console)
    recorded = gather_recorded(desired, console)
    if kept is not None:
        return show_saved(kept, desired, recorded, console)
    now = wall_clock()
    told = listed(standings(desired, recorded, now), recorded, now)
    verbose = options.verbose
    if console.format == "json":
        console.say_document(told.document)
    elif console.format == "text":
        text = items_text(
            told,
            width=console.width(),
            colour=console.coloured(console.out),
            verbose=verbose,
            elsewhere=read_elsewhere(now, console),
        )
        console.say(text)
    else:
        from reconcile.review.command import WIDTHS, say_told

        width = WIDTHS[console.format]
        say_told(items_told(told, width=width, verbose=verbose), console)
    return 0


# `show PLAN`: what was approved, and whether it still stands. Being stale is no error here.


def show_saved(kept: SavedPlan, desired: Desired, recorded: Recorded, console: Console) -> int:
    """Print a saved plan in the format that was asked for."""
    fate = _fate(kept, desired, recorded)
    view = Vantage(most_common(item.timing.zone for item in desired.items), kept.now, dated=True)
    if console.format == "json":
        console.say(saved_json(kept, fate))
    elif console.format == "text":
        coloured = console.coloured(console.out)
        console.say(review_text(kept, fate, view, width=console.width(), colour=coloured))
    else:
        from reconcile.review.command import WIDTHS, say_told

        say_told(review_told(kept, fate, view, width=WIDTHS[console.format]), console)
    return 0


def _fate(kept: SavedPlan, desired: Desired, recorded: Recorded) -> SavedFate:
    outcome = confirm(kept, desired, recorded, wall_clock())
    match outcome:
        case Stale(differences):
            return SavedFate(differences=differences)
        case Confirmed(planned, covered, left_alone, spent):
            return SavedFate(
                left=len(planned.actions),
                covered=covered,
                left_alone=left_alone,
                spent=spent,
                blocked_by=planned.blocked_by,
            )
