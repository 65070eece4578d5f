"""Two desired states side by side: what differs, and what that does to the next days."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from functools import cache
from itertools import chain, islice
from operator import add, attrgetter
from types import MappingProxyType
from typing import Final, assert_never

from msgspec import Struct

from reconcile.model.address import Address
from reconcile.model.comparison import (
    Comparison,
    Figures,
    FreezeHits,
    ItemChange,
    OffsetChange,
    Peak,
    SectionChange,
    Sharing,
    Shift,
)
from reconcile.model.desired import (
    AfterRefresh,
    At,
    Cron,
    Desired,
    Every,
    Freeze,
    Item,
    Mode,
    OnSignal,
    RefreshItem,
    ResetAt,
    ResetItem,
    WhenChanged,
)
from reconcile.model.plan import Refresh, Request, ResetCache
from reconcile.model.recorded import Coverage, Recorded
from reconcile.model.struct import replace
from reconcile.planning.ahead import Ahead, CallSeries, calls_by_minute, look_ahead
from reconcile.planning.budget import load
from reconcile.planning.fields import (
    Fields,
    changed_fields,
    item_fields,
    kind_of_change,
    section_fields,
)
from reconcile.planning.plan import follow, renames, under_new_names
from reconcile.planning.record import assumed_record, believed_of, identity_of
from reconcile.planning.replay import readdressed
from reconcile.planning.requests import company_of, strayed
from reconcile.planning.steady import MINUTE_US, Runs, instant_of, microseconds, within
from reconcile.planning.time.slots import (
    frozen_until,
    matches,
    next_change,
    spread_of,
    touched_by,
    wall_slots,
)
from reconcile.planning.time.wall_clock import transitions
from reconcile.planning.walk import PLAIN, Outset

# What calls come to: a day, in the busiest minute, and how many of them are shared.

DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)
_NO_REQUEST: Final = Request("POST", "/")
"""What a call is played through the budget with: it counts, whatever it asks."""

_MOST_COMPARED: Final = 100_000
"""How many runs of an item are looked at for whom it shares them with: who does soon does."""


def figures(shared: Ahead, own: Shift[Ahead], budgets: Shift[int]) -> Shift[Figures]:
    """Count the calls of two versions: those they share, which is done once, and their own.

    `budgets`: their requests a minute.
    """
    days = _days(shared)
    calls, hard = shared.calls(*days), shared.hard_refreshes(*days)
    peaks = _peaks(shared, own, budgets)

    def counted(side: Ahead, peak: Peak | None, requests_per_minute: int) -> Figures:
        return Figures(
            calls=tuple(map(add, calls, side.calls(*days))),
            hard_refreshes=tuple(map(add, hard, side.hard_refreshes(*days))),
            peak=peak,
            requests_per_minute=requests_per_minute,
        )

    return Shift(
        counted(own.before, peaks.before, budgets.before),
        counted(own.after, peaks.after, budgets.after),
    )


def _days(ahead: Ahead) -> tuple[tuple[datetime, datetime], ...]:
    """Cut what lies ahead into days of 24 hours from `now` on; the last may be a part of one."""
    now, until = ahead.now, ahead.until
    starts = range(-((now - until) // DAY))
    return tuple((now + n * DAY, min(now + (n + 1) * DAY, until)) for n in starts)


_Crowd = tuple[datetime, Sequence[Refresh | ResetCache]]
"""The calls of a minute, and from when on they are made."""


def _peaks(shared: Ahead, own: Shift[Ahead], budgets: Shift[int]) -> Shift[Peak | None]:
    """Find the first minute that no other outdoes, and play its calls through the budget.

    Most often both versions have the same minute, and what they share in it is looked up once.
    """
    minutes = calls_by_minute(shared)
    meeting = cache(lambda at: tuple(_meetings(shared, at)))

    def crowd(side: Ahead) -> _Crowd | None:
        at = _fullest_minute(list(map(add, minutes, calls_by_minute(side))), side.now)
        if at is None:
            return None
        calls = list(_calls_of([*meeting(at), *_meetings(side, at)]))
        calls.sort(key=lambda call: (call[0], call[1].covers[0].address))
        return at, [action for _, action in calls]

    before, after = crowd(own.before), crowd(own.after)
    peak = _played(before, budgets.before)
    alike = before == after and not budgets.is_change
    return Shift(peak, peak if alike else _played(after, budgets.after))


def _fullest_minute(counts: Sequence[int], now: datetime) -> datetime | None:
    """Return the first of the fullest minutes, from `now` on; None if all are empty."""
    most = max(counts, default=0)
    if not most:
        return None
    minute = instant_of((microseconds(now) // MINUTE_US + counts.index(most)) * MINUTE_US)
    return max(minute, now)


def _played(crowd: _Crowd | None, requests_per_minute: int) -> Peak | None:
    if crowd is None:
        return None
    at, calls = crowd
    played = load(calls, requests_per_minute, now=at)
    return Peak(at, played.calls, played.peak_per_minute, played.duration_s)


_Meeting = tuple[CallSeries, int, float | None, list[Address]]
"""A line, the instant of a call of it, how long its job lasts, and what it covers."""


def _meetings(ahead: Ahead, at: datetime) -> Iterator[_Meeting]:
    """Yield what is called in the minute that an instant lies in."""
    start_us = microseconds(at)
    until_us = microseconds(at.replace(second=0, microsecond=0) + _MINUTE)
    for line in ahead.lines:
        for lasts_s, pieces in line.calls:
            for piece in pieces:
                for at_us in within(piece, start_us, until_us):
                    covered = [a for a in line.addresses if ahead.runs[a].has(at_us)]
                    yield line, at_us, lasts_s, covered


def _calls_of(meetings: Iterable[_Meeting]) -> Iterator[tuple[int, Refresh | ResetCache]]:
    """Yield calls as far as the budget sees them.

    Refreshes come first: a reset may wait for one.
    """
    refreshed: set[tuple[int, Address | None]] = set()
    for line, at_us, lasts_s, covered in sorted(meetings, key=lambda met: not met[0].group):
        if line.group:
            refreshed.update((at_us, address) for address in covered)
            call: Refresh | ResetCache = Refresh(
                covers=tuple(map(Coverage, covered)),
                request=_NO_REQUEST,
                mode=Mode.SOFT,
                model_id="",
                reasons=(),
                timeout_s=0.0,
                expected_s=lasts_s,
                group=line.group,
            )
        else:
            call = ResetCache(
                covers=(Coverage(covered[0]),),
                request=_NO_REQUEST,
                model_id="",
                policy="",
                waits_for=line.after if (at_us, line.after) in refreshed else None,
                reasons=(),
            )
        yield at_us, call


_Sharers = AbstractSet[tuple[frozenset[Address], str]]
"""Sets of refreshes that ever share one call, and the group of each."""


def _newly_sharing(before: _Sharers, after: _Sharers) -> tuple[Sharing, ...]:
    """Return the refreshes that share calls in `after` with others than in `before`, by group."""
    partners: dict[Address, set[Address]] = defaultdict(set)
    for together, _ in before:
        for address in together:
            partners[address] |= together
    grown: dict[str, set[Address]] = defaultdict(set)
    for together, group in after:
        if any(not together <= partners[address] for address in together):
            grown[group] |= together
    return tuple(Sharing(group, tuple(sorted(grown[group]))) for group in sorted(grown))


def _shared_calls(ahead: Ahead) -> _Sharers:
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


# What two versions of a desired state will call, foreseen together: what they share only once.


class Side(Struct, frozen=True):
    """One version: its items whose calls may differ from the other's, and when they run.

    The lines of `ahead` are theirs; its runs are also those of what they depend on.
    """

    items: tuple[Item, ...]
    ahead: Ahead

    def runs(self, address: Address) -> Runs:
        """Return when an item runs; never where this version does not declare it."""
        return self.ahead.runs.get(address, Runs(()))


class TwoCourses(Struct, frozen=True):
    """The runs of two versions.

    `shared` has the lines that both versions make because nothing differs that they depend on.
    """

    shared: Ahead
    before: Side
    after: Side


class Former(Struct, frozen=True):
    """An earlier version, its items under the names that they have now.

    `was`: what those that were renamed were called, which the freezes of then go by.
    """

    desired: Desired
    was: Mapping[Address, Address] = MappingProxyType({})

    def called(self, address: Address) -> Address:
        """Return what an item was called."""
        return self.was.get(address, address)


def compare_ahead(
    before: Former,
    after: Desired,
    recorded: Recorded,
    now: datetime,
    horizon: timedelta,
    outset: Outset = PLAIN,
) -> TwoCourses:
    """Look ahead at the later version, and at what differs of the earlier one.

    `outset`: of the later version. Raises ReconcileError if more than `MOST_RUNS` of one would have
    to be walked one by one.
    """
    until, clock = now + horizon, outset.clock
    believed = believed_of(recorded, now if clock is None else max(clock, now)).items
    left, came = strayed(before.desired, believed), strayed(after, believed)
    differing = _differing(before, after, left ^ came)
    kept = _with_companies(before.desired.items, differing)
    part = replace(before, desired=replace(before.desired, items=kept))
    old = _look_back(part, recorded, now, until, Outset(clock=clock, strays=left))
    new = look_ahead(after, recorded, now, until, replace(outset, strays=came))
    return TwoCourses(
        shared=_lines(new, differing, differ=False),
        before=_side(before.desired, old, differing),
        after=_side(after, new, differing),
    )


def _look_back(
    former: Former, recorded: Recorded, now: datetime, until: datetime, outset: Outset
) -> Ahead:
    """Look ahead at the earlier version as it was called; what is told goes by the new names."""
    if not (former.was and former.desired.freezes):
        return look_ahead(former.desired, recorded, now, until, outset)
    items = under_new_names(former.desired.items, tuple(former.was.items()))
    records = readdressed(recorded.items, former.was)
    ahead = look_ahead(
        replace(former.desired, items=items),
        replace(recorded, items=MappingProxyType(records)),
        now,
        until,
        replace(outset, strays=outset.strays and frozenset(map(former.called, outset.strays))),
    )
    return _readdressed(ahead, {old: new for new, old in former.was.items()})


def _readdressed(ahead: Ahead, to: Mapping[Address, Address]) -> Ahead:
    """Tell calls and runs by other addresses; of a former version nothing else is told."""

    def name(address: Address) -> Address:
        return to.get(address, address)

    return replace(
        ahead,
        runs={name(address): runs for address, runs in ahead.runs.items()},
        lines=tuple(
            replace(
                line,
                addresses=tuple(sorted(map(name, line.addresses))),
                after=line.after and name(line.after),
            )
            for line in ahead.lines
        ),
        reasons={},
        riding=(),
    )


def _side(version: Desired, ahead: Ahead, differing: AbstractSet[Address]) -> Side:
    items = (item for item in version.items if item.address in differing)
    by_address = tuple(sorted(items, key=attrgetter("address")))
    return Side(by_address, _lines(ahead, differing, differ=True))


def _lines(ahead: Ahead, differing: AbstractSet[Address], *, differ: bool) -> Ahead:
    """Keep the lines that differ, or those that do not: whoever shares calls does so together."""
    kept = (line for line in ahead.lines if (line.addresses[0] in differing) is differ)
    return replace(ahead, lines=tuple(kept))


def _differing(
    before: Former, after: Desired, strayed: AbstractSet[Address]
) -> AbstractSet[Address]:
    """Return the items whose calls may differ: those declared otherwise, and what hangs on them.

    That is who shares calls with a refresh among them, and the resets that follow any of those.
    `strayed`: what has left its carrier in one version only.
    """
    old = {item.address: item for item in before.desired.items}
    new = {item.address: item for item in after.items}
    differing = {address for address, item in new.items() if item != old.get(address)}
    differing |= (old.keys() - new.keys()) | strayed
    was, freezes = before.desired.freezes, after.freezes
    differing |= {
        address
        for address in (before.was.keys() if was == freezes else new.keys())
        if _windows(before.called(address), was) != _windows(address, freezes)
    }
    both = (*before.desired.items, *after.items)
    differing |= {item.address for item in _sharers(both, differing)}
    followers = (item for item in both if isinstance(item, ResetItem))
    return differing | {item.address for item in followers if item.after in differing}


def _with_companies(items: Iterable[Item], differing: AbstractSet[Address]) -> tuple[Item, ...]:
    """Return the items that differ, and who shares calls with the refreshes that resets follow."""
    listed = tuple(items)
    differ = [item for item in listed if item.address in differing]
    followed = {item.after for item in differ if isinstance(item, ResetItem)}
    along = _sharers(listed, followed)
    return tuple({item.address: item for item in (*differ, *along)}.values())


def _sharers(items: Iterable[Item], of: AbstractSet[Address | None]) -> list[RefreshItem]:
    """Return the refreshes that share calls with those at some addresses, and these."""
    refreshes = [item for item in items if isinstance(item, RefreshItem)]
    companies = {company_of(item) for item in refreshes if item.address in of}
    return [item for item in refreshes if company_of(item) in companies]


def _windows(address: Address, freezes: tuple[Freeze, ...]) -> list[tuple[str, object]]:
    return [(freeze.name, freeze.window) for freeze in freezes if matches(freeze, address)]


# Where a change of the files meets freezes and changes of offset.


def freeze_hits(
    outlook: TwoCourses, before: Former, after: Desired, recorded: Recorded
) -> Iterator[FreezeHits]:
    """Yield the freezes that hold other items back than before, by name."""
    old = _hits(outlook.before, before, recorded)
    new = _hits(outlook.after, Former(after), recorded)
    for name in sorted(old.keys() | new.keys()):
        was, held = old.get(name, set()), new.get(name, set())
        if was != held:
            yield FreezeHits(name, tuple(sorted(held - was)), tuple(sorted(was - held)))


def nights(items: Iterable[Item], now: datetime, until: datetime) -> Iterator[OffsetChange]:
    """Yield each change of offset in the items' zones, by instant and zone."""
    by_zone: dict[str, list[Item]] = {}
    for item in items:
        by_zone.setdefault(item.timing.zone, []).append(item)
    found = [
        OffsetChange(
            zone,
            change.instant,
            change.offset_before,
            change.offset_after,
            tuple(
                item.address
                for item in kept
                if isinstance(item.timing.cadence, Cron | At)
                and touched_by(item.timing.cadence, zone, change)
            ),
        )
        for zone, kept in by_zone.items()
        for change in transitions(zone, now, until)
    ]
    yield from sorted(found, key=lambda night: (night.at, night.zone))


