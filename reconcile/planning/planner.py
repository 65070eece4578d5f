"""The plan: a pure function of what is desired, what is recorded, and the present instant."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from reconcile.model.address import Address
from reconcile.model.desired import Desired
from reconcile.model.plan import Action, Choice, Forget, Plan, ResetCache, Standing
from reconcile.model.recorded import Declaration, Recorded
from reconcile.planning.budget.load import load
from reconcile.planning.budget.order import addresses, ordered
from reconcile.planning.choosing import is_selected
from reconcile.planning.declaration import declaration
from reconcile.planning.digest import digest
from reconcile.planning.judged import EVERYTHING, Judged, judge_all
from reconcile.planning.settled import earliest

if TYPE_CHECKING:
    from reconcile.model.observed import Observed
    from reconcile.planning.schedules.deciding import Decided


def plan(
    desired: Desired,
    recorded: Recorded,
    now: datetime,
    choice: Choice = EVERYTHING,
    observed: "Observed | None" = None,
) -> Plan:
    """Compute the calls that are due at `now` and where every declared item stands.

    Pure: no clock, no socket, no file, no environment. The same arguments give the same plan, in
    whatever order the items were declared. `observed`: a live look; native schedules go by it.
    """
    judged = judge_all(desired, recorded, now, choice)
    native = _native(desired, recorded, observed, choice)
    actions: list[Action] = [
        *judged.calls(desired.generation),
        *(native.actions if native else ()),
        *_forgotten(desired, recorded, choice),
    ]
    # A model's refresh before its resets: the order in which they happen, and are read.
    actions.sort(key=lambda action: _first(action).removesuffix("refresh"))
    standings = _standings(judged, native)
    following = {s.address: s.next_slot for s in standings if s.next_slot is not None}
    calls = ordered(actions, standings, now)
    return Plan(
        now=now,
        valid_until=earliest(*(verdict.until for verdict in judged.verdicts)),
        digest=digest(actions, desired.base_url),
        actions=tuple(actions),
        standings=standings,
        load=load(calls, desired.requests_per_minute, now=now, following=following),
        noted=_noted(judged),
        missed=tuple(_missed(judged)),
    )


def standings(desired: Desired, recorded: Recorded, now: datetime) -> tuple[Standing, ...]:
    """Say where every declared item stands at `now`, as `plan` does, without its calls and cost."""
    judged = judge_all(desired, recorded, now)
    return _standings(judged, _native(desired, recorded, None, EVERYTHING))


def _standings(judged: Judged, native: "Decided | None") -> tuple[Standing, ...]:
    return (*(native.standings if native else ()), *judged.standings())


def _native(
    desired: Desired, recorded: Recorded, observed: "Observed | None", choice: Choice
) -> "Decided | None":
    """Decide about native schedules, where there are any."""
    if not (desired.schedules or recorded.schedules or (observed and desired.connections)):
        return None
    from reconcile.planning.schedules.deciding import decide  # noqa: PLC0415 -- most have none

    return decide(desired, recorded, observed, choice)


def _first(action: Action) -> Address:
    if isinstance(action, ResetCache):
        return action.covers[0].address
    return min(addresses([action]))


def _forgotten(desired: Desired, recorded: Recorded, choice: Choice) -> Iterable[Forget]:
    declared = {item.address for item in desired.items}
    for address in recorded.items:
        if address not in declared and is_selected(address, choice):
            yield Forget(address=address)


def _noted(judged: Judged) -> Mapping[Address, Declaration]:
    return {
        verdict.item.address: declaration(verdict.item)
        for verdict in judged.verdicts
        if not verdict.noted and verdict.item.address in judged.chosen
    }


def _missed(judged: Judged) -> Iterable[tuple[Address, datetime]]:
    for verdict in judged.verdicts:
        slot = verdict.need.newest_slot
        address = verdict.item.address
        if not verdict.need.past_deadline or slot is None or address not in judged.chosen:
            continue
        if verdict.record.missed_slot is None or verdict.record.missed_slot < slot:
            yield address, slot
