"""The minutes of a week in which wall-clock slots ask for more calls than the budget takes."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import ceil
from typing import Final

from reconcile.model.desired import At, Cron, Desired, Item, RefreshItem
from reconcile.model.noun import noun
from reconcile.planning.calendar.slots import spread_of, wall_slots
from reconcile.planning.merging import group_of

WEEK: Final = timedelta(days=7)
_LONGEST_SPREAD_M: Final = 60
_MINUTE_S: Final = 60


@noun(frozen=True, slots=True, kw_only=True)
class Burst:
    """One minute over the budget, and all others of the week in which the same falls due.

    `at`: the first such minute (UTC), told in `zone`. `spread_m`: the fewest minutes of spread, on
    the items that are called alone, after which it fits; None if an hour is not enough.
    `unconnected`: calls that refresh one model without a connection; `calls_if_merged`: calls if
    those were one for each branch. `look_alikes`: connections whose names differ only in spelling.
    """

    at: datetime
    zone: str
    times: int
    calls: int
    budget: int
    spread_m: int | None
    unconnected: int
    calls_if_merged: int
    look_alikes: tuple[tuple[str, ...], ...]


_Schedule = tuple[Cron | At, str, int]
"""A cadence, its zone, and the offset of a spread in seconds: items that share it run together."""


def bursts(desired: Desired, now: datetime) -> tuple[Burst, ...]:
    """Find the minutes over the budget in the week after `now`, the fullest first."""
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
            if len(calls) > budget:
                found.append(_burst(calls, minutes, budget))
    return tuple(sorted(found, key=lambda burst: (-burst.calls, burst.at)))


@lru_cache(maxsize=4096)
def _slots(cadence: Cron | At, zone: str, now: datetime) -> tuple[datetime, ...]:
    return tuple(wall_slots(cadence, zone).between(now, now + WEEK))


def _by_company(
    together: Iterable[_Schedule], now: datetime
) -> dict[tuple[_Schedule, ...], list[int]]:
    """Group the minutes (since 1970) of the week by the schedules that meet in them."""
    meeting: dict[int, list[_Schedule]] = defaultdict(list)
    for schedule in together:
        cadence, zone, offset_s = schedule
        for slot in _slots(cadence, zone, now):
            meeting[(int(slot.timestamp()) + offset_s) // _MINUTE_S].append(schedule)
    company: dict[tuple[_Schedule, ...], list[int]] = defaultdict(list)
    for minute, schedules in sorted(meeting.items()):
        company[tuple(schedules)].append(minute)
    return company


def _calls(meeting: Sequence[tuple[_Schedule, list[Item]]]) -> list[list[Item]]:
    """Merge what falls due at the same second on the same connection and branch, as plans do."""
    calls: dict[tuple[str, int], list[Item]] = defaultdict(list)
    for (_, _, offset_s), items in meeting:
        for item in items:
            group = group_of(item) if isinstance(item, RefreshItem) else item.address
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
