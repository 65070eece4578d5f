"""The plan: a pure function of what is desired, what is recorded, and the present instant."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from reconcile.model.address import Address
from reconcile.model.desired import Desired, Item, RefreshItem, ResetItem
from reconcile.model.plan import Action, Choice, Forget, Load, Plan, ResetCache, Standing
from reconcile.model.recorded import Declaration, Recorded
from reconcile.planning.budget.load import load
from reconcile.planning.budget.order import addresses, order
from reconcile.planning.choosing import is_selected
from reconcile.planning.declaration import declaration
from reconcile.planning.digest import digest
from reconcile.planning.merging import merge
from reconcile.planning.resets import ordered_after, reset_actions
from reconcile.planning.settled import earliest
from reconcile.planning.standing import Verdict, judge, surroundings

if TYPE_CHECKING:
    from reconcile.model.observed import Observed
    from reconcile.planning.schedules.deciding import Decided

_EVERYTHING = Choice()


def plan(
    desired: Desired,
    recorded: Recorded,
    now: datetime,
    choice: Choice = _EVERYTHING,
    observed: "Observed | None" = None,
) -> Plan:
    """Compute the calls that are due at `now` and where every declared item stands.

    Pure: no clock, no socket, no file, no environment. The same arguments give the same plan, in
    whatever order the items were declared. `observed`: a live look; native schedules go by it.
    """
    around = surroundings(desired, recorded, choice, now)
    chosen = frozenset(i.address for i in desired.items if is_selected(i.address, choice))
    merged = merge(
        [judge(item, around) for item in desired.items if isinstance(item, RefreshItem)],
        desired.generation,
        now,
        chosen,
    )
    acting = frozenset(addresses(merged.actions))
    refreshes = {verdict.item.address: verdict for verdict in merged.verdicts}
    resets = [
        ordered_after(judge(item, around), refreshes, acting, around)
        for item in desired.items
        if isinstance(item, ResetItem)
    ]
    native = _native(desired, recorded, observed, choice)
    actions: list[Action] = [
        *merged.actions,
        *reset_actions(_going(resets, chosen), desired.generation, acting),
        *(native.actions if native else ()),
        *_forgotten(desired, recorded, choice),
    ]
    # A model's refresh before its resets: the order in which they happen, and are read.
    actions.sort(key=lambda action: _first(action).removesuffix("refresh"))
    verdicts: list[Verdict[Item]] = [*merged.verdicts, *resets]
    verdicts.sort(key=lambda verdict: verdict.item.address)
    return _assembled(desired, now, tuple(actions), verdicts, chosen, native)


def _going(
    resets: Iterable[Verdict[ResetItem]], chosen: frozenset[Address]
) -> Iterable[Verdict[ResetItem]]:
    return (verdict for verdict in resets if verdict.item.address in chosen)


def _native(
    desired: Desired, recorded: Recorded, observed: "Observed | None", choice: Choice
) -> "Decided | None":
    """Decide about native schedules, where there are any."""
    if not (desired.schedules or recorded.schedules or (observed and desired.connections)):
        return None
    from reconcile.planning.schedules.deciding import decide  # noqa: PLC0415 -- most have none

    return decide(desired, recorded, observed, choice)


def _assembled(
    desired: Desired,
    now: datetime,
    actions: tuple[Action, ...],
    verdicts: list[Verdict[Item]],
    chosen: frozenset[Address],
    native: "Decided | None",
) -> Plan:
    beside = native.standings if native else ()
    standings = (*beside, *(_standing(v, chosen) for v in verdicts))
    unweighed = Plan(
        now=now,
        valid_until=earliest(*(v.until for v in verdicts)),
        digest=digest(actions, desired.base_url),
        actions=actions,
        standings=standings,
        load=Load(0, 0, 0.0, 0, desired.requests_per_minute),
        noted=_noted(verdicts, chosen),
        missed=tuple(_missed(verdicts, chosen)),
    )
    if not actions:
        return unweighed
    following = {s.address: s.next_slot for s in standings if s.next_slot is not None}
    weighed = load(order(unweighed), desired.requests_per_minute, now=now, following=following)
    return replace(unweighed, load=weighed)


def _first(action: Action) -> Address:
    if isinstance(action, ResetCache):
        return action.covers[0].address
    return min(addresses([action]))


def _standing(verdict: Verdict[Item], chosen: frozenset[Address]) -> Standing:
    address = verdict.item.address
    return Standing(
        address=address,
        status=verdict.status,
        zone=verdict.item.timing.zone,
        newest_slot=verdict.need.newest_slot,
        next_slot=verdict.need.next_slot,
        missed=verdict.need.missed,
        reason=verdict.reason,
        until=verdict.until,
        selected=address in chosen,
    )


def _forgotten(desired: Desired, recorded: Recorded, choice: Choice) -> Iterable[Forget]:
    declared = {item.address for item in desired.items}
    for address in recorded.items:
        if address not in declared and is_selected(address, choice):
            yield Forget(address=address)


def _noted(
    verdicts: list[Verdict[Item]], chosen: frozenset[Address]
) -> Mapping[Address, Declaration]:
    return {
        verdict.item.address: declaration(verdict.item)
        for verdict in verdicts
        if not verdict.noted and verdict.item.address in chosen
    }


def _missed(
    verdicts: list[Verdict[Item]], chosen: frozenset[Address]
) -> Iterable[tuple[Address, datetime]]:
    for verdict in verdicts:
        slot = verdict.need.newest_slot
        if not verdict.need.past_deadline or slot is None or verdict.item.address not in chosen:
            continue
        if verdict.record.missed_slot is None or verdict.record.missed_slot < slot:
            yield verdict.item.address, slot
