"""Signals: what is kept of those that came, and which slots they make. Pure."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from heapq import merge
from itertools import pairwise
from types import MappingProxyType

from msgspec import Struct

from reconcile.model.address import Address
from reconcile.model.desired import Desired, OnSignal
from reconcile.model.recorded import Consumed, Signal, Signals

KEPT = 8
"""Signals kept of a name, up to an instant and after it. One would do, but their rhythm tells when
the next may come."""


def received(signals: Signals, name: str, signal: Signal, limit: datetime | None = None) -> Signals:
    """Return the signals with one more. Told twice it is one; in any order it comes to the same.

    `limit`: what is later is not believed by the clock of whoever tells it. The newest up to then
    are kept apart from those after it, which were told by a clock that was ahead, and must not
    crowd them out. Without a limit all are kept.
    """
    known = {kept.at: kept for kept in signals.get(name, ())}
    before = known.setdefault(signal.at, signal)
    known[signal.at] = min(before, signal, key=lambda it: (it.received, it.by or "", it.note or ""))
    instants = sorted(known)
    if limit is not None:
        ahead = bisect_right(instants, limit)
        instants = [*instants[:ahead][-KEPT:], *instants[ahead:][-KEPT:]]
    newest = tuple(known[at] for at in instants)
    return signals if newest == signals.get(name) else MappingProxyType({**signals, name: newest})


def up_to(signals: Signals, limit: datetime) -> Signals:
    """Return the signals without those of a time later than `limit`."""
    if all(kept[-1].at <= limit for kept in signals.values()):
        return signals
    believed = {
        name: tuple(signal for signal in kept if signal.at <= limit)
        for name, kept in signals.items()
    }
    return MappingProxyType({name: kept for name, kept in believed.items() if kept})


def newest(signals: Signals, name: str, now: datetime) -> Signal | None:
    """Return the newest signal of a name that is not of the future."""
    kept = signals.get(name, ())
    place = bisect_right(kept, now, key=_at)
    return kept[place - 1] if place else None


def _at(signal: Signal) -> datetime:
    return signal.at


class Arrival(Struct, frozen=True):
    """What has come of the signals that an item awaits: by their names, ascending by instant.

    `complete`: together they make a slot, which is the latest of them.
    """

    came: tuple[tuple[str, Signal], ...]
    complete: bool

    @property
    def slot(self) -> datetime | None:
        """The slot that these signals make."""
        return self.came[-1][1].at if self.complete else None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of these signals."""
        return tuple(name for name, _ in self.came)

    @property
    def consumed(self) -> Consumed:
        """What a slot of these consumes, by name."""
        return tuple(sorted((name, signal.at) for name, signal in self.came))


def arrival(cadence: OnSignal, signals: Signals, consumed: Consumed, now: datetime) -> Arrival:
    """Say what has come by `now`; of several that must all come, since the last covered slot."""
    spent: Mapping[str, datetime] = dict(consumed) if cadence.all else {}
    there = [(name, newest(signals, name, now)) for name in cadence.names]
    fresh = [
        (name, signal)
        for name, signal in there
        if signal is not None and (name not in spent or signal.at > spent[name])
    ]
    came = tuple(sorted(fresh, key=lambda pair: (pair[1].at, pair[0])))
    if cadence.all:
        return Arrival(came, complete=len(came) == len(cadence.names))
    return Arrival(came[-1:], complete=bool(came))


def slots_of(
    cadence: OnSignal, signals: Signals, consumed: Consumed, now: datetime
) -> tuple[datetime | None, datetime | None]:
    """Return the newest slot at or before `now`, and the first after it that is known already.

    Of several that must all come, the newest is the covered one until the next is complete.
    """
    present = arrival(cadence, signals, consumed, now).slot
    coming = _coming(cadence, signals, now)
    later = (arrival(cadence, signals, consumed, at).slot for at in coming)
    following = next((slot for slot in later if slot not in {None, present}), None)
    if present is None and cadence.all:
        present = max((at for _, at in consumed), default=None)
    return present, following


def next_arrival(
    cadence: OnSignal, signals: Signals, consumed: Consumed, now: datetime
) -> datetime | None:
    """Return the first instant after `now` by which others of them have come, if one is known."""
    names = arrival(cadence, signals, consumed, now).names
    coming = _coming(cadence, signals, now)
    return next(
        (at for at in coming if arrival(cadence, signals, consumed, at).names != names), None
    )


def _coming(cadence: OnSignal, signals: Signals, now: datetime) -> Iterator[datetime]:
    """Yield when signals come that are told already, as a sender's clock may be a little ahead."""
    told = [signals.get(name, ()) for name in cadence.names]
    return merge(*(map(_at, kept[bisect_right(kept, now, key=_at) :]) for kept in told))


# Who awaits which signal, and how often one comes.


def awaited(desired: Desired) -> Mapping[str, tuple[Address, ...]]:
    """Return the items that await each signal, by its name, sorted."""
    found: dict[str, list[Address]] = {}
    for item in desired.items:
        cadence = item.timing.cadence
        for name in cadence.names if isinstance(cadence, OnSignal) else ():
            found.setdefault(name, []).append(item.address)
    return {name: tuple(sorted(found[name])) for name in sorted(found)}


def rhythm(kept: tuple[Signal, ...]) -> timedelta | None:
    """Return how far apart the kept signals of a name usually are, in round figures.

    None where fewer than three tell nothing of that.
    """
    gaps = sorted(later.at - earlier.at for earlier, later in pairwise(kept))
    if len(gaps) < _TELLING:
        return None
    usual = gaps[len(gaps) // 2]
    step = next((step for step in _ROUND if usual >= 4 * step), _ROUND[-1])
    return max(step, round(usual / step) * step)


def foreseen(signals: Signals, now: datetime, until: datetime) -> Signals:
    """Return the signals with those that would come before `until` if each kept its rhythm."""
    coming = dict(signals)
    for name, kept in signals.items():
        step = rhythm(kept)
        if step is not None:
            first = kept[-1].at + max(1, -((kept[-1].at - now) // step)) * step
            most = min(max(0, -((first - until) // step)), MOST_FORESEEN)
            instants = (first + number * step for number in range(most))
            coming[name] = (*kept, *(Signal(at, at) for at in instants))
    return MappingProxyType(coming)


MOST_FORESEEN = 10_000
_TELLING = 2
_ROUND = (timedelta(hours=1), timedelta(minutes=5), timedelta(minutes=1))
