"""What can be said before anything has run.

Whether the request budget takes what is declared, which change of the clocks comes next, and which
of Omni's own schedules meet ours.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise
from math import ceil
from typing import Final

from msgspec import Struct

from reconcile.errors import Diagnostic, ReconcileError, Severity, diagnose
from reconcile.model.address import Address
from reconcile.model.desired import (
    AfterRefresh,
    At,
    Cadence,
    Cron,
    Desired,
    Every,
    Freeze,
    Item,
    Mode,
    NativeSchedule,
    OpenHours,
    RefreshItem,
    ResetItem,
    ScheduleSpec,
)
from reconcile.model.forecast import ClockChange, TouchedSlot
from reconcile.model.observed import Shadowed
from reconcile.model.recorded import Recorded
from reconcile.model.struct import replace
from reconcile.planning.ahead import Ahead, calls_by_minute, look_ahead
from reconcile.planning.record import assumed_record
from reconcile.planning.requests import company_of
from reconcile.planning.steady import MINUTE_US, microseconds
from reconcile.planning.time.cron import CronError
from reconcile.planning.time.eventbridge import is_weekly, newest_and_next, runs_from
from reconcile.planning.time.slots import (
    Change,
    count_slots,
    frozen_by,
    matches,
    spread_of,
    touched_by,
    wall_slots,
)
from reconcile.planning.time.wall_clock import Transition, UnknownZoneError, local, transitions

# The minutes of a week in which wall-clock slots ask for more calls than the budget takes.

WEEK: Final = timedelta(days=7)
_LONGEST_SPREAD_M: Final = 60
_MINUTE_S: Final = 60


class Burst(Struct, frozen=True, kw_only=True):
    """One minute over the budget, and all others of the week in which the same falls due.

    `at`: the first such minute (UTC), told in `zone`. `spread_m`: the fewest minutes of spread, on
    the items that are called alone, after which it fits; None if an hour is not enough.
    `resets_alone`: none of these is a refresh.
    `unconnected`: calls that refresh one model without a connection; `calls_if_merged`: calls if
    those were one for each branch. `look_alikes`: connections whose names differ only in spelling.
    """

    at: datetime
    zone: str
    times: int
    calls: int
    budget: int
    spread_m: int | None
    resets_alone: bool
    unconnected: int
    calls_if_merged: int
    look_alikes: tuple[tuple[str, ...], ...]


_Schedule = tuple[Cron | At, str, int]
"""A cadence, its zone, and the offset of a spread in seconds: items that share it run together."""


def bursts(
    desired: Desired, now: datetime, riding: Mapping[int, int] | None = None
) -> tuple[Burst, ...]:
    """Find the minutes over the budget in the week after `now`, the fullest first.

    `riding`: the calls of each minute (since 1970) where some items ride along with others and so
    leave their own minutes.
    """
    budget = desired.requests_per_minute
    together: dict[_Schedule, list[Item]] = defaultdict(list)
    for item in desired.items:
        timing = item.timing
        endless = timing.pause is not None and timing.pause.until is None
        if isinstance(timing.cadence, Cron | At) and not endless:
            offset_s = int(spread_of(item, timing.spread).total_seconds())
            together[timing.cadence, timing.zone, offset_s].append(item)
    if sum(map(len, together.values())) <= budget:
        return ()
    found: list[Burst] = []
    for schedules, minutes in _by_company(together, now).items():
        if sum(len(together[schedule]) for schedule in schedules) > budget:
            calls = _calls([(schedule, together[schedule]) for schedule in schedules])
            full = [m for m in minutes if riding is None or riding.get(m, 0) > budget]
            if len(calls) > budget and full:
                found.append(_burst(calls, full, budget))
    return tuple(sorted(found, key=lambda burst: (-burst.calls, burst.at)))


@lru_cache(maxsize=4096)
def _wall_slots(cadence: Cron | At, zone: str, now: datetime) -> tuple[datetime, ...]:
    return tuple(wall_slots(cadence, zone).between(now, now + WEEK))


def _by_company(
    together: Iterable[_Schedule], now: datetime
) -> dict[tuple[_Schedule, ...], list[int]]:
    """Group the minutes (since 1970) of the week by the schedules that meet in them."""
    meeting: dict[int, list[_Schedule]] = defaultdict(list)
    for schedule in together:
        cadence, zone, offset_s = schedule
        for slot in _wall_slots(cadence, zone, now):
            meeting[(int(slot.timestamp()) + offset_s) // _MINUTE_S].append(schedule)
    company: dict[tuple[_Schedule, ...], list[int]] = defaultdict(list)
    for minute, schedules in sorted(meeting.items()):
        company[tuple(schedules)].append(minute)
    return company


def _calls(meeting: Sequence[tuple[_Schedule, list[Item]]]) -> list[list[Item]]:
    """Merge what falls due at the same second and may share a call, as plans do."""
    calls: dict[tuple[str, int], list[Item]] = defaultdict(list)
    for (_, _, offset_s), items in meeting:
        for item in items:
            group = company_of(item) if isinstance(item, RefreshItem) else item.address
            calls[group, offset_s % _MINUTE_S].append(item)
    return list(calls.values())


def _burst(calls: list[list[Item]], minutes: list[int], budget: int) -> Burst:
    alone = [call[0] for call in calls if len(call) == 1]
    free = [i for i in alone if isinstance(i, RefreshItem) and i.connection is None]
    zones = Counter(item.timing.zone for call in calls for item in call)
    return Burst(
        at=datetime.fromtimestamp(minutes[0] * _MINUTE_S, UTC),
        zone=min(zones, key=lambda zone: (-zones[zone], zone)),
        times=len(minutes),
        calls=len(calls),
        budget=budget,
        spread_m=_spread_m(alone, len(calls) - len(alone), budget),
        resets_alone=all(isinstance(item, ResetItem) for item in alone),
        unconnected=len(free),
        calls_if_merged=len(calls) - len(free) + len({item.branch_id for item in free}),
        look_alikes=_look_alikes(item for call in calls for item in call),
    )


def _spread_m(alone: list[Item], others: int, budget: int) -> int | None:
    """Try spreads for real: offsets come from the identities, and need not be even."""
    for minutes in range(max(2, ceil((len(alone) + others) / budget)), _LONGEST_SPREAD_M + 1):
        spread = timedelta(minutes=minutes)
        counts = Counter(spread_of(i, spread).total_seconds() // _MINUTE_S for i in alone)
        counts[0.0] += others
        if max(counts.values()) <= budget:
            return minutes
    return None


def _look_alikes(items: Iterable[Item]) -> tuple[tuple[str, ...], ...]:
    spellings: dict[str, set[str]] = defaultdict(set)
    for item in items:
        if isinstance(item, RefreshItem) and item.connection is not None:
            plain = "".join(filter(str.isalnum, item.connection.casefold()))
            spellings[plain].add(item.connection)
    return tuple(tuple(sorted(names)) for names in spellings.values() if len(names) > 1)


# Whether the request budget can take what is declared, before anything has run.

_WARNED_OF: Final = 5
_PER_MINUTE: Final = 60.0
_LEAST: Final = timedelta(seconds=1)


def feasibility(desired: Desired, now: datetime) -> tuple[Diagnostic, ...]:
    """Warn of minutes and of averages that are over the budget, in the week after `now`.

    As if every item had just run and nothing were frozen. Polls are left out where a single minute
    is counted.
    """
    found = bursts(desired, now)
    if not found and _requests_at_most(desired, now) <= desired.requests_per_minute:
        return ()
    ahead = _ahead(desired, now)
    refreshes = (item for item in desired.items if isinstance(item, RefreshItem))
    if found and ahead is not None and any(item.coalesce_within for item in refreshes):
        first = microseconds(now) // MINUTE_US
        found = bursts(desired, now, dict(enumerate(calls_by_minute(ahead), start=first)))
    return (*_on_average(desired, ahead), *_by_minute(found))


def _ahead(desired: Desired, now: datetime) -> Ahead | None:
    """Look a week ahead; None where too much would have to be walked for a check of a file."""
    nothing = Recorded(lineage="", serial=0, sequence=0)
    plain = replace(desired, freezes=())
    try:
        return look_ahead(plain, assumed_record(plain, nothing, now), now, now + WEEK)
    except ReconcileError:
        return None


def _by_minute(found: Sequence[Burst]) -> Iterator[Diagnostic]:
    for burst in found[:_WARNED_OF]:
        wall = local(burst.zone, burst.at)
        others = f" and {burst.times - 1:,} more times a week" if burst.times > 1 else ""
        remedy = f": spread {burst.spread_m} minutes" if burst.spread_m else ""
        when = f"{wall:%H:%M} {burst.zone} ({wall:%Y-%m-%d}{others})"
        needs = f"{when} needs {burst.calls:,} calls in one minute"
        first = f"{needs}; the budget is {burst.budget:,}{remedy}."
        sentences = [first, *_sharing(burst)]
        yield _warning("minute-over-budget", " ".join(sentences), _hint(burst))


def _sharing(burst: Burst) -> Iterator[str]:
    fits = ", which fits" if burst.calls_if_merged <= burst.budget else ""
    if burst.unconnected > 1:
        left = f"{burst.calls_if_merged:,} call{'' if burst.calls_if_merged == 1 else 's'}"
        yield (
            f"{burst.unconnected:,} of them refresh models without a `connection`; if these are on "
            f"one connection, naming it leaves {left}{fits}."
        )
    for names in burst.look_alikes:
        told = " and ".join(f'"{name}"' for name in names)
        yield f"The connections {told} differ only in spelling; spelled alike they share a call."


def _hint(burst: Burst) -> str:
    if burst.calls_if_merged <= burst.budget and burst.unconnected > 1:
        return 'connection = "warehouse" in each [models.NAME] that is on it'
    if burst.spread_m:
        # In [defaults] it would part refreshes that share a call.
        inherited = ", or in [defaults.cache]" if burst.resets_alone else ""
        return f'spread = "{burst.spread_m}m" on each item that is called alone{inherited}'
    return "Move some of these items to other times, or raise requests_per_minute in [omni]."


def _on_average(desired: Desired, ahead: Ahead | None) -> Iterator[Diagnostic]:
    needed = 0.0
    if ahead is not None:
        # What cannot be avoided: every call, and one poll a job.
        (calls,) = ahead.calls((ahead.now, ahead.until))
        span_s = (ahead.until - ahead.now).total_seconds()
        needed = (calls + ahead.refreshes * ahead.polled) * _PER_MINUTE / span_s
    if needed > desired.requests_per_minute:
        detail = (
            f"The cadences need at least {ceil(needed):,} requests a minute on average; the budget "
            f"is {desired.requests_per_minute:,}. The backlog would grow for as long as it runs."
        )
        hint = "Lengthen the shortest intervals, or raise requests_per_minute in [omni]."
        yield _warning("budget-too-small", detail, hint)


def _requests_at_most(desired: Desired, now: datetime) -> float:
    """Bound the requests a minute, at the price of counting slots: as if no call were shared."""
    runs = {item.address: _slots(item, now) for item in desired.items}
    for item in desired.items:
        if isinstance(cadence := item.timing.cadence, AfterRefresh):
            runs[item.address] = runs.get(cadence.refresh, 0)
    jobs = sum(runs[item.address] for item in desired.items if isinstance(item, RefreshItem))
    return (sum(runs.values()) + jobs) * _PER_MINUTE / WEEK.total_seconds()


def _slots(item: Item, now: datetime) -> int:
    match item.timing.cadence:
        case Every(interval):
            # Riding along may bring the next run nearer by as much, as often as it happens.
            within = item.coalesce_within if isinstance(item, RefreshItem) else timedelta()
            return int(WEEK / max(interval - within, _LEAST)) + 1
        case Cron() | At() as cadence:
            return count_slots(cadence, item.timing.zone, now, now + WEEK)
        case _:
            return 1


def _warning(code: str, detail: str, hint: str) -> Diagnostic:
    return diagnose(code, detail=detail, hint=hint, severity=Severity.WARNING)


# Items that their freezes keep from ever running: each slot is past its deadline by then.

_Waiting = tuple[Cron | At, str, timedelta, timedelta, tuple[Freeze, ...]]
"""A cadence, its zone, the offset of a spread, a deadline, and the freezes with windows."""


def never_run(desired: Desired, now: datetime) -> Iterator[Diagnostic]:
    """Warn of what cannot run within a year: no slot and its deadline meet an open window.

    And of native schedules whose years are over.
    """
    for schedule in desired.schedules:
        if newest_and_next(schedule.spec.cron, schedule.spec.zone, now)[1] is None:
            detail = f"The last year in which {schedule.address} ran is over."
            yield _warning(
                "never-runs", detail, "Name years to come, or `*` for all, or remove it."
            )
    windows = tuple(it for it in desired.freezes if isinstance(it.window, OpenHours))
    lost: dict[_Waiting, list[Address]] = defaultdict(list)
    for item in desired.items if windows else ():
        timing, cadence = item.timing, item.timing.cadence
        about = tuple(freeze for freeze in windows if matches(freeze, item.address))
        if about and timing.deadline is not None and isinstance(cadence, Cron | At):
            offset = spread_of(item, timing.spread)
            lost[cadence, timing.zone, offset, timing.deadline, about].append(item.address)
    for waiting, addresses in lost.items():
        if _is_lost(waiting, addresses[0], now):
            more = f" The same holds for {len(addresses) - 1:,} more." if addresses[1:] else ""
            names = ", ".join(f'"{freeze.name}"' for freeze in waiting[-1])
            detail = (
                f"Whenever {addresses[0]} falls due in the coming year, {names} holds until its "
                f"deadline has passed.{more}"
            )
            yield _warning("never-runs", detail, "Give it a longer `deadline`, or other times.")


def _is_lost(waiting: _Waiting, address: Address, now: datetime) -> bool:
    cadence, zone, offset, deadline, about = waiting
    slots = 0
    for slot in wall_slots(cadence, zone).between(now, now + WITHIN):
        held = frozen_by(about, address, slot + offset)
        if held is None or (held.until is not None and held.until < slot + offset + deadline):
            return False
        slots += 1
    return slots > 0


# The next change of the clocks that moves, drops or doubles a slot, zone by zone.

WITHIN: Final = timedelta(days=366)


def clock_changes(desired: Desired, now: datetime) -> tuple[ClockChange, ...]:
    """List for each zone its first change within a year that touches an item's slots."""
    zones: dict[str, dict[Cron | At, list[Address]]] = defaultdict(lambda: defaultdict(list))
    for item in desired.items:
        if isinstance(item.timing.cadence, Cron | At):
            zones[item.timing.zone][item.timing.cadence].append(item.address)
    changes: list[ClockChange] = []
    for zone, schedules in zones.items():
        for transition in transitions(zone, now, now + WITHIN):
            if slots := _touched(schedules, zone, transition):
                changes.append(
                    ClockChange(
                        zone,
                        transition.instant,
                        transition.offset_before,
                        transition.offset_after,
                        slots,
                    )
                )
                break
    return tuple(sorted(changes, key=lambda change: (change.at, change.zone)))


