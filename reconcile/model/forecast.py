"""What lies ahead: the calls of a coming span, and the changes of the clocks that touch slots."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from reconcile.model.address import Address
from reconcile.model.noun import noun
from reconcile.model.plan import Refresh, ResetCache
from reconcile.model.reason import Reason


@noun(frozen=True, slots=True)
class ExpectedCall:
    """A call and the instant (UTC) it falls due, which is taken to be when it is sent and ends."""

    at: datetime
    action: Refresh | ResetCache

    @property
    def addresses(self) -> tuple[Address, ...]:
        """What the call covers."""
        return tuple(coverage.address for coverage in self.action.covers)


@noun(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The calls from `now` (included) until `until` (excluded), by instant and address.

    `demand`: requests wanted in each UTC minute, polls included, where there are any. `idle`:
    items without any call in that span, each with its reason as of `now`. `zones`: the IANA zone
    of each declared item.
    """

    now: datetime
    until: datetime
    requests_per_minute: int
    calls: tuple[ExpectedCall, ...]
    demand: Mapping[datetime, int]
    idle: tuple[tuple[Address, Reason], ...]
    zones: Mapping[Address, str]


@noun(frozen=True, slots=True, kw_only=True)
class TouchedSlot:
    """A local time (naive) that a change of the clocks skips or repeats, and whose slot it is.

    `before` and `after`: the instants (UTC) it means by the offset before and after the change.
    `runs`: the instants at which it runs, before any spread. `skipped`: else it is repeated.
    """

    wall: datetime
    skipped: bool
    before: datetime
    after: datetime
    runs: tuple[datetime, ...]
    addresses: tuple[Address, ...]


@noun(frozen=True, slots=True, kw_only=True)
class ClockChange:
    """A change of the clocks in an IANA zone, and the slots it touches, by local time.

    `instant` is UTC; the offsets are east of UTC.
    """

    zone: str
    instant: datetime
    offset_before: timedelta
    offset_after: timedelta
    slots: tuple[TouchedSlot, ...]
