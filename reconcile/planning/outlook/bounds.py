"""How much may be walked one by one before a look ahead is refused."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from reconcile.model.desired import At, Cron, Every, Item
from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.planning.calendar.slots import count_slots

MOST_RUNS: Final = 500_000
"""Walked one by one at most: what is looked at may come from anyone's pull request."""


def require_bounded(items: Iterable[Item], now: datetime, until: datetime) -> None:
    """Raise ReconcileError if these items run more than `MOST_RUNS` times by their cadences."""
    if sum(_runs_at_most(item, now, until) for item in items) > MOST_RUNS:
        detail = (
            f"Up to the horizon there would be more than {MOST_RUNS:,} runs of items that fail or "
            "may ride along with others, the most that are followed one by one."
        )
        hint = "Look less far ahead: --for 1d of a forecast, --horizon 1d of a plan"
        summary = "The horizon holds too many runs"
        raise ReconcileError(
            Diagnostic(code="horizon-too-busy", summary=summary, detail=detail, hint=hint)
        )


def _runs_at_most(item: Item, now: datetime, until: datetime) -> int:
    match item.timing.cadence:
        case Every(interval):
            return int((until - now) / interval) + 2
        case Cron() | At() as cadence:
            return count_slots(cadence, item.timing.zone, now, until) + 2
        case _:
            # A reset that follows a refresh runs no more often than that, which is counted.
            return 1
