"""From one instant at which something falls due to the next, at the cost of what changes there."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from heapq import heappop, heappush
from itertools import count
from sys import maxsize
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from reconcile.errors import fail
from reconcile.model import reason as why
from reconcile.model.address import Address
from reconcile.model.desired import At, Cron, Desired, Every, Item, Mode, RefreshItem, ResetItem
from reconcile.model.journal import Accepted, Done, Entry, Intent, Noted, Numbered
from reconcile.model.plan import Await, Choice, Plan, Refresh, ResetCache, Standing
from reconcile.model.recorded import Record, Recorded
from reconcile.model.struct import replace
from reconcile.planning.budget import UNKNOWN_DURATION_S, addresses
from reconcile.planning.item import ItemVerdict, Surroundings, is_of_reset
from reconcile.planning.plan import judge, judge_together, ordered_after
from reconcile.planning.record import believed_of, declaration
from reconcile.planning.replay import Fold
from reconcile.planning.requests import carrier_of, company_of, strayed
from reconcile.planning.steady import Marks, Piece, Slice, microseconds, once
from reconcile.planning.time.slots import count_slots

# When each item is to be looked at again.


class Alarms:
    """One alarm an address at most; a new one takes the place of the one before."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, Address]] = []
        self._at: dict[Address, datetime] = {}

    def put(self, address: Address, at: datetime | None) -> None:
        """Move the alarm of an address; None clears it."""
        if at is None:
            self._at.pop(address, None)
        elif self._at.get(address) != at:
            self._at[address] = at
            heappush(self._heap, (at, address))

    def take(self, *, before: datetime) -> tuple[datetime, set[Address]] | None:
        """Take the earliest instant with an alarm before another, and all it is set for."""
        while self._heap and self._heap[0][0] < before:
            at, address = self._heap[0]
            if self._at.get(address) == at:
                return at, self.take_all(at)
            heappop(self._heap)
        return None

    def take_all(self, until: datetime) -> set[Address]:
        """Take the alarms up to an instant, that one included."""
        found: set[Address] = set()
        while self._heap and self._heap[0][0] <= until:
            at, address = heappop(self._heap)
            # Alarms that were moved stay in the heap until they come up here.
            if self._at.get(address) == at:
                del self._at[address]
                found.add(address)
        return found


def ends_at(verdict: ItemVerdict[Item], *, followed: bool = False) -> datetime | None:
    """Return the first instant at which a call of this item may be possible.

    What holds an item back outlasts the slots that come up meanwhile, so they need no look: a
    freeze of a month costs as much as one of an hour. Only a refresh that failed does need it where
    it is `followed`: it blocks its resets while it is due, and lets them go past its deadline.
    """
    match verdict.standing.reason:
        case why.FrozenBy(until=until) | why.PausedUntil(until=until):
            return until
        case why.BackingOff(retry_at=retry_at) if not followed:
            return retry_at
        case why.HeldAfterFailures() | why.HeldInDoubt() if not followed:
            return None
        case _:
            return verdict.standing.until


# What an action leaves in the journal if it succeeds at once.

_HOST: Final = "https://forecast.invalid"
"""Entries of a forecast are folded in memory and never written; RFC 6761 keeps the name unused."""


def effects(action: Refresh | Await | ResetCache, now: datetime, operation: str) -> Iterator[Entry]:
    """Yield the entries of a call that is sent, accepted and done at one instant."""
    match action:
        case Await():
            yield Done(now, action.operation, now, _lasted_s(action))
            return
        case Refresh():
            covers = action.covers
            carrier = carrier_of(action)
            yield Intent(now, operation, "refresh", covers, action.request, _HOST, carrier)
        case ResetCache():
            (coverage,) = action.covers
            # A reset that waits for a refresh is stamped with its completion: this very instant.
            stamped = replace(coverage, stamp=coverage.stamp or now, slot=coverage.slot or now)
            yield Intent(now, operation, "reset", (stamped,), action.request, _HOST)
    yield Accepted(now, operation, None)
    yield Done(now, operation, now, _lasted_s(action))


def _lasted_s(action: Refresh | Await | ResetCache) -> float | None:
    """From its first run on, an apply will know how long a job lasts."""
    if isinstance(action, ResetCache):
        return None
    return UNKNOWN_DURATION_S if action.expected_s is None else action.expected_s


# The calls that a walk meets one by one: their instants are kept, and no call.


