"""The calls that will fall due, if an apply runs whenever something does and every call succeeds.

Nothing here knows cadences: the planner's own parts judge, merge and order, and the journal's own
fold remembers. What is added is the walk from one instant at which something changes to the next.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from reconcile.model.address import Address
from reconcile.model.desired import Desired, Generation
from reconcile.model.plan import Refresh, ResetCache
from reconcile.model.reason import Reason
from reconcile.model.recorded import Recorded
from reconcile.planning.forecast_walk import Walk

LONGEST_SPAN: Final = timedelta(days=366)
"""A freeze whose end lies further away counts as endless, so no walk goes further."""


@dataclass(frozen=True, slots=True)
class ExpectedCall:
    """A call and the instant (UTC) it falls due, which is taken to be when it is sent and ends."""

    at: datetime
    action: Refresh | ResetCache

    @property
    def addresses(self) -> tuple[Address, ...]:
        """What the call covers."""
        return tuple(coverage.address for coverage in self.action.covers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The calls from `now` (included) until `until` (excluded), by instant and address.

    `idle`: items without any call in that span, each with its reason as of `now`. `zones`: the
    IANA zone of each declared item. `polled`: whether refreshes leave a job that is asked after.
    """

    now: datetime
    until: datetime
    requests_per_minute: int
    polled: bool
    calls: tuple[ExpectedCall, ...]
    idle: tuple[tuple[Address, Reason], ...]
    zones: Mapping[Address, str]


def forecast(desired: Desired, recorded: Recorded, now: datetime, span: timedelta) -> Forecast:
    """List the calls of the coming span, at most `LONGEST_SPAN`.

    It is assumed that an apply runs at once whenever something is due, that every call succeeds,
    and that it takes no time. An `every` item therefore recurs at exactly its interval here; real
    applies run a little later each time, and so does the next slot. Watched files are taken not to
    change, and held items stay held.
    """
    until = now + min(span, LONGEST_SPAN)
    walk = Walk(desired, recorded, now)
    reasons = walk.reasons()
    calls = tuple(_calls(walk, until))
    called = {address for call in calls for address in call.addresses}
    return Forecast(
        now=now,
        until=until,
        requests_per_minute=desired.requests_per_minute,
        polled=desired.generation is Generation.V1,
        calls=calls,
        idle=tuple((a, reason) for a, reason in sorted(reasons.items()) if a not in called),
        zones={item.address: item.timing.zone for item in desired.items},
    )


def first_call(
    desired: Desired, recorded: Recorded, now: datetime, address: Address
) -> ExpectedCall | None:
    """Return the first call that covers an item, under the assumptions of `forecast`.

    None if there is none within `LONGEST_SPAN`.
    """
    calls = _calls(Walk(desired, recorded, now), now + LONGEST_SPAN)
    return next((call for call in calls if address in call.addresses), None)


def _calls(walk: Walk, until: datetime) -> Iterator[ExpectedCall]:
    for at, actions in walk.steps(until):
        for action in actions:
            yield ExpectedCall(at, action)
