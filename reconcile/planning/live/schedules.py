"""Declared native schedules beside those of the connections that were looked at."""

from collections.abc import Iterator, Mapping

from reconcile.model.address import Address
from reconcile.model.desired import Desired, Manage
from reconcile.model.drift import (
    Finding,
    ScheduleDiffers,
    ScheduleDisabled,
    ScheduleForeign,
    ScheduleMissing,
)
from reconcile.model.observed import Observed
from reconcile.model.recorded import ScheduleRecord
from reconcile.planning.schedules.pool import Pool


def schedule_findings(
    desired: Desired,
    observed: Observed,
    recorded: Mapping[Address, ScheduleRecord] | None = None,
) -> Iterator[Finding]:
    """Match by the id that an apply recorded, else by what schedules say.

    Which of two equal ones is whose makes no difference here.
    """
    there = {place.lower(): found for place, found in observed.schedules.items()}
    known = recorded or {}
    owned = {
        item.address: known[item.address].schedule_id
        for item in desired.schedules
        if item.address in known
    }
    pools = {place: Pool(found, owned.values()) for place, found in there.items()}
    for item in desired.schedules:
        pool = pools.get(item.connection_id.lower())
        if pool is None:
            continue
        mine, those = owned.get(item.address), there[item.connection_id.lower()]
        found = next((one for one in those if one.schedule_id == mine), None)
        found = found or pool.claim(item.spec)
        if found is not None and found.spec != item.spec:
            yield ScheduleDiffers(addresses=(item.address,), declared=item.spec, schedule=found)
        if found is None:
            yield ScheduleMissing(addresses=(item.address,), declared=item.spec)
        elif found.disabled_at is not None:
            yield ScheduleDisabled(addresses=(item.address,), schedule=found)
    for connection in desired.connections:
        pool = pools.get(connection.id.lower())
        for foreign in pool.left() if pool and connection.manage is Manage.ALL else ():
            yield ScheduleForeign(addresses=(), connection=connection.name, schedule=foreign)