def _hits(side: Side, version: Former, recorded: Recorded) -> Mapping[str, set[Address]]:
    """Return whom each freeze of a version holds back, which `side` is about."""
    hits: dict[str, set[Address]] = defaultdict(set)
    now, until = side.ahead.now, side.ahead.until
    for freeze in version.desired.freezes:
        change = next_change(freeze.window, now)
        if frozen_until(freeze, now) is None and (change is None or change >= until):
            continue
        for item in side.items:
            slots = _slots(item, side, recorded)
            matching = matches(freeze, version.called(item.address))
            if matching and any(frozen_until(freeze, it) for it in slots):
                hits[freeze.name].add(item.address)
    return hits


def _slots(item: Item, side: Side, recorded: Recorded) -> Iterator[datetime]:
    """Yield the instants ahead at which an item would run if nothing held it."""
    now, until = side.ahead.now, side.ahead.until
    match item.timing.cadence:
        case Cron() | At() as cadence:
            offset = spread_of(item, item.timing.spread)
            slots = wall_slots(cadence, item.timing.zone)
            yield from (slot + offset for slot in slots.between(now - offset, until - offset))
        case Every(interval):
            record = recorded.items.get(item.address)
            last = None if record is None else record.last_success
            yield now if last is None else max(now, last + interval)
            following = (run + interval for run in side.runs(item.address))
            yield from (slot for slot in following if slot < until)
        case AfterRefresh(refresh):
            yield from side.runs(refresh)
        case ResetAt(instant):
            if now <= instant < until:
                yield instant
        case WhenChanged() | OnSignal():
            return
        case _ as unreachable:
            assert_never(unreachable)


