"""From one instant at which something falls due to the next, at the cost of what changes there."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime
from itertools import count
from sys import maxsize

from reconcile.model.address import Address
from reconcile.model.desired import Desired, Item, RefreshItem, ResetItem
from reconcile.model.journal import Entry, Noted, Numbered
from reconcile.model.plan import Await, Refresh, ResetCache
from reconcile.model.reason import Reason
from reconcile.model.recorded import Record, Recorded
from reconcile.planning.budget.order import addresses
from reconcile.planning.declaration import declaration
from reconcile.planning.merging import group_of, merge, strayed
from reconcile.planning.outlook.alarms import Alarms, ends_at
from reconcile.planning.outlook.effects import effects
from reconcile.planning.outlook.outset import PLAIN, Outset
from reconcile.planning.recorded_clock import believed_items
from reconcile.planning.replay import Fold
from reconcile.planning.resets import ordered_after, reset_actions
from reconcile.planning.standing import judge
from reconcile.planning.verdict import Surroundings, Verdict

Calls = tuple[Refresh | ResetCache, ...]


class Walk:
    """One walk through the future of a desired state, from `now` on.

    An item is judged again only where its last verdict ends or a call has touched it: among a
    thousand items, most instants concern one.
    """

    def __init__(
        self,
        desired: Desired,
        recorded: Recorded,
        now: datetime,
        outset: Outset = PLAIN,
    ) -> None:
        clock, strays = outset.clock, outset.strays
        believed = believed_items(recorded.items, now if clock is None else max(clock, now))
        recorded = replace(recorded, items=believed.items)
        self._desired = desired
        self._strayed = strayed(desired, recorded.items) if strays is None else strays
        self._choice = outset.choice
        self._items = {item.address: item for item in desired.items}
        self._chosen = frozenset(self._items)
        self._records: dict[Address, Record] = dict(recorded.items)
        self._fold = Fold(recorded, self._records)
        self._operations = count(1)
        self._alarms = Alarms()
        self._followers: dict[Address, list[Address]] = defaultdict(list)
        self._riders: dict[str, list[Address]] = defaultdict(list)
        for item in desired.items:
            if isinstance(item, ResetItem) and item.after is not None:
                self._followers[item.after].append(item.address)
            if isinstance(item, RefreshItem) and item.coalesce_within:
                self._riders[group_of(item)].append(item.address)
        self._refreshes: dict[Address, Verdict[RefreshItem]] = {}
        self._resets: dict[Address, Verdict[ResetItem]] = {}
        self._now = self.reached = now
        self._judge(self._items)

    def reasons(self) -> dict[Address, Reason]:
        """Say why each item stands as it does at the instant the walk has reached, judged alone."""
        return {address: verdict.standing.reason for address, verdict in self.verdicts().items()}

    def verdicts(self) -> dict[Address, Verdict[Item]]:
        """Return where each item stands at the instant the walk has reached, judged alone."""
        return {**self._refreshes, **self._resets}

    @property
    def records(self) -> Mapping[Address, Record]:
        """What is recorded at the instant the walk has reached."""
        return self._records

    def leave(self, addresses: Iterable[Address]) -> None:
        """Follow these items no further. Nobody who is still followed may depend on their runs."""
        for address in addresses:
            self._alarms.put(address, None)

    def steps(self, until: datetime, most: int = maxsize) -> Iterator[tuple[datetime, Calls]]:
        """Yield the instants before `until` at which calls fall due, and those calls.

        It looks at `most` instants at the most; `reached` tells up to where all is known.
        """
        yield from self.opening()
        yield from self.further(until, most)

    def opening(self) -> Iterator[tuple[datetime, Calls]]:
        """Yield the calls of `now`, in the order of two applies that follow each other at once."""
        first = self._due(self._chosen)
        noted = tuple(self._notes())
        self._add(noted)
        yield from self._made(first)
        forced, self._choice = self._choice.force, replace(self._choice, force=frozenset())
        again = self._touched([*addresses(first), *(e.address for e in noted), *forced])
        self._judge(again)
        # Noting a changed declaration releases what failures held back: it goes in the next apply.
        second = self._due(again)
        yield from self._made(second)
        self._judge(self._touched(addresses(second)))

    def further(self, until: datetime, most: int = maxsize) -> Iterator[tuple[datetime, Calls]]:
        """Yield what comes after the opening; called again, it goes on from there."""
        for _ in range(most):
            upcoming = self._alarms.take(before=until)
            if upcoming is None:
                self.reached = until
                return
            self._now, woken = upcoming
            self.reached = self._now
            self._judge(woken)
            actions = self._due(woken)
            yield from self._made(actions)
            self._judge(woken | self._touched(addresses(actions)))

    def _due(self, woken: AbstractSet[Address]) -> list[Refresh | Await | ResetCache]:
        """Return what a plan of this instant holds, where only the woken may be newly due."""
        candidates = {address for address in woken if address in self._refreshes}
        candidates.update(*map(self._riding_with, tuple(candidates)))
        merged = merge(
            [self._refreshes[address] for address in sorted(candidates)],
            self._desired.generation,
            self._now,
        )
        acting = frozenset(addresses(merged.actions))
        resets = (woken & self._resets.keys()) | self._following(acting)
        around = self._around()
        ordered = [
            ordered_after(self._resets[address], self._refreshes, acting, around)
            for address in sorted(resets)
        ]
        following = reset_actions(ordered, self._desired.generation, acting)
        return sorted([*merged.actions, *following], key=lambda action: action.covers[0].address)

    def _judge(self, listed: Iterable[Address]) -> None:
        """Judge items at this instant, refreshes first, and set their alarms."""
        around = self._around()
        resets: list[ResetItem] = []
        for address in listed:
            item = self._items[address]
            if isinstance(item, ResetItem):
                resets.append(item)
            else:
                self._refreshes[address] = refresh = judge(item, around)
                followed = address in self._followers
                self._alarms.put(address, ends_at(refresh, followed=followed))
        for item in resets:
            self._resets[item.address] = reset = judge(item, around)
            # Ordered as if no refresh went: a reset that is blocked wakes when its refresh does.
            ordered = ordered_after(reset, self._refreshes, frozenset(), around)
            self._alarms.put(item.address, ends_at(ordered))

    def _made(
        self, actions: Sequence[Refresh | Await | ResetCache]
    ) -> Iterator[tuple[datetime, Calls]]:
        """Remember that actions were carried out, and yield those that are calls."""
        # Whoever is called for shares a connection with its carrier now.
        self._strayed = self._strayed.difference(addresses(actions))
        for action in actions:
            self._add(effects(action, self._now, f"forecast {next(self._operations)}"))
        calls = tuple(action for action in actions if not isinstance(action, Await))
        if calls:
            yield self._now, calls

    def _notes(self) -> Iterator[Noted]:
        """Yield what an apply remembers without a call; the rest of the walk adds nothing to it."""
        for address, verdict in self.verdicts().items():
            if not verdict.noted:
                yield Noted(self._now, address, declaration(verdict.item))

    def _add(self, entries: Iterable[Entry]) -> None:
        for entry in tuple(entries):
            self._fold.add(Numbered(self._fold.sequence + 1, entry))

    def _touched(self, changed: Iterable[Address]) -> set[Address]:
        """Return whom a change of these records may concern, as far as it is declared."""
        touched = self._chosen.intersection(changed)
        return {*touched, *self._following(touched)}

    def _following(self, refreshes: Iterable[Address]) -> set[Address]:
        return {reset for address in refreshes for reset in self._followers.get(address, ())}

    def _riding_with(self, address: Address) -> Sequence[Address]:
        """Who may be pulled forward by a call of this refresh."""
        return self._riders.get(group_of(self._refreshes[address].item), ())

    def _around(self) -> Surroundings:
        return Surroundings(
            self._records, self._desired.freezes, self._choice, self._now, self._strayed
        )
