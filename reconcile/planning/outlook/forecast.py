"""The calls that will fall due, if an apply runs whenever something does and every call succeeds.

Nothing here knows cadences: the planner's own parts judge, merge and order, and the journal's own
fold remembers. What is added is the walk from one instant at which something changes to the next.
"""

from datetime import datetime, timedelta
from typing import Final

from reconcile.model.address import Address
from reconcile.model.desired import Desired, Generation
from reconcile.model.forecast import ExpectedCall, Forecast
from reconcile.model.recorded import Recorded
from reconcile.planning.outlook.demand import demand
from reconcile.planning.outlook.walk import Walk

LONGEST_SPAN: Final = timedelta(days=366)
"""A freeze whose end lies further away counts as endless, so no walk goes further."""

MOST_INSTANTS: Final = 1000
"""How many instants the search for one item's first call looks at."""


def forecast(
    desired: Desired,
    recorded: Recorded,
    now: datetime,
    span: timedelta,
    clock: datetime | None = None,
) -> Forecast:
    """List the calls of the coming span, at most `LONGEST_SPAN`.

    It is assumed that an apply runs at once whenever something is due, that every call succeeds,
    and that it takes no time. An `every` item therefore recurs at exactly its interval here; real
    applies run a little later each time, and so does the next slot. Watched files are taken not to
    change, and held items stay held. `clock`: the real one, as `plan`'s.
    """
    until = now + min(span, LONGEST_SPAN)
    walk = Walk(desired, recorded, now, clock)
    reasons = walk.reasons()
    calls = tuple(
        ExpectedCall(at, action) for at, actions in walk.steps(until) for action in actions
    )
    called = {address for call in calls for address in call.addresses}
    return Forecast(
        now=now,
        until=until,
        requests_per_minute=desired.requests_per_minute,
        calls=calls,
        demand=demand(calls, polled=desired.generation is Generation.V1),
        idle=tuple((a, reason) for a, reason in sorted(reasons.items()) if a not in called),
        zones={item.address: item.timing.zone for item in desired.items},
    )


def first_call(
    desired: Desired,
    recorded: Recorded,
    now: datetime,
    address: Address,
    clock: datetime | None = None,
) -> tuple[ExpectedCall | None, datetime]:
    """Find the first call that covers an item, under the assumptions of `forecast`.

    None if there is none before the instant returned beside it, which is `LONGEST_SPAN` away, or
    nearer where much happens meanwhile: some items never run, and a year of others is long.
    """
    walk = Walk(desired, recorded, now, clock)
    for at, actions in walk.steps(now + LONGEST_SPAN, MOST_INSTANTS):
        for action in actions:
            if any(coverage.address == address for coverage in action.covers):
                return ExpectedCall(at, action), at
    return None, walk.reached
