"""The calls that a walk meets one by one: their instants are kept, and no call."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from reconcile.model.address import Address
from reconcile.model.desired import Mode
from reconcile.model.plan import Refresh, ResetCache
from reconcile.model.reason import PulledForward
from reconcile.planning.budget.polling import UNKNOWN_DURATION_S
from reconcile.planning.outlook.instants import Marks, Piece, Slice, microseconds, once


class Met:
    """What was met so far. `leaders`: with whose calls an item rode along, and how often."""

    def __init__(self, measured_s: Mapping[Address, float | None]) -> None:
        """`measured_s`: how long the jobs of each refresh last, None where none was measured."""
        self._measured_s = dict(measured_s)
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
                lasts_s = self._measure(covered)
                self._calls[action.group].setdefault(lasts_s, array("q")).append(at_us)
                if action.mode is Mode.HARD:
                    self._hard[action.group].append(at_us)
                self._lead(action, covered)

    def _measure(self, covered: Sequence[Address]) -> float | None:
        """Return how long a job is expected to last; from then on each of them is measured."""
        known = (self._measured_s.get(address) for address in covered)
        longest = max((lasts_s for lasts_s in known if lasts_s is not None), default=None)
        for address in covered:
            if self._measured_s.get(address) is None:
                self._measured_s[address] = UNKNOWN_DURATION_S
        return longest

    def measured_s(self, address: Address) -> float | None:
        """Return how long the next job of a refresh lasts, in seconds; None if none was seen."""
        return self._measured_s.get(address)

    def _lead(self, call: Refresh, covered: Sequence[Address]) -> None:
        pulled = [isinstance(reason, PulledForward) for reason in call.reasons]
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
        """Yield the calls of a connection and branch by how long their jobs last."""
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
