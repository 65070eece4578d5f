"""What may stand in an item's way, and the same world without it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from reconcile.model.address import Address
from reconcile.model.desired import AfterRefresh, Desired, Item, OnChange, ResetItem, Timing
from reconcile.model.explanation import Obstacle, ObstacleKind
from reconcile.model.recorded import Record, Recorded
from reconcile.planning.calendar.windows import matches
from reconcile.planning.unseen import is_awaited, unseen_of

World = tuple[Desired, Recorded]


def without_each(
    desired: Desired, recorded: Recorded, item: Item, now: datetime
) -> Iterator[tuple[Obstacle, World]]:
    """Yield each thing that could be in the item's way, and the world with only that one gone."""
    timing = item.timing
    if timing.pause is not None and (timing.pause.until is None or timing.pause.until > now):
        yield (
            Obstacle(ObstacleKind.PAUSE),
            (_timed(desired, item, replace(timing, pause=None)), recorded),
        )
    for number, freeze in enumerate(desired.freezes):
        if matches(freeze, item.address):
            others = desired.freezes[:number] + desired.freezes[number + 1 :]
            yield (
                Obstacle(ObstacleKind.FREEZE, freeze.name),
                (replace(desired, freezes=others), recorded),
            )
    record = recorded.items.get(item.address)
    for kind, mended in () if record is None else _mended(record, now):
        records = MappingProxyType({**recorded.items, item.address: mended})
        yield Obstacle(kind), (desired, replace(recorded, items=records))
    if timing.deadline is not None:
        unlimited = replace(timing, deadline=None)
        yield Obstacle(ObstacleKind.DEADLINE), (_timed(desired, item, unlimited), recorded)
    if timing.on_change is OnChange.NEXT:
        at_once = replace(timing, on_change=OnChange.NOW)
        yield Obstacle(ObstacleKind.ON_CHANGE), (_timed(desired, item, at_once), recorded)
    follows = isinstance(timing.cadence, AfterRefresh)
    if isinstance(item, ResetItem) and item.after is not None and not follows:
        alone = _exchanged(desired, replace(item, after=None))
        yield Obstacle(ObstacleKind.AFTER, item.after), (alone, recorded)


def _mended(record: Record, now: datetime) -> Iterator[tuple[ObstacleKind, Record]]:
    """Yield what earlier calls left in the way, and the record without it."""
    pending = record.pending
    if record.failures:
        yield ObstacleKind.FAILURES, replace(record, failures=0, last_failure=None)
    if is_awaited(pending, now):
        yield ObstacleKind.JOB, replace(record, pending=None)
    if unseen_of(record, now) is not None:
        left = None if pending is not None and pending.job_id is not None else pending
        yield ObstacleKind.UNSEEN, replace(record, pending=left, unseen=None)
    if pending is not None and pending.job_id is None:
        yield ObstacleKind.DOUBT, replace(record, pending=None, doubts=0, last_doubt=None)


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
