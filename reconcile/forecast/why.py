"""Why one item stands as it does, and what would be if one thing were not in its way."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct

from reconcile.model.address import Address
from reconcile.model.desired import (
    AfterRefresh,
    Desired,
    Item,
    OnChange,
    OnSignal,
    RefreshItem,
    ResetItem,
    Timing,
)
from reconcile.model.plan import Await, Plan, Refresh, ResetCache, Standing
from reconcile.model.reason import (
    FrozenBy,
    HeldAfterFailures,
    HeldInDoubt,
    JobRunningSince,
    PausedUntil,
    Reason,
    RefreshUnseen,
    Status,
)
from reconcile.model.recorded import Record, Recorded, Signal
from reconcile.model.struct import replace
from reconcile.planning.ahead import first_call
from reconcile.planning.budget import ordered
from reconcile.planning.item import is_awaited, settled_until, unseen_of
from reconcile.planning.plan import follow, judge_all, plan
from reconcile.planning.record import believed_of, same_timing
from reconcile.planning.requests import company_of
from reconcile.planning.signals import newest
from reconcile.planning.time.slots import frozen_until, matches


class ObstacleKind(StrEnum):
    """What an obstacle is."""

    PAUSE = "pause"
    FREEZE = "freeze"
    FAILURES = "failures"
    JOB = "job"
    UNSEEN = "unseen"
    DOUBT = "doubt"
    DEADLINE = "deadline"
    ON_CHANGE = "on_change"
    AFTER = "after"


class Obstacle(Struct, frozen=True):
    """One thing that may hold an item back. `name`: the freeze's, or the address it runs after."""

    kind: ObstacleKind
    name: str = ""


class Without(Struct, frozen=True):
    """How the item would stand if one obstacle were gone, found by planning again without it.

    `earliest`: when it would run then.
    """

    obstacle: Obstacle
    status: Status
    reason: Reason
    earliest: datetime


Call = Refresh | ResetCache | Await


class Explanation(Struct, frozen=True, kw_only=True):
    """Everything that bears on one item at `now`. All instants UTC.

    `settled`: up to where slots are made up. `seen`: whether an apply has seen this timing.
    `frozen`: freezes that hold now, whether or not it is due. `first`: the refresh it runs after.
    `call`: what the plan makes of it; `place`: where that call stands among how many.
    `earliest`: when it runs if applies are prompt and calls succeed; None if not before `searched`,
    which is None where what stops it has no end of its own.
    `without`: only obstacles whose absence would make it due now or let it run earlier. `signals`:
    the newest of each that it awaits.
    """

    now: datetime
    item: Item
    record: Record
    standing: Standing
    settled: datetime | None
    seen: bool
    frozen: tuple[FrozenBy, ...]
    first: Standing | None
    call: Call | None
    place: tuple[int, int] | None
    requests_per_minute: int
    earliest: datetime | None
    searched: datetime | None
    without: tuple[Without, ...]
    signals: tuple[tuple[str, Signal | None], ...] = ()


# What may stand in an item's way, and the same world without it.

World = tuple[Desired, Recorded]


def without_each(
    desired: Desired, recorded: Recorded, item: Item, now: datetime
) -> Iterator[tuple[Obstacle, World]]:
    """Yield each thing that could be in the item's way, and the world with only that one gone."""
    timing = item.timing
    if timing.pause is not None and (timing.pause.until is None or timing.pause.until > now):
        yield (
            Obstacle(ObstacleKind.PAUSE),
            (_timed(desired, item, replace(timing, pause=None)), recorded),
        )
    for number, freeze in enumerate(desired.freezes):
        if matches(freeze, item.address):
            others = desired.freezes[:number] + desired.freezes[number + 1 :]
            yield (
                Obstacle(ObstacleKind.FREEZE, freeze.name),
                (replace(desired, freezes=others), recorded),
            )
    record = recorded.items.get(item.address)
    for kind, mended in () if record is None else _mended(record, now):
        records = MappingProxyType({**recorded.items, item.address: mended})
        yield Obstacle(kind), (desired, replace(recorded, items=records))
    if timing.deadline is not None:
        unlimited = replace(timing, deadline=None)
        yield Obstacle(ObstacleKind.DEADLINE), (_timed(desired, item, unlimited), recorded)
    if timing.on_change is OnChange.NEXT:
        at_once = replace(timing, on_change=OnChange.NOW)
        yield Obstacle(ObstacleKind.ON_CHANGE), (_timed(desired, item, at_once), recorded)
    follows = isinstance(timing.cadence, AfterRefresh)
    if isinstance(item, ResetItem) and item.after is not None and not follows:
        alone = _exchanged(desired, replace(item, after=None))
        yield Obstacle(ObstacleKind.AFTER, item.after), (alone, recorded)


def _mended(record: Record, now: datetime) -> Iterator[tuple[ObstacleKind, Record]]:
    """Yield what earlier calls left in the way, and the record without it."""
    pending = record.pending
    if record.failures:
        yield ObstacleKind.FAILURES, replace(record, failures=0, last_failure=None)
    if is_awaited(pending, now):
        yield ObstacleKind.JOB, replace(record, pending=None)
    if unseen_of(record, now) is not None:
        left = None if pending is not None and pending.job_id is not None else pending
        yield ObstacleKind.UNSEEN, replace(record, pending=left, unseen=None)
    if pending is not None and pending.job_id is None:
        yield ObstacleKind.DOUBT, replace(record, pending=None, doubts=0, last_doubt=None)


