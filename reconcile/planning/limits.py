"""Which of the declared limits a plan would pass."""

from collections.abc import Iterable

from reconcile.model.desired import Limits, Mode
from reconcile.model.plan import (
    Action,
    AdoptSchedule,
    Await,
    DeleteSchedule,
    Excess,
    Forget,
    Plan,
    Refresh,
    Rename,
)
from reconcile.model.reason import ScheduleForeign
from reconcile.planning.budget.order import addresses


def excesses(plan: Plan, limits: Limits, recorded_items: int) -> Iterable[Excess]:
    """Compare what a plan would do with the limits. `recorded_items`: records of any kind.

    Forgetting every record at once is always over the limit: it is what a wrong file, a wrong
    directory or a wrong branch looks like.
    """
    calls = [
        action
        for action in plan.actions
        if not isinstance(action, Forget | Rename | Await | AdoptSchedule)
    ]
    if limits.calls is not None and len(calls) > limits.calls:
        yield Excess("calls", limits.calls, len(calls))
    hard = sum(isinstance(action, Refresh) and action.mode is Mode.HARD for action in calls)
    if limits.hard_refreshes is not None and hard > limits.hard_refreshes:
        yield Excess("hard_refreshes", limits.hard_refreshes, hard)
    declared = (action for action in calls if not isinstance(action, DeleteSchedule))
    due = sum(1 for _ in addresses(declared))
    share = due / len(plan.standings) if plan.standings else 0.0
    if limits.share is not None and share > limits.share:
        yield Excess("share", limits.share, round(share, 3))
    forgotten = sum(map(_drops_record, plan.actions))
    if forgotten and forgotten == recorded_items:
        yield Excess("forget_all", 0, forgotten)


def _drops_record(action: Action) -> bool:
    """Tell whether the action is there because the files no longer speak of a record."""
    if isinstance(action, DeleteSchedule):
        return action.recorded_at is None and not isinstance(action.reason, ScheduleForeign)
    return isinstance(action, Forget)