def _touched(
    schedules: Mapping[Cron | At, list[Address]], zone: str, transition: Transition
) -> tuple[TouchedSlot, ...]:
    found: dict[tuple[datetime, Change, tuple[datetime, ...]], list[Address]] = defaultdict(list)
    for cadence, addresses in schedules.items():
        for touch in touched_by(cadence, zone, transition):
            found[touch.wall, touch.change, touch.runs] += addresses
    return tuple(
        TouchedSlot(
            wall=wall,
            skipped=change is Change.SKIPPED,
            before=(wall - transition.offset_before).replace(tzinfo=UTC),
            after=(wall - transition.offset_after).replace(tzinfo=UTC),
            runs=runs,
            addresses=tuple(sorted(addresses)),
        )
        for (wall, change, runs), addresses in sorted(found.items())
    )


# Omni's own schedules beside our cadences: two refreshes of one connection where one would do.


CLOSE = timedelta(hours=1)
HORIZON = timedelta(days=8)
"""A week and a day: what repeats weekly meets in it, and a change of clocks rarely does."""

_MOST_LOOKS: Final = 20_000
"""Native runs, more than `HORIZON` has minutes. A look that is cut off proves nothing."""


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
    """Tell whether a native refresh comes at least once for each of ours, for good."""
    until = at + (HORIZON if is_weekly(spec.cron) else WITHIN)
    found = runs_from(spec.cron, spec.zone, at, until + WITHIN)
    runs = islice(found, _MOST_LOOKS)
    match cadence:
        case Every(interval):
            for earlier, later in pairwise(runs):
                if later - earlier > interval or later >= until:
                    return later - earlier <= interval
        case Cron() | At():
            slots = wall_slots(cadence, zone).between(at - offset, until - offset + WITHIN)
            run = next(runs, None)
            for slot, following in pairwise(slot + offset for slot in slots):
                while run is not None and run <= slot:
                    run = next(runs, None)
                if run is None or run > following or following >= until:
                    return run is not None and run <= following
        case _:
            pass
    return False


@lru_cache(maxsize=1024)
def _first_close(
    cadence: Cadence, zone: str, offset: timedelta, spec: ScheduleSpec, at: datetime
) -> tuple[datetime, datetime] | None:
    """Return the first slot of ours and the native run less than an hour from it."""
    if not isinstance(cadence, Cron | At):
        return None
    slots = wall_slots(cadence, zone)
    slot = slots.next(at - offset)
    while slot is not None and slot + offset <= at + HORIZON:
        runs = newest_and_next(spec.cron, spec.zone, slot + offset)
        for run in runs:
            if run is not None and abs(run - slot - offset) < CLOSE:
                return slot + offset, run
        # The next slot of ours that can be near a run.
        slot = None if runs[1] is None else slots.next(runs[1] - CLOSE - offset)
    return None
