"""Declared native schedules beside those of the connections that were looked at."""

from collections.abc import Iterator

from reconcile.model.desired import Desired, Manage
from reconcile.model.drift import (
    Finding,
)
from reconcile.model.drift_schedules import (
    ScheduleDisabled,
    ScheduleForeign,
    ScheduleMissing,
)
from reconcile.model.observed import Observed
from reconcile.planning.schedules.pool import Pool


def schedule_findings(desired: Desired, observed: Observed) -> Iterator[Finding]:
    """Match by what schedules say: which of two equal ones is whose makes no difference here."""
    there = {place.lower(): found for place, found in observed.schedules.items()}
    pools = {place: Pool(found, ()) for place, found in there.items()}
    for item in desired.schedules:
        pool = pools.get(item.connection_id.lower())
        if pool is None:
            continue
        found = pool.claim(item.spec)
        if found is None:
            yield ScheduleMissing(addresses=(item.address,), declared=item.spec)
        elif found.disabled_at is not None:
            yield ScheduleDisabled(addresses=(item.address,), schedule=found)
    for connection in desired.connections:
        pool = pools.get(connection.id.lower())
        for foreign in pool.left() if pool and connection.manage is Manage.ALL else ():
            yield ScheduleForeign(addresses=(), connection=connection.name, schedule=foreign)
