"""Whether a saved plan still stands, and what is left of it to do."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, replace
from datetime import datetime
from hashlib import sha256

from reconcile.model.address import Address
from reconcile.model.desired import Desired, ScheduleItem
from reconcile.model.noun import noun
from reconcile.model.observed import Observed
from reconcile.model.plan import (
    Action,
    Await,
    Choice,
    Forget,
    Plan,
    Rename,
    ResetCache,
    action_kind,
)
from reconcile.model.recorded import Recorded
from reconcile.model.saved import Difference, SavedAction, SavedPlan
from reconcile.model.schedule_action import AdoptSchedule, ScheduleWrite
from reconcile.planning.budget.order import addresses
from reconcile.planning.declaration import declaration
from reconcile.planning.planner import plan

NO_LINEAGE = "none yet"


@noun(frozen=True, slots=True)
class Confirmed:
    """What is left to do of a saved plan.

    `covered`: addresses that something else has settled since. `left_alone`: addresses that have
    fallen due since, which this approval does not speak of.
    """

    plan: Plan
    covered: tuple[Address, ...]
    left_alone: tuple[Address, ...]


@noun(frozen=True, slots=True)
class Stale:
    """The saved plan may not be applied, and why."""

    differences: tuple[Difference, ...]


def lineage_of(recorded: Recorded) -> str:
    """Name the lineage of a state; one that was never written has none yet."""
    return recorded.lineage if recorded.serial or recorded.sequence else NO_LINEAGE


def fingerprints(desired: Desired) -> Mapping[Address, str]:
    """Hash each item's declaration, so that a changed file can be told item by item."""
    items = {item.address: _hash(declaration(item)) for item in desired.items}
    return items | {item.address: _hash_schedule(item) for item in desired.schedules}


def confirm(
    saved: SavedPlan,
    desired: Desired,
    recorded: Recorded,
    now: datetime,
    force: frozenset[Address] = frozenset(),
    observed: Observed | None = None,
) -> Confirmed | Stale:
    """Plan again from the files and the state, and keep what was approved of it.

    Every action that is returned comes from the files, none from the saved plan: editing the plan
    can only take work away. That is why `force` comes from the operator once more. What only a live
    look had found is confirmed by another, `observed`.
    """
    if saved.live and observed is None:
        return Stale((Difference("--live", "a plan after a live look", "without one"),))
    differences = [*_of_origin(saved, desired, recorded), *_of_files(saved, desired)]
    if frozenset(saved.force) != force:
        then, now_forced = ", ".join(sorted(saved.force)), ", ".join(sorted(force))
        differences.append(Difference("--force", then or "nothing", now_forced or "nothing"))
    if differences:
        return Stale(tuple(differences))
    choice = Choice(select=saved.select, force=force, hold_unknown=saved.hold_unknown)
    approved = {address: action for action in saved.actions for address in action.slots}
    whole = plan(desired, recorded, now, choice, observed)
    approved_only = replace(choice, only=frozenset(approved))
    fresh = plan(desired, recorded, now, approved_only, observed)
    changed = list(_of_actions(approved, fresh.actions))
    if changed:
        return Stale(tuple(changed))
    due, wanted = set(addresses(fresh.actions)), set(addresses(whole.actions))
    return Confirmed(
        plan=fresh,
        covered=tuple(sorted(set(approved) - due)),
        left_alone=tuple(sorted(wanted - set(approved))),
    )


def _of_origin(saved: SavedPlan, desired: Desired, recorded: Recorded) -> Iterable[Difference]:
    lineage = lineage_of(recorded)
    if saved.lineage != lineage:
        yield Difference("the state's lineage", saved.lineage, lineage)
    host = desired.base_url or recorded.host
    if saved.host is not None and host is not None and saved.host != host:
        yield Difference("the instance", saved.host, host)
    then, now = (saved.serial, saved.sequence), (recorded.serial, recorded.sequence)
    if saved.lineage == lineage and now < then:
        yield Difference("the state went backwards: its serial and sequence", str(then), str(now))


def _of_files(saved: SavedPlan, desired: Desired) -> Iterable[Difference]:
    current = fingerprints(desired)
    for address in sorted(saved.items.keys() | current.keys()):
        then, now = saved.items.get(address), current.get(address)
        if then != now:
            was = "not declared" if then is None else "declared otherwise"
            yield Difference(address, was, "no longer declared" if now is None else "declared")


def _of_actions(
    approved: Mapping[Address, SavedAction], fresh: Iterable[Action]
) -> Iterable[Difference]:
    for action in fresh:
        for address in addresses([action]):
            now, then = saved_action(action, ""), approved[address]
            if now.kind != then.kind:
                yield Difference(f"{address}: what is done", then.kind, now.kind)
            elif now.slots[address] != then.slots[address]:
                yield Difference(
                    f"{address}: its slot", _told(then.slots[address]), _told(now.slots[address])
                )
            elif now.request != then.request:
                yield Difference(f"{address}: its request", repr(then.request), repr(now.request))


def saved(
    planned: Plan,
    desired: Desired,
    recorded: Recorded,
    choice: Choice,
    reasons: Sequence[str],
    tool: str,
) -> SavedPlan:
    """Keep of a plan what an approval needs. `reasons`: one text an action, to be shown later."""
    pairs = zip(planned.actions, reasons, strict=True)
    return SavedPlan(
        tool=tool,
        now=planned.now,
        valid_until=planned.valid_until,
        digest=planned.digest,
        lineage=lineage_of(recorded),
        serial=recorded.serial,
        sequence=recorded.sequence,
        host=desired.base_url or recorded.host,
        items=fingerprints(desired),
        select=choice.select,
        force=tuple(sorted(choice.force)),
        hold_unknown=choice.hold_unknown,
        actions=tuple(saved_action(action, reason) for action, reason in pairs),
    )


def saved_action(action: Action, reason: str) -> SavedAction:
    """Reduce an action to what an approval is about.

    A stamp that is only the plan's own `now` (an `every` reset that never ran) is left out.
    """
    kind = action_kind(action)
    if isinstance(action, Forget | AdoptSchedule):
        return SavedAction(kind=kind, slots={action.address: None}, request=None, reason=reason)
    if isinstance(action, Rename):
        moved: dict[Address, datetime | None] = {new: None for _, new in action.moves}
        return SavedAction(kind=kind, slots=moved, request=None, reason=reason)
    if isinstance(action, ScheduleWrite):
        slots: dict[Address, datetime | None] = {action.address: None}
        return SavedAction(kind=kind, slots=slots, request=action.request, reason=reason)
    slots = {coverage.address: coverage.slot for coverage in action.covers}
    request = None if isinstance(action, Await) else action.request
    if isinstance(action, ResetCache) and None in slots.values():
        request = replace(action.request, body=None)
    return SavedAction(kind=kind, slots=slots, request=request, reason=reason)


def _told(slot: datetime | None) -> str:
    return "none" if slot is None else slot.isoformat().replace("+00:00", "Z")


def _hash(declared: Mapping[str, object]) -> str:
    parts = {part: declared[part] for part in ("identity", "timing", "call")}
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _hash_schedule(item: ScheduleItem) -> str:
    told = [item.connection_id, *astuple(item.spec)]
    return sha256(json.dumps(told).encode()).hexdigest()[:16]
