"""What may stand in an item's way, and the same world without it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from reconcile.model.address import Address
from reconcile.model.cadence import AfterRefresh
from reconcile.model.desired import Desired, Item, OnChange, ResetItem, Timing
from reconcile.model.recorded import Recorded
from reconcile.planning.windows import matches


class Kind(StrEnum):
    """What an obstacle is."""

    PAUSE = "pause"
    FREEZE = "freeze"
    FAILURES = "failures"
    DEADLINE = "deadline"
    ON_CHANGE = "on_change"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One thing that may hold an item back. `name`: the freeze's, or the address it runs after."""

    kind: Kind
    name: str = ""


World = tuple[Desired, Recorded]


def without_each(
    desired: Desired, recorded: Recorded, item: Item, now: datetime
) -> Iterator[tuple[Obstacle, World]]:
    """Yield each thing that could be in the item's way, and the world with only that one gone."""
    timing = item.timing
    if timing.pause is not None and (timing.pause.until is None or timing.pause.until > now):
        yield Obstacle(Kind.PAUSE), (_timed(desired, item, replace(timing, pause=None)), recorded)
    for number, freeze in enumerate(desired.freezes):
        if matches(freeze, item.address):
            others = desired.freezes[:number] + desired.freezes[number + 1 :]
            yield Obstacle(Kind.FREEZE, freeze.name), (replace(desired, freezes=others), recorded)
    record = recorded.items.get(item.address)
    if record is not None and record.failures:
        mended = replace(record, failures=0, last_failure=None)
        records = MappingProxyType({**recorded.items, item.address: mended})
        yield Obstacle(Kind.FAILURES), (desired, replace(recorded, items=records))
    if timing.deadline is not None:
        unlimited = replace(timing, deadline=None)
        yield Obstacle(Kind.DEADLINE), (_timed(desired, item, unlimited), recorded)
    if timing.on_change is OnChange.NEXT:
        at_once = replace(timing, on_change=OnChange.NOW)
        yield Obstacle(Kind.ON_CHANGE), (_timed(desired, item, at_once), recorded)
    follows = isinstance(timing.cadence, AfterRefresh)
    if isinstance(item, ResetItem) and item.after is not None and not follows:
        alone = _exchanged(desired, replace(item, after=None))
        yield Obstacle(Kind.AFTER, item.after), (alone, recorded)


def _timed(desired: Desired, item: Item, timing: Timing) -> Desired:
    return _exchanged(desired, replace(item, timing=timing))


def _exchanged(desired: Desired, item: Item) -> Desired:
    items = (item if other.address == item.address else other for other in desired.items)
    return replace(desired, items=tuple(items))


def restricted(desired: Desired, recorded: Recorded, addresses: frozenset[Address]) -> World:
    """Return the world of some items alone."""
    items = tuple(item for item in desired.items if item.address in addresses)
    records = {a: record for a, record in recorded.items.items() if a in addresses}
    return (
        replace(desired, items=items),
        replace(recorded, items=MappingProxyType(records)),
    )
