"""When each item is to be looked at again."""

from datetime import datetime
from heapq import heappop, heappush

from reconcile.model.address import Address
from reconcile.model.desired import Item
from reconcile.model.reason import (
    BackingOff,
    FrozenBy,
    HeldAfterFailures,
    HeldInDoubt,
    PausedUntil,
)
from reconcile.planning.verdict import Verdict


class Alarms:
    """One alarm an address at most; a new one takes the place of the one before."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, Address]] = []
        self._at: dict[Address, datetime] = {}

    def put(self, address: Address, at: datetime | None) -> None:
        """Move the alarm of an address; None clears it."""
        if at is None:
            self._at.pop(address, None)
        elif self._at.get(address) != at:
            self._at[address] = at
            heappush(self._heap, (at, address))

    def take(self, *, before: datetime) -> tuple[datetime, set[Address]] | None:
        """Take the earliest instant with an alarm before another, and all it is set for."""
        found: set[Address] = set()
        instant: datetime | None = None
        while self._heap and self._heap[0][0] < before and instant in {None, self._heap[0][0]}:
            at, address = heappop(self._heap)
            # Alarms that were moved stay in the heap until they come up here.
            if self._at.get(address) == at:
                del self._at[address]
                found.add(address)
                instant = at
        return None if instant is None else (instant, found)


def ends_at(verdict: Verdict[Item], *, followed: bool = False) -> datetime | None:
    """Return the first instant at which a call of this item may be possible.

    What holds an item back outlasts the slots that come up meanwhile, so they need no look: a
    freeze of a month costs as much as one of an hour. Only a refresh that failed does need it where
    it is `followed`: it blocks its resets while it is due, and lets them go past its deadline.
    """
    match verdict.standing.reason:
        case FrozenBy(until=until) | PausedUntil(until=until):
            return until
        case BackingOff(retry_at=retry_at) if not followed:
            return retry_at
        case HeldAfterFailures() | HeldInDoubt() if not followed:
            return None
        case _:
            return verdict.standing.until
