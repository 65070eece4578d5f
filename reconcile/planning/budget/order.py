"""The order in which calls go out when the request budget cannot take them all at once."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from reconcile.model.address import Address
from reconcile.model.plan import Action, Await, Forget, Plan, Refresh, ResetCache

_LAST = datetime.max.replace(tzinfo=UTC)


def order(plan: Plan) -> tuple[Refresh | ResetCache | Await, ...]:
    """Put the actions that cause requests in order: the earliest next slot first.

    What will be superseded soonest is what is most late against its own cadence: an hourly item
    an hour late goes before a daily one two hours late. Ties: the older slot, then the address.
    """
    following = {standing.address: standing.next_slot for standing in plan.standings}
    calls = [action for action in plan.actions if not isinstance(action, Forget)]
    return tuple(sorted(calls, key=lambda action: _lateness(action, following)))


def _lateness(
    action: Refresh | ResetCache | Await, following: Mapping[Address, datetime | None]
) -> tuple[datetime, datetime, str]:
    deadlines = (following.get(coverage.address) or _LAST for coverage in action.covers)
    slots = (coverage.slot or _LAST for coverage in action.covers)
    return min(deadlines), min(slots), action.covers[0].address


def addresses(actions: Iterable[Action]) -> Iterable[Address]:
    """Every address the actions touch."""
    for action in actions:
        if isinstance(action, Forget):
            yield action.address
        else:
            yield from (coverage.address for coverage in action.covers)
