"""`show PLAN`: what was approved, and whether it still stands. Being stale is no error here."""

from reconcile.cli.console import Console
from reconcile.clock import wall_clock
from reconcile.model.comparison import SavedPlan
from reconcile.model.desired import Desired
from reconcile.model.recorded import Recorded
from reconcile.planning.saved import Confirmed, Stale, confirm
from reconcile.render.reasons import most_common
from reconcile.render.saved import Standing, review_json, review_text, review_told
from reconcile.render.words import Vantage


def show_saved(kept: SavedPlan, desired: Desired, recorded: Recorded, console: Console) -> int:
    """Print a saved plan in the format that was asked for."""
    standing = _standing(kept, desired, recorded)
    view = Vantage(most_common(item.timing.zone for item in desired.items), kept.now, dated=True)
    if console.format == "json":
        console.say(review_json(kept, standing))
    elif console.format == "text":
        coloured = console.coloured(console.out)
        console.say(review_text(kept, standing, view, width=console.width(), colour=coloured))
    else:
        from reconcile.cli.reviewing import WIDTHS, say_told

        say_told(review_told(kept, standing, view, width=WIDTHS[console.format]), console)
    return 0


def _standing(kept: SavedPlan, desired: Desired, recorded: Recorded) -> Standing:
    outcome = confirm(kept, desired, recorded, wall_clock())
    match outcome:
        case Stale(differences):
            return Standing(differences=differences)
        case Confirmed(planned, covered, left_alone, spent):
            return Standing(
                left=len(planned.actions),
                covered=covered,
                left_alone=left_alone,
                spent=spent,
                blocked_by=planned.blocked_by,
            )
