"""Why an item stands as it does: what makes it due, or why nothing is done."""

from datetime import datetime, timedelta

from reconcile.model.address import Address
from reconcile.model.noun import noun

# Why no call is made now: a closed union of facts, worded by `render`.


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


# Why a call is wanted: a closed union of facts, worded by `render`.


@noun(frozen=True, slots=True)
class NeverRun:
    """An `every` item without any success, due at once."""

    interval: timedelta


@noun(frozen=True, slots=True)
class IntervalElapsed:
    """`every`: the last success is older than the interval.

    `slot`: when it first fell due; `missed`: how many slots collapse into the newest.
    """

    interval: timedelta
    last_success: datetime
    slot: datetime
    missed: int = 0


@noun(frozen=True, slots=True)
class SlotPassed:
    """A wall-clock slot has no success yet; `missed` older ones collapse into it."""

    slot: datetime
    missed: int


@noun(frozen=True, slots=True)
class ContentChanged:
    """The watched files are not those of the last success."""

    paths: tuple[str, ...]


@noun(frozen=True, slots=True)
class RefreshCompleted:
    """The refresh this reset follows completed at that instant."""

    refresh: Address
    at: datetime


@noun(frozen=True, slots=True)
class FollowsRefresh:
    """The refresh this reset follows is made or awaited by this plan."""

    refresh: Address


@noun(frozen=True, slots=True)
class OutcomeUnknown:
    """An earlier call may or may not have happened; it is sent again, not before `retry_at`.

    `doubts`: how many in a row had such an outcome. `message`: what was seen of the last.
    """

    since: datetime
    retry_at: datetime | None = None
    doubts: int = 0
    message: str | None = None


@noun(frozen=True, slots=True)
class RefreshUnseen:
    """A refresh was accepted and its end never seen. `answer`: what the last look showed.

    It is made once more, not before `retry_at`; None: not before something changes. `forbidden`:
    the job may not be read.
    """

    since: datetime
    answer: str
    retry_at: datetime | None = None
    forbidden: bool = False


@noun(frozen=True, slots=True)
class MarkedDue:
    """A person said that it is due again."""

    at: datetime


@noun(frozen=True, slots=True)
class CarrierLeft:
    """It was covered by the call of a model with which it shares no connection any more."""

    model_id: str
    at: datetime | None


@noun(frozen=True, slots=True)
class Forced:
    """Asked for by name, whatever is recorded."""


@noun(frozen=True, slots=True)
class PulledForward:
    """Due soon enough to ride along with a call that is made now."""

    slot: datetime
    within: timedelta


@noun(frozen=True, slots=True)
class JobRunningSince:
    """A job an earlier apply started has not ended as far as is known.

    It is awaited up to `until`. `looked_at` and `answer`: what the last look showed, if there was
    one.
    """

    since: datetime
    until: datetime | None = None
    looked_at: datetime | None = None
    answer: str | None = None


Due = (
    NeverRun
    | IntervalElapsed
    | SlotPassed
    | ContentChanged
    | RefreshCompleted
    | FollowsRefresh
    | OutcomeUnknown
    | RefreshUnseen
    | MarkedDue
    | CarrierLeft
    | Forced
    | PulledForward
    | JobRunningSince
)


# Why a native schedule stands as it does, or is acted on: closed unions of facts.


@noun(frozen=True, slots=True)
class ScheduleUnmade:
    """Declared, and never made as far as is recorded."""


@noun(frozen=True, slots=True)
class ScheduleVanished:
    """It was made, and Omni has it no more."""

    schedule_id: str


@noun(frozen=True, slots=True)
class ScheduleFound:
    """Omni has it as declared, which is not recorded yet."""

    schedule_id: str


@noun(frozen=True, slots=True)
class ScheduleEdited:
    """The file says otherwise than what was applied; `changed` names the keys."""

    changed: tuple[str, ...]


@noun(frozen=True, slots=True)
class ScheduleDrifted:
    """Omni has it otherwise than it was applied; `changed` names the keys."""

    changed: tuple[str, ...]


@noun(frozen=True, slots=True)
class ScheduleInDoubt:
    """An earlier write may or may not have happened; repeating it is harmless."""

    since: datetime


@noun(frozen=True, slots=True)
class ScheduleInPlace:
    """It was applied as declared; a live look would find out whether it still is."""

    schedule_id: str


@noun(frozen=True, slots=True)
class ScheduleUndeclared:
    """It was made here and is no longer declared, or not on this connection."""


@noun(frozen=True, slots=True)
class ScheduleForeign:
    """Nobody declares it, and the connection is managed whole."""


ScheduleDue = (
    ScheduleUnmade
    | ScheduleVanished
    | ScheduleFound
    | ScheduleEdited
    | ScheduleDrifted
    | ScheduleInDoubt
    | ScheduleUndeclared
    | ScheduleForeign
)

ScheduleReason = ScheduleDue | Forced
"""Why a schedule is acted on."""


Reason = Due | Still | ScheduleDue | ScheduleInPlace
