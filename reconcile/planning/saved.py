"""Whether a saved plan still stands, and what is left of it to do."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256

from msgspec import Struct

from reconcile.model.address import Address
from reconcile.model.comparison import (
    Difference,
    PlannedFrom,
    SavedAction,
    SavedChoice,
    SavedPlan,
)
from reconcile.model.desired import AfterRefresh, Desired, Item, ScheduleItem
from reconcile.model.observed import Observed
from reconcile.model.plan import (
    Action,
    Await,
    Choice,
    Plan,
    Refresh,
    Rename,
    Request,
    ResetCache,
    ScheduleWrite,
    Standing,
    addresses_of,
)
from reconcile.model.reason import BlockedBy, Status
from reconcile.model.recorded import Declaration, Recorded
from reconcile.model.struct import replace
from reconcile.planning.budget import addresses
from reconcile.planning.fields import Fields, changed_fields, declared_fields
from reconcile.planning.item import is_selected
from reconcile.planning.plan import plan
from reconcile.planning.record import declaration


class Confirmed(Struct, frozen=True):
    """What is left to do of a saved plan.

    `covered`: addresses that something else has settled since. `left_alone`: addresses that have
    fallen due since, which this approval does not speak of. `spent`: addresses that the plan
    forces, and that have succeeded since it was made. `waiting`: where those stand that nothing has
    settled and that are not called now either, such as what failed and backs off.
    """

    plan: Plan
    covered: tuple[Address, ...] = ()
    left_alone: tuple[Address, ...] = ()
    spent: tuple[Address, ...] = ()
    waiting: tuple[Standing, ...] = ()


class Stale(Struct, frozen=True):
    """The saved plan may not be applied, and why."""

    differences: tuple[Difference, ...]


def confirm(
    saved: SavedPlan,
    desired: Desired,
    recorded: Recorded,
    now: datetime,
    observed: Observed | None = None,
) -> Confirmed | Stale:
    """Plan again from the files and the state, and keep what was approved of it.

    Every action that is returned comes from the files, none from the saved plan. What it forces is
    forced only while it has not succeeded since, so that a plan that is applied twice sends once.
    What only a live look had found is confirmed by another, `observed`.
    """
    if saved.choice.live and observed is None:
        return Stale((Difference("--live", "a plan after a live look", "without one", plain=True),))
    differences = [*_of_origin(saved, desired, recorded), *_of_files(saved, desired)]
    if differences:
        return Stale(tuple(differences))
    under_way = frozenset(a for a in saved.choice.force if _is_under_way(a, saved, recorded))
    spent = frozenset(a for a in saved.choice.force if _is_spent(a, saved, recorded))
    choice = Choice(
        select=saved.choice.select,
        force=frozenset(saved.choice.force) - spent - under_way,
        hold_unknown=saved.choice.hold_unknown,
    )
    approved = {
        address: action
        for action in saved.actions
        for address in action.slots
        # A rename sends nothing, and a job of others, which only a call of these waits for, is no
        # part of what was chosen.
        if action.kind != Rename.kind
        and address not in spent
        and (action.kind != Await.kind or is_selected(address, choice))
    }
    whole = plan(desired, recorded, now, choice, observed)
    approved_only = replace(choice, only=frozenset(approved))
    fresh = plan(desired, recorded, now, approved_only, observed)
    changed = list(_of_actions(approved, fresh.actions))
    if changed:
        return Stale(tuple(changed))
    renamed = {a for action in saved.actions if action.kind == Rename.kind for a in action.slots}
    going = set(addresses(fresh.actions))
    dropped = (renamed | set(approved)) - going
    left = {a: action.slots[a] for a, action in approved.items() if a in dropped}
    waiting = {one.address: one for one in _waiting(left, saved, desired, recorded, fresh)}
    return Confirmed(
        plan=fresh,
        covered=tuple(sorted(dropped - waiting.keys())),
        left_alone=tuple(sorted(_called(whole) - set(approved) - going)),
        spent=tuple(sorted(spent)),
        waiting=tuple(waiting.values()),
    )


def _called(planned: Plan) -> set[Address]:
    return set(addresses(action for action in planned.actions if not isinstance(action, Rename)))


def _waiting(
    left: Mapping[Address, datetime | None],
    saved: SavedPlan,
    desired: Desired,
    recorded: Recorded,
    fresh: Plan,
) -> Iterator[Standing]:
    """Yield where those items stand that nothing has settled, of those not called now.

    `left`: what these are, and the slots that were approved. What has succeeded since is settled,
    though a slot that came later may have failed. A reset that follows a refresh has no slot of its
    own before that has completed, and waits for as long as it does.
    """
    stands = {standing.address: standing for standing in fresh.standings}
    cadences = {i.address: i.timing.cadence for i in desired.items if i.address in left}

    def is_open(address: Address) -> bool:
        standing = stands.get(address)
        covered = standing is None or standing.status is Status.COVERED
        return not (covered or _is_spent(address, saved, recorded))

    for address, slot in sorted(left.items()):
        cadence = cadences.get(address)
        if is_open(address):
            yield stands[address]
        elif (
            slot is None
            and isinstance(cadence, AfterRefresh)
            and is_open(cadence.refresh)
            and not _is_spent(address, saved, recorded)
        ):
            first = stands[cadence.refresh]
            reason = BlockedBy(first.address, first.reason)
            yield replace(stands[address], status=Status.BLOCKED, reason=reason, until=first.until)


def _is_spent(address: Address, saved: SavedPlan, recorded: Recorded) -> bool:
    """Tell whether an item, forced ones above all, has succeeded later than the plan knew of.

    By what the plan knew rather than by its instant: another machine may have applied it, and its
    clock may be behind.
    """
    record = recorded.items.get(address)
    last = None if record is None else record.last_success
    return last is not None and last > saved.choice.succeeded.get(address, saved.now)


def _is_under_way(address: Address, saved: SavedPlan, recorded: Recorded) -> bool:
    """Tell whether a call was accepted since, and its job may still run: it is not made again."""
    record = recorded.items.get(address)
    pending = None if record is None else record.pending
    return pending is not None and pending.job_id is not None and pending.since > saved.now


def _of_origin(saved: SavedPlan, desired: Desired, recorded: Recorded) -> Iterable[Difference]:
    lineage, origin = lineage_of(recorded), saved.state
    if origin.lineage != lineage:
        yield Difference("the state's lineage", origin.lineage, lineage)
    host = desired.base_url or recorded.host
    if saved.host is not None and host is not None and saved.host != host:
        yield Difference("the instance", saved.host, host)
    then, now = (origin.serial, origin.sequence), (recorded.serial, recorded.sequence)
    if origin.lineage == lineage and now < then:
        was, is_ = (f"serial {serial}, entry {entry}" for serial, entry in (then, now))
        yield Difference("the state went backwards", was, is_, plain=True)


def _of_files(saved: SavedPlan, desired: Desired) -> Iterable[Difference]:
    current = declared(desired)
    for address in sorted(saved.items.keys() | current.keys()):
        then, now = saved.items.get(address), current.get(address)
        if then is None or now is None:
            was, is_ = (_DECLARED[side is not None] for side in (then, now))
            yield Difference(address, was, is_, plain=True)
        elif isinstance(then, str):
            if then != fingerprint(now):
                yield Difference(address, "declared otherwise", "declared", plain=True)
        elif then != now:
            found = list(_of_fields(address, declared_fields(then), declared_fields(now)))
            yield from found or [Difference(address, "declared otherwise", "declared", plain=True)]


_DECLARED = ("not declared", "declared")


def _of_fields(address: Address, then: Fields, now: Fields) -> Iterable[Difference]:
    for change in changed_fields(then, now):
        yield Difference(address, change.before, change.after, change.field)


def _of_actions(
    approved: Mapping[Address, SavedAction], fresh: Iterable[Action]
) -> Iterable[Difference]:
    """Yield how approved calls would be made otherwise. Renames only follow files and state."""
    for action in fresh:
        if isinstance(action, Rename):
            continue
        now = saved_action(action, "")
        for address in addresses_of(action):
            # Its job goes on: that of the call that was approved, or one before it.
            if isinstance(action, Await) and (
                address not in approved or approved[address].kind == Refresh.kind
            ):
                continue
            then = approved[address]
            yield from _of_fields(address, _call(then, address), _call(now, address))


def _call(action: SavedAction, address: Address) -> Fields:
    request = action.request or Request("", "")
    body = request.body or {}
    return {
        "action": action.kind,
        "slot": action.slots[address],
        "request": f"{request.method} {request.path}".strip() or None,
        "query": tuple(f"{name}={value}" for name, value in request.query) or None,
        "body": tuple(f"{name}={value}" for name, value in sorted(body.items())) or None,
    }


# What a saved plan keeps of a plan: what an approval is about, and nothing that could be run.

NO_LINEAGE = "none yet"


def lineage_of(recorded: Recorded) -> str:
    """Name the lineage of a state; one that was never written has none yet."""
    return recorded.lineage if recorded.serial or recorded.sequence else NO_LINEAGE


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
    force = tuple(sorted(choice.force))
    known = ((address, recorded.items.get(address)) for address in force)
    return SavedPlan(
        tool=tool,
        now=planned.now,
        valid_until=planned.valid_until,
        digest=planned.digest,
        state=PlannedFrom(lineage_of(recorded), recorded.serial, recorded.sequence),
        host=desired.base_url or recorded.host,
        choice=SavedChoice(
            select=choice.select,
            force=force,
            hold_unknown=choice.hold_unknown,
            succeeded={a: kept.last_success for a, kept in known if kept and kept.last_success},
        ),
        actions=tuple(saved_action(action, reason) for action, reason in pairs),
        items=declared(desired),
    )


def saved_action(action: Action, reason: str) -> SavedAction:
    """Reduce an action to what an approval is about.

    A stamp that is only the plan's own `now` (an `every` reset that never ran) is left out.
    """
    slots: dict[Address, datetime | None] = dict.fromkeys(addresses_of(action))
    if isinstance(action, Refresh | ResetCache | Await):
        slots = {coverage.address: coverage.slot for coverage in action.covers}
    request = action.request if isinstance(action, Refresh | ResetCache | ScheduleWrite) else None
    if isinstance(action, ResetCache) and None in slots.values():
        request = replace(action.request, body=None)
    return SavedAction(kind=action.kind, slots=slots, request=request, reason=reason)


# What items declare, as a saved plan keeps it.

_PARTS = ("identity", "timing", "call")
_SCHEDULE_KEYS = ("connection", "cron", "timezone", "hard")


def declared(desired: Desired) -> Mapping[Address, Declaration]:
    """Return what every item declares, native schedules too, as plain JSON values."""
    items: dict[Address, Declaration] = {item.address: _kept(item) for item in desired.items}
    return items | {item.address: _schedule(item) for item in desired.schedules}


def fingerprint(kept: Declaration) -> str:
    """Return a short hash of a declaration, for where the whole of it would take too much room.

    It is what plans of the first format keep.
    """
    told: object = kept if "timing" in kept else [kept.get(key) for key in _SCHEDULE_KEYS]
    return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _kept(item: Item) -> Declaration:
    told = declaration(item)
    return {part: told[part] for part in _PARTS}


def _schedule(item: ScheduleItem) -> Declaration:
    spec = item.spec
    values = (item.connection_id, spec.cron, spec.zone, spec.hard)
    return dict(zip(_SCHEDULE_KEYS, values, strict=True))
