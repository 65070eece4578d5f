"""What a simulation comes to: figures only, as many for a year as for a day."""

from datetime import datetime, timedelta

from msgspec import Struct

from reconcile.model.address import Address
from reconcile.model.plan import Status


class Scenario(Struct, frozen=True, kw_only=True):
    """What was played. Ticks fall in [`start`, `until`), UTC.

    `runner` is five-field cron in the IANA `zone`, `lateness` the model of how late it comes, as
    the operator spelled it. `fail_share`: 0..1 of calls that fail.
    """

    start: datetime
    until: datetime
    runner: str
    zone: str
    lateness: str
    fail_share: float
    seed: int


class TickCounts(Struct, frozen=True, kw_only=True):
    """What became of the runner's ticks.

    `ran`: planned, whether anything was due or not. `dropped`: the runner never came. `locked`: the
    apply before still ran. `blocked`: a limit of the file forbade the plan.
    """

    scheduled: int
    ran: int
    dropped: int
    locked: int
    blocked: int


class RequestCounts(Struct, frozen=True, kw_only=True):
    """What Omni saw. `throttled`: answered 429; `peak_per_minute`: most in any 60 s."""

    refreshes: int
    resets: int
    polls: int
    throttled: int
    peak_per_minute: int
    requests_per_minute: int


class Lateness(Struct, frozen=True, kw_only=True):
    """From slots to the sending of the calls that covered them, in seconds, nearest rank.

    The percentiles are exact to three digits, the maximum is exact.
    """

    slots: int
    p50_s: float
    p95_s: float
    max_s: float


class SimulatedItem(Struct, frozen=True, kw_only=True):
    """How one item fared.

    `expected`: runs that a look ahead from the start counts, with a runner that is always there
    and calls that all succeed; None where these are too many to be found. `lateness`: None if no
    slot of the span was covered. `collapsed`: slots made up by the call for a later one. `missed`:
    slots past their deadline. `failures`: failed attempts; `doubts`: calls whose outcome stayed
    unknown. `status`: where it stands at the end.
    """

    address: Address
    expected: int | None
    successes: int
    lateness: Lateness | None
    collapsed: int
    missed: int
    failures: int
    doubts: int
    status: Status


class NightItem(Struct, frozen=True, kw_only=True):
    """What a change of offset did to one item.

    `wall`: the first local time (naive) it names among those that were skipped or shown twice,
    `times` how many there were. `slots`: the instants it should run at for them; `sent`: when the
    call that covered each was sent, None where none did.
    """

    address: Address
    wall: datetime
    times: int
    slots: tuple[datetime, ...]
    sent: tuple[datetime | None, ...]


class Night(Struct, frozen=True, kw_only=True):
    """One change of a zone's offset within the span, and the items it touched."""

    zone: str
    instant: datetime
    change: timedelta
    items: tuple[NightItem, ...]


class Simulated(Struct, frozen=True, kw_only=True):
    """The whole result. `items` are sorted by address, `nights` by instant and zone."""

    scenario: Scenario
    ticks: TickCounts
    requests: RequestCounts
    items: tuple[SimulatedItem, ...]
    nights: tuple[Night, ...]
