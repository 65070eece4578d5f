"""Why no call is made now: a closed union of facts, worded by `render`."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reconcile.model.address import Address
from reconcile.model.noun import noun

if TYPE_CHECKING:
    from reconcile.model.reason import Reason


@noun(frozen=True, slots=True)
class CoveredSince:
    """A success is new enough. `at`: when it was sent, or the stamp it left."""

    at: datetime | None


@noun(frozen=True, slots=True)
class NothingYet:
    """No slot has come up since the item exists."""


@noun(frozen=True, slots=True)
class StampWouldGoBack:
    """The slot lies before the newest stamp; only a forced reset moves a stamp backwards."""

    slot: datetime
    stamp: datetime


@noun(frozen=True, slots=True)
class WaitsUntil:
    """A one-off that lies in the future."""

    slot: datetime


@noun(frozen=True, slots=True)
class WaitsForNextSlot:
    """`on_change = "next"`: the slot passed before this declaration was first seen."""

    passed: datetime | None


@noun(frozen=True, slots=True)
class WaitsForFiles:
    """`missing = "wait"`: watched files that do not exist yet."""

    paths: tuple[str, ...]


@noun(frozen=True, slots=True)
class DeadlineMissed:
    """The slot is older than the deadline allows and is not run."""

    slot: datetime
    deadline: timedelta


@noun(frozen=True, slots=True)
class FrozenBy:
    """A freeze holds; None: no end in sight."""

    name: str
    until: datetime | None


@noun(frozen=True, slots=True)
class PausedUntil:
    """The item is paused; None: until the pause leaves the file."""

    until: datetime | None
    reason: str


@noun(frozen=True, slots=True)
class BackingOff:
    """Failed attempts wait, apart from the cadence."""

    failures: int
    last: datetime
    retry_at: datetime
    message: str


@noun(frozen=True, slots=True)
class HeldAfterFailures:
    """Too many failures in a row; released by a mark or a changed declaration."""

    failures: int
    last: datetime
    message: str


@noun(frozen=True, slots=True)
class HeldInDoubt:
    """An outcome is unknown and the operator asked to hold such items."""

    since: datetime


@noun(frozen=True, slots=True)
class BlockedBy:
    """Its refresh must come first and cannot run now; `why` is that item's own reason."""

    refresh: Address
    why: "Reason | None"


Still = (
    CoveredSince
    | NothingYet
    | StampWouldGoBack
    | WaitsUntil
    | WaitsForNextSlot
    | WaitsForFiles
    | DeadlineMissed
    | FrozenBy
    | PausedUntil
    | BackingOff
    | HeldAfterFailures
    | HeldInDoubt
    | BlockedBy
)
