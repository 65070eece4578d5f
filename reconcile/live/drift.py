"""What a live instance says otherwise than the files. What was not seen concludes nothing."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise

from reconcile.live.discovery import can_tell, near, selection_findings, unmatched_selections
from reconcile.live.observed import (
    BranchMissing,
    ClockOff,
    Finding,
    ModelDeleted,
    ModelMissing,
    PolicyUnknown,
    ScheduleDiffers,
    ScheduleDisabled,
    ScheduleForeign,
    ScheduleMissing,
    Seen,
    SelectionEmpty,
    Shadowed,
    addresses_of,
    by_model,
    connection_findings,
    resolved,
)
from reconcile.model.address import Address
from reconcile.model.desired import (
    At,
    Cadence,
    Cron,
    Desired,
    Every,
    Manage,
    Mode,
    NativeSchedule,
    RefreshItem,
    ResetItem,
    ScheduleSpec,
    spelled,
)
from reconcile.model.observed import Observed, ObservedModel
from reconcile.model.recorded import ScheduleRecord
from reconcile.planning.schedules import Pool
from reconcile.planning.time.cron import CronError
from reconcile.planning.time.eventbridge import newest_and_next
from reconcile.planning.time.slots import spread_of, wall_slots
from reconcile.planning.time.wall_clock import UnknownZoneError

MOST_AHEAD_S = 30.0
"""A clock further off than this is worth a word: resets are stamped with it."""


def drift(
    desired: Desired,
    observed: Observed,
    recorded: Mapping[Address, ScheduleRecord] | None = None,
) -> tuple[Finding, ...]:
    """Compare what is declared with what was seen, in a stable order.

    `recorded`: the native schedules that applies made, which say whose is whose.
    """
    seen = Seen.of(observed)
    findings = [*_models(desired, seen), *connection_findings(desired, seen)]
    for item in desired.items:
        model = seen.there(item.model_id)
        match item:
            case RefreshItem() if model is not None and item.branch_id is not None:
                findings.extend(_branch(item, item.branch_id, model, seen))
            case ResetItem() if seen.models is None or model is not None:
                findings.extend(_policy(item, seen))
            case _:
                pass
    findings.extend(selection_findings(desired, seen))
    findings.extend(_empty_selections(desired, seen))
    findings.extend(schedule_findings(desired, observed, recorded))
    findings.extend(_shadows(desired, observed))
    findings.extend(_clock(observed))
    return in_order(findings)


def in_order(findings: list[Finding]) -> tuple[Finding, ...]:
    """Sort by address, then by kind: the order of a listing must not follow that of a reply."""
    return tuple(sorted(findings, key=lambda f: (f.addresses, type(f).__name__, repr(f))))


def _models(desired: Desired, seen: Seen) -> Iterator[Finding]:
    if seen.models is None:
        return
    for model_id, items in by_model(desired.items).items():
        model = seen.models.get(model_id)
        if model is None:
            yield ModelMissing(
                addresses=addresses_of(items), model_id=model_id, alike=seen.alike(items[0].model)
            )
        elif model.deleted_at is not None:
            yield ModelDeleted(
                addresses=addresses_of(items),
                model_id=model_id,
                name=model.name,
                deleted_at=model.deleted_at,
            )


def _branch(
    item: RefreshItem, branch_id: str, model: ObservedModel, seen: Seen
) -> Iterator[Finding]:
    """Look among the model's active branches, and among the models that are branches of it."""
    branch = seen.there(branch_id)
    listed = branch is not None and branch.base_model_id in {None, model.model_id}
    if listed or branch_id.lower() in {known.lower() for known in model.branches}:
        return
    yield BranchMissing(
        addresses=(item.address,),
        model_id=item.model_id,
        branch_id=branch_id,
        branches=tuple(sorted(model.branches.values())),
    )


