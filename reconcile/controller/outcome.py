"""What one cycle came to."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reconcile.applying.guard import BLOCKED
from reconcile.applying.ports import Stop, StopCause
from reconcile.model.desired import Desired
from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.model.plan import Forget, Plan
from reconcile.model.progress import Result, Summary
from reconcile.model.recorded import Recorded


class Verdict(StrEnum):
    """How a cycle ended.

    `idle`: nothing was due, and no lock was taken. `done`: all that was due is settled or goes on
    in Omni. `partly`: some items failed, are in doubt or were not seen to end; their backoff
    decides about them. `stopped`: asked to end before it was through. `blocked`: a limit forbids
    this plan to anybody who cannot be asked. `locked`: another run has the state. `failed`:
    anything else, and where nothing was done for a reason that is no item's.
    """

    IDLE = "idle"
    DONE = "done"
    PARTLY = "partly"
    STOPPED = "stopped"
    BLOCKED = "blocked"
    LOCKED = "locked"
    FAILED = "failed"


_HELD_BY_ANOTHER = 5
_SETTLED = frozenset({"done", "running"})
_WELL = frozenset({Verdict.IDLE, Verdict.DONE, Verdict.PARTLY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One cycle, from `began_at` to `ended_at`, UTC.

    `wake_at`: when another cycle would have something to do; `ended_at` or earlier if it has
    already, None if never, or if the cycle could not tell. `summary`: what an apply came to, None
    if there was none. `plan`, `desired`, `recorded`: how everything stands at the end, as far as
    it became known. `problems`: why it did not end well, or what kept calls of many items back.
    `called_off`: it was ended early, for what fell due meanwhile.
    """

    verdict: Verdict
    began_at: datetime
    ended_at: datetime
    wake_at: datetime | None = None
    summary: Summary | None = None
    plan: Plan | None = None
    desired: Desired | None = None
    recorded: Recorded | None = None
    warnings: tuple[Diagnostic, ...] = ()
    problems: tuple[Diagnostic, ...] = ()
    called_off: bool = False

    @property
    def well(self) -> bool:
        """Tell whether the reconciler did its part, whatever became of single items."""
        return self.verdict in _WELL


def verdict_on(summary: Summary | None, stop: Stop) -> Verdict:
    """Judge a cycle by what its apply came to; None if there was none."""
    if summary is None:
        return Verdict.IDLE
    if stop.cause is StopCause.INTERRUPTED:
        return Verdict.STOPPED
    if summary.troubles and not summary.acted:
        return Verdict.FAILED
    left = [result for result in summary.results if not _settled(result, stop)]
    return Verdict.PARTLY if left or summary.troubles else Verdict.DONE


def verdict_of(error: Exception) -> Verdict:
    """Judge a cycle by what ended it."""
    code = error.exit_code if isinstance(error, ReconcileError) else None
    if code == BLOCKED:
        return Verdict.BLOCKED
    return Verdict.LOCKED if code == _HELD_BY_ANOTHER else Verdict.FAILED


def _settled(result: Result, stop: Stop) -> bool:
    if isinstance(result.action, Forget) or result.status in _SETTLED:
        return True
    # Left for the next cycle, which follows at once.
    return result.status == "skipped" and stop.cause is StopCause.SOMETHING_DUE
