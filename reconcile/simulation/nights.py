"""The nights in which clocks change, and what becomes of the slots they touch."""

from collections import defaultdict
from datetime import datetime, timedelta

from reconcile.model.address import Address
from reconcile.model.desired import At, Cron, Desired, Item
from reconcile.model.simulation import Night, NightItem
from reconcile.planning.time.slots import Touch, spread_of, touched_by
from reconcile.planning.time.wall_clock import Transition, transitions


class NightWatch:
    """Finds the changes of offset in a span, and is told of each success of the items they touch.

    Its memory grows with the changes, two a year and zone, and with nothing else.
    """

    def __init__(self, desired: Desired, start: datetime, until: datetime) -> None:
        self._touched: dict[tuple[datetime, str], list[tuple[Address, tuple[Touch, ...]]]] = {}
        self._changes: dict[tuple[datetime, str], Transition] = {}
        self._awaited: dict[Address, set[datetime]] = defaultdict(set)
        self._sent: dict[tuple[Address, datetime], datetime] = {}
        for item in desired.items:
            cadence = item.timing.cadence
            if isinstance(cadence, Cron | At):
                self._look_at(item, cadence, start, until)

    def _look_at(self, item: Item, cadence: Cron | At, start: datetime, until: datetime) -> None:
        zone, spread = item.timing.zone, spread_of(item, item.timing.spread)
        for change in transitions(zone, start, until):
            touches = touched_by(cadence, zone, change)
            if touches:
                night = change.instant, zone
                self._changes[night] = change
                self._touched.setdefault(night, []).append((item.address, touches))
                slots = {run + spread for touch in touches for run in touch.runs}
                self._awaited[item.address] |= slots

    def covered(self, address: Address, slot: datetime, sent: datetime) -> None:
        """Note a success: it makes up its slot and all of the item's before it."""
        awaited = self._awaited.get(address)
        for made_up in [known for known in awaited or () if known <= slot]:
            self._sent[address, made_up] = sent
            self._awaited[address].discard(made_up)

    def nights(self, desired: Desired) -> tuple[Night, ...]:
        """Return what is known of each night by now."""
        spreads = {i.address: spread_of(i, i.timing.spread) for i in desired.items}
        return tuple(
            Night(
                zone=zone,
                instant=instant,
                change=self._changes[instant, zone].offset_after
                - self._changes[instant, zone].offset_before,
                items=tuple(
                    self._item(address, touches, spreads[address])
                    for address, touches in sorted(touched, key=lambda pair: pair[0])
                ),
            )
            for (instant, zone), touched in sorted(self._touched.items())
        )

    def _item(self, address: Address, touches: tuple[Touch, ...], spread: timedelta) -> NightItem:
        slots = tuple(sorted({run + spread for touch in touches for run in touch.runs}))
        return NightItem(
            address=address,
            wall=touches[0].wall,
            times=len(touches),
            slots=slots,
            sent=tuple(self._sent.get((address, slot)) for slot in slots),
        )
