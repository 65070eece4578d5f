"""Why one item stands as it does, and what would be if one thing were not in its way."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from reconcile.model.address import Address
from reconcile.model.desired import Desired, Item, RefreshItem, ResetItem
from reconcile.model.explanation import Explanation, Without
from reconcile.model.plan import Await, Plan, Refresh, ResetCache, Standing, Status
from reconcile.model.reason import (
    FrozenBy,
    HeldAfterFailures,
    HeldInDoubt,
    JobRunningSince,
    PausedUntil,
    Reason,
    RefreshUnseen,
)
from reconcile.model.recorded import Record, Recorded
from reconcile.planning.budget.order import ordered
from reconcile.planning.calendar.windows import frozen_until, matches
from reconcile.planning.declaration import same_timing
from reconcile.planning.judged import judge_all
from reconcile.planning.merging import group_of
from reconcile.planning.outlook.forecast import first_call
from reconcile.planning.planner import plan
from reconcile.planning.recorded_clock import believed_items
from reconcile.planning.renames import follow
from reconcile.planning.review.obstacles import World, restricted, without_each
from reconcile.planning.settled import settled_until

Call = Refresh | ResetCache | Await


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
    recorded = replace(recorded, items=believed_items(recorded.items, clock).items)
    items = {item.address: item for item in desired.items}
    item = items[address]
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
    refresh: Item | None = item
    if isinstance(item, ResetItem):
        refresh = next((other for other in desired.items if other.address == item.after), None)
    if isinstance(refresh, RefreshItem):
        found.add(refresh.address)
        if refresh.coalesce_within:
            group = group_of(refresh)
            found.update(
                other.address
                for other in desired.items
                if isinstance(other, RefreshItem) and group_of(other) == group
            )
        record = recorded.items.get(refresh.address)
        if record is not None and record.carrier is not None:
            carrier = record.carrier.model_id
            found.update(
                other.address
                for other in desired.items
                if isinstance(other, RefreshItem) and other.model_id == carrier
            )
    return frozenset(found)


def _covers(call: Call, address: Address) -> bool:
    return any(coverage.address == address for coverage in call.covers)


def _standing(planned: Plan, address: Address) -> Standing:
    return next(standing for standing in planned.standings if standing.address == address)
