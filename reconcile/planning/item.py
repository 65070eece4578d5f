"""One item at one instant: what its cadence asks for, what is settled, what was tried."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from types import MappingProxyType
from typing import Final, Generic, TypeGuard, TypeVar, assert_never

from msgspec import Struct, field

from reconcile.model import reason as why
from reconcile.model.address import Address, fits
from reconcile.model.desired import (
    AfterRefresh,
    At,
    Cron,
    Desired,
    Every,
    Freeze,
    Item,
    OnChange,
    OnSignal,
    RefreshItem,
    ResetAt,
    ResetItem,
    WhenChanged,
)
from reconcile.model.journal import EndUnseen
from reconcile.model.plan import EXCEPT, Choice, Plan, Standing
from reconcile.model.recorded import (
    NO_RECORD,
    Coverage,
    Look,
    Pending,
    Record,
    Recorded,
    Signals,
    Unseen,
)
from reconcile.model.struct import replace
from reconcile.planning.record import believed, same_identity, same_timing
from reconcile.planning.signals import arrival, next_arrival, rhythm, slots_of
from reconcile.planning.time.slots import count_slots, slots_around, spread_of, wall_slots

ItemT_co = TypeVar("ItemT_co", bound=Item, covariant=True)
_DUE = why.Status.DUE  # To find a member of an enumeration takes half as long as to make a verdict.


class Surroundings(Struct, frozen=True):
    """All that judging one item needs beside the item itself.

    `records`: what is believed of them. `strayed`: items that were covered by the call of a model
    with which they share no call any more. `signals`: what is believed of those that came.
    """

    records: Mapping[Address, Record]
    freezes: tuple[Freeze, ...]
    choice: Choice
    now: datetime
    strayed: frozenset[Address] = frozenset()
    signals: Signals = field(default_factory=lambda: MappingProxyType({}))


class ItemVerdict(Struct, Generic[ItemT_co], frozen=True):
    """One item judged alone, before it is ordered and merged with others.

    `noted`: an apply has seen what the item declares now. `need`: where its cadence alone would
    have it stand; `standing`: where it stands. `coverage` is what a call would settle, kept also
    where the call is held back, since an item that follows another may need it.
    """

    item: ItemT_co
    record: Record
    noted: bool
    need: Standing
    standing: Standing
    coverage: Coverage | None

    @property
    def is_due(self) -> bool:
        """Whether a call is to be made or a job awaited."""
        return self.standing.status is _DUE

    @property
    def goes(self) -> bool:
        """Whether that happens in this plan: it is due, and the operator's choice leaves it in."""
        return self.standing.status is _DUE and self.standing.selected

    @property
    def slot_missed(self) -> datetime | None:
        """The slot past its deadline that is to be recorded as missed, if there is one."""
        reason, known = self.need.reason, self.record.missed_slot
        if not isinstance(reason, why.DeadlineMissed):
            return None
        return reason.slot if known is None or known < reason.slot else None

    @property
    def running(self) -> Pending | None:
        """A job to await instead of a call."""
        awaits = isinstance(self.standing.reason, why.JobRunningSince)
        return self.record.pending if awaits else None

    def due(self, reason: why.Reason, coverage: Coverage) -> "ItemVerdict[ItemT_co]":
        """Return it as due for another reason than its cadence's."""
        standing = _restated(self.standing, why.Status.DUE, reason, self.standing.until)
        return ItemVerdict(self.item, self.record, self.noted, self.need, standing, coverage)

    def held(
        self, status: why.Status, reason: why.Reason, until: datetime | None
    ) -> "ItemVerdict[ItemT_co]":
        """Return it as held back by something that may be over at an instant."""
        soonest = earliest(self.standing.until, until)
        return replace(self, standing=_restated(self.standing, status, reason, soonest))

    def changing(self, at: datetime | None) -> "ItemVerdict[ItemT_co]":
        """Return it as changing at an instant, if it does not before."""
        until = earliest(self.standing.until, at)
        return replace(self, standing=replace(self.standing, until=until))


