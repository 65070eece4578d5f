"""The calls that will fall due, counted by day and item."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from reconcile.model.address import Address
from reconcile.model.desired import Desired
from reconcile.model.forecast import ExpectedCall, Forecast
from reconcile.model.recorded import Recorded
from reconcile.planning.outlook.ahead import Ahead, look_ahead
from reconcile.planning.outlook.days import days, usual_zone
from reconcile.planning.outlook.outset import Outset
from reconcile.planning.outlook.walk import Walk
from reconcile.planning.renames import follow

LONGEST_SPAN: Final = timedelta(days=366)
"""A freeze whose end lies further away counts as endless, so no look goes further."""

MOST_INSTANTS: Final = 1000
"""How many instants the search for one item's first call looks at."""


def forecast(
    desired: Desired,
    recorded: Recorded,
    now: datetime,
    span: timedelta,
    clock: datetime | None = None,
) -> Forecast:
    """Count the calls of the coming span, at most `LONGEST_SPAN`.

    An `every` item recurs at exactly its interval here; real applies run a little later each time,
    and so does the next slot. `clock`: the real one, as `plan`'s.
    """
    _, recorded = follow(desired.items, recorded)
    ahead = look_ahead(desired, recorded, now, now + min(span, LONGEST_SPAN), Outset(clock=clock))
    zones = {item.address: item.timing.zone for item in desired.items}
    zone = usual_zone(zones)
    cut = days(ahead, zone)
    resets = sum(
        len(ahead.runs[address])
        for line in ahead.lines
        if not line.group
        for address in line.addresses
    )
    return Forecast(
        now=now,
        until=ahead.until,
        requests_per_minute=desired.requests_per_minute,
        zone=zone,
        days=cut,
        refreshes=sum(day.calls for day in cut) - resets,
        resets=resets,
        calls=_Singly(ahead),
        riding=ahead.riding,
        idle=tuple(
            (address, reason)
            for address, reason in sorted(ahead.reasons.items())
            if not ahead.runs[address]
        ),
        zones=zones,
    )


class _Singly:
    """The calls of a look ahead, found anew each time that they are gone through."""

    def __init__(self, ahead: Ahead) -> None:
        self._ahead = ahead

    def __iter__(self) -> Iterator[ExpectedCall]:
        return self._ahead.singly()


def first_call(
    desired: Desired,
    recorded: Recorded,
    now: datetime,
    address: Address,
    clock: datetime | None = None,
) -> tuple[ExpectedCall | None, datetime]:
    """Find the first call that covers an item, under the assumptions of `look_ahead`.

    None if there is none before the instant returned beside it, which is `LONGEST_SPAN` away, or
    nearer where much happens meanwhile: some items never run, and a year of others is long.
    """
    walk = Walk(desired, recorded, now, Outset(clock=clock))
    for at, actions in walk.steps(now + LONGEST_SPAN, MOST_INSTANTS):
        for action in actions:
            if any(coverage.address == address for coverage in action.covers):
                return ExpectedCall(at, action), at
    return None, walk.reached
