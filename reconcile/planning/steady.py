"""Of which items arithmetic can say when they run.

An item is steady once its last call succeeded and nobody pulls it forward: then nothing but its
own pause and freezes disturbs it.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain, islice
from math import gcd
from types import MappingProxyType
from typing import Final, assert_never, overload

from msgspec import Struct

from reconcile.model import desired as declared
from reconcile.model import reason as why
from reconcile.model.address import Address
from reconcile.model.forecast import Span
from reconcile.model.plan import Standing
from reconcile.model.recorded import Record, Signals
from reconcile.model.struct import replace
from reconcile.planning.item import ItemVerdict, Surroundings, floor_of, latest, settled_until
from reconcile.planning.plan import ALL_OF_IT, need_of
from reconcile.planning.requests import company_of
from reconcile.planning.time.slots import frozen_until, matches, next_change, spread_of, wall_slots

_QUIET: Final = (
    why.AwaitsSignals,
    why.CoveredSince,
    why.DeadlineMissed,
    why.FrozenBy,
    why.NothingYet,
    why.PausedUntil,
    why.StampWouldGoBack,
    why.WaitsForFiles,
    why.WaitsForNextSlot,
    why.WaitsUntil,
)
"""Reasons that end with the next slot, or with the stretch in which the item may not run."""

_STILL: Final = (why.HeldAfterFailures, why.HeldInDoubt)


def is_steady(verdict: ItemVerdict[declared.Item]) -> bool:
    """Tell whether arithmetic can say when an item runs, given where it stands.

    Whatever a failure or a doubt holds back is not.
    """
    record = verdict.record
    if record.pending is not None or record.unseen is not None or record.failures:
        return False
    if not isinstance(verdict.standing.reason, _QUIET):
        return False
    # Its carrier having left, not its cadence, makes it due: arithmetic knows nothing of that.
    if isinstance(verdict.need.reason, why.CarrierLeft):
        return False
    match verdict.item.timing.cadence:
        case declared.Every():
            # It is known from when on the interval counts.
            return verdict.need.next_slot is not None or verdict.need.status is why.Status.DUE
        case declared.OnSignal():
            # One that is known to come: after it there is nothing to tell.
            return verdict.need.next_slot is None
        case _:
            return True


def is_still(verdict: ItemVerdict[declared.Item]) -> bool:
    """Tell whether an item is held until a person frees it: it does not run at all."""
    return isinstance(verdict.standing.reason, _STILL)


def tried_again_at(verdict: ItemVerdict[declared.Item]) -> datetime | None:
    """Return when an item that failed goes on, after which it is like any other."""
    match verdict.standing.reason:
        case (
            why.BackingOff(retry_at=at)
            | why.OutcomeUnknown(retry_at=at)
            | why.RefreshUnseen(retry_at=at)
        ):
            return at
        case _:
            return None


class Company:
    """Who shares calls with whom, and who follows whom.

    `groups`: the refreshes that share calls, by what `company_of` names; `of`: the name of each.
    """

    def __init__(self, items: Iterable[declared.Item]) -> None:
        self.groups: dict[str, list[declared.RefreshItem]] = defaultdict(list)
        self.resets: list[declared.ResetItem] = []
        self.of: dict[Address, str] = {}
        for item in items:
            if isinstance(item, declared.RefreshItem):
                self.of[item.address] = group = company_of(item)
                self.groups[group].append(item)
            else:
                self.resets.append(item)

    def steady(
        self, verdicts: Mapping[Address, ItemVerdict[declared.Item]], known: AbstractSet[Address]
    ) -> AbstractSet[Address]:
        """Return whose runs are a matter of arithmetic, those that never run included.

        `known`: of whom that was found before.
        """
        still = {address for address, verdict in verdicts.items() if is_still(verdict)}
        steady = {a for a, v in verdicts.items() if a in known or is_steady(v)}
        walked = self._needed(still | steady)
        for group, members in self.groups.items():
            addresses = {item.address for item in members} - still
            rides = len(addresses) > 1 and any(item.coalesce_within for item in members)
            if rides or group in walked or not addresses <= steady:
                steady -= addresses
        for item in self.resets:
            follows = isinstance(item.timing.cadence, declared.AfterRefresh)
            never = follows and item.after in still
            if item.after in self.of and item.after not in steady and not never:
                # It needs the calls of its refresh, or to know until when that blocks it.
                steady.discard(item.address)
                still.discard(item.after)
        return steady | still

    def _needed(self, steady: AbstractSet[Address]) -> set[str]:
        """Return the connections and branches whose calls a reset needs that must be walked."""
        return {
            self.of[cadence.refresh]
            for item in self.resets
            if isinstance(cadence := item.timing.cadence, declared.AfterRefresh)
            and item.address not in steady
            and cadence.refresh in self.of
        }


# The time during which an item may not run, whatever falls due: its pause and its freezes.


class Closed(Struct, frozen=True):
    """Stretches during which an item may not run: ascending, none touching the next."""

    spans: tuple[tuple[datetime, datetime], ...]

    @staticmethod
    def of(spans: Iterable[tuple[datetime, datetime]]) -> "Closed":
        """Join stretches that overlap or touch."""
        joined: list[tuple[datetime, datetime]] = []
        for start, end in sorted(spans):
            if joined and start <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
            else:
                joined.append((start, end))
        return Closed(tuple(joined))

    def holds(self, instant: datetime) -> bool:
        """Tell whether an item may not run at an instant."""
        place = bisect_right(self.spans, instant, key=lambda span: span[0]) - 1
        return place >= 0 and instant < self.spans[place][1]


OPEN: Final = Closed(())


class Windows:
    """The freezes of a desired state from `start` (included) until `until` (excluded), UTC.

    Most items are matched by the same freezes: what these come to is worked out once.
    """

    def __init__(self, desired: declared.Desired, start: datetime, until: datetime) -> None:
        self._start = start
        self._until = until
        self._frozen: Mapping[declared.Freeze, tuple[Span, ...]] = {
            freeze: spans
            for freeze in desired.freezes
            if (spans := tuple(_spans(freeze, start, until)))
        }
        self._closed: dict[tuple[object, ...], Closed] = {}

    def frozen(self, item: declared.Item) -> tuple[Span, ...]:
        """List the stretches in which a freeze that matches the item holds."""
        return tuple(
            span
            for freeze, spans in self._frozen.items()
            if matches(freeze, item.address)
            for span in spans
        )

    def matching(self, items: Iterable[declared.Item]) -> tuple[Span, ...]:
        """List the stretches of the freezes that match any of the items, ascending."""
        found = {span for item in items for span in self.frozen(item)} if self._frozen else set()
        return tuple(sorted(found, key=lambda span: (span.start, span.until, span.name)))

    def closed(self, item: declared.Item) -> Closed:
        """Return when an item may not run, by its pause and by its freezes."""
        pause = item.timing.pause
        if pause is None and not self._frozen:
            return OPEN
        frozen = self.frozen(item)
        paused = pause is not None and (pause.until is None or pause.until > self._start)
        until = self._until if pause is None or pause.until is None else pause.until
        key = frozen, paused and until
        if key not in self._closed:
            spans = [(span.start, span.until) for span in frozen]
            if paused:
                spans.append((self._start, min(until, self._until)))
            self._closed[key] = Closed.of(spans)
        return self._closed[key]


def _spans(freeze: declared.Freeze, start: datetime, until: datetime) -> Iterator[Span]:
    moment: datetime | None = start
    while moment is not None and moment < until:
        frozen = frozen_until(freeze, moment)
        if frozen is not None:
            yield Span(moment, min(frozen.until or until, until), freeze.name)
        moment = next_change(freeze.window, moment)


# Many instants, counted without being listed one by one.
#
# Inside they are whole microseconds since 1970 (UTC): as ranges of equal steps, or as slices of the
# slots of one wall-clock cadence, which all items that keep to it share.

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
MINUTE_US: Final = 60_000_000


def microseconds(instant: datetime) -> int:
    """Return an instant as microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND


