"""Why an item stands as it does: what makes it due, or why nothing is done."""

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from reconcile.model.address import Address


class Status(StrEnum):
    """Where a declared item stands at the plan's `now`."""

    COVERED = "covered"
    DUE = "due"
    DEFERRED = "deferred"
    PAUSED = "paused"
    HELD = "held"
    BACKING_OFF = "backing_off"
    BLOCKED = "blocked"


# Why no call is made now: a closed union of facts, worded by `render`.


class CoveredSince(Struct, frozen=True):
    """A success is new enough. `at`: when it was sent, or the stamp it left."""

    at: datetime | None


class NothingYet(Struct, frozen=True):
    """No slot has come up since the item exists."""


class StampWouldGoBack(Struct, frozen=True):
    """The slot lies before the newest stamp; only a forced reset moves a stamp backwards."""

    slot: datetime
    stamp: datetime


class WaitsUntil(Struct, frozen=True):
    """A one-off that lies in the future."""

    slot: datetime


class WaitsForNextSlot(Struct, frozen=True):
    """`on_change = "next"`: the slot passed before this declaration was first seen.

    `first`: when an item that has never run will, where that is known.
    """

    passed: datetime | None
    first: datetime | None = None


class WaitsForFiles(Struct, frozen=True):
    """`missing = "wait"`: watched files that do not exist yet."""

    paths: tuple[str, ...]


class AwaitsSignals(Struct, frozen=True):
    """No slot is to be made up before these have come. `came`: those of `all` that have.

    `last`: the slot that is covered. `usually`: how far apart the signals are as a rule.
    """

    names: tuple[str, ...]
    came: tuple[str, ...] = ()
    all: bool = False
    last: datetime | None = None
    usually: timedelta | None = None


class DeadlineMissed(Struct, frozen=True):
    """The slot is older than the deadline allows and is not run."""

    slot: datetime
    deadline: timedelta


class FrozenBy(Struct, frozen=True):
    """A freeze holds; None: no end in sight."""

    name: str
    until: datetime | None


class PausedUntil(Struct, frozen=True):
    """The item is paused; None: until the pause is removed."""

    until: datetime | None
    reason: str


class BackingOff(Struct, frozen=True):
    """Failed attempts wait, apart from the cadence."""

    failures: int
    last: datetime
    retry_at: datetime
    message: str


class HeldAfterFailures(Struct, frozen=True):
    """Too many failures in a row; released by a mark or a changed declaration."""

    failures: int
    last: datetime
    message: str


class HeldInDoubt(Struct, frozen=True):
    """An outcome is unknown and the operator asked to hold such items."""

    since: datetime


class BlockedBy(Struct, frozen=True):
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
    | AwaitsSignals
    | DeadlineMissed
    | FrozenBy
    | PausedUntil
    | BackingOff
    | HeldAfterFailures
    | HeldInDoubt
    | BlockedBy
)


# Why a call is wanted: a closed union of facts, worded by `render`.


class NeverRun(Struct, frozen=True):
    """An `every` item without any success, due at once."""

    interval: timedelta


class IntervalElapsed(Struct, frozen=True):
    """`every`: the last success is older than the interval.

    `slot`: when it first fell due; `missed`: how many slots collapse into the newest.
    """

    interval: timedelta
    last_success: datetime
    slot: datetime
    missed: int = 0


class SlotPassed(Struct, frozen=True):
    """A wall-clock slot has no success yet; `missed` older ones collapse into it."""

    slot: datetime
    missed: int


class ContentChanged(Struct, frozen=True):
    """The watched files are not those of the last success."""

    paths: tuple[str, ...]


class SignalCame(Struct, frozen=True):
    """These signals came, the last of them `at`. `by`: who sent that; `note`: in what words."""

    names: tuple[str, ...]
    at: datetime
    by: str | None = None
    note: str | None = None


class RefreshCompleted(Struct, frozen=True):
    """The refresh this reset follows completed at that instant."""

    refresh: Address
    at: datetime


class FollowsRefresh(Struct, frozen=True):
    """The refresh this reset follows is made or awaited by this plan."""

    refresh: Address


class OutcomeUnknown(Struct, frozen=True):
    """An earlier call may or may not have happened; it is sent again, not before `retry_at`.

    `doubts`: how many in a row had such an outcome. `message`: what was seen of the last.
    """

    since: datetime
    retry_at: datetime | None = None
    doubts: int = 0
    message: str | None = None


class RefreshUnseen(Struct, frozen=True):
    """A refresh was accepted and its end never seen. `answer`: what the last look showed.

    It is made once more, not before `retry_at`; None: not before something changes. `forbidden`:
    the job may not be read.
    """

    since: datetime
    answer: str
    retry_at: datetime | None = None
    forbidden: bool = False


class MarkedDue(Struct, frozen=True):
    """A person said that it is due again."""

    at: datetime


class CarrierLeft(Struct, frozen=True):
    """It was covered by the call of a model with which it shares no call any more."""

    model_id: str
    at: datetime | None


class Forced(Struct, frozen=True):
    """Asked for by name, whatever is recorded."""


class PulledForward(Struct, frozen=True):
    """Due soon enough to ride along with a call that is made now."""

    slot: datetime
    within: timedelta


class JobRunningSince(Struct, frozen=True):
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
    | SignalCame
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


class ScheduleUnmade(Struct, frozen=True):
    """Declared, and never made as far as is recorded."""


class ScheduleVanished(Struct, frozen=True):
    """It was made, and Omni has it no more."""

    schedule_id: str


class ScheduleFound(Struct, frozen=True):
    """Omni has it as declared, which is not recorded yet."""

    schedule_id: str


class ScheduleEdited(Struct, frozen=True):
    """The file says otherwise than what was applied; `changed` names the keys."""

    changed: tuple[str, ...]


class ScheduleDrifted(Struct, frozen=True):
    """Omni has it otherwise than it was applied; `changed` names the keys."""

    changed: tuple[str, ...]


class ScheduleInDoubt(Struct, frozen=True):
    """An earlier write may or may not have happened; repeating it is harmless."""

    since: datetime


class ScheduleInPlace(Struct, frozen=True):
    """It was applied as declared; a live look would find out whether it still is."""

    schedule_id: str


class ScheduleUndeclared(Struct, frozen=True):
    """It was made here and is no longer declared, or not on this connection."""


class ScheduleForeign(Struct, frozen=True):
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
