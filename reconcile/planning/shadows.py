"""Omni's own schedules beside our cadences: two refreshes of one connection where one would do."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise

from reconcile.model.desired import (
    At,
    Cadence,
    Cron,
    Desired,
    Every,
    Mode,
    NativeSchedule,
    RefreshItem,
    ScheduleSpec,
)
from reconcile.model.observed import Shadowed
from reconcile.planning.time.cron import CronError
from reconcile.planning.time.eventbridge import newest_and_next
from reconcile.planning.time.slots import spread_of, wall_slots
from reconcile.planning.time.wall_clock import UnknownZoneError

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