class Met:
    """What was met so far. `leaders`: with whose calls an item rode along, and how often.

    `measured_s`: how long the next job of each refresh lasts, None where none was measured.
    `company`: the name of those with whom each shares calls.
    """

    def __init__(
        self, measured_s: Mapping[Address, float | None], company: Mapping[Address, str]
    ) -> None:
        self.measured_s = dict(measured_s)
        self._company = company
        self._runs: dict[Address, array[int]] = defaultdict(lambda: array("q"))
        self._calls: dict[str, dict[float | None, array[int]]] = defaultdict(dict)
        self._hard: dict[str, array[int]] = defaultdict(lambda: array("q"))
        self.leaders: dict[Address, Counter[Address]] = defaultdict(Counter)

    def add(self, at: datetime, actions: Iterable[Refresh | ResetCache]) -> None:
        """Remember the calls of an instant."""
        at_us = microseconds(at)
        for action in actions:
            covered = [coverage.address for coverage in action.covers]
            for address in covered:
                self._runs[address].append(at_us)
            if isinstance(action, Refresh):
                lasts_s, company = self._measure(covered), self._company[covered[0]]
                self._calls[company].setdefault(lasts_s, array("q")).append(at_us)
                if action.mode is Mode.HARD:
                    self._hard[company].append(at_us)
                self._lead(action, covered)

    def _measure(self, covered: Sequence[Address]) -> float | None:
        """Return how long a job is expected to last; from then on each of them is measured."""
        known = (self.measured_s.get(address) for address in covered)
        longest = max((lasts_s for lasts_s in known if lasts_s is not None), default=None)
        for address in covered:
            if self.measured_s.get(address) is None:
                self.measured_s[address] = UNKNOWN_DURATION_S
        return longest

    def _lead(self, call: Refresh, covered: Sequence[Address]) -> None:
        pulled = [isinstance(reason, why.PulledForward) for reason in call.reasons]
        if any(pulled):
            leader = next((a for a, rides in zip(covered, pulled, strict=True) if not rides), None)
            for address, rides in zip(covered, pulled, strict=True):
                if rides and leader is not None:
                    self.leaders[address][leader] += 1

    def leader(self, address: Address) -> Address:
        """Return with whom an item rode along most often."""
        leaders = self.leaders[address]
        return min(leaders, key=lambda leader: (-leaders[leader], leader))

    def runs(self, address: Address) -> tuple[Piece, ...]:
        """Return when an item was met."""
        return _pieces(self._runs.get(address))

    def calls(self, group: str) -> Iterator[tuple[float | None, tuple[Piece, ...]]]:
        """Yield the calls of a company by how long their jobs last."""
        for lasts_s, instants in self._calls.get(group, {}).items():
            yield lasts_s, _pieces(instants)

    def hard(self, group: str) -> tuple[Piece, ...]:
        """Return its hard refreshes."""
        return _pieces(self._hard.get(group))


def _pieces(instants: "array[int] | None") -> tuple[Piece, ...]:
    if not instants:
        return ()
    if len(instants) == 1:
        return (once(instants[0]),)
    return (Slice(Marks(instants), 0, len(instants), 0),)


# How much may be walked one by one before a look ahead is refused.

MOST_RUNS: Final = 500_000
"""Walked one by one at most: what is looked at may come from anyone's pull request."""


def require_bounded(items: Iterable[Item], now: datetime, until: datetime) -> None:
    """Raise ReconcileError if these items run more than `MOST_RUNS` times by their cadences."""
    if sum(_runs_at_most(item, now, until) for item in items) > MOST_RUNS:
        detail = (
            f"Up to the horizon there would be more than {MOST_RUNS:,} runs of items that fail or "
            "may ride along with others, the most that are followed one by one."
        )
        hint = "Look less far ahead: --for 1d of a forecast, --horizon 1d of a plan"
        raise fail("horizon-too-busy", detail, hint=hint)


def _runs_at_most(item: Item, now: datetime, until: datetime) -> int:
    match item.timing.cadence:
        case Every(interval):
            return int((until - now) / interval) + 2
        case Cron() | At() as cadence:
            return count_slots(cadence, item.timing.zone, now, until) + 2
        case _:
            # A reset that follows a refresh runs no more often than that, which is counted.
            return 1


# What a look ahead starts from.


class Outset(Struct, frozen=True, kw_only=True):
    """What a look ahead starts from, beside the files, the records and the instant.

    `choice`: what the operator asks of the plan of that instant; later ones ask nothing. `clock`:
    the real one, as `plan`'s. `strays`: who was covered by the call of a model with which it shares
    no connection any more, where only a part of the files that tell it is looked at. `covered`:
    where the items stand that a plan of the instant found covered; they are not judged again.
    """

    choice: Choice = Choice()
    clock: datetime | None = None
    strays: frozenset[Address] | None = None
    covered: Mapping[Address, Standing] = MappingProxyType({})


PLAIN: Final = Outset()
"""Nothing is asked of the plan, and its instant is the present one."""


def covered_by(planned: Plan) -> Mapping[Address, Standing]:
    """Return where the items stand of which a plan leaves nothing to judge: most of them, mostly.

    A covered item is neither due nor held back, so its standing is all that there is to a verdict.
    """
    return {
        standing.address: standing
        for standing in planned.standings
        if isinstance(standing.reason, why.CoveredSince)
        and standing.selected
        and standing.address not in planned.noted
    }


Calls = tuple[Refresh | ResetCache, ...]