def _policy(item: ResetItem, seen: Seen) -> Iterator[Finding]:
    names = seen.policies.get(item.model_id.lower())
    if names is None:
        return
    known = {*names, *_policies_of_extensions(item.model_id, seen)}
    if item.policy in known:
        return
    yield PolicyUnknown(
        addresses=(item.address,),
        model_id=item.model_id,
        policy=item.policy,
        near=nearest(item.policy, known),
        known=tuple(sorted(known)),
    )


def _policies_of_extensions(model_id: str, seen: Seen) -> Iterator[str]:
    """Yield the policies of models built on this one, as far as they were seen."""
    for other_id, names in seen.policies.items():
        other = seen.there(other_id)
        if other and other.base_model_id and other.base_model_id.lower() == model_id.lower():
            yield from names


def nearest(wrong: str, known: set[str]) -> str | None:
    """Return the known name that was probably meant; None if none is near."""
    from difflib import get_close_matches  # noqa: PLC0415 -- slow to import, and most names are known

    folded = {name.casefold(): name for name in sorted(known, reverse=True)}
    near = get_close_matches(wrong[:200].casefold(), folded, n=1, cutoff=0.6)
    return folded[near[0]] if near else None


def _empty_selections(desired: Desired, seen: Seen) -> Iterator[Finding]:
    names = [m.name for m in (seen.models or {}).values() if m.deleted_at is None]
    for selection in unmatched_selections(desired, seen) if can_tell(desired, seen) else ():
        yield SelectionEmpty(
            addresses=(),
            number=selection.number,
            selects=spelled(selection),
            near=near(selection.name, names),
        )


def _shadows(desired: Desired, observed: Observed) -> Iterator[Finding]:
    schedules = {place.lower(): found for place, found in observed.schedules.items()}
    refreshes = (i for i in resolved(desired, observed).items if isinstance(i, RefreshItem))
    return shadows(refreshes, schedules, observed.at)


def _clock(observed: Observed) -> Iterator[Finding]:
    ahead_s = observed.clock_ahead_s
    if ahead_s is not None and abs(ahead_s) > MOST_AHEAD_S:
        yield ClockOff(addresses=(), ahead_s=ahead_s)


# Declared native schedules beside those of the connections that were looked at.


def schedule_findings(
    desired: Desired,
    observed: Observed,
    recorded: Mapping[Address, ScheduleRecord] | None = None,
) -> Iterator[Finding]:
    """Match by the id that an apply recorded, else by what schedules say.

    Which of two equal ones is whose makes no difference here.
    """
    there = {place.lower(): found for place, found in observed.schedules.items()}
    known = recorded or {}
    owned = {
        item.address: known[item.address].schedule_id
        for item in desired.schedules
        if item.address in known
    }
    pools = {place: Pool(found, owned.values()) for place, found in there.items()}
    for item in desired.schedules:
        pool = pools.get(item.connection_id.lower())
        if pool is None:
            continue
        mine, those = owned.get(item.address), there[item.connection_id.lower()]
        found = next((one for one in those if one.schedule_id == mine), None)
        found = found or pool.claim(item.spec)
        if found is not None and found.spec != item.spec:
            yield ScheduleDiffers(addresses=(item.address,), declared=item.spec, schedule=found)
        if found is None:
            yield ScheduleMissing(addresses=(item.address,), declared=item.spec)
        elif found.disabled_at is not None:
            yield ScheduleDisabled(addresses=(item.address,), schedule=found)
    for connection in desired.connections:
        pool = pools.get(connection.id.lower())
        for foreign in pool.left() if pool and connection.manage is Manage.ALL else ():
            yield ScheduleForeign(addresses=(), connection=connection.name, schedule=foreign)


# Omni's own schedules beside our cadences: two refreshes of one connection where one would do.

CLOSE = timedelta(hours=1)
HORIZON = timedelta(days=8)
"""A week and a day: what repeats weekly meets in it, and a change of clocks rarely does."""

MOST_SLOTS = 100
"""Slots of one cadence looked at: what runs every minute is close to everything at once."""

Pair = tuple[datetime, datetime]


