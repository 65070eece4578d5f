"""Which of the declared limits a plan would pass."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from reconcile.model.desired import Limits, Mode
from reconcile.model.plan import Await, Forget, Plan, Refresh

LimitName = Literal["calls", "hard_refreshes", "share", "forget_all"]


@dataclass(frozen=True, slots=True)
class Excess:
    """A plan's figure that is over its limit. `share` is a fraction of the declared items."""

    limit: LimitName
    allowed: float
    planned: float


def excesses(plan: Plan, limits: Limits, recorded_items: int) -> Iterable[Excess]:
    """Compare what a plan would do with the limits.

    Forgetting every record at once is always over the limit: it is what a wrong file, a wrong
    directory or a wrong branch looks like.
    """
    calls = [action for action in plan.actions if not isinstance(action, Forget | Await)]
    if limits.calls is not None and len(calls) > limits.calls:
        yield Excess("calls", limits.calls, len(calls))
    hard = sum(isinstance(action, Refresh) and action.mode is Mode.HARD for action in calls)
    if limits.hard_refreshes is not None and hard > limits.hard_refreshes:
        yield Excess("hard_refreshes", limits.hard_refreshes, hard)
    due = sum(len(action.covers) for action in calls)
    share = due / len(plan.standings) if plan.standings else 0.0
    if limits.share is not None and share > limits.share:
        yield Excess("share", limits.share, round(share, 3))
    forgotten = sum(isinstance(action, Forget) for action in plan.actions)
    if forgotten and forgotten == recorded_items:
        yield Excess("forget_all", 0, forgotten)
