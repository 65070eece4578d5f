"""What lies ahead: the calls of a coming span, when each item runs, and changes of the clocks."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from msgspec import Struct

from reconcile.model.address import Address
from reconcile.model.desired import Cadence, Mode
from reconcile.model.plan import Refresh, ResetCache
from reconcile.model.reason import Reason


class ExpectedCall(Struct, frozen=True):
    """A call and the instant (UTC) it falls due, which is taken to be when it is sent and ends."""

    at: datetime
    action: Refresh | ResetCache

    @property
    def addresses(self) -> tuple[Address, ...]:
        """What the call covers."""
        return tuple(coverage.address for coverage in self.action.covers)

    @property
    def mode(self) -> Mode | None:
        """How it refreshes; None where it resets a cache."""
        return self.action.mode if isinstance(self.action, Refresh) else None

    @property
    def slot(self) -> datetime | None:
        """The slot it makes up, or the completion that it follows; None for a first run."""
        first = self.action.covers[0]
        follows = first.slot is None and first.stamp is None and self.mode is None
        return self.at if follows else first.slot


class Riding(Struct, frozen=True):
    """An item that runs more often than its cadence alone would, as it rides along with calls.

    `along_with`: the item whose calls it mostly shares, and its `cadence`. `runs` over the time
    looked at, and how many they would be `alone`.
    """

    address: Address
    along_with: Address
    cadence: Cadence
    runs: int
    alone: int


class Day(Struct, frozen=True):
    """One day: its calls, those that cover each address, and each hour's busiest minute.

    `peaks`: requests in the busiest minute of each hour, 0 to 23, that the wall clock shows; an
    hour shown twice counts once, by its busier showing. `busiest`: when the first of the day's
    busiest minutes begins (UTC), None on a day without requests. Polls are requests too.
    """

    date: date
    calls: int
    covering: Mapping[Address, int]
    peaks: tuple[int, ...]
    busiest: datetime | None

    @property
    def peak(self) -> int:
        """Requests in the busiest minute of the day."""
        return max(self.peaks)


class Forecast(Struct, frozen=True, kw_only=True):
    """The calls from `now` (included) until `until` (excluded), counted.

    `days`: every day that is touched, idle ones included, as the calendar of `zone` has them.
    `calls`: each by itself, by instant and address; to list them costs what they are many.
    `idle`: items without any call in that span, each with its reason as of `now`. `zones`: the
    IANA zone of each declared item.
    """

    now: datetime
    until: datetime
    requests_per_minute: int
    zone: str
    days: tuple[Day, ...]
    refreshes: int
    resets: int
    calls: Iterable[ExpectedCall]
    riding: tuple[Riding, ...]
    idle: tuple[tuple[Address, Reason], ...]
    zones: Mapping[Address, str]


class TouchedSlot(Struct, frozen=True, kw_only=True):
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


class ClockNight(Struct, frozen=True):
    """A night on which the clocks of a zone are changed: `at` (UTC), from an offset to another."""

    zone: str
    at: datetime
    before: timedelta
    after: timedelta


class ClockChange(ClockNight, frozen=True):
    """A change of the clocks, and the slots it touches, by local time."""

    slots: tuple[TouchedSlot, ...]


# The next days: when each item is expected to run, and what keeps it from running.


class Span(Struct, frozen=True):
    """A stretch of time, from (included) until (excluded), UTC. `name`: of the freeze behind it."""

    start: datetime
    until: datetime
    name: str


class Track(Struct, frozen=True, kw_only=True):
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


class Timeline(Struct, frozen=True, kw_only=True):
    """What to expect from `start` (included) to `until` (excluded), UTC.

    It supposes that an apply runs at every slot and that every call succeeds. `tracks`: of the
    `addresses`, which are sorted; told when they are read. `minutes`: how many calls there are in
    each UTC minute that has any, ascending; items that share a call count once. `riding`: the items
    that run more often than their cadence alone would. `freezes` are those that match an item.
    """

    start: datetime
    until: datetime
    addresses: Sequence[Address]
    tracks: Sequence[Track]
    minutes: Mapping[datetime, int]
    riding: tuple[Riding, ...] = ()
    freezes: tuple[Span, ...] = ()
    clock_changes: tuple[ClockNight, ...] = ()

    def track(self, address: Address) -> Track | None:
        """Return the track of an item."""
        place = bisect_left(self.addresses, address)
        return self.tracks[place] if address in self.addresses[place : place + 1] else None

    @property
    def calls(self) -> int:
        """How many calls there are in all."""
        return sum(self.minutes.values())
