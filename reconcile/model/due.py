"""Why a call is wanted: a closed union of facts, worded by `render`."""

from datetime import datetime, timedelta

from reconcile.model.address import Address
from reconcile.model.noun import noun


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