# What a change of the desired state does: to each item, and to the calls of the next days.


def compare(
    before: Desired,
    after: Desired,
    recorded: Recorded,
    now: datetime,
    horizon: timedelta,
    outset: Outset = PLAIN,
) -> Comparison:
    """Compare two versions of a desired state from `now` until the horizon (excluded).

    Pure, and blind to the order of declaration. Calls are foreseen by `look_ahead`, from what is
    recorded. Where nothing is, what `before` declares is taken to have run at `now`: a pull
    request is looked at without a state, and is to show the change rather than first runs.

    `outset`: of `after`. Raises ReconcileError if there are too many runs up to the horizon to be
    walked one by one.
    """
    old, new = ({it.address: it for it in version.items} for version in (before, after))
    moves = renames(
        {address: identity_of(item) for address, item in old.items() if item != new.get(address)},
        {address: identity_of(item) for address, item in new.items() if item != old.get(address)},
    )
    before = replace(before, items=under_new_names(before.items, moves)) if moves else before
    before = _with_contents_of(after, before)
    _, recorded = follow(after.items, recorded)
    assumed = not recorded.items
    recorded = assumed_record(before, recorded, now)
    was = {new: old for old, new in moves}
    former = Former(before, was)
    outlook = compare_ahead(former, after, recorded, now, horizon, outset)
    items = tuple(_with_causes(_item_changes(outlook, after, was), before, after))
    changed = {change.address for change in items}
    declared = {item.address for item in after.items} - changed
    concerned = (item for item in outlook.after.items if item.address in changed)
    sharing = Shift(_shared_calls(outlook.before.ahead), _shared_calls(outlook.after.ahead))
    return Comparison(
        now=now,
        until=outlook.shared.until,
        sections=tuple(_section_changes(before, after)),
        items=items,
        unchanged=sum(item.address in declared for item in before.items),
        figures=figures(
            outlook.shared,
            Shift(outlook.before.ahead, outlook.after.ahead),
            Shift(before.requests_per_minute, after.requests_per_minute),
        ),
        freezes=tuple(freeze_hits(outlook, former, after, recorded)),
        nights=tuple(nights(concerned, now, outlook.shared.until)),
        joined=_newly_sharing(sharing.before, sharing.after),
        parted=_newly_sharing(sharing.after, sharing.before),
        recorded=recorded,
        assumed=assumed,
    )


