"""What an action leaves in the journal if it succeeds at once."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from reconcile.model.journal import Accepted, Done, Entry, Intent
from reconcile.model.plan import Await, Refresh, ResetCache
from reconcile.planning.budget.polling import UNKNOWN_DURATION_S
from reconcile.planning.merging import carrier_of

_HOST: Final = "https://forecast.invalid"
"""Entries of a forecast are folded in memory and never written; RFC 6761 keeps the name unused."""


def effects(action: Refresh | Await | ResetCache, now: datetime, operation: str) -> Iterator[Entry]:
    """Yield the entries of a call that is sent, accepted and done at one instant."""
    match action:
        case Await():
            yield Done(now, action.operation, now, _lasted_s(action))
            return
        case Refresh():
            covers = action.covers
            carrier = carrier_of(action)
            yield Intent(now, operation, "refresh", covers, action.request, _HOST, carrier)
        case ResetCache():
            (coverage,) = action.covers
            # A reset that waits for a refresh is stamped with its completion: this very instant.
            stamped = replace(coverage, stamp=coverage.stamp or now, slot=coverage.slot or now)
            yield Intent(now, operation, "reset", (stamped,), action.request, _HOST)
    yield Accepted(now, operation, None)
    yield Done(now, operation, now, _lasted_s(action))


def _lasted_s(action: Refresh | Await | ResetCache) -> float | None:
    """From its first run on, an apply will know how long a job lasts."""
    if isinstance(action, ResetCache):
        return None
    return UNKNOWN_DURATION_S if action.expected_s is None else action.expected_s