def is_of_refresh(verdict: ItemVerdict[Item]) -> TypeGuard[ItemVerdict[RefreshItem]]:
    """Tell whether what was judged is a refresh."""
    return isinstance(verdict.item, RefreshItem)


def is_of_reset(verdict: ItemVerdict[Item]) -> TypeGuard[ItemVerdict[ResetItem]]:
    """Tell whether what was judged is a reset."""
    return isinstance(verdict.item, ResetItem)


def _restated(
    standing: Standing, status: why.Status, reason: why.Reason, until: datetime | None
) -> Standing:
    """Do what `replace` does, in a third of the time: this is for every reset after a refresh."""
    return Standing(
        standing.address,
        status,
        standing.zone,
        newest_slot=standing.newest_slot,
        next_slot=standing.next_slot,
        missed=standing.missed,
        reason=reason,
        until=until,
        selected=standing.selected,
    )


# Where an item stands by its cadence alone, before anything may hold it back.

_Slots = tuple[datetime | None, datetime | None]
"""The newest slot at or before the present instant, and the first after it."""

_NO_SLOTS: _Slots = None, None


def assess(item: Item, record: Record, around: Surroundings) -> Standing:
    """Judge one item by its cadence alone, whether the operator's choice leaves it in or not.

    It is due where a call is wanted, and deferred where none is and yet nothing covers it either.
    """
    match item.timing.cadence:
        case Cron() | At() as cadence:
            return _slot(item, record, around, _spread_slots(item, cadence, around.now))
        case Every() as cadence:
            return _every(item, record, around, cadence.interval)
        case ResetAt(instant):
            if instant > around.now:
                coming = None, instant
                return _stands(item, around, why.Status.DEFERRED, why.WaitsUntil(instant), coming)
            return _slot(item, record, around, (instant, None))
        case AfterRefresh(address):
            refresh = around.records.get(address)
            completed = None if refresh is None else refresh.completed_at
            return _slot(item, record, around, (completed, None))
        case WhenChanged() as cadence:
            return _content(item, record, around, cadence)
        case OnSignal() as cadence:
            return _on_signal(item, record, around, cadence)
        case _ as unreachable:
            assert_never(unreachable)


def _stands(
    item: Item,
    around: Surroundings,
    status: why.Status,
    reason: why.Reason,
    slots: _Slots = _NO_SLOTS,
    missed: int = 0,
) -> Standing:
    """Say how the item stands until its next slot."""
    newest, following = slots
    selected = is_selected(item.address, around.choice)
    zone = item.timing.zone
    return Standing(
        item.address, status, zone, newest, following, missed, reason, following, selected
    )


def _spread_slots(item: Item, cadence: Cron | At, now: datetime) -> _Slots:
    zone, offset = item.timing.zone, spread_of(item, item.timing.spread)
    if not offset:
        return slots_around(cadence, zone, now)
    newest, following = slots_around(cadence, zone, now - offset)
    return newest and newest + offset, following and following + offset


