"""How long nobody reconciled, as far as the state can tell, and what that touched. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from reconcile.model.address import Address
from reconcile.model.desired import Desired
from reconcile.model.plan import Plan
from reconcile.model.recorded import Record, Recorded
from reconcile.planning.item import overdue


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """Between `last_seen`, the newest instant in the state, and the plan's `now`.

    Somebody may have looked in that time and found nothing to do: then nothing was touched.
    `slots_missed`: slots that collapse into those that are due, or that passed their deadline.
    `late`: since when each item has been due, the longest first.
    """

    last_seen: datetime
    slots_missed: int
    late: tuple[tuple[Address, datetime], ...]


def absence(desired: Desired, recorded: Recorded, planned: Plan) -> Absence | None:
    """Say what an absence touched; None for a state in which nothing ever happened."""
    now = planned.now
    every = (instant for record in recorded.items.values() for instant in _instants(record))
    # One of the future was written by a clock that was ahead, and tells nothing.
    seen = [instant for instant in every if instant <= now]
    if not seen:
        return None
    late = overdue(desired, recorded, planned)
    missed = sum(standing.missed for standing in planned.standings if standing.address in late)
    return Absence(
        last_seen=max(seen),
        slots_missed=missed + len(planned.missed),
        late=tuple(sorted(late.items(), key=lambda pair: (pair[1], pair[0]))),
    )


def _instants(record: Record) -> Iterator[datetime]:
    failed = None if record.last_failure is None else record.last_failure.at
    doubted = None if record.last_doubt is None else record.last_doubt.at
    begun, given_up = record.pending, record.unseen
    for instant in (
        record.since,
        record.last_success,
        record.completed_at,
        failed,
        doubted,
        record.marked_at,
        None if begun is None else begun.since,
        None if begun is None or begun.look is None else begun.look.at,
        None if given_up is None else given_up.at,
    ):
        if instant is not None:
            yield instant
