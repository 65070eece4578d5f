"""Why a native schedule stands as it does: its standing, and what an apply would do about it."""

from reconcile.model.plan import Plan, Standing
from reconcile.render.actions import action_rows
from reconcile.render.layout import LEAST_WIDTH, listing
from reconcile.render.reader import Reader
from reconcile.render.standings import standing_row


def schedule_why_text(planned: Plan, standing: Standing, *, width: int, colour: bool) -> str:
    """Return the line that a plan has for the schedule, with the exact request."""
    reader = Reader.of(planned)
    rows = [row for action in planned.actions for row in action_rows(action, reader, verbose=True)]
    rows = rows or [standing_row(standing, reader)]
    return "\n".join(listing(rows, max(width, LEAST_WIDTH), colour=colour, stacked=True)) + "\n"
