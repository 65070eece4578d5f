"""The next days: when each item is expected to run, and what keeps it from running."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconcile.model.address import Address
from reconcile.model.cadence import Cadence
from reconcile.model.forecast import Riding


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, from (included) until (excluded), UTC. `name`: of the freeze behind it."""

    start: datetime
    until: datetime
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One item over the horizon, instants UTC and ascending.

    `runs`: when a call for it is expected; they know their number without being listed. `held`:
    slots that fall while it may not run; they collapse into one run once it may. `frozen`: the
    freezes that match it. `riding`: why it runs more often than its cadence alone would.
    """

    address: Address
    zone: str
    cadence: Cadence
    runs: Sequence[datetime]
    held: Sequence[datetime] = ()
    frozen: tuple[Span, ...] = ()
    riding: Riding | None = None


@dataclass(frozen=True, slots=True)
class ClockChange:
    """A night on which the clocks of a zone are changed. `at` is UTC."""

    zone: str
    at: datetime
    before: timedelta
    after: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What to expect from `start` (included) to `until` (excluded), UTC.

    It supposes that an apply runs at every slot and that every call succeeds. `tracks` are sorted
    by address. `minutes`: how many calls there are in each UTC minute that has any, ascending;
    items that share a call count once. `freezes` are those that match an item.
    """

    start: datetime
    until: datetime
    tracks: tuple[Track, ...]
    minutes: Mapping[datetime, int]
    freezes: tuple[Span, ...] = ()
    clock_changes: tuple[ClockChange, ...] = ()

    @property
    def calls(self) -> int:
        """How many calls there are in all."""
        return sum(self.minutes.values())
