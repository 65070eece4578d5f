"""The desired state: what the files declare, with every default resolved."""

from dataclasses import field
from datetime import datetime, time, timedelta
from enum import StrEnum

from reconcile.model.address import Address
from reconcile.model.cadence import ALL_DAYS, Cadence
from reconcile.model.native import ScheduleSpec
from reconcile.model.noun import noun
from reconcile.model.selection import LockedModel, Selection

DEFAULT_HOLD_AFTER = 5
"""Consecutive failures after which an item is held, where the file does not say."""

DEFAULT_LOCK_TTL_S = 60.0
"""How long the lock of a remote state outlives its holder, where the file does not say."""


class Mode(StrEnum):
    """How a refresh treats what vanished from the source: hard drops it, soft keeps it."""

    HARD = "hard"
    SOFT = "soft"


class OnChange(StrEnum):
    """What a new, edited or resumed item does with a slot that has already passed."""

    NOW = "now"
    NEXT = "next"


class Generation(StrEnum):
    """Which published generation of Omni's API is spoken."""

    V1 = "v1"
    LEGACY = "legacy"


@noun(frozen=True, slots=True)
class Pause:
    """Defers an item until an instant (UTC), or until the pause is taken out of the file."""

    until: datetime | None
    reason: str


@noun(frozen=True, slots=True, kw_only=True)
class Timing:
    """When an item is due. `zone` is an IANA name."""

    cadence: Cadence
    zone: str = "UTC"
    spread: timedelta = timedelta()
    deadline: timedelta | None = None
    on_change: OnChange = OnChange.NOW
    pause: Pause | None = None
    hold_after: int = DEFAULT_HOLD_AFTER


@noun(frozen=True, slots=True, kw_only=True)
class RefreshItem:
    """A schema refresh of one model.

    `connection` is a name of the user's own or Omni's id; models that share it share one call.
    Without one, the model is taken to be alone on its connection. `lives_on` is Omni's id of it
    where a live look told: it decides which refreshes share a call, and is never declared.
    """

    address: Address
    model: str
    model_id: str
    timing: Timing
    connection: str | None = None
    branch_id: str | None = None
    mode: Mode = Mode.HARD
    schemas: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    timeout: timedelta = timedelta(minutes=15)
    coalesce_within: timedelta = timedelta()
    lives_on: str | None = None


@noun(frozen=True, slots=True, kw_only=True)
class ResetItem:
    """A reset of one cache policy of one model, ordered after a refresh where `after` is set."""

    address: Address
    model: str
    model_id: str
    policy: str
    timing: Timing
    after: Address | None = None


Item = RefreshItem | ResetItem


class Manage(StrEnum):
    """Whose schedules of a connection are kept: those declared here, or all there are."""

    DECLARED = "declared"
    ALL = "all"


@noun(frozen=True, slots=True)
class Connection:
    """A connection by a name of the user's own. `manage` ALL: undeclared schedules are deleted."""

    name: str
    id: str
    manage: Manage = Manage.DECLARED


@noun(frozen=True, slots=True, kw_only=True)
class ScheduleItem:
    """One of Omni's own schedules of a connection, as it should be there."""

    address: Address
    connection: str
    connection_id: str
    spec: ScheduleSpec


@noun(frozen=True, slots=True)
class FrozenSpan:
    """One frozen stretch of time, from (included) until (excluded), UTC."""

    start: datetime
    until: datetime


@noun(frozen=True, slots=True)
class OpenHours:
    """Frozen except inside these wall-clock windows on these weekdays of `zone`.

    A window whose end is not after its start runs over midnight; its day is the day it opens.
    """

    allow: tuple[tuple[time, time], ...]
    zone: str
    days: frozenset[int] = ALL_DAYS


@noun(frozen=True, slots=True)
class Freeze:
    """Defers every item whose address matches one of the globs while the window holds."""

    name: str
    match: tuple[str, ...]
    window: FrozenSpan | OpenHours


@noun(frozen=True, slots=True)
class Limits:
    """Protections an apply may not pass without a waiver; None is no limit. `share` is 0..1."""

    calls: int | None = None
    hard_refreshes: int | None = None
    share: float | None = None


@noun(frozen=True, slots=True, kw_only=True)
class Desired:
    """One desired state. `items` and `schedules` are sorted by address; `state_url` is absolute.

    `base_url` is what the files assert, never where a token is sent. `locked`: the models that
    `selections` stood for when the lock file was written; their items are among the others.
    `by_hand`: the name and the id of each model that the files declare themselves, with items or
    without, where there are selections.
    """

    items: tuple[Item, ...]
    state_url: str
    lock_ttl_s: float = DEFAULT_LOCK_TTL_S
    base_url: str | None = None
    generation: Generation = Generation.V1
    requests_per_minute: int = 60
    freezes: tuple[Freeze, ...] = ()
    limits: Limits = field(default_factory=Limits)
    connections: tuple[Connection, ...] = ()
    schedules: tuple[ScheduleItem, ...] = ()
    selections: tuple[Selection, ...] = ()
    locked: tuple[LockedModel, ...] = ()
    by_hand: tuple[tuple[str, str], ...] = ()
