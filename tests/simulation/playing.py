"""Short ways to say scenarios and play them."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

from reconcile.model.desired import Desired
from reconcile.model.plan import Plan
from reconcile.model.recorded import Recorded
from reconcile.planning.plan import plan
from reconcile.simulation.simulate import simulate
from reconcile.simulation.tally import Scenario, Simulated, SimulatedItem
from reconcile.simulation.virtual import MemoryLedger
from tests.planning.making import NOON

NOTHING = Recorded(lineage="here")


def scenario(*, start: datetime = NOON, days: float = 1, **more: Any) -> Scenario:
    given: dict[str, Any] = {"runner": "*/15 * * * *", "zone": "UTC", "lateness": "none"}
    given |= {"fail_share": 0.0, "seed": 1} | more
    return Scenario(start=start, until=start + timedelta(days=days), **given)


def played(files: Desired, **more: Any) -> Simulated:
    return simulate(files, NOTHING, scenario(**more))


def only(simulated: Simulated) -> SimulatedItem:
    (item,) = simulated.items
    return item


class Naive:
    """Plans everything at every tick, as the tool itself does."""

    def __init__(
        self, desired: Desired, ledger: MemoryLedger, clock: datetime | None = None
    ) -> None:
        self._desired, self._ledger, self._clock = desired, ledger, clock

    def plan(self, now: datetime) -> Plan | None:
        return plan(self._desired, self._ledger.recorded, now, clock=self._clock)


def seeded() -> Random:
    return Random(1)  # noqa: S311 -- the same draws each time are the point
