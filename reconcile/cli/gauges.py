"""How every declared item stands, as figures."""

from datetime import datetime

from reconcile.model.desired import Desired, Item
from reconcile.model.plan import Standing
from reconcile.model.recorded import Record, Recorded
from reconcile.planning.item import overdue_since
from reconcile.planning.plan import plan
from reconcile.planning.recorded_clock import believed
from reconcile.render.metrics import ItemGauges, gauges_of

_NO_RECORD = Record()


def item_gauges(desired: Desired, recorded: Recorded, now: datetime) -> tuple[ItemGauges, ...]:
    """Take stock of all items, selected or not."""
    declared = {item.address: item for item in desired.items}
    return tuple(
        _gauges(declared[standing.address], recorded, standing, now)
        for standing in plan(desired, recorded, now).standings
        if standing.address in declared
    )


def _gauges(item: Item, recorded: Recorded, standing: Standing, now: datetime) -> ItemGauges:
    record = believed(recorded.items.get(item.address, _NO_RECORD), now)
    since = overdue_since(item, record, standing)
    late_s = 0.0 if since is None else max(0.0, (now - since).total_seconds())
    return gauges_of(standing, record, late_s)