def _every(item: Item, record: Record, around: Surroundings, interval: timedelta) -> Standing:
    now, last = around.now, record.last_success
    base = _counted_from(item, record, interval)
    if base is None:
        base = floor_of(item, record, now)
        if base is None:
            return _stands(item, around, why.Status.DUE, why.NeverRun(interval))
        if record.since is None or not same_timing(item, record):
            # No apply has seen this timing: the interval begins when one does.
            return _stands(item, around, why.Status.DEFERRED, why.WaitsForNextSlot(None))
    elapsed = (now - base) // interval
    if elapsed <= 0:
        slots = last, base + interval
        if last is None:
            return _stands(item, around, why.Status.DEFERRED, _let_pass(record, *slots), slots)
        return _stands(item, around, why.Status.COVERED, why.CoveredSince(last), slots)
    newest = base + elapsed * interval
    # Slots that are recorded as past their deadline collapse into no other.
    missed = max(0, (newest - max(base, record.missed_slot or base)) // interval - 1)
    wanted: why.Reason = why.NeverRun(interval)
    if last is not None:
        wanted = why.IntervalElapsed(interval, last, base + interval, missed)
    return _unless_passed(item, record, around, (newest, newest + interval), missed, wanted)


def _counted_from(item: Item, record: Record, interval: timedelta) -> datetime | None:
    """Return the success from which an interval counts, None if there is none.

    A reset only reaches as far as its stamp, so it holds for an interval from there and no longer.
    As a rule that is later: the stamp is the newest slot. It is not where the clock was set right
    between the plan and the call.
    """
    last = record.last_success
    if last is None or record.stamp is None or not isinstance(item, ResetItem):
        return last
    return min(last, record.stamp + interval)


def _slot(item: Item, record: Record, around: Surroundings, slots: _Slots) -> Standing:
    newest, following = slots
    if newest is None:
        return _stands(item, around, why.Status.COVERED, why.NothingYet(), slots)
    cadence, settled = item.timing.cadence, settled_until(record)
    if settled is not None and settled >= newest:
        covered: why.Reason = why.CoveredSince(record.last_success)
        if isinstance(cadence, ResetAt) and record.stamp and record.stamp > newest:
            covered = why.StampWouldGoBack(newest, record.stamp)
        if following is not None and settled >= following and isinstance(cadence, Cron | At):
            # Riding along made up slots that are still to come: the next is the one after these.
            _, following = _spread_slots(item, cadence, settled)
        return _stands(item, around, why.Status.COVERED, covered, (newest, following))
    missed = missed_slots(item, record, settled, newest)
    wanted: why.Reason = why.SlotPassed(newest, missed)
    if isinstance(cadence, AfterRefresh):
        wanted = why.RefreshCompleted(cadence.refresh, newest)
    return _unless_passed(item, record, around, (newest, following), missed, wanted)


def _unless_passed(
    item: Item,
    record: Record,
    around: Surroundings,
    slots: tuple[datetime, datetime | None],
    missed: int,
    wanted: why.Reason,
) -> Standing:
    """Want the newest slot, unless `on_change` lets it pass or its deadline is over."""
    newest, following = slots
    passed = _passed(item, record, slots, around.now)
    if passed is not None:
        return _stands(item, around, why.Status.DEFERRED, passed, slots, missed)
    due = _stands(item, around, why.Status.DUE, wanted, slots, missed)
    deadline = item.timing.deadline
    if deadline is None:
        return due
    return replace(due, until=earliest(following, newest + deadline))


def _passed(
    item: Item, record: Record, slots: tuple[datetime, datetime | None], now: datetime
) -> why.WaitsForNextSlot | why.DeadlineMissed | None:
    """Tell why the newest slot is not wanted any more; None if it is."""
    newest, following = slots
    floor = floor_of(item, record, now)
    if floor is not None:
        # A completion at the very instant of the floor was brought about by what set the floor.
        follows = isinstance(item.timing.cadence, AfterRefresh)
        if newest < floor or (newest == floor and not follows):
            return _let_pass(record, newest, following)
    deadline = item.timing.deadline
    if deadline is not None and newest + deadline <= now:
        return why.DeadlineMissed(newest, deadline)
    return None


def _let_pass(
    record: Record, passed: datetime | None, following: datetime | None
) -> why.WaitsForNextSlot:
    never_ran = record.last_success is None and record.covered_slot is None
    return why.WaitsForNextSlot(passed, following if never_ran else None)


def _content(item: Item, record: Record, around: Surroundings, cadence: WhenChanged) -> Standing:
    if cadence.content is None:
        return _stands(item, around, why.Status.DEFERRED, why.WaitsForFiles(cadence.missing))
    if cadence.content == record.content:
        slots = record.last_success, None
        return _stands(
            item, around, why.Status.COVERED, why.CoveredSince(record.last_success), slots
        )
    if record.content is None and item.timing.on_change is OnChange.NEXT:
        baseline = cadence.content
        if record.declared is not None and same_timing(item, record):
            baseline = str(record.declared.get("observed"))
        if baseline == cadence.content:
            return _stands(item, around, why.Status.DEFERRED, why.WaitsForNextSlot(None))
    return _stands(item, around, why.Status.DUE, why.ContentChanged(cadence.paths))


def _on_signal(item: Item, record: Record, around: Surroundings, cadence: OnSignal) -> Standing:
    slots = slots_of(cadence, around.signals, record.consumed, around.now)
    came = arrival(cadence, around.signals, record.consumed, around.now)
    if came.complete:
        stands = _slot(item, record, around, slots)
        if isinstance(stands.reason, why.SlotPassed):
            last = came.came[-1][1]
            reason = why.SignalCame(came.names, last.at, last.by, last.note)
            return replace(stands, reason=reason)
        if not isinstance(stands.reason, why.CoveredSince):
            return stands
    had = came.names if cadence.all and not came.complete else ()
    missing = tuple(name for name in cadence.names if name not in had)
    (first, *others) = cadence.names
    usually = None if others else rhythm(around.signals.get(first, ()))
    awaits = why.AwaitsSignals(missing, had, cadence.all, slots[0], usually)
    stands = _stands(item, around, why.Status.COVERED, awaits, slots)
    # One of several may come before the slot that they make, and is told then.
    following = next_arrival(cadence, around.signals, record.consumed, around.now)
    return replace(stands, until=earliest(stands.until, following))


# Since when an item has been due, however many slots have passed since.

_WANTED = frozenset({why.Status.DUE, why.Status.HELD, why.Status.BACKING_OFF, why.Status.BLOCKED})


def overdue_since(item: Item, record: Record, standing: Standing) -> datetime | None:
    """Return the oldest slot that nothing made up; None if nothing is wanted or it is put off.

    A plan makes up the newest slot alone, so that one says nothing about how long it has been.
    """
    if standing.status not in _WANTED:
        return None
    if not same_identity(item, record):
        return standing.newest_slot
    if record.marked_at is not None:
        return record.marked_at
    match item.timing.cadence:
        case Every(interval) if (last := _counted_from(item, record, interval)) is not None:
            return last + interval
        case Every():
            return record.since
        case Cron() | At() as cadence:
            known = (settled_until(record), record.missed_slot, record.since)
            start = max((instant for instant in known if instant is not None), default=None)
            if start is None:
                return standing.newest_slot
            offset = spread_of(item, item.timing.spread)
            first = wall_slots(cadence, item.timing.zone).next(start - offset)
            return earliest(first and first + offset, standing.newest_slot)
        case _:
            return standing.newest_slot


def overdue(desired: Desired, recorded: Recorded, planned: Plan) -> Mapping[Address, datetime]:
    """Return since when each item is due that is late at a plan's `now`, as a clock read it."""
    items = {item.address: item for item in desired.items}
    late: dict[Address, datetime] = {}
    for standing in planned.standings:
        item = items.get(standing.address)
        if item is None:  # one of Omni's own schedules, which is never late
            continue
        record = recorded.items.get(standing.address, NO_RECORD)
        since = overdue_since(item, believed(record, planned.now), standing)
        if since is not None:
            late[standing.address] = min(since, planned.now)
    return late


# What is settled already: how far a record reaches, and what one more success would add.


def settled_until(record: Record) -> datetime | None:
    """Newest instant up to which every slot counts as made up.

    A refresh that was *sent* after a slot satisfies it whatever slot it was meant for; a reset
    only reaches as far as the stamp it left.
    """
    return latest(record.covered_slot, record.stamp or record.last_success)


def floor_of(item: Item, record: Record, now: datetime) -> datetime | None:
    """`on_change = "next"`: slots up to this instant are let pass; None where all count."""
    if item.timing.on_change is OnChange.NOW:
        return None
    if record.since is None or not same_timing(item, record):
        return now
    pause = item.timing.pause
    if pause is not None and pause.until is not None and record.since < pause.until <= now:
        return pause.until
    return record.since


def missed_slots(item: Item, record: Record, settled: datetime | None, newest: datetime) -> int:
    """Count the slots before the newest one that no success made up and no apply let pass."""
    cadence = item.timing.cadence
    if not isinstance(cadence, Cron | At):
        return 0
    start = latest(latest(settled, record.missed_slot), record.since)
    if start is None or start >= newest:
        return 0
    if offset := spread_of(item, item.timing.spread):
        start, newest = start - offset, newest - offset
    return max(0, count_slots(cadence, item.timing.zone, start, newest) - 1)


def coverage_of(
    item: Item, slot: datetime | None, now: datetime, content: str | None = None
) -> Coverage:
    """Say what a success would settle; a reset's stamp is its slot, or `now` where it has none."""
    stamp = (slot or now) if isinstance(item, ResetItem) else None
    return Coverage(item.address, slot, stamp, content)


def earliest(*instants: datetime | None) -> datetime | None:
    """Return the first of the instants that are known."""
    first = None
    for instant in instants:
        if instant is not None and (first is None or instant < first):
            first = instant
    return first


def latest(one: datetime | None, other: datetime | None) -> datetime | None:
    """Return the later of two instants, or the one that is known."""
    if one is None or other is None:
        return one or other
    return max(one, other)


# What the operator's choice leaves in a plan.


def is_selected(address: Address, choice: Choice) -> bool:
    """Tell whether what the operator chose leaves the address in this plan."""
    if choice.only is not None:
        return address in choice.only
    if not choice.select or address in choice.force:
        return True
    wanted = [glob for glob in choice.select if not glob.startswith(EXCEPT)]
    if wanted and not any(fits(glob, address) for glob in wanted):
        return False
    without = (glob.removeprefix(EXCEPT) for glob in choice.select if glob.startswith(EXCEPT))
    return not any(fits(glob, address) for glob in without)


# Accepted refreshes whose end nobody sees: for how long one is awaited, and what comes then.
#
# An accepted refresh whose end is unseen is tried once more after backoff, then not before its next
# slot: a job that cannot be looked at must not make a hard refresh run more often than declared.

LONGEST_AWAIT: Final = timedelta(hours=24)
"""For how long a job is awaited, counted from its call: no refresh of a schema takes a day, and
the longest `timeout` is no longer."""

ENOUGH_LOOKS: Final = 3
"""How many looks in a row tell of a job what one does not: a deployment of Omni's answers 404 and
403 for a moment as well."""

YOUNG: Final = timedelta(minutes=10)
"""Omni was seen to answer 404 to a job it had only just begun (omni-api.md 4.1)."""

_NOT_LOOKED_AT: Final = "it was not looked at"
_TRIES: Final = 2


def given_up(pending: Pending, now: datetime) -> EndUnseen | None:
    """Return the entry that gives a job up, None while it is to be awaited.

    It is given up once Omni did not know it at `ENOUGH_LOOKS`, the last of them `YOUNG` or more
    after the call; once it was not to be read at as many; or after `LONGEST_AWAIT`.
    """
    look = pending.look
    if pending.job_id is None:
        return None
    if look is not None and look.forbidden >= ENOUGH_LOOKS:
        return EndUnseen(now, pending.operation, look.answer, forbidden=True)
    if is_awaited(pending, now) and not (look is not None and _is_gone(look, pending.since)):
        return None
    return EndUnseen(now, pending.operation, _NOT_LOOKED_AT if look is None else look.answer)


def _is_gone(look: Look, since: datetime) -> bool:
    counted_at = look.counted_at
    return look.absent >= ENOUGH_LOOKS and counted_at is not None and counted_at >= since + YOUNG


def is_awaited(pending: Pending | None, now: datetime) -> bool:
    """Tell whether a call has a job that is young enough to be awaited."""
    return (
        pending is not None and pending.job_id is not None and now - pending.since < LONGEST_AWAIT
    )


def unseen_of(record: Record, now: datetime) -> Unseen | None:
    """Return the newest accepted refresh of an item that is not awaited any more, if any."""
    pending = record.pending
    if pending is None or pending.job_id is None:
        return record.unseen
    if is_awaited(pending, now):
        return None
    answer = _NOT_LOOKED_AT if pending.look is None else pending.look.answer
    return Unseen(pending.since + LONGEST_AWAIT, answer, pending)


def unseen_calls(record: Record, now: datetime) -> Iterator[Pending]:
    """Yield the calls of an item whose jobs may still be looked at, oldest first."""
    if record.unseen is not None:
        yield record.unseen.call
    pending = record.pending
    if pending is not None and pending.job_id is not None and not is_awaited(pending, now):
        yield pending


def attempt_of(item: Item, need: Standing, unseen: Unseen, now: datetime) -> int:
    """Say which attempt at its slot a call made now would be."""
    return 1 if _is_fresh(item, need, unseen, now) else unseen.call.coverage.attempt + 1


def next_attempt(
    item: Item, need: Standing, unseen: Unseen, now: datetime
) -> why.RefreshUnseen | None:
    """Say from when on the refresh is made again; None where a slot that came since asks for it.

    It may be long past; its `retry_at` is None where nothing known brings it about.
    """
    call = unseen.call
    if _is_fresh(item, need, unseen, now):
        return None
    following = _next_fresh(item, need, call.since)
    retry_at = following
    if not unseen.forbidden and call.coverage.attempt < _TRIES:
        # By the operation, not the item: whoever shared the call is tried again in one.
        retry_at = unseen.at + backoff(call.operation, call.coverage.attempt)
        if following is not None:
            retry_at = min(retry_at, following)
    return why.RefreshUnseen(call.since, unseen.answer, retry_at, unseen.forbidden)


def _is_fresh(item: Item, need: Standing, unseen: Unseen, now: datetime) -> bool:
    """Tell whether the slot that is wanted came after the call was sent."""
    call, cadence = unseen.call, item.timing.cadence
    match cadence:
        case Every(interval):
            return now >= call.since + interval
        case WhenChanged():
            return cadence.content != call.coverage.content
        case _:
            return need.newest_slot is not None and need.newest_slot > call.since


def _next_fresh(item: Item, need: Standing, sent: datetime) -> datetime | None:
    match item.timing.cadence:
        case Every(interval):
            return sent + interval
        case WhenChanged():
            return None
        case _:
            return need.next_slot


# How long what came to nothing waits before it is tried again, apart from the cadence.

FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(hours=1)


def backoff(of: str, times: int) -> timedelta:
    """Delay after something came to nothing so many times in a row: doubling, capped, -0..25 %.

    The jitter is derived and not drawn, since a plan must come out the same each time. `of` is what
    it is derived from: for failures the identity of an item, so that items which failed together do
    not return together; for an outcome nobody saw the operation, so that those which shared a call
    are tried again in one. Never the address: a new name for an item moves nothing.
    """
    doubled = FIRST_DELAY * 2 ** min(times - 1, 16)
    seed = f"{of}/{times}".encode("utf-8", "surrogatepass")
    fraction = int.from_bytes(sha256(seed).digest()[:4]) / 2**32
    return timedelta(
        seconds=round(min(doubled, LONGEST_DELAY).total_seconds() * (1 - fraction / 4))
    )
