"""What two versions of a desired state will call, foreseen together: what they share only once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from reconcile.model.address import Address
from reconcile.model.cadence import At, Cron, Every
from reconcile.model.desired import Desired, Freeze, Item, RefreshItem, ResetItem
from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.model.forecast import ExpectedCall
from reconcile.model.recorded import Recorded
from reconcile.planning.calendar.slots import wall_slots
from reconcile.planning.calendar.windows import matches
from reconcile.planning.merging import group_of
from reconcile.planning.outlook.forecast import forecast

MOST_RUNS: Final = 500_000
"""Foreseen at most for one version: what is compared may come from anyone's pull request."""

Cluster = tuple[Item, ...]
"""Items whose calls depend on each other, and on no other item."""


@dataclass(frozen=True, slots=True)
class Side:
    """The items of one version whose calls may differ from the other's, and those calls."""

    items: tuple[Item, ...]
    calls: tuple[ExpectedCall, ...]
    runs: Mapping[Address, tuple[datetime, ...]]


@dataclass(frozen=True, slots=True)
class Outlook:
    """The calls of two versions from `now` until `until` (excluded), each part by instant.

    `shared` are those that both versions make because nothing differs that they depend on.
    """

    now: datetime
    until: datetime
    shared: tuple[ExpectedCall, ...]
    before: Side
    after: Side

    def all_calls(self, side: Side) -> list[ExpectedCall]:
        """Return all calls of one version, by instant and address."""
        together = [*self.shared, *side.calls]
        return sorted(together, key=lambda call: (call.at, call.addresses))


def look_ahead(
    before: Desired, after: Desired, recorded: Recorded, now: datetime, horizon: timedelta
) -> Outlook:
    """Foresee the calls of both versions under the assumptions of `forecast`.

    Raises ReconcileError if one of them would run more than `MOST_RUNS` times.
    """
    until = now + horizon
    for version in (before, after):
        _require_bounded(version.items, now, until)
    old, new = _clusters(before), _clusters(after)
    steady = {
        key
        for key, items in old.items()
        if items == new.get(key) and _frozen_alike(items, before.freezes, after.freezes)
    }

    def side(version: Desired, clusters: Iterable[Cluster]) -> Side:
        items = tuple(sorted(chain(*clusters), key=lambda item: item.address))
        calls: tuple[ExpectedCall, ...] = ()
        if items:
            calls = forecast(replace(version, items=items), recorded, now, horizon).calls
        return Side(items, calls, _runs(calls))

    return Outlook(
        now,
        until,
        shared=side(after, (new[key] for key in steady)).calls,
        before=side(before, (items for key, items in old.items() if key not in steady)),
        after=side(after, (items for key, items in new.items() if key not in steady)),
    )


def _runs(calls: Iterable[ExpectedCall]) -> Mapping[Address, tuple[datetime, ...]]:
    """Return when each address runs, ascending."""
    runs: dict[Address, list[datetime]] = defaultdict(list)
    for call in calls:
        for address in call.addresses:
            runs[address].append(call.at)
    return {address: tuple(instants) for address, instants in runs.items()}


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


def _require_bounded(items: Iterable[Item], now: datetime, until: datetime) -> None:
    runs = 0
    for item in items:
        runs += _runs_at_most(item, now, until)
        if runs > MOST_RUNS:
            detail = (
                f"Up to the horizon there would be more than {MOST_RUNS:,} runs, the most that "
                "are counted one by one."
            )
            hint = "Look less far ahead: reconcile plan --against REF --horizon 1d"
            summary = "The horizon holds too many runs to compare"
            raise ReconcileError(
                Diagnostic(code="horizon-too-busy", summary=summary, detail=detail, hint=hint)
            )


def _runs_at_most(item: Item, now: datetime, until: datetime) -> int:
    match item.timing.cadence:
        case Every(interval):
            return int((until - now) / interval) + 2
        case Cron() | At() as cadence:
            return wall_slots(cadence, item.timing.zone).count(now, until) + 2
        case _:
            # A reset that follows a refresh runs no more often than that, which is counted.
            return 1
