"""The runs of the coming days: the one place from which every look ahead takes them.

It is supposed that an apply runs at once whenever something is due, that every call succeeds, and
that it takes no time. Watched files are taken not to change, and held items stay held.

What nothing but its own pause and freezes disturbs is counted by arithmetic, at the cost of its
slots, whoever shares them. Only the rest is walked from one instant to the next: refreshes that
may ride along with others, and whatever a failure or a doubt holds back.
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from reconcile.model.address import Address
from reconcile.model.desired import AfterRefresh, Desired, Generation, ResetItem
from reconcile.model.forecast import ExpectedCall, Riding
from reconcile.model.noun import noun
from reconcile.model.reason import Reason
from reconcile.model.recorded import Record, Recorded
from reconcile.planning.outlook.bounds import require_bounded
from reconcile.planning.outlook.closed import Windows
from reconcile.planning.outlook.courses import Courses
from reconcile.planning.outlook.instants import Piece, count, microseconds
from reconcile.planning.outlook.lines import Line, measured_s, refresh_line, reset_line
from reconcile.planning.outlook.met import Met
from reconcile.planning.outlook.outset import PLAIN, Outset
from reconcile.planning.outlook.runs import Runs, runs_of
from reconcile.planning.outlook.steady import Company, is_still, tried_again_at
from reconcile.planning.outlook.walk import Walk

_NO_RECORD: Final = Record()
_INSTANT: Final = timedelta(microseconds=1)


@noun(frozen=True, slots=True, kw_only=True)
class Ahead:
    """What runs from `now` (included) until `until` (excluded), UTC.

    `reasons`: why each item stands as it does at `now`. `riding`: the items that run more often
    than their cadence alone would.
    """

    desired: Desired
    recorded: Recorded
    now: datetime
    until: datetime
    outset: Outset
    runs: Mapping[Address, Runs]
    lines: tuple[Line, ...]
    reasons: Mapping[Address, Reason]
    riding: tuple[Riding, ...]

    @property
    def after(self) -> Mapping[Address, Address]:
        """Which refresh each reset is ordered after."""
        resets = (item for item in self.desired.items if isinstance(item, ResetItem))
        return {item.address: item.after for item in resets if item.after is not None}

    @property
    def polled(self) -> bool:
        """Whether a refresh leaves a job that is asked after."""
        return self.desired.generation is Generation.V1

    def calls(self, start: datetime, until: datetime) -> int:
        """Count the calls from `start` (included) to `until` (excluded)."""
        start_us, until_us = microseconds(start), microseconds(until)
        return sum(line.count(start_us, until_us) for line in self.lines)

    def hard_refreshes(self, start: datetime, until: datetime) -> int:
        """Count the hard refreshes among them."""
        start_us, until_us = microseconds(start), microseconds(until)
        return sum(count(line.hard, start_us, until_us) for line in self.lines)

    def singly(self) -> Iterator[ExpectedCall]:
        """Yield every call by itself, by instant and address. This walks: it costs the calls."""
        walk = Walk(self.desired, self.recorded, self.now, self.outset)
        for at, actions in walk.steps(self.until):
            for action in actions:
                yield ExpectedCall(at, action)


def look_ahead(
    desired: Desired,
    recorded: Recorded,
    now: datetime,
    until: datetime,
    outset: Outset = PLAIN,
) -> Ahead:
    """Say when every item runs, and what calls that makes. Pure.

    `recorded`: with what was renamed under its new names. Raises ReconcileError if too much would
    have to be walked.
    """
    return _Look(desired, recorded, now, until, outset).ahead()


class _Look:
    def __init__(
        self,
        desired: Desired,
        recorded: Recorded,
        now: datetime,
        until: datetime,
        outset: Outset,
    ) -> None:
        self._desired = desired
        self._recorded = recorded
        self._now, self._until = now, until
        self._outset = outset
        self._items = {item.address: item for item in desired.items}
        self._company = Company(desired.items)
        self._met = Met(
            {
                item.address: measured_s(item, recorded.items.get(item.address, _NO_RECORD))
                for members in self._company.groups.values()
                for item in members
            }
        )
        self._courses: dict[Address, tuple[Piece, ...]] = {}

    def ahead(self) -> Ahead:
        walk = Walk(self._desired, self._recorded, self._now, self._outset)
        reasons = walk.reasons()
        for at, actions in walk.opening():
            self._met.add(at, actions)
        settled = self._settle(walk, frozenset(), self._now)
        again = filter(None, map(tried_again_at, walk.verdicts().values()))
        # Once it was tried again, what failed is like any other.
        last = max((at for at in again if self._now < at < self._until), default=None)
        if last is not None:
            self._walk(walk, settled, last + _INSTANT)
            settled |= self._settle(walk, settled, last)
        self._walk(walk, settled, self._until)
        runs = {
            address: runs_of([*self._met.runs(address), *self._courses.get(address, ())])
            for address in self._items
        }
        return Ahead(
            desired=self._desired,
            recorded=self._recorded,
            now=self._now,
            until=self._until,
            outset=self._outset,
            runs=runs,
            lines=tuple(self._lines()),
            reasons=reasons,
            riding=tuple(self._riding(runs)),
        )

    def _walk(self, walk: Walk, settled: AbstractSet[Address], until: datetime) -> None:
        """Go from instant to instant, as far as arithmetic does not say what happens."""
        left = (item for address, item in self._items.items() if address not in settled)
        require_bounded(left, self._now, until)
        for at, actions in walk.further(until):
            self._met.add(at, actions)

    def _settle(
        self, walk: Walk, settled: AbstractSet[Address], at: datetime
    ) -> AbstractSet[Address]:
        """Take from the walk what can be told by arithmetic from an instant on, and tell it."""
        verdicts = walk.verdicts()
        fresh = self._company.steady(verdicts, settled) - settled
        walk.leave(fresh)
        courses = Courses(walk.records, at, self._until)
        windows = Windows(self._desired, at, self._until)
        # Refreshes first: a reset may follow one.
        for address in sorted(fresh, key=lambda a: isinstance(self._items[a], ResetItem)):
            item, verdict = self._items[address], verdicts[address]
            if not is_still(verdict):
                followed: tuple[Piece, ...] = ()
                cadence = item.timing.cadence
                if isinstance(cadence, AfterRefresh):
                    followed = self._courses.get(cadence.refresh, ())
                self._courses[address] = courses.runs(verdict, windows.closed(item), followed)
        return fresh

    def _lines(self) -> Iterator[Line]:
        for group, members in self._company.groups.items():
            yield refresh_line(group, members, self._courses, self._met)
        for item in self._company.resets:
            yield reset_line(item, self._courses, self._met)

    def _riding(self, runs: Mapping[Address, Runs]) -> Iterator[Riding]:
        """Yield what runs more often than it would if there were no other item."""
        for address in sorted(self._met.leaders):
            item, known = self._items[address], self._recorded.items.get(address)
            records = {} if known is None else {address: known}
            recorded = replace(self._recorded, items=MappingProxyType(records))
            desired = replace(self._desired, items=(item,))
            outset = Outset(clock=self._outset.clock, strays=frozenset())
            alone = look_ahead(desired, recorded, self._now, self._until, outset).runs[address]
            if len(runs[address]) > len(alone):
                along = self._met.leader(address)
                cadence = self._items[along].timing.cadence
                yield Riding(address, along, cadence, len(runs[address]), len(alone))
