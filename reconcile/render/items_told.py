"""The table of items for a comment or a page."""

from collections.abc import Sequence
from datetime import datetime

from reconcile.model.plan import Standing
from reconcile.model.recorded import Recorded
from reconcile.render.items import items_text
from reconcile.render.told import Passage, Told


def items_told(
    standings: Sequence[Standing],
    recorded: Recorded,
    now: datetime,
    *,
    width: int,
    verbose: bool = False,
) -> Told:
    """Return what `items_text` says, its first line as the headline."""
    text = items_text(
        standings, recorded, now, width=width, colour=False, verbose=verbose, elsewhere=True
    )
    head, *lines = text.splitlines()
    passage = Passage("Where every item stands", lines)
    return Told(subject="items", headline=" ".join(head.split()), passages=(passage,))
