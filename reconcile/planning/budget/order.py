"""The order in which calls go out when the request budget cannot take them all at once."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from math import inf

from reconcile.model.address import Address
from reconcile.model.plan import (
    Action,
    AdoptSchedule,
    Await,
    Forget,
    Plan,
    Refresh,
    Rename,
    ResetCache,
    ScheduleAction,
    ScheduleWrite,
    Standing,
    Status,
)
from reconcile.model.reason import PulledForward

_LAST = datetime.max.replace(tzinfo=UTC)
_DAY = timedelta(days=1)


Called = Refresh | ResetCache | Await | ScheduleWrite
"""The actions that cause requests."""


def order(plan: Plan) -> tuple[Called, ...]:
    """Put the actions of a plan that cause requests in order."""
    return ordered(plan.actions, plan.standings, plan.now)


def ordered(
    actions: Iterable[Action], standings: Iterable[Standing], now: datetime
) -> tuple[Called, ...]:
    """Put the actions that cause requests in order: what is most late by its own cadence first.

    An hourly item an hour late goes before a daily one two hours late, and both before either that
    is due just now. Lateness grows with every slot missed, so nothing waits for ever however much
    else is due: a plain deadline would move on with each slot. Ties: the older slot, then the
    address. Writes to native schedules come last: nothing waits for them.
    """
    calls: list[Refresh | ResetCache | Await] = []
    writes: list[ScheduleWrite] = []
    for action in actions:
        match action:
            case ResetCache() | Refresh() | Await():
                calls.append(action)
            case Forget() | Rename() | AdoptSchedule():
                pass
            case _:
                writes.append(action)
    if calls:
        due = (standing for standing in standings if standing.status is Status.DUE)
        lateness = {standing.address: _lateness(standing, now) for standing in due}
        calls.sort(key=lambda action: _rank(action, lateness))
    return (*calls, *writes)


def _rank(
    action: Refresh | ResetCache | Await, lateness: Mapping[Address, float]
) -> tuple[float, datetime, str]:
    first, *others = action.covers
    latest, oldest = lateness.get(first.address, 0.0), first.slot or _LAST
    for coverage in others:
        latest = max(latest, lateness.get(coverage.address, 0.0))
        oldest = min(oldest, coverage.slot or _LAST)
    return -latest, oldest, first.address


def _lateness(standing: Standing, now: datetime) -> float:
    """Count the slots an item is behind, the present one in part; days where it has no next slot.

    What has no slot at all never ran: it is behind by more than can be counted.
    """
    if isinstance(standing.reason, PulledForward):
        return 0.0
    if standing.newest_slot is None:
        return inf
    behind, following = now - standing.newest_slot, standing.next_slot
    period = _DAY if following is None else following - standing.newest_slot
    return standing.missed + behind / period


def addresses(actions: Iterable[Action]) -> Iterable[Address]:
    """Every address the actions touch."""
    for action in actions:
        if isinstance(action, Forget | ScheduleAction):
            yield action.address
        elif isinstance(action, Rename):
            yield from (to for _, to in action.moves)
        else:
            yield from (coverage.address for coverage in action.covers)