def _timed(desired: Desired, item: Item, timing: Timing) -> Desired:
    return _exchanged(desired, replace(item, timing=timing))


def _exchanged(desired: Desired, item: Item) -> Desired:
    items = (item if other.address == item.address else other for other in desired.items)
    return replace(desired, items=tuple(items))


def restricted(desired: Desired, recorded: Recorded, addresses: frozenset[Address]) -> World:
    """Return the world of some items alone."""
    items = tuple(item for item in desired.items if item.address in addresses)
    records = {a: record for a, record in recorded.items.items() if a in addresses}
    return (replace(desired, items=items), replace(recorded, items=MappingProxyType(records)))


def explain(
    desired: Desired,
    recorded: Recorded,
    now: datetime,
    address: Address,
    clock: datetime | None = None,
) -> Explanation:
    """Explain one declared item. Raises `KeyError` if the address is not declared.

    `clock`: the real one where `now` is not its reading, as `plan`'s.
    """
    clock = now if clock is None else max(clock, now)
    _, recorded = follow(desired.items, recorded)
    believed = believed_of(recorded, clock)
    recorded = replace(recorded, items=believed.items, signals=believed.signals)
    items = {item.address: item for item in desired.items}
    item = items[address]
    cadence = item.timing.cadence
    awaited = cadence.names if isinstance(cadence, OnSignal) else ()
    judged = judge_all(desired, recorded, now, clock=clock)
    standings = {standing.address: standing for standing in judged.standings()}
    standing, record = standings[address], recorded.items.get(address, Record())
    ranked = ordered(judged.calls(desired.generation), standings.values(), now)
    calls = [call for call in ranked if isinstance(call, Call)]
    place = next((n for n, call in enumerate(calls, 1) if _covers(call, address)), None)
    world = restricted(desired, recorded, _neighbours(desired, recorded, item))
    earliest, searched = _earliest(world, now, clock, standing)
    held = (frozen_until(freeze, now) for freeze in desired.freezes if matches(freeze, address))
    return Explanation(
        now=now,
        item=item,
        record=record,
        standing=standing,
        settled=settled_until(record),
        seen=record.since is not None and same_timing(item, record),
        frozen=tuple(FrozenBy(f.name, f.until) for f in held if f is not None),
        first=standings.get(item.after) if isinstance(item, ResetItem) and item.after else None,
        call=None if place is None else calls[place - 1],
        place=None if place is None else (place, len(calls)),
        requests_per_minute=desired.requests_per_minute,
        earliest=earliest,
        searched=searched,
        without=tuple(_without(world, item, now, clock, standing, searched)),
        signals=tuple((name, newest(recorded.signals, name, now)) for name in awaited),
    )


def _without(
    world: World,
    item: Item,
    now: datetime,
    clock: datetime,
    stands: Standing,
    searched: datetime | None,
) -> Iterator[Without]:
    """Yield the obstacles without which it runs sooner than `searched`, when it runs or later."""
    if stands.status is Status.DUE and not isinstance(stands.reason, JobRunningSince):
        return
    for obstacle, changed in without_each(*world, item, now):
        standing = _standing(plan(*changed, now, clock=clock), item.address)
        sooner, _ = _earliest(changed, now, clock, standing)
        if sooner is not None and (searched is None or sooner < searched):
            yield Without(obstacle, standing.status, standing.reason, sooner)


def _earliest(
    world: World, now: datetime, clock: datetime, standing: Standing
) -> tuple[datetime | None, datetime | None]:
    """Return when the item runs, None if not before the second, which is None if never."""
    if _endless(standing.reason):
        return None, None
    call, searched = first_call(*world, now, standing.address, clock)
    return (None if call is None else call.at), searched


def _endless(reason: Reason) -> bool:
    """Tell whether this never ends by itself, so that no look at the coming year is needed."""
    match reason:
        case HeldAfterFailures() | HeldInDoubt() | PausedUntil(until=None) | FrozenBy(until=None):
            return True
        case RefreshUnseen(retry_at=None):
            return True
        case _:
            return False


def _neighbours(desired: Desired, recorded: Recorded, item: Item) -> frozenset[Address]:
    """Return the item and all that decides when it runs.

    That is its refresh, who pulls that forward, and whose call it was covered by.
    """
    found = {item.address}
    others = [other for other in desired.items if isinstance(other, RefreshItem)]
    refresh: Item | None = item
    if isinstance(item, ResetItem):
        refresh = next((other for other in others if other.address == item.after), None)
    if isinstance(refresh, RefreshItem):
        found.add(refresh.address)
        if refresh.coalesce_within:
            group = company_of(refresh)
            found.update(other.address for other in others if company_of(other) == group)
        record = recorded.items.get(refresh.address)
        if record is not None and record.carrier is not None:
            carrier = record.carrier.model_id
            found.update(other.address for other in others if other.model_id == carrier)
    return frozenset(found)


def _covers(call: Call, address: Address) -> bool:
    return any(coverage.address == address for coverage in call.covers)


def _standing(planned: Plan, address: Address) -> Standing:
    return next(standing for standing in planned.standings if standing.address == address)
