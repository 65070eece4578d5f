"""Where a change of the files meets freezes and changes of offset."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from reconcile.model.address import Address
from reconcile.model.comparison import FreezeHits, Night, Shift
from reconcile.model.desired import (
    AfterRefresh,
    At,
    Cron,
    Every,
    Freeze,
    Item,
    ResetAt,
    WhenChanged,
)
from reconcile.model.recorded import Record
from reconcile.planning.calendar.slots import spread_of, wall_slots
from reconcile.planning.calendar.touched import touched_by
from reconcile.planning.calendar.wall_clock import transitions
from reconcile.planning.calendar.windows import frozen_until, matches, next_change
from reconcile.planning.review.outlooks import Side


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the items that may differ, with when each runs, and what is known of it."""

    side: Side
    freezes: tuple[Freeze, ...]
    records: Mapping[Address, Record]


def freeze_hits(
    before: Version, after: Version, now: datetime, until: datetime
) -> Iterator[FreezeHits]:
    """Yield the freezes that hold other items back than before, by name."""
    old, new = _hits(before, now, until), _hits(after, now, until)
    for name in sorted(old.keys() | new.keys()):
        was, held = old.get(name, set()), new.get(name, set())
        if was != held:
            yield FreezeHits(name, tuple(sorted(held - was)), tuple(sorted(was - held)))


def nights(items: Iterable[Item], now: datetime, until: datetime) -> Iterator[Night]:
    """Yield each change of offset in the items' zones, by instant and zone."""
    by_zone: dict[str, list[Item]] = {}
    for item in items:
        by_zone.setdefault(item.timing.zone, []).append(item)
    found = [
        Night(
            zone,
            change.instant,
            Shift(change.offset_before, change.offset_after),
            tuple(
                item.address
                for item in kept
                if isinstance(item.timing.cadence, Cron | At)
                and touched_by(item.timing.cadence, zone, change)
            ),
        )
        for zone, kept in by_zone.items()
        for change in transitions(zone, now, until)
    ]
    yield from sorted(found, key=lambda night: (night.at, night.zone))


def _hits(version: Version, now: datetime, until: datetime) -> Mapping[str, set[Address]]:
    hits: dict[str, set[Address]] = {}
    for freeze in version.freezes:
        change = next_change(freeze, now)
        if frozen_until(freeze, now) is None and (change is None or change >= until):
            continue
        held = {
            item.address
            for item in version.side.items
            if matches(freeze, item.address)
            and any(frozen_until(freeze, slot) for slot in _slots(item, version, now, until))
        }
        if held:
            hits.setdefault(freeze.name, set()).update(held)
    return hits


def _slots(item: Item, version: Version, now: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the instants from `now` until `until` at which an item would run if nothing held it."""
    match item.timing.cadence:
        case Cron() | At() as cadence:
            offset = spread_of(item, item.timing.spread)
            slots = wall_slots(cadence, item.timing.zone)
            yield from (slot + offset for slot in slots.between(now - offset, until - offset))
        case Every(interval):
            record = version.records.get(item.address)
            last = None if record is None else record.last_success
            yield now if last is None else max(now, last + interval)
            following = (run + interval for run in version.side.runs(item.address))
            yield from (slot for slot in following if slot < until)
        case AfterRefresh(refresh):
            yield from version.side.runs(refresh)
        case ResetAt(instant):
            if now <= instant < until:
                yield instant
        case WhenChanged():
            return
        case _ as unreachable:
            assert_never(unreachable)