def _item_changes(
    outlook: TwoCourses, after: Desired, was: Mapping[Address, Address]
) -> Iterator[ItemChange]:
    """Yield what changed of each item; `was`: the former address of those that were renamed."""
    old = {item.address: item for item in outlook.before.items}
    new = {item.address: item for item in outlook.after.items}
    renamed = {item.address: item for item in after.items if item.address in was}
    riding = {ride.address: ride for ride in outlook.after.ahead.riding}
    days = _days(outlook.shared)
    for address in sorted({**old, **new, **renamed}):
        if address in old or address in new:
            before, present = old.get(address), new.get(address)
            runs = Shift(outlook.before.runs(address), outlook.after.runs(address))
            rides = riding.get(address)
        else:
            # It is called otherwise, and is and does what it did.
            before = present = renamed[address]
            runs = Shift(outlook.shared.runs[address], outlook.shared.runs[address])
            rides = None
        fields = () if before == present else changed_fields(_told(before), _told(present))
        if not (fields or runs.is_change or address in was):
            continue
        kind = kind_of_change(before, present, fields)
        yield ItemChange(
            address=address,
            kind="renamed" if kind == "moved" and not runs.is_change else kind,
            zone=(present or old[address]).timing.zone,
            fields=fields,
            runs=Shift(
                tuple(runs.before.count_between(*day) for day in days),
                tuple(runs.after.count_between(*day) for day in days),
            ),
            was=was.get(address),
            first_new=runs.after.first_without(runs.before),
            first_gone=runs.before.first_without(runs.after),
            riding=rides,
        )


