"""The desired state: what the files declare, with every default resolved."""

from datetime import datetime, time, timedelta
from enum import StrEnum

from msgspec import Struct, field

from reconcile.model.address import Address

# When an item should happen: a closed union of cadences, and the days they keep to.

ALL_DAYS = frozenset(range(7))
"""Every weekday, 0 = Monday as in `datetime.weekday`."""

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The days as files spell them."""


class Every(Struct, frozen=True):
    """A slot falls one interval after the last success was sent; at once if there never was one."""

    interval: timedelta


class Cron(Struct, frozen=True):
    """Five-field cron in the item's zone (grammar: `reconcile.planning.time.cron`)."""

    expression: str


class At(Struct, frozen=True):
    """Wall-clock times, to the minute, in the item's zone on the given weekdays (0 = Monday)."""

    times: tuple[time, ...]
    days: frozenset[int] = ALL_DAYS


class WhenChanged(Struct, frozen=True):
    """A slot falls when the content of the files changes.

    `content` is the hash of all files as they were read, or None while `missing` lists files
    that do not exist yet and the item is told to wait for them.
    """

    paths: tuple[str, ...]
    content: str | None
    missing: tuple[str, ...] = ()


class AfterRefresh(Struct, frozen=True):
    """No time of its own: a slot falls at each completion of that refresh."""

    refresh: Address


class ResetAt(Struct, frozen=True):
    """One slot, once, at that instant (UTC)."""

    instant: datetime


class OnSignal(Struct, frozen=True):
    """A slot falls at each signal of one of these names (sorted), wherever it comes from.

    `all`: only once each of them has come since the last covered slot; the slot is the latest.
    """

    names: tuple[str, ...]
    all: bool = False


Cadence = Every | Cron | At | WhenChanged | AfterRefresh | ResetAt | OnSignal


# Templates that stand for every model of a kind, and which models that is.


class Selection(Struct, frozen=True, kw_only=True):
    """Which models of the instance one `[[select]]` of the files stands for.

    `name`: a glob over Omni's names. `kind`: Omni's word. `connection`: a glob over Omni's name or
    id of the connection, or the files' own name of it; None for any. `number` counts from 1.
    """

    number: int
    name: str = "*"
    kind: str = "SHARED"
    connection: str | None = None


class LockedModel(Struct, frozen=True, kw_only=True):
    """A model that a selection stood for when the lock file was written.

    `name`: what the addresses call it; `title`: Omni's name of it. `connection`: Omni's id; in
    older lock files the files' own name, where they said whose id it is.
    """

    name: str
    model_id: str
    selection: int
    title: str | None = None
    connection: str | None = None


class LockFile(Struct, frozen=True):
    """The lock file: for which selections it was written, and the models they stood for."""

    made_for: tuple[str, ...] = ()
    models: tuple[LockedModel, ...] = ()


def spelled(selection: Selection) -> str:
    """Spell a selection in one line, equal for equal meaning; the lock file is bound to it."""
    where = f" on {selection.connection}" if selection.connection is not None else ""
    return f"{selection.kind} {selection.name}{where}"


# Omni's own schedules of a connection: the one thing at Omni that can be read back.


class ScheduleSpec(Struct, frozen=True):
    """What a native schedule says, and all that tells two of them apart.

    `cron`: EventBridge's six fields in canonical spelling (no leading zeros, names in capitals),
    so that equal schedules are equal text. `zone`: an IANA name. `hard`: the refresh it makes
    rebuilds the schema; absent in the older published API, which only knows soft ones.
    """

    cron: str
    zone: str
    hard: bool = False


class NativeSchedule(Struct, frozen=True, kw_only=True):
    """One schedule as Omni has it. Its identity is `schedule_id` alone; it has no name.

    `disabled_at` (UTC) can be read but not set.
    """

    schedule_id: str
    connection_id: str
    spec: ScheduleSpec
    disabled_at: datetime | None = None


class Webhook(Struct, frozen=True, kw_only=True):
    """How a webhook that sends a signal is told from a forgery, and what of it counts.

    `header` holds the hex HMAC-SHA256 of the body; None: only a bearer token is taken. The secret
    is in the environment variable or in the file (absolute). All of `wanted` (dotted path, text)
    must hold of the body; `at`: dotted path of the instant, None: when it arrives.
    """

    name: str
    header: str | None = None
    secret_env: str | None = None
    secret_file: str | None = None
    wanted: tuple[tuple[str, str], ...] = ()
    at: str | None = None


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


class Pause(Struct, frozen=True):
    """Defers an item until an instant (UTC), or until the pause is taken out of the file."""

    until: datetime | None
    reason: str


class Timing(Struct, frozen=True, kw_only=True, cache_hash=True):
    """When an item is due. `zone` is an IANA name."""

    cadence: Cadence
    zone: str = "UTC"
    spread: timedelta = timedelta()
    deadline: timedelta | None = None
    on_change: OnChange = OnChange.NOW
    pause: Pause | None = None
    hold_after: int = DEFAULT_HOLD_AFTER


class RefreshItem(Struct, frozen=True, kw_only=True):
    """A schema refresh of one model.

    `connection` is a name of the user's own or Omni's id, in lower case; models that share it share
    one call. Without one, the model is taken to be alone on its connection. `lives_on` is Omni's id
    of it where a live look told: it decides which refreshes share a call, and is never declared.
    `merges`: whether its connection lets it share one at all.
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
    merges: bool = True


class ResetItem(Struct, frozen=True, kw_only=True):
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


class Connection(Struct, frozen=True):
    """A connection by a name of the user's own. `manage` ALL: undeclared schedules are deleted.

    `merge`: whether its refreshes share calls.
    """

    name: str
    id: str
    manage: Manage = Manage.DECLARED
    merge: bool = True


class ScheduleItem(Struct, frozen=True, kw_only=True):
    """One of Omni's own schedules of a connection, as it should be there."""

    address: Address
    connection: str
    connection_id: str
    spec: ScheduleSpec


class FrozenSpan(Struct, frozen=True):
    """One frozen stretch of time, from (included) until (excluded), UTC."""

    start: datetime
    until: datetime


class OpenHours(Struct, frozen=True):
    """Frozen except inside these wall-clock windows on these weekdays of `zone`.

    A window whose end is not after its start runs over midnight; its day is the day it opens.
    """

    allow: tuple[tuple[time, time], ...]
    zone: str
    days: frozenset[int] = ALL_DAYS


class Freeze(Struct, frozen=True):
    """Defers every item whose address matches one of the globs while the window holds."""

    name: str
    match: tuple[str, ...]
    window: FrozenSpan | OpenHours


class Limits(Struct, frozen=True):
    """Protections an apply may not pass without a waiver; None is no limit. `share` is 0..1."""

    calls: int | None = None
    hard_refreshes: int | None = None
    share: float | None = None


class Desired(Struct, frozen=True, kw_only=True):
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
    webhooks: tuple[Webhook, ...] = ()
