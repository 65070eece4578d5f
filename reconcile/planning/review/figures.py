"""What calls come to: a day, in the busiest minute, and how many of them are shared."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil

from reconcile.model.address import Address
from reconcile.model.comparison import Figures, Peak, Sharing
from reconcile.model.desired import Mode
from reconcile.model.forecast import ExpectedCall
from reconcile.model.plan import Refresh, ResetCache
from reconcile.model.recorded import Record
from reconcile.planning.budget.load import load
from reconcile.planning.budget.pacing import WINDOW_S
from reconcile.planning.budget.polling import expected_duration_s

DAY = timedelta(days=1)

Records = Mapping[Address, Record]


def figures(
    calls: Sequence[ExpectedCall],
    now: datetime,
    until: datetime,
    requests_per_minute: int,
    records: Records,
) -> Figures:
    """Count calls, given by instant, from `now` until `until` (UTC).

    Jobs are taken to last as long as those on record.
    """
    hard = (c.at for c in calls if isinstance(c.action, Refresh) and c.action.mode is Mode.HARD)
    return Figures(
        calls=per_day((call.at for call in calls), now, until),
        hard_refreshes=per_day(hard, now, until),
        peak=_peak(calls, requests_per_minute, records),
        requests_per_minute=requests_per_minute,
    )


def per_day(instants: Iterable[datetime], now: datetime, until: datetime) -> tuple[int, ...]:
    """Count instants by days of 24 hours from `now` on; the last may be a part of a day."""
    counts = [0] * ceil((until - now) / DAY)
    for instant in instants:
        counts[(instant - now) // DAY] += 1
    return tuple(counts)


def _peak(calls: Sequence[ExpectedCall], requests_per_minute: int, records: Records) -> Peak | None:
    """Find the first minute that no other outdoes, and play its calls through the budget."""
    if not calls:
        return None
    window = timedelta(seconds=WINDOW_S)
    first = busiest = busiest_end = 0
    for last, call in enumerate(calls):
        while calls[first].at <= call.at - window:
            first += 1
        if last + 1 - first > busiest_end - busiest:
            busiest, busiest_end = first, last + 1
    actions = [_lasting(call.action, records) for call in calls[busiest:busiest_end]]
    at = calls[busiest].at
    played = load(actions, requests_per_minute, now=at)
    return Peak(at, played.calls, played.peak_per_minute, played.duration_s)


def _lasting(action: Refresh | ResetCache, records: Records) -> Refresh | ResetCache:
    """Expect of a job what is on record, not what foreseen calls, which take no time, add to it."""
    if isinstance(action, ResetCache):
        return action
    known = [
        expected_duration_s(records[coverage.address].durations_s)
        for coverage in action.covers
        if coverage.address in records
    ]
    longest = max((seconds for seconds in known if seconds is not None), default=None)
    return replace(action, expected_s=longest)


def newly_sharing(
    before: Iterable[ExpectedCall], after: Iterable[ExpectedCall]
) -> tuple[Sharing, ...]:
    """Return the refreshes that share calls in `after` with others than in `before`, by group."""
    partners: dict[Address, set[Address]] = defaultdict(set)
    for together, _ in _shared_calls(before):
        for address in together:
            partners[address] |= together
    grown: dict[str, set[Address]] = defaultdict(set)
    for together, group in _shared_calls(after):
        if any(not together <= partners[address] for address in together):
            grown[group] |= together
    return tuple(Sharing(group, tuple(sorted(grown[group]))) for group in sorted(grown))


def _shared_calls(calls: Iterable[ExpectedCall]) -> set[tuple[frozenset[Address], str]]:
    """Return each set of refreshes that ever shares one call, and its group, once."""
    return {
        (frozenset(call.addresses), call.action.group)
        for call in calls
        if isinstance(call.action, Refresh) and len(call.addresses) > 1
    }
