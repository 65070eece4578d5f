"""What a change does: to items, to the next days, and to a plan that was printed or saved."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Generic, Literal, TypeVar

from msgspec import Struct, field

from reconcile.model.address import Address
from reconcile.model.desired import Desired
from reconcile.model.forecast import ClockNight, Riding
from reconcile.model.plan import ActionKind, Request
from reconcile.model.recorded import Declaration, Recorded
from reconcile.model.struct import Count, Instant

Value = str | int | float | datetime | timedelta | tuple[str, ...] | frozenset[str] | None
"""A declared value, in the unit the files say it in; None where they say nothing."""

V = TypeVar("V")

ChangeKind = Literal["added", "removed", "changed", "moved", "renamed"]
"""`moved`: declared as before, and yet its calls fall at other instants. `renamed`: the same item
under another address, and nothing else."""


class Shift(Struct, Generic[V], frozen=True):
    """One figure before and after."""

    before: V
    after: V

    @property
    def is_change(self) -> bool:
        """Whether the two differ."""
        return self.before != self.after


class BothVersions(Struct, frozen=True):
    """Two versions of a desired state. `lacking`: files of the later one that the earlier had not.

    A directory that had no file is among them.
    """

    before: Desired
    after: Desired
    lacking: tuple[str, ...] = ()


class FieldChange(Struct, frozen=True):
    """A field whose value differs, by the name the files or the plan give it.

    Where both values are sets, `gained` and `lost` (sorted) are what they do not share.
    """

    field: str
    before: Value
    after: Value
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


class ItemChange(Struct, frozen=True, kw_only=True):
    """One item that is declared otherwise, or runs at other instants.

    `runs`: on each day of the horizon, of 24 hours from its start on. `first_new`, `first_gone`:
    the first run (UTC) that only one of the two versions has. `zone`: IANA, of the later version.
    `was`: its address in the earlier version, where that is another. `because`: of one that moved,
    the changed items whose calls its own depend on; none where a freeze did it.
    `riding`: why it runs more often in the later version than its cadence alone would.
    """

    address: Address
    kind: ChangeKind
    zone: str
    fields: tuple[FieldChange, ...]
    runs: Shift[tuple[int, ...]]
    first_new: datetime | None
    first_gone: datetime | None
    was: Address | None = None
    because: tuple[Address, ...] = ()
    riding: Riding | None = None


class SectionChange(Struct, frozen=True):
    """A change to `[omni]`, `[state]`, `[limits]`, or a freeze."""

    section: str
    kind: ChangeKind
    fields: tuple[FieldChange, ...]


class Peak(Struct, frozen=True):
    """The minute in which most calls fall due, its start (UTC) and what it costs to serve.

    `requests` is how many of them, polls included, then go out within one minute at the pace the
    budget allows, `duration_s` until when the last of them has.
    """

    at: datetime
    calls: int
    requests: int
    duration_s: float


class Figures(Struct, frozen=True, kw_only=True):
    """Calls of one version over the horizon. `calls` and `hard_refreshes` are per day of 24 h."""

    calls: tuple[int, ...]
    hard_refreshes: tuple[int, ...]
    peak: Peak | None
    requests_per_minute: int


class FreezeHits(Struct, frozen=True):
    """Items of which a freeze holds a slot back within the horizon in one version only."""

    freeze: str
    gained: tuple[Address, ...]
    lost: tuple[Address, ...]


class OffsetChange(ClockNight, frozen=True):
    """A change of offset within the horizon, in a zone that a changed item keeps to.

    `touched`: changed items of which it moves, drops or doubles a slot.
    """

    touched: tuple[Address, ...]


class Sharing(Struct, frozen=True):
    """Refreshes that share calls in one version and did not, or not all of them, in the other."""

    group: str
    addresses: tuple[Address, ...]


class Comparison(Struct, frozen=True, kw_only=True):
    """What a change of the desired state does from `now` until `until` (excluded), both UTC.

    `items` and `sections` hold changes only, `unchanged` counts the items left out. `assumed`:
    nothing was recorded, so what was declared before is taken to have run at `now`; `recorded`
    is what all of it starts from. `lacking`: see `BothVersions`.
    """

    now: datetime
    until: datetime
    sections: tuple[SectionChange, ...]
    items: tuple[ItemChange, ...]
    unchanged: int
    figures: Shift[Figures]
    freezes: tuple[FreezeHits, ...]
    nights: tuple[OffsetChange, ...]
    joined: tuple[Sharing, ...]
    parted: tuple[Sharing, ...]
    recorded: Recorded
    assumed: bool = False
    lacking: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the two versions declare and do the same."""
        return not (self.sections or self.items)


