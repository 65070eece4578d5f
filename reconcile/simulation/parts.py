"""A plan in parts: only what can have changed since the last tick is planned again.

Items that share no call and no order do not touch each other's plans. So a desired state falls into
parts, each with a `valid_until` of its own, and a tick costs what is due at it, not what is there.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from heapq import heappop, heappush
from itertools import chain
from types import MappingProxyType

from reconcile.applying.guard import has_effects
from reconcile.model.address import Address
from reconcile.model.desired import Desired, Item, RefreshItem
from reconcile.model.plan import Load, Plan, Standing
from reconcile.model.recorded import Record, Recorded
from reconcile.planning.plan import plan
from reconcile.planning.requests import group_of


def parts_of(desired: Desired) -> tuple[Desired, ...]:
    """Split a desired state into parts whose plans together are its plan."""
    groups = {i.address: group_of(i) for i in desired.items if isinstance(i, RefreshItem)}
    members: dict[str, list[Item]] = defaultdict(list)
    for item in desired.items:
        followed = None if isinstance(item, RefreshItem) else item.after
        first = followed or item.address
        members[groups.get(first, f"item {first}")].append(item)
    return tuple(replace(desired, items=tuple(items)) for items in members.values())


class Outlook:
    """Plans at instants that never run backwards. `records` is read anew at each."""

    def __init__(self, desired: Desired, records: Mapping[Address, Record]) -> None:
        self._desired = desired
        self._records = records
        declared = {item.address for item in desired.items}
        gone = tuple(address for address in records if address not in declared)
        parts = parts_of(desired)
        # What is recorded and no longer declared is a part of its own, to be forgotten.
        self._parts = (*parts, replace(desired, items=()))
        self._addresses = (*(tuple(i.address for i in part.items) for part in parts), gone)
        self._standings: list[tuple[Standing, ...]] = [()] * len(self._parts)
        self._stirring = set(range(len(self._parts)))
        self._quiet: list[tuple[datetime, int]] = []

    def plan(self, now: datetime) -> Plan | None:
        """Plan at `now`; None if an apply would do nothing at all."""
        while self._quiet and self._quiet[0][0] <= now:
            self._stirring.add(heappop(self._quiet)[1])
        if not self._stirring:
            return None
        planned = [(number, self._plan_part(number, now)) for number in sorted(self._stirring)]
        for number, part in planned:
            self._standings[number] = part.standings
            if not has_effects(part):
                self._stirring.discard(number)
                if part.valid_until is not None:
                    heappush(self._quiet, (part.valid_until, number))
        return self._joined([part for _, part in planned], now) if self._stirring else None

    def _plan_part(self, number: int, now: datetime) -> Plan:
        records = self._records
        known = {a: records[a] for a in self._addresses[number] if a in records}
        recorded = Recorded(lineage="simulation", items=MappingProxyType(known))
        return plan(self._parts[number], recorded, now)

    def _joined(self, planned: Sequence[Plan], now: datetime) -> Plan:
        """Put the plans of parts together, as far as an apply and the limits look at them."""
        return Plan(
            now=now,
            valid_until=None,
            digest="",
            actions=tuple(chain.from_iterable(part.actions for part in planned)),
            standings=tuple(chain.from_iterable(self._standings)),
            load=Load(0, 0, 0.0, 0, self._desired.requests_per_minute),
            noted={k: v for part in planned for k, v in part.noted.items()},
            missed=tuple(chain.from_iterable(part.missed for part in planned)),
        )
