"""When the runner comes: its schedule, as late as its model makes it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heappop, heappush
from random import Random

from reconcile.model.desired import Cron
from reconcile.model.simulation import Scenario
from reconcile.planning.time.slots import wall_slots
from reconcile.simulation.lateness import LatenessModel


@dataclass(frozen=True, slots=True)
class Tick:
    """One slot of the runner, and when it comes; None if it does not."""

    slot: datetime
    comes_at: datetime | None


def ticks(scenario: Scenario, lateness: LatenessModel) -> Iterator[Tick]:
    """Yield the ticks of a scenario in the order in which they come.

    A late tick may be overtaken by the next. Ticks that come after the span are left out.
    """
    late: list[tuple[datetime, datetime]] = []
    slots = wall_slots(Cron(scenario.runner), scenario.zone)
    for slot in slots.between(scenario.start - timedelta.resolution, scenario.until):
        if slot >= scenario.until:
            break
        while late and late[0][0] <= slot:
            comes_at, meant = heappop(late)
            yield Tick(meant, comes_at)
        # Drawn for the tick itself, so that no tick's fate hangs on those before it.
        chance = Random(f"{scenario.seed}\x1ftick\x1f{slot.isoformat()}")  # noqa: S311 -- to be repeated
        delay = lateness.delay(slot, chance)
        if delay is None:
            yield Tick(slot, None)
        elif slot + delay < scenario.until:
            heappush(late, (slot + delay, slot))
    while late:
        comes_at, meant = heappop(late)
        yield Tick(meant, comes_at)
