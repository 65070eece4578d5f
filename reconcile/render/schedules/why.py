"""Why a native schedule stands as it does: its standing, and what an apply would do about it."""

from reconcile.model.plan import Plan, Standing
from reconcile.render.actions import action_rows
from reconcile.render.json_text import encode
from reconcile.render.layout import LEAST_WIDTH, listing
from reconcile.render.plan_json import action_document, item_document
from reconcile.render.reader import Reader
from reconcile.render.standings import standing_rows

WHY_FORMAT_VERSION = 1


def schedule_why_text(planned: Plan, standing: Standing, *, width: int, colour: bool) -> str:
    """Return the line that a plan has for the schedule, with the exact request."""
    reader = Reader.of(planned)
    rows = [row for action in planned.actions for row in action_rows(action, reader, verbose=True)]
    rows = rows or list(standing_rows([standing], [standing.status], reader))
    return "\n".join(listing(rows, max(width, LEAST_WIDTH), colour=colour, stacked=True)) + "\n"


def schedule_why_json(planned: Plan, standing: Standing) -> str:
    """Return the same as one JSON object, in the words of a plan."""
    reader = Reader.of(planned)
    return encode(
        {
            "format_version": WHY_FORMAT_VERSION,
            "item": item_document(standing, reader),
            "actions": [action_document(action, reader) for action in planned.actions],
        }
    )
