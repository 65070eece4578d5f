"""When to make the next cycle. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from reconcile.controller.outcome import Outcome, Verdict
from reconcile.model.plan import Await

LONGEST_WAIT = timedelta(seconds=300)
"""After trouble that does not end: it may have ended without anybody telling."""

LONGEST_LOOK = timedelta(seconds=240)
"""Between two looks at jobs that were left behind, while nothing else is due."""

_FIRST_LOOK = timedelta(seconds=60)
_LONGEST_LOCKED = timedelta(seconds=30)
_FIRST_WAIT = timedelta(seconds=5)
_FIRST_SPACE = timedelta(seconds=1)
_DOUBLINGS = 10
_SHORT = timedelta(seconds=8)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often in a row cycles failed (`troubles`), or left what was due at once (`repeats`).

    `looks`: how often in a row all they left was jobs that had outlasted them.
    """

    troubles: int = 0
    repeats: int = 0
    looks: int = 0

    def after(self, outcome: Outcome) -> "Rhythm":
        """Return the rhythm once that cycle has ended."""
        if not outcome.well:
            return Rhythm(self.troubles + 1, self.repeats, self.looks)
        if _left_only_jobs(outcome):
            return Rhythm(looks=self.looks + 1)
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
        if not _left_work(outcome):
            return outcome.wake_at
        if self.looks:
            again_at = ended_at + min(_doubled(_FIRST_LOOK, self.looks), LONGEST_LOOK)
        elif self.repeats:
            again_at = ended_at + min(_doubled(_FIRST_SPACE, self.repeats), LONGEST_WAIT)
        else:
            return ended_at
        # Something else may fall due before that.
        other_at = None if outcome.plan is None else outcome.plan.valid_until
        return again_at if other_at is None else min(again_at, max(other_at, ended_at))


def _left_work(outcome: Outcome) -> bool:
    return outcome.wake_at is not None and outcome.wake_at <= outcome.ended_at


def _left_only_jobs(outcome: Outcome) -> bool:
    """Tell whether all that is left are jobs which a cycle followed for as long as it does."""
    if outcome.called_off or outcome.plan is None or not _left_work(outcome):
        return False
    plan = outcome.plan
    return not plan.noted and not plan.missed and all(isinstance(a, Await) for a in plan.actions)


def _doubled(first: timedelta, times: int) -> timedelta:
    return first * (1 << min(times - 1, _DOUBLINGS))