# What changed between two plans as they were printed: nouns for whoever approved the first.


class PlannedCall(Struct, frozen=True):
    """What a plan document says of one address that one of its actions covers."""

    address: Address
    fields: tuple[tuple[str, Value], ...]


class PrintedPlan(Struct, frozen=True, kw_only=True):
    """A plan as it was printed in JSON, as far as two of them are compared."""

    now: datetime
    digest: str
    host: str | None
    calls: tuple[PlannedCall, ...]
    statuses: tuple[tuple[Address, str], ...]


class CallChange(Struct, frozen=True):
    """One address whose planned call is new, gone or another one."""

    address: Address
    kind: ChangeKind
    fields: tuple[FieldChange, ...]


class StatusChange(Struct, frozen=True):
    """One item that stands otherwise; None where a plan does not know it."""

    address: Address
    status: Shift[str | None]


class PlanDifference(Struct, frozen=True, kw_only=True):
    """What differs between two plans. Changes only, sorted by address; `unchanged` counts calls."""

    now: Shift[datetime]
    digest: Shift[str]
    host: Shift[str | None]
    calls: tuple[CallChange, ...]
    statuses: tuple[StatusChange, ...]
    unchanged: int

    @property
    def is_empty(self) -> bool:
        """Whether an approval of the one plan means the same for the other."""
        changed = self.digest.is_change or self.host.is_change
        return not (changed or self.calls or self.statuses)


# A saved plan: data only. Its actions can ask for less than the files justify, never for more.


class SavedAction(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One action as it was approved. `slots`: per address the slot it makes up, None if none."""

    kind: ActionKind
    slots: Mapping[Address, datetime | None]
    request: Request | None
    reason: str


class PlannedFrom(Struct, frozen=True, forbid_unknown_fields=True):
    """Which version of which state a plan was made from."""

    lineage: str
    serial: Count
    sequence: Count


class SavedChoice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the operator chose for a plan, and named as its `files` and `state`.

    `live`: it follows a look at the instance, and only another look can tell whether it stands.
    `succeeded`: the last success of forced items when the plan was made.
    """

    select: tuple[str, ...]
    force: tuple[Address, ...]
    hold_unknown: bool
    live: bool = False
    files: tuple[str, ...] = ()
    state: str | None = None
    succeeded: Mapping[Address, Instant] = field(default_factory=dict)


class SavedPlan(Struct, frozen=True, kw_only=True):
    """A plan and all that it was made from, as far as that is needed to tell whether it stands.

    `items`: what every item declared, or a short hash of it.
    """

    tool: str
    now: Instant
    valid_until: Instant | None
    digest: str
    state: PlannedFrom
    host: str | None
    choice: SavedChoice
    actions: tuple[SavedAction, ...]
    items: Mapping[Address, Declaration | str]


class Difference(Struct, frozen=True):
    """One way in which a saved plan no longer matches: what it was about, then, and now.

    `field`: whose values these are, by the name that the files or the plan give it; where there is
    none, they are words: ours if `plain`, somebody else's if not.
    """

    subject: str
    then: Value
    now: Value
    field: str = ""
    plain: bool = False