def instant_of(at_us: int) -> datetime:
    """Return the instant (UTC) so many microseconds after 1970."""
    return _EPOCH + timedelta(microseconds=at_us)


class Marks:
    """Ascending instants that many share. Two are the same only if they are one object."""

    __slots__ = ("at_us",)

    def __init__(self, at_us: Iterable[int]) -> None:
        self.at_us = array("q", at_us)


class Slice(Struct, frozen=True):
    """The marks from number `low` (included) to `high` (excluded), all shifted by `shift_us`."""

    marks: Marks
    low: int
    high: int
    shift_us: int

    def __len__(self) -> int:
        return self.high - self.low

    def __iter__(self) -> Iterator[int]:
        shown = islice(self.marks.at_us, self.low, self.high)
        shift_us = self.shift_us
        return (at_us + shift_us for at_us in shown) if shift_us else iter(shown)

    def __getitem__(self, place: int) -> int:
        return self.marks.at_us[range(self.low, self.high)[place]] + self.shift_us


Piece = range | Slice
"""Ascending instants, in microseconds since 1970."""


def once(at_us: int) -> range:
    """Return one instant as a piece."""
    return range(at_us, at_us + 1)


def within(piece: Piece, start_us: int, until_us: int) -> Piece:
    """Return the part of a piece from `start_us` (included) to `until_us` (excluded)."""
    if isinstance(piece, range):
        low = max(0, -((piece.start - start_us) // piece.step))
        high = max(0, -((piece.start - until_us) // piece.step))
        return piece[low:high]
    low = bisect_left(piece.marks.at_us, start_us - piece.shift_us, piece.low, piece.high)
    high = bisect_left(piece.marks.at_us, until_us - piece.shift_us, low, piece.high)
    return Slice(piece.marks, low, high, piece.shift_us)


def parts(pieces: Iterable[Piece], start_us: int, until_us: int) -> list[Piece]:
    """Return what of the pieces lies from `start_us` (included) to `until_us` (excluded)."""
    return [part for piece in pieces if (part := within(piece, start_us, until_us))]


def count(pieces: Iterable[Piece], start_us: int, until_us: int) -> int:
    """Count the instants from `start_us` (included) to `until_us` (excluded)."""
    return sum(len(within(piece, start_us, until_us)) for piece in pieces)


# The runs of steady items, by arithmetic.
#
# Such an item runs at each of its slots, and where one fell while it might not run, once at the end
# of that stretch.


class Courses:
    """The runs of steady items after `now` and before `until` (UTC). `records`: as of `now`."""

    def __init__(
        self,
        records: Mapping[Address, Record],
        now: datetime,
        until: datetime,
        signals: Signals = MappingProxyType({}),
    ) -> None:
        self._records, self._signals = records, signals
        self._now = now
        self._until = until
        self._after_us, self._until_us = microseconds(now) + 1, microseconds(until)
        self._marks = cache(self._slots)
        self._found: dict[tuple[object, ...], tuple[Piece, ...]] = {}

    def runs(
        self, verdict: ItemVerdict[declared.Item], closed: Closed, followed: tuple[Piece, ...] = ()
    ) -> tuple[Piece, ...]:
        """Return when an item runs. `followed`: the runs of the refresh that one follows."""
        cadence = verdict.item.timing.cadence
        if isinstance(cadence, declared.Every):
            return tuple(self._stepping(verdict, cadence.interval, closed))
        slots = self.slots(verdict.item, followed)
        return tuple(self._fixed(verdict, slots, closed)) if closed.spans else slots

    def slots(self, item: declared.Item, followed: tuple[Piece, ...] = ()) -> tuple[Piece, ...]:
        """Return the slots of an item that do not depend on when it runs itself."""
        match item.timing.cadence:
            case declared.Cron() | declared.At() as cadence:
                return self._on_clocks(item, cadence)
            case declared.AfterRefresh():
                return followed
            case declared.ResetAt(instant) if self._now < instant < self._until:
                covered = self._covered_until(item)
                made_up = covered is not None and instant <= covered
                return () if made_up else (once(microseconds(instant)),)
            case (
                declared.ResetAt() | declared.WhenChanged() | declared.Every() | declared.OnSignal()
            ):
                return ()
            case _ as unreachable:
                assert_never(unreachable)

    def _on_clocks(
        self, item: declared.Item, cadence: declared.Cron | declared.At
    ) -> tuple[Piece, ...]:
        spread, covered = item.timing.spread, self._covered_until(item)
        shift = spread_of(item, spread)
        key = cadence, item.timing.zone, spread, shift, covered
        if key not in self._found:  # Most items share theirs.
            after = self._now if covered is None else max(self._now, covered)
            marks = self._marks(cadence, item.timing.zone, spread)
            slots = Slice(marks, 0, len(marks.at_us), shift // _MICROSECOND)
            self._found[key] = tuple(parts([slots], microseconds(after) + 1, self._until_us))
        return self._found[key]

    def _slots(self, cadence: declared.Cron | declared.At, zone: str, spread: timedelta) -> Marks:
        slots = wall_slots(cadence, zone).between(self._now - spread, self._until)
        return Marks(map(microseconds, slots))

    def _covered_until(self, item: declared.Item) -> datetime | None:
        """Return up to when slots are made up or let pass, be it later than `now`."""
        record = self._records.get(item.address)
        if record is None:
            return None
        return latest(settled_until(record), floor_of(item, record, self._now))

    def _fixed(
        self, verdict: ItemVerdict[declared.Item], slots: tuple[Piece, ...], closed: Closed
    ) -> Iterator[Piece]:
        """Yield the slots outside closed stretches, and the run that may end each."""
        item, record, opened_us = verdict.item, verdict.record, self._after_us
        for start, end in closed.spans:
            while_open = parts(slots, opened_us, microseconds(start))
            yield from while_open
            if while_open:
                last = instant_of(while_open[-1][-1])
                record = _ran(item, record, last, last)
            if end >= self._until:
                return
            opened_us = microseconds(end) + 1
            need = self._need(item, record, end, slots)
            if need.status is why.Status.DUE:
                yield once(microseconds(end))
                record = _ran(item, record, end, need.newest_slot)
        yield from parts(slots, opened_us, self._until_us)

    def _stepping(
        self, verdict: ItemVerdict[declared.Item], interval: timedelta, closed: Closed
    ) -> Iterator[Piece]:
        """Yield the runs of an interval, which counts from the run before."""
        item, record, step_us = verdict.item, verdict.record, interval // _MICROSECOND
        passed = floor_of(item, record, self._now)
        slot = self._now if verdict.need.status is why.Status.DUE else verdict.need.next_slot
        for start, end in closed.spans:
            steps = _steps(slot, start, step_us, passed)
            if steps:
                yield steps
                last = instant_of(steps[-1])
                record = _ran(item, record, last, last)
            if end >= self._until:
                return
            need = self._need(item, record, end, ())
            slot = need.next_slot
            if need.status is why.Status.DUE:
                yield once(microseconds(end))
                record = _ran(item, record, end, need.newest_slot)
                slot = end + interval
        if steps := _steps(slot, self._until, step_us, passed):
            yield steps

    def _need(
        self, item: declared.Item, record: Record, at: datetime, slots: tuple[Piece, ...]
    ) -> Standing:
        """Judge what an item needs at the instant from which on it may run again."""
        cadence = item.timing.cadence
        records = self._records
        if isinstance(cadence, declared.AfterRefresh):
            passed = parts(slots, self._after_us, microseconds(at) + 1)
            if passed:
                completed = Record(completed_at=instant_of(passed[-1][-1]))
                records = {cadence.refresh: completed}
        around = Surroundings(records, (), ALL_OF_IT, at, signals=self._signals)
        return need_of(item, record, around)


def _steps(slot: datetime | None, until: datetime, step_us: int, passed: datetime | None) -> range:
    """Return the steps of an interval before `until`, but for those up to `passed`.

    That instant lies ahead where the days are looked at as from before an edit was noted.
    """
    if slot is None:
        return range(0)
    steps = range(microseconds(slot), microseconds(until), step_us)
    if passed is None or passed < slot:
        return steps
    return steps[(microseconds(passed) - steps.start) // step_us + 1 :]


def _ran(item: declared.Item, record: Record, at: datetime, slot: datetime | None) -> Record:
    """Record a success, as an apply would."""
    cadence = item.timing.cadence
    return replace(
        record,
        last_success=at,
        completed_at=at,
        covered_slot=latest(record.covered_slot, slot),
        stamp=(slot or at) if isinstance(item, declared.ResetItem) else record.stamp,
        content=cadence.content if isinstance(cadence, declared.WhenChanged) else record.content,
        marked_at=None,
    )


# Instants of several sources, each counted once.


def united(sources: Iterable[Sequence[Piece]]) -> list[list[Piece]]:
    """Return of each source what none before it has: together, each instant counts once.

    Ranges of equal steps are compared by arithmetic; instants are listed only where two sources
    share some and not all.
    """
    seen = _Seen()
    return [[fresh for piece in pieces for fresh in seen.fresh(piece)] for pieces in sources]


class _Seen:
    """The instants of the sources so far."""

    def __init__(self) -> None:
        self._pieces: set[Piece] = set()
        self._ranges: list[range] = []
        self._listed: set[int] = set()

    def fresh(self, piece: Piece) -> Iterator[Piece]:
        """Yield what of a piece is new, and remember it."""
        if not piece or piece in self._pieces:
            return
        if isinstance(piece, range) and any(_holds(known, piece) for known in self._ranges):
            return
        meeting = [known for known in self._ranges if _may_meet(known, piece)]
        if meeting or not self._is_apart(piece):
            listed = self._listed
            left = [
                at_us
                for at_us in piece
                if at_us not in listed and not any(at_us in known for known in meeting)
            ]
            if len(left) < len(piece):
                marks = Marks(left)
                fresh: Piece = Slice(marks, 0, len(left), 0)
                listed.update(left)
                if left:
                    yield fresh
                return
        self._pieces.add(piece)
        if isinstance(piece, range):
            self._ranges.append(piece)
        else:
            self._listed.update(piece)
        yield piece

    def _is_apart(self, piece: Piece) -> bool:
        """Tell cheaply whether a piece shares nothing with what is listed; False if unsure."""
        if not self._listed:
            return True
        if not isinstance(piece, range) or len(piece) <= len(self._listed):
            return False
        return not any(at_us in piece for at_us in self._listed)


def _holds(known: range, piece: range) -> bool:
    return (
        piece[0] in known
        and piece[-1] in known
        and (len(piece) == 1 or not piece.step % known.step)
    )


def _may_meet(known: range, piece: Piece) -> bool:
    if not isinstance(piece, range):
        return True
    if piece[-1] < known[0] or known[-1] < piece[0]:
        return False
    return not (known.start - piece.start) % gcd(known.step, piece.step)


# When one item runs.


class Runs(Sequence[datetime]):
    """When an item runs: ascending, UTC. Knows how many there are without listing them."""

    __slots__ = ("pieces",)

    def __init__(self, pieces: Iterable[Piece]) -> None:
        """`pieces`: one after the other in time, none of them empty."""
        self.pieces = tuple(pieces)

    def __len__(self) -> int:
        return sum(map(len, self.pieces))

    def __iter__(self) -> Iterator[datetime]:
        return map(instant_of, self.at_us())

    @overload
    def __getitem__(self, place: int) -> datetime: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[datetime]: ...
    def __getitem__(self, place: int | slice) -> datetime | Sequence[datetime]:
        if isinstance(place, slice):
            return tuple(self)[place]
        wanted = place + len(self) if place < 0 else place
        for piece in self.pieces:
            if 0 <= wanted < len(piece):
                return instant_of(next(islice(piece, wanted, None)))
            wanted -= len(piece)
        raise IndexError(place)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Runs):
            return NotImplemented
        if self.pieces == other.pieces:
            return True
        return len(self) == len(other) and all(
            one == another for one, another in zip(self.at_us(), other.at_us(), strict=True)
        )

    def __hash__(self) -> int:
        return hash((len(self), next(self.at_us(), None)))

    def __repr__(self) -> str:
        return f"Runs({len(self)})"

    def at_us(self) -> Iterator[int]:
        """Yield each, in microseconds since 1970."""
        return chain.from_iterable(self.pieces)

    def has(self, at_us: int) -> bool:
        """Tell whether it runs at an instant, in microseconds since 1970."""
        return count(self.pieces, at_us, at_us + 1) > 0

    def count_between(self, start: datetime, until: datetime) -> int:
        """Count those from `start` (included) to `until` (excluded)."""
        return count(self.pieces, microseconds(start), microseconds(until))

    def first_without(self, other: "Runs") -> datetime | None:
        """Return the first that `other` does not have."""
        others = other.at_us()
        latest = next(others, None)
        for at_us in self.at_us():
            while latest is not None and latest < at_us:
                latest = next(others, None)
            if latest != at_us:
                return instant_of(at_us)
        return None
