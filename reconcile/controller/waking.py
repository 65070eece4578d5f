"""When to make the next cycle. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from reconcile.controller.outcome import Outcome, Verdict

LONGEST_WAIT = timedelta(seconds=300)
"""After trouble that does not end: it may have ended without anybody telling."""

_LONGEST_LOCKED = timedelta(seconds=30)
_FIRST_WAIT = timedelta(seconds=5)
_FIRST_SPACE = timedelta(seconds=1)
_DOUBLINGS = 10
_SHORT = timedelta(seconds=8)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often in a row cycles failed (`troubles`), or left what was due at once (`repeats`)."""

    troubles: int = 0
    repeats: int = 0

    def after(self, outcome: Outcome) -> "Rhythm":
        """Return the rhythm once that cycle has ended."""
        if not outcome.well:
            return Rhythm(self.troubles + 1, self.repeats)
        took = outcome.ended_at - outcome.began_at
        # A cycle that ended soon and left work did not get on with it: a job that outlasts its
        # timeout, a token that is refused. One that took long was ended for what fell due.
        return Rhythm(0, self.repeats + 1 if _left_work(outcome) and took < _SHORT else 0)

    def wake_at(self, outcome: Outcome) -> datetime | None:
        """Return when to make the next cycle after that one; None: not before something changes."""
        ended_at = outcome.ended_at
        if outcome.verdict is Verdict.LOCKED:
            return ended_at + min(_doubled(_FIRST_WAIT, self.troubles), _LONGEST_LOCKED)
        if not outcome.well:
            return ended_at + min(_doubled(_FIRST_WAIT, self.troubles), LONGEST_WAIT)
        if _left_work(outcome):
            if not self.repeats:
                return ended_at
            again_at = ended_at + min(_doubled(_FIRST_SPACE, self.repeats), LONGEST_WAIT)
            # Something else may fall due before that.
            other_at = None if outcome.plan is None else outcome.plan.valid_until
            return again_at if other_at is None else min(again_at, max(other_at, ended_at))
        return outcome.wake_at


def _left_work(outcome: Outcome) -> bool:
    return outcome.wake_at is not None and outcome.wake_at <= outcome.ended_at


def _doubled(first: timedelta, times: int) -> timedelta:
    return first * (1 << min(times - 1, _DOUBLINGS))