def _with_causes(
    changes: Iterable[ItemChange], before: Desired, after: Desired
) -> Iterator[ItemChange]:
    """Say of each item that moved which changed ones share its calls, or are waited for."""
    found = tuple(changes)
    changed = {change.address for change in found if change.kind != "moved"}
    together: dict[Address, set[Address]] = defaultdict(set)
    if any(change.kind == "moved" for change in found):
        for cluster in chain(_clusters(before), _clusters(after)):
            causes = changed.intersection(cluster)
            for address in cluster:
                together[address] |= causes
    for change in found:
        moved = change.kind == "moved"
        yield replace(change, because=tuple(sorted(together[change.address]))) if moved else change


def _clusters(desired: Desired) -> Iterable[list[Address]]:
    """Return whose calls depend on each other, and on no other item's."""
    groups = {i.address: company_of(i) for i in desired.items if isinstance(i, RefreshItem)}
    clusters: dict[str, list[Address]] = defaultdict(list)
    for item in desired.items:
        first = item.after if isinstance(item, ResetItem) and item.after else item.address
        # No group begins like an address: it is a connection or a model, then a space.
        clusters[groups.get(first, item.address)].append(item.address)
    return clusters.values()


def _told(item: Item | None) -> Fields:
    return {} if item is None else item_fields(item)


def _section_changes(before: Desired, after: Desired) -> Iterator[SectionChange]:
    old, new = section_fields(before), section_fields(after)
    for section in sorted(old.keys() | new.keys()):
        was, now = old.get(section), new.get(section)
        if was != now:
            fields = changed_fields(was or {}, now or {})
            yield SectionChange(section, kind_of_change(was, now, fields), fields)


def _with_contents_of(after: Desired, before: Desired) -> Desired:
    """Take watched files as they are now: what they were then says nothing about the change."""
    contents = {
        (item.address, cadence.paths): cadence
        for item in after.items
        if isinstance(cadence := item.timing.cadence, WhenChanged)
    }

    def renewed(item: Item) -> Item:
        cadence = item.timing.cadence
        if not isinstance(cadence, WhenChanged):
            return item
        same = contents.get((item.address, cadence.paths), cadence)
        return replace(item, timing=replace(item.timing, cadence=same))

    return replace(before, items=tuple(map(renewed, before.items))) if contents else before
