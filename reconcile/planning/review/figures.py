"""What calls come to: a day, in the busiest minute, and how many of them are shared."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from reconcile.model.address import Address
from reconcile.model.comparison import Figures, Peak, Sharing
from reconcile.model.desired import Mode
from reconcile.model.plan import Refresh, Request, ResetCache
from reconcile.model.recorded import Coverage
from reconcile.planning.budget.load import load
from reconcile.planning.outlook.ahead import Ahead
from reconcile.planning.outlook.demand import calls_by_minute, first_minute
from reconcile.planning.outlook.instants import microseconds, parts
from reconcile.planning.outlook.runs import Runs

DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)
_NO_REQUEST: Final = Request("POST", "/")
"""What a call is played through the budget with: it counts, whatever it asks."""

_MOST_COMPARED: Final = 100_000
"""How many runs of an item are looked at for whom it shares them with: who does soon does."""


def figures(shared: Ahead, own: Ahead, requests_per_minute: int) -> Figures:
    """Count the calls of one version: those it shares with the other, and its own."""
    both = (shared, own)
    bounds = day_bounds(own.now, own.until)
    return Figures(
        calls=tuple(sum(a.calls(*day) for a in both) for day in bounds),
        hard_refreshes=tuple(sum(a.hard_refreshes(*day) for a in both) for day in bounds),
        peak=_peak(both, requests_per_minute),
        requests_per_minute=requests_per_minute,
    )


def per_day(runs: Runs, now: datetime, until: datetime) -> tuple[int, ...]:
    """Count runs by days of 24 hours from `now` on; the last may be a part of a day."""
    return tuple(runs.count_between(*day) for day in day_bounds(now, until))


def day_bounds(now: datetime, until: datetime) -> tuple[tuple[datetime, datetime], ...]:
    """Cut the time from `now` until `until` into days of 24 hours."""
    starts = range(-((now - until) // DAY))
    return tuple((now + n * DAY, min(now + (n + 1) * DAY, until)) for n in starts)


def _peak(both: Sequence[Ahead], requests_per_minute: int) -> Peak | None:
    """Find the first minute that no other outdoes, and play its calls through the budget."""
    found = first_minute(calls_by_minute(*both), both[0].now)
    if found is None:
        return None
    at, _ = found
    calls = [call for ahead in both for call in _calls_of(ahead, at)]
    calls.sort(key=lambda call: (call[0], call[1].covers[0].address))
    played = load([action for _, action in calls], requests_per_minute, now=at)
    return Peak(at, played.calls, played.peak_per_minute, played.duration_s)


def _calls_of(ahead: Ahead, at: datetime) -> Iterator[tuple[int, Refresh | ResetCache]]:
    """Yield the calls of the minute that an instant lies in, as far as the budget sees them.

    Refreshes come first: a reset may wait for one.
    """
    start_us = microseconds(at)
    until_us = microseconds(at.replace(second=0, microsecond=0) + _MINUTE)
    after = ahead.after
    refreshed: set[tuple[int, Address | None]] = set()
    for line in ahead.lines:
        found = [
            (at_us, lasts_s)
            for lasts_s, pieces in line.calls
            for part in parts(pieces, start_us, until_us)
            for at_us in part
        ]
        for at_us, lasts_s in found:
            covered = [a for a in line.addresses if ahead.runs[a].has(at_us)]
            if line.group:
                refreshed.update((at_us, address) for address in covered)
                yield at_us, _refresh(line.group, covered, lasts_s)
            else:
                follows = after.get(covered[0])
                waits_for = follows if (at_us, follows) in refreshed else None
                yield at_us, _reset(covered[0], waits_for)


def _refresh(group: str, covered: Iterable[Address], lasts_s: float | None) -> Refresh:
    return Refresh(
        covers=tuple(map(Coverage, covered)),
        request=_NO_REQUEST,
        mode=Mode.SOFT,
        model_id="",
        reasons=(),
        timeout_s=0.0,
        expected_s=lasts_s,
        group=group,
    )


def _reset(address: Address, waits_for: Address | None) -> ResetCache:
    return ResetCache(
        covers=(Coverage(address),),
        request=_NO_REQUEST,
        model_id="",
        policy="",
        waits_for=waits_for,
        reasons=(),
    )


def newly_sharing(before: Ahead, after: Ahead) -> tuple[Sharing, ...]:
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


def _shared_calls(ahead: Ahead) -> set[tuple[frozenset[Address], str]]:
    """Return each set of refreshes that ever shares one call, and its group, once."""
    found: set[tuple[frozenset[Address], str]] = set()
    for line in ahead.lines:
        if len(line.addresses) > 1:
            for together in _companies([ahead.runs[address] for address in line.addresses]):
                members = (a for n, a in enumerate(line.addresses) if together >> n & 1)
                found.add((frozenset(members), line.group))
    return found


def _companies(members: Sequence[Runs]) -> set[int]:
    """Return who runs together: for each such company a number with the bits of its members."""
    alike: dict[object, int] = defaultdict(int)
    for number, runs in enumerate(members):
        alike[runs.pieces] |= 1 << number
    meeting: dict[int, int] = defaultdict(int)
    for number, runs in enumerate(members):
        bits = alike[runs.pieces]
        if bits & -bits == 1 << number:
            for at_us in islice(runs.at_us(), _MOST_COMPARED):
                meeting[at_us] |= bits
    return {bits for bits in meeting.values() if bits & (bits - 1)}
