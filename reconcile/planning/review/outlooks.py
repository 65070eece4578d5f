"""What two versions of a desired state will call, foreseen together: what they share only once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain
from types import MappingProxyType

from reconcile.model.address import Address
from reconcile.model.desired import Desired, Freeze, Item, RefreshItem, ResetItem
from reconcile.model.noun import noun
from reconcile.model.recorded import Recorded
from reconcile.planning.calendar.windows import matches
from reconcile.planning.merging import group_of, strayed
from reconcile.planning.outlook.ahead import Ahead, look_ahead
from reconcile.planning.outlook.outset import Outset
from reconcile.planning.outlook.runs import NO_RUNS, Runs
from reconcile.planning.recorded_clock import believed_items

Cluster = tuple[Item, ...]
"""Items whose calls depend on each other, and on no other item."""


@noun(frozen=True, slots=True)
class Side:
    """The items of one version whose calls may differ from the other's, and when they run."""

    items: tuple[Item, ...]
    ahead: Ahead

    def runs(self, address: Address) -> Runs:
        """Return when an item runs; never where this version does not declare it."""
        return self.ahead.runs.get(address, NO_RUNS)


@noun(frozen=True, slots=True)
class Outlook:
    """The runs of two versions from `now` until `until` (excluded).

    `shared` are those that both versions make because nothing differs that they depend on.
    """

    now: datetime
    until: datetime
    shared: Ahead
    before: Side
    after: Side


def compare_ahead(
    before: Desired,
    after: Desired,
    recorded: Recorded,
    now: datetime,
    horizon: timedelta,
    clock: datetime | None = None,
) -> Outlook:
    """Look ahead at both versions, at what they share only once.

    Raises ReconcileError if more than `MOST_RUNS` of one would have to be walked one by one.
    """
    until = now + horizon
    old, new = _clusters(before), _clusters(after)
    believed = believed_items(recorded.items, now if clock is None else max(clock, now)).items
    strayed_before, strayed_after = strayed(before, believed), strayed(after, believed)
    other = strayed_before ^ strayed_after
    steady = {
        key
        for key, items in old.items()
        if items == new.get(key)
        and _frozen_alike(items, before.freezes, after.freezes)
        and other.isdisjoint(item.address for item in items)
    }

    def side(version: Desired, clusters: Iterable[Cluster]) -> Side:
        strays = strayed_after if version is after else strayed_before
        items = tuple(sorted(chain(*clusters), key=lambda item: item.address))
        known = {i.address: recorded.items[i.address] for i in items if i.address in recorded.items}
        own = replace(recorded, items=MappingProxyType(known))
        part = replace(version, items=items)
        outset = Outset(clock=clock, strays=strays)
        return Side(items, look_ahead(part, own, now, until, outset))

    return Outlook(
        now,
        until,
        shared=side(after, (new[key] for key in steady)).ahead,
        before=side(before, (items for key, items in old.items() if key not in steady)),
        after=side(after, (items for key, items in new.items() if key not in steady)),
    )


def _clusters(desired: Desired) -> Mapping[str, Cluster]:
    groups = {i.address: group_of(i) for i in desired.items if isinstance(i, RefreshItem)}
    clusters: dict[str, list[Item]] = defaultdict(list)
    for item in desired.items:
        first = item.after if isinstance(item, ResetItem) and item.after else item.address
        # No group begins like an address: it is a connection or a model, then a space.
        clusters[groups.get(first, item.address)].append(item)
    return {key: tuple(items) for key, items in clusters.items()}


def _frozen_alike(items: Cluster, before: tuple[Freeze, ...], after: tuple[Freeze, ...]) -> bool:
    return before == after or all(
        _windows(item.address, before) == _windows(item.address, after) for item in items
    )


def _windows(address: Address, freezes: tuple[Freeze, ...]) -> list[tuple[str, object]]:
    return [(freeze.name, freeze.window) for freeze in freezes if matches(freeze, address)]
