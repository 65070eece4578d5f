"""The plan: a pure function of what is desired, what is recorded, and the present instant."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from reconcile.model.address import Address
from reconcile.model.desired import Desired
from reconcile.model.plan import Action, Choice, Forget, Plan, Rename, ResetCache, Standing
from reconcile.model.reason import DeadlineMissed
from reconcile.model.recorded import Declaration, Recorded
from reconcile.planning.budget.load import load
from reconcile.planning.budget.order import addresses, ordered
from reconcile.planning.choosing import is_selected
from reconcile.planning.declaration import declaration
from reconcile.planning.digest import digest
from reconcile.planning.judged import EVERYTHING, Judged, judge_all
from reconcile.planning.limits import excesses
from reconcile.planning.renames import follow
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
    clock: datetime | None = None,
) -> Plan:
    """Compute the calls that are due at `now` and where every declared item stands.

    Pure: no clock, no socket, no file, no environment. The same arguments give the same plan, in
    whatever order the items were declared. `observed`: a live look; native schedules go by it.
    `clock`: the real clock where `now` is not its reading; what a record says of a time later than
    both is not believed.
    """
    moves, recorded = follow(desired.items, recorded)
    judged = judge_all(desired, recorded, now, choice, clock)
    native = _native(desired, recorded, observed, choice)
    actions: list[Action] = [
        *judged.calls(desired.generation),
        *(native.actions if native else ()),
        *_forgotten(judged, recorded, choice),
        *([Rename(moves)] if moves else []),
    ]
    # A model's refresh before its resets: the order in which they happen, and are read.
    actions.sort(key=lambda action: _first(action).removesuffix("refresh"))
    standings = _standings(judged, native)
    calls = ordered(actions, standings, now)
    # Nothing comes too late for its next slot where nothing is called.
    ahead = {s.address: s.next_slot for s in standings if s.next_slot is not None} if calls else {}
    planned = Plan(
        now=now,
        valid_until=earliest(judged.believed.until, *[standing.until for standing in standings]),
        digest=digest(actions, desired.base_url),
        actions=tuple(actions),
        standings=standings,
        load=load(calls, desired.requests_per_minute, now=now, following=ahead),
        noted=_noted(judged),
        missed=tuple(_missed(judged)),
        clock_went_back=judged.believed.newest,
    )
    over = tuple(excesses(planned, desired.limits, len(recorded.items) + len(recorded.schedules)))
    return replace(planned, blocked_by=over) if over else planned


def standings(desired: Desired, recorded: Recorded, now: datetime) -> tuple[Standing, ...]:
    """Say where every declared item stands at `now`, as `plan` does, without its calls and cost."""
    _, recorded = follow(desired.items, recorded)
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


def _forgotten(judged: Judged, recorded: Recorded, choice: Choice) -> Iterable[Forget]:
    if list(recorded.items) == list(judged.verdicts):
        return  # As a rule, and told without looking for each.
    for address in recorded.items:
        if address not in judged.verdicts and is_selected(address, choice):
            yield Forget(address=address)


def _noted(judged: Judged) -> Mapping[Address, Declaration]:
    return {
        verdict.item.address: declaration(verdict.item)
        for verdict in judged.verdicts.values()
        if not verdict.noted and verdict.standing.selected
    }


def _missed(judged: Judged) -> Iterable[tuple[Address, datetime]]:
    for verdict in judged.verdicts.values():
        if isinstance(verdict.need.reason, DeadlineMissed) and verdict.standing.selected:
            slot, known = verdict.need.reason.slot, verdict.record.missed_slot
            if known is None or known < slot:
                yield verdict.item.address, slot
