"""The days ahead, supposing an apply whenever something falls due and every call a success."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from itertools import chain
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from reconcile.model import desired as declared
from reconcile.model.address import Address
from reconcile.model.forecast import ExpectedCall, Riding
from reconcile.model.reason import Reason
from reconcile.model.recorded import NO_RECORD, Recorded
from reconcile.model.struct import replace
from reconcile.planning.budget import UNKNOWN_DURATION_S, poll_ages_s
from reconcile.planning.requests import measured_s
from reconcile.planning.steady import (
    MINUTE_US,
    Company,
    Courses,
    Piece,
    Runs,
    Windows,
    is_still,
    microseconds,
    once,
    parts,
    tried_again_at,
    united,
    within,
)
from reconcile.planning.walk import PLAIN, Met, Outset, Walk, require_bounded

# The calls that the runs of items make, connection by connection and reset by reset.


class CallSeries(Struct, frozen=True, kw_only=True):
    """Calls of which at most one goes out at an instant: of refreshes that share, or a reset.

    `calls`: their instants by how long their jobs are expected to last, in seconds; None for what
    was never measured, and for resets. `hard`: of those that are hard refreshes. `group`: empty
    for a reset; `after`: the refresh that one is ordered after.
    """

    addresses: tuple[Address, ...]
    group: str
    calls: tuple[tuple[float | None, tuple[Piece, ...]], ...]
    hard: tuple[Piece, ...]
    after: Address | None = None


def _voices(
    pieces: tuple[Piece, ...], lasts_s: float | None
) -> Iterator[tuple[float | None, tuple[Piece, ...]]]:
    """Yield when a refresh runs by how long its jobs last: after its first one that is measured."""
    if lasts_s is None and pieces:
        first_us = pieces[0][0]
        yield None, (once(first_us),)
        pieces = tuple(parts(pieces, first_us + 1, pieces[-1][-1] + 1))
    if pieces:
        yield UNKNOWN_DURATION_S if lasts_s is None else lasts_s, pieces


# The runs of the coming days: the one place from which every look ahead takes them.
#
# It is supposed that an apply runs at once whenever something is due, that every call succeeds, and
# that it takes no time. Watched files are taken not to change, and held items stay held.
#
# What nothing but its own pause and freezes disturbs is counted by arithmetic, at the cost of its
# slots, whoever shares them. Only the rest is walked from one instant to the next: refreshes that
# may ride along with others, and whatever a failure or a doubt holds back.

_INSTANT: Final = timedelta(microseconds=1)


class Ahead(Struct, frozen=True, kw_only=True):
    """What runs from `now` (included) until `until` (excluded), UTC.

    `reasons`: why each item stands as it does at `now`. `riding`: the items that run more often
    than their cadence alone would.
    """

    desired: declared.Desired
    recorded: Recorded
    now: datetime
    until: datetime
    outset: Outset
    runs: Mapping[Address, Runs]
    lines: tuple[CallSeries, ...]
    reasons: Mapping[Address, Reason]
    riding: tuple[Riding, ...]

    @property
    def polled(self) -> bool:
        """Whether a refresh leaves a job that is asked after."""
        return self.desired.generation is declared.Generation.V1

    @property
    def refreshes(self) -> int:
        """How many of all its calls refresh something."""
        lines = (line for line in self.lines if line.group)
        return sum(len(piece) for line in lines for _, pieces in line.calls for piece in pieces)

    def calls(self, *spans: tuple[datetime, datetime]) -> tuple[int, ...]:
        """Count the calls of each span, from its start (included) to its end (excluded)."""
        return _counts(_weights(self), spans)

    def hard_refreshes(self, *spans: tuple[datetime, datetime]) -> tuple[int, ...]:
        """Count the hard refreshes among them."""
        return _counts(Counter(chain.from_iterable(line.hard for line in self.lines)), spans)

    def __iter__(self) -> Iterator[ExpectedCall]:
        """Yield every call by itself, by instant and address. This walks: it costs the calls."""
        walk = Walk(self.desired, self.recorded, self.now, self.outset)
        for at, actions in walk.steps(self.until):
            for action in actions:
                yield ExpectedCall(at, action)


def look_ahead(
    desired: declared.Desired,
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
        desired: declared.Desired,
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
                item.address: measured_s(item, recorded.items.get(item.address, NO_RECORD))
                for members in self._company.groups.values()
                for item in members
            },
            self._company.of,
        )
        self._courses: dict[Address, tuple[Piece, ...]] = {}

    def ahead(self) -> Ahead:
        walk = Walk(self._desired, self._recorded, self._now, self._outset)
        reasons = {address: verdict.standing.reason for address, verdict in walk.verdicts.items()}
        for at, actions in walk.opening():
            self._met.add(at, actions)
        settled = self._settle(walk, frozenset(), self._now)
        again = filter(None, map(tried_again_at, walk.verdicts.values()))
        # Once it was tried again, what failed is like any other.
        last = max((at for at in again if self._now < at < self._until), default=None)
        if last is not None:
            self._walk(walk, settled, last + _INSTANT)
            settled |= self._settle(walk, settled, last)
        self._walk(walk, settled, self._until)
        runs = {
            address: Runs([*self._met.runs(address), *self._courses.get(address, ())])
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
        verdicts = walk.verdicts
        fresh = self._company.steady(verdicts, settled) - settled
        walk.leave(fresh)
        courses = Courses(walk.records, at, self._until, walk.signals)
        windows = Windows(self._desired, at, self._until)
        # Refreshes first: a reset may follow one.
        for address in sorted(fresh, key=lambda a: isinstance(self._items[a], declared.ResetItem)):
            item, verdict = self._items[address], verdicts[address]
            if not is_still(verdict):
                followed: tuple[Piece, ...] = ()
                cadence = item.timing.cadence
                if isinstance(cadence, declared.AfterRefresh):
                    followed = self._courses.get(cadence.refresh, ())
                self._courses[address] = courses.runs(verdict, windows.closed(item), followed)
        return fresh

    def _lines(self) -> Iterator[CallSeries]:
        for group, members in self._company.groups.items():
            yield self._shared(group, members)
        for item in self._company.resets:
            runs = (*self._met.runs(item.address), *self._courses.get(item.address, ()))
            calls = ((None, runs),) if runs else ()
            yield CallSeries(
                addresses=(item.address,), group="", calls=calls, hard=(), after=item.after
            )

    def _shared(self, group: str, members: Sequence[declared.RefreshItem]) -> CallSeries:
        """Return the calls of one company: members that run together share one."""
        told = [(item, self._courses.get(item.address, ())) for item in members]
        voices: list[tuple[float | None, tuple[Piece, ...]]] = []
        for item, pieces in told:
            voices += _voices(pieces, self._met.measured_s[item.address])
        # The longest job first: it is what a shared call takes.
        voices.sort(key=lambda voice: -1.0 if voice[0] is None else voice[0], reverse=True)
        alone = united(pieces for _, pieces in voices)
        hard = united(pieces for item, pieces in told if item.mode is declared.Mode.HARD)
        fresh = zip((lasts_s for lasts_s, _ in voices), map(tuple, alone), strict=True)
        return CallSeries(
            addresses=tuple(sorted(item.address for item in members)),
            group=group,
            calls=(*self._met.calls(group), *(call for call in fresh if call[1])),
            hard=(*self._met.hard(group), *(piece for pieces in hard for piece in pieces)),
        )

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


# What lies ahead, minute by minute: calls, and the requests that they ask of the budget.

_SECOND_US: Final = 1_000_000


def calls_by_minute(ahead: Ahead) -> list[int]:
    """Count the calls of each UTC minute, the first of them that of `now`."""
    return _Minutes(ahead).add(_weights(ahead)).counts


def requests_by_minute(ahead: Ahead) -> list[int]:
    """Count the requests wanted in each UTC minute, polls included.

    Jobs last as long as the recorded ones did. This is what falls due, not what is sent: an apply
    spreads what is over the budget over the minutes that follow.
    """
    minutes = _Minutes(ahead).add(_weights(ahead))
    if ahead.polled:
        jobs: dict[float | None, Counter[Piece]] = {}
        for line in ahead.lines:
            if line.group:
                for lasts_s, pieces in line.calls:
                    jobs.setdefault(lasts_s, Counter()).update(pieces)
        for lasts_s, weights in jobs.items():
            for age_s in poll_ages_s(lasts_s):
                minutes.add(weights, round(age_s * _SECOND_US))
    return minutes.counts


def _weights(ahead: Ahead) -> Counter[Piece]:
    """Count how many lines have the same instants: these are looked at once."""
    return Counter(piece for line in ahead.lines for _, pieces in line.calls for piece in pieces)


def _counts(
    weights: Mapping[Piece, int], spans: Iterable[tuple[datetime, datetime]]
) -> tuple[int, ...]:
    bounds = ((microseconds(start), microseconds(until)) for start, until in spans)
    return tuple(
        sum(weight * len(within(piece, *bound)) for piece, weight in weights.items())
        for bound in bounds
    )


class _Minutes:
    """A count for each minute from that of `now` until `until`; later ones are dropped."""

    def __init__(self, ahead: Ahead) -> None:
        self._first = microseconds(ahead.now) // MINUTE_US
        self.counts = [0] * (-(-microseconds(ahead.until) // MINUTE_US) - self._first)

    def add(self, weights: Mapping[Piece, int], later_us: int = 0) -> "_Minutes":
        """Count each instant as often as its piece weighs, so many microseconds later."""
        alike: Counter[range] = Counter()
        for piece, weight in weights.items():
            if isinstance(piece, range) and not piece.step % MINUTE_US:
                first = (piece.start + later_us) // MINUTE_US - self._first
                step = piece.step // MINUTE_US
                alike[range(first, first + step * len(piece), step)] += weight
            elif isinstance(piece, range) and len(piece) > len(self.counts):
                self._add_dense(piece, weight, later_us)
            else:
                self._add_each(piece, weight, later_us)
        for places, weight in alike.items():
            for place in places[: len(range(places.start, len(self.counts), places.step))]:
                self.counts[place] += weight
        return self

    def _add_each(self, piece: Piece, weight: int, later_us: int) -> None:
        counts, shift_us = self.counts, later_us - self._first * MINUTE_US
        for at_us in piece:
            place = (at_us + shift_us) // MINUTE_US
            if place >= len(counts):
                return
            counts[place] += weight

    def _add_dense(self, piece: range, weight: int, later_us: int) -> None:
        """Count by minutes what has several in each."""
        before = 0
        start_us = self._first * MINUTE_US - later_us
        for place in range(len(self.counts)):
            start_us += MINUTE_US
            upto = min(len(piece), max(0, -((piece.start - start_us) // piece.step)))
            self.counts[place] += weight * (upto - before)
            before = upto