def shadows(
    refreshes: Iterable[RefreshItem],
    schedules: Mapping[str, Sequence[NativeSchedule]],
    at: datetime,
) -> Iterator[Shadowed]:
    """Compare refreshes with the native schedules of their connection, in the days after `at`.

    `schedules`: by connection, as `lives_on` or else `connection` of a refresh names it. A native
    schedule acts on no branch, and one that is disabled or cannot be read acts on nothing.
    """
    for item in refreshes:
        place = item.lives_on or item.connection
        for schedule in schedules.get(place or "", ()) if not item.branch_id else ():
            if schedule.disabled_at is None and (found := _shadow(item, schedule, at)):
                yield found


def declared_shadows(desired: Desired, at: datetime) -> Iterator[Shadowed]:
    """Compare refreshes with the native schedules that the files themselves declare."""
    schedules: dict[str, list[NativeSchedule]] = defaultdict(list)
    for item in desired.schedules:
        as_if_there = NativeSchedule(
            schedule_id=item.address, connection_id=item.connection_id, spec=item.spec
        )
        for place in (item.connection, item.connection_id):
            schedules[place].append(as_if_there)
    refreshes = (item for item in desired.items if isinstance(item, RefreshItem))
    return shadows(refreshes, schedules, at)


def _shadow(item: RefreshItem, schedule: NativeSchedule, at: datetime) -> Shadowed | None:
    offset = spread_of(item, item.timing.spread)
    cadence, zone, spec = item.timing.cadence, item.timing.zone, schedule.spec
    try:
        # Any native refresh, soft or hard, does all that a soft one of ours would do.
        if item.mode is Mode.SOFT and _keeps_up(cadence, zone, offset, spec, at):
            return Shadowed(addresses=(item.address,), schedule=schedule, kind="redundant")
        pair = _first_close(cadence, zone, offset, spec, at)
    except (CronError, UnknownZoneError):
        return None
    if pair is None:
        return None
    return Shadowed(
        addresses=(item.address,), schedule=schedule, kind="close", ours=pair[0], theirs=pair[1]
    )


@lru_cache(maxsize=1024)
def _keeps_up(
    cadence: Cadence, zone: str, offset: timedelta, spec: ScheduleSpec, at: datetime
) -> bool:
    """Tell whether a native refresh comes at least once for each of ours."""
    match cadence:
        case Every(interval):
            runs = list(_native_runs(spec, at))
            gaps = [later - earlier for earlier, later in pairwise(runs)]
            return bool(gaps) and max(gaps) <= interval
        case Cron() | At():
            slots = _our_slots(cadence, zone, offset, at)
            newest = [newest_and_next(spec.cron, spec.zone, later)[0] for later in slots[1:]]
            pairs = zip(slots, newest, strict=False)
            return bool(newest) and all(run is not None and run > slot for slot, run in pairs)
        case _:
            return False


@lru_cache(maxsize=1024)
def _first_close(
    cadence: Cadence, zone: str, offset: timedelta, spec: ScheduleSpec, at: datetime
) -> Pair | None:
    """Return the first slot of ours and the native run less than an hour from it."""
    if not isinstance(cadence, Cron | At):
        return None
    for slot in _our_slots(cadence, zone, offset, at):
        for run in newest_and_next(spec.cron, spec.zone, slot):
            if run is not None and abs(run - slot) < CLOSE:
                return slot, run
    return None


def _our_slots(
    cadence: Cron | At, zone: str, offset: timedelta, at: datetime
) -> Sequence[datetime]:
    slots = wall_slots(cadence, zone).between(at - offset, at - offset + HORIZON)
    return [slot + offset for slot in islice(slots, MOST_SLOTS)]


def _native_runs(spec: ScheduleSpec, at: datetime) -> Iterator[datetime]:
    """Yield the runs around an instant: the one before it, and those of the days after it."""
    newest, following = newest_and_next(spec.cron, spec.zone, at)
    if newest is not None:
        yield newest
    for _ in range(MOST_SLOTS):
        if following is None:
            return
        yield following
        if following > at + HORIZON:
            return
        following = newest_and_next(spec.cron, spec.zone, following)[1]
