"""What a simulation comes to: figures only, as many for a year as for a day."""

from datetime import datetime
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, field

from reconcile.model.reason import Status
from reconcile.model.struct import Instant
from reconcile.render.documents import AnyAddress, Count, Seconds

SIMULATION_FORMAT_VERSION: Final = 1


class Scenario(Struct, frozen=True, kw_only=True):
    """What was played. Ticks fall in [`start`, `until`), UTC.

    `runner` is five-field cron in the IANA `zone`, `lateness` the model of how late it comes, as
    the operator spelled it. `fail_share`: 0..1 of calls that fail.
    """

    start: Instant = field(name="from")
    until: Instant
    runner: str
    zone: str = field(name="timezone")
    lateness: str
    fail_share: Annotated[float, Meta(extra_json_schema={"minimum": 0, "maximum": 1})]
    seed: int


class TickCounts(Struct, frozen=True, kw_only=True):
    """What became of the runner's ticks.

    `ran`: planned, whether anything was due or not. `dropped`: the runner never came. `locked`: the
    apply before still ran. `blocked`: a limit of the file forbade the plan.
    """

    scheduled: Count
    ran: Count
    dropped: Count
    locked: Count
    blocked: Count


class RequestCounts(Struct, frozen=True, kw_only=True):
    """What Omni saw. `throttled`: answered 429; `peak_per_minute`: most in any 60 s."""

    refreshes: Count
    resets: Count
    polls: Count
    throttled: Count
    peak_per_minute: Count
    requests_per_minute: Count


class Lateness(Struct, frozen=True, kw_only=True):
    """From slots to the sending of the calls that covered them, in seconds, nearest rank.

    The percentiles are exact to three digits, the maximum is exact.
    """

    slots: Count
    p50_s: Seconds
    p95_s: Seconds
    max_s: Seconds


class SimulatedItem(Struct, frozen=True, kw_only=True):
    """How one item fared.

    `expected`: runs that a look ahead from the start counts, with a runner that is always there
    and calls that all succeed; None where these are too many to be found. `lateness`: None if no
    slot of the span was covered. `collapsed`: slots made up by the call for a later one. `missed`:
    slots past their deadline. `failures`: failed attempts; `doubts`: calls whose outcome stayed
    unknown. `status`: where it stands at the end.
    """

    address: AnyAddress
    status: Status
    expected: Count | None
    successes: Count
    lateness: Lateness | None
    collapsed: Count
    missed: Count
    failures: Count
    doubts: Count


class NightItem(Struct, frozen=True, kw_only=True):
    """What a change of offset did to one item.

    `wall`: the first local time (naive) it names among those that were skipped or shown twice,
    `times` how many there were. `slots`: the instants it should run at for them; `sent`: when the
    call that covered each was sent, None where none did.
    """

    address: AnyAddress
    wall: datetime
    times: Count
    slots: tuple[Instant, ...]
    sent: tuple[Instant | None, ...]


class Night(Struct, frozen=True, kw_only=True):
    """One change of a zone's offset within the span, and the items it touched."""

    zone: str = field(name="timezone")
    instant: Instant = field(name="at")
    change_s: float = field(name="offset_change_s")
    items: tuple[NightItem, ...]


class Simulated(Struct, frozen=True, kw_only=True):
    """What `reconcile simulate --format json` prints.

    `items` are sorted by address, `nights` by instant and zone.
    """

    format_version: Literal[1] = SIMULATION_FORMAT_VERSION
    scenario: Scenario
    ticks: TickCounts
    requests: RequestCounts
    items: tuple[SimulatedItem, ...]
    nights: tuple[Night, ...]