class Walk:
    """One walk through the future of a desired state, from `now` on.

    An item is judged again only where its last verdict ends or a call has touched it: among a
    thousand items, most instants concern one. `records` and `verdicts`: what is recorded at the
    instant that is `reached`, and where each item stands there, judged alone.
    """

    def __init__(
        self, desired: Desired, recorded: Recorded, now: datetime, outset: Outset = PLAIN
    ) -> None:
        clock, strays = outset.clock, outset.strays
        believed = believed_of(recorded, now if clock is None else max(clock, now))
        recorded = replace(recorded, items=believed.items, signals=believed.signals)
        self._believed, self.signals = believed, believed.signals
        self._desired = desired
        self._strayed = strayed(desired, recorded.items) if strays is None else strays
        self._choice = outset.choice
        self._items = {item.address: item for item in desired.items}
        self.records: dict[Address, Record] = dict(recorded.items)
        self._fold = Fold(recorded, self.records)
        self._operations = count(1)
        self._alarms = Alarms()
        self._followers: dict[Address, list[Address]] = defaultdict(list)
        self._riders: dict[str, list[Address]] = defaultdict(list)
        for item in desired.items:
            if isinstance(item, ResetItem) and item.after is not None:
                self._followers[item.after].append(item.address)
            if isinstance(item, RefreshItem) and item.coalesce_within:
                self._riders[company_of(item)].append(item.address)
        self.verdicts: dict[Address, ItemVerdict[Item]] = {}
        self._now = self.reached = now
        self._unwatched = set(self._items)
        self._judge(self._items, outset.covered)

    def leave(self, addresses: Iterable[Address]) -> None:
        """Follow these items no further. Nobody who is still followed may depend on their runs."""
        for address in addresses:
            self._unwatched.discard(address)
            self._alarms.put(address, None)

    def steps(self, until: datetime, most: int = maxsize) -> Iterator[tuple[datetime, Calls]]:
        """Yield the instants before `until` at which calls fall due, and those calls.

        It looks at `most` instants at the most; `reached` tells up to where all is known.
        """
        yield from self.opening()
        yield from self.further(until, most)

    def opening(self) -> Iterator[tuple[datetime, Calls]]:
        """Yield the calls of `now`, in the order of two applies that follow each other at once."""
        first = self._due(self._items.keys())
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
        self._watch(self._unwatched)
        self._unwatched.clear()
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
            again = woken | self._touched(addresses(actions))
            self._judge(again)
            self._watch(again)

    def _due(self, woken: AbstractSet[Address]) -> list[Refresh | Await | ResetCache]:
        """Return what a plan of this instant holds, where only the woken may be newly due."""
        if not any(self.verdicts[address].is_due for address in woken):
            return []  # Then nobody rides along, and no reset follows.
        together = set(woken)
        for item in map(self._items.__getitem__, woken):
            if isinstance(item, RefreshItem):  # Who may be pulled forward by a call of it.
                together.update(self._riders.get(company_of(item), ()))
            elif item.after in self._items:
                together.add(item.after)
        together |= self._following(together)
        alone = {address: self.verdicts[address] for address in sorted(together)}
        judged = judge_together(alone, self._desired, self._believed, self._around())
        calls = judged.calls(self._desired.generation)
        return sorted(calls, key=lambda action: action.covers[0].address)

    def _judge(
        self, listed: Iterable[Address], covered: Mapping[Address, Standing] = MappingProxyType({})
    ) -> None:
        """Judge items at this instant. `covered`: what is known of some of them."""
        around = self._around()
        for address in listed:
            item, known = self._items[address], covered.get(address)
            record = None if known is None else self.records.get(address)
            if known is None or record is None:
                verdict = judge(item, around, self.verdicts.get(address))
            else:
                verdict = ItemVerdict(
                    item, record, noted=True, need=known, standing=known, coverage=None
                )
            self.verdicts[address] = verdict

    def _watch(self, listed: Iterable[Address]) -> None:
        """Set the alarms of items that are followed on, by where they stand."""
        around = self._around()
        for address in listed:
            verdict = self.verdicts[address]
            if is_of_reset(verdict):
                # As if no refresh went: a reset that is blocked wakes when its refresh does.
                verdict = ordered_after(verdict, self.verdicts, frozenset(), around)
            self._alarms.put(address, ends_at(verdict, followed=address in self._followers))

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
        for address, verdict in self.verdicts.items():
            if not verdict.noted:
                yield Noted(self._now, address, declaration(verdict.item))

    def _add(self, entries: Iterable[Entry]) -> None:
        for entry in tuple(entries):
            self._fold.add(Numbered(self._fold.sequence + 1, entry))

    def _touched(self, changed: Iterable[Address]) -> set[Address]:
        """Return whom a change of these records may concern, as far as it is declared."""
        touched = self._items.keys() & set(changed)
        return {*touched, *self._following(touched)}

    def _following(self, refreshes: Iterable[Address]) -> set[Address]:
        return {reset for address in refreshes for reset in self._followers.get(address, ())}

    def _around(self) -> Surroundings:
        return Surroundings(
            self.records,
            self._desired.freezes,
            self._choice,
            self._now,
            self._strayed,
            self.signals,
        )
