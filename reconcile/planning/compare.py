"""Two desired states, or two printed plans, side by side: what differs, and what that does."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from functools import cache, lru_cache
from itertools import chain, islice
from operator import add, attrgetter
from types import MappingProxyType
from typing import Final, Protocol, assert_never

from msgspec import Struct

from reconcile.model.address import Address, quote_key
from reconcile.model.comparison import (
    CallChange,
    ChangeKind,
    Comparison,
    FieldChange,
    Figures,
    FreezeHits,
    ItemChange,
    OffsetChange,
    Peak,
    PlanDifference,
    PrintedPlan,
    SectionChange,
    Sharing,
    Shift,
    StatusChange,
    Value,
)
from reconcile.model.desired import (
    ALL_DAYS,
    AfterRefresh,
    At,
    Cadence,
    Cron,
    Desired,
    Every,
    Freeze,
    FrozenSpan,
    Item,
    Mode,
    OnSignal,
    OpenHours,
    RefreshItem,
    ResetAt,
    ResetItem,
    Timing,
    WhenChanged,
)
from reconcile.model.plan import Refresh, Request, ResetCache
from reconcile.model.recorded import Coverage, Record, Recorded
from reconcile.model.struct import replace
from reconcile.planning.ahead import Ahead, CallSeries, calls_by_minute, first_minute, look_ahead
from reconcile.planning.budget import load
from reconcile.planning.plan import follow, renames, under_new_names
from reconcile.planning.record import believed_of, declaration, identity_of
from reconcile.planning.requests import company_of, strayed
from reconcile.planning.steady import Runs, microseconds, within
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


class _Counted(Struct, frozen=True):
    """The calls that a look ahead found, and the hard refreshes among them, by day; by minute."""

    ahead: Ahead
    calls: Sequence[int]
    hard: Sequence[int]
    minutes: Sequence[int]

    @staticmethod
    def of(ahead: Ahead) -> "_Counted":
        days = day_bounds(ahead.now, ahead.until)
        return _Counted(
            ahead, ahead.calls(*days), ahead.hard_refreshes(*days), calls_by_minute(ahead)
        )


def figures(shared: Ahead, own: Shift[Ahead], budgets: Shift[int]) -> Shift[Figures]:
    """Count the calls of two versions: those they share, which is done once, and their own.

    `budgets`: their requests a minute.
    """
    both = _Counted.of(shared)
    sides = Shift(_Counted.of(own.before), _Counted.of(own.after))
    peaks = _peaks(both, sides, budgets)
    return Shift(
        _figures(both, sides.before, peaks.before, budgets.before),
        _figures(both, sides.after, peaks.after, budgets.after),
    )


def _figures(shared: _Counted, own: _Counted, peak: Peak | None, budget: int) -> Figures:
    return Figures(
        calls=tuple(map(add, shared.calls, own.calls)),
        hard_refreshes=tuple(map(add, shared.hard, own.hard)),
        peak=peak,
        requests_per_minute=budget,
    )


def per_day(runs: Runs, now: datetime, until: datetime) -> tuple[int, ...]:
    """Count runs by days of 24 hours from `now` on; the last may be a part of a day."""
    return tuple(runs.count_between(*day) for day in day_bounds(now, until))


def day_bounds(now: datetime, until: datetime) -> tuple[tuple[datetime, datetime], ...]:
    """Cut the time from `now` until `until` into days of 24 hours."""
    starts = range(-((now - until) // DAY))
    return tuple((now + n * DAY, min(now + (n + 1) * DAY, until)) for n in starts)


def _peaks(shared: _Counted, own: Shift[_Counted], budgets: Shift[int]) -> Shift[Peak | None]:
    """Find the first minute that no other outdoes, and play its calls through the budget.

    As a rule both versions have the same minute with the same calls, played once.
    """

    @cache
    def meeting(at: datetime) -> Sequence[_Meeting]:
        return tuple(_meetings(shared.ahead, at))

    def crowd(side: _Counted) -> tuple[datetime, Sequence[Refresh | ResetCache]] | None:
        found = first_minute(list(map(add, shared.minutes, side.minutes)), side.ahead.now)
        if found is None:
            return None
        at, _ = found
        calls = list(_calls_of([*meeting(at), *_meetings(side.ahead, at)]))
        calls.sort(key=lambda call: (call[0], call[1].covers[0].address))
        return at, [action for _, action in calls]

    before, after = crowd(own.before), crowd(own.after)
    peak = _played(before, budgets.before)
    alike = before == after and not budgets.is_change
    return Shift(peak, peak if alike else _played(after, budgets.after))


def _played(
    crowd: tuple[datetime, Sequence[Refresh | ResetCache]] | None, requests_per_minute: int
) -> Peak | None:
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
            yield at_us, _refresh(line.group, covered, lasts_s)
        else:
            waits_for = line.after if (at_us, line.after) in refreshed else None
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
    """The runs of two versions from `now` until `until` (excluded).

    `shared` has the lines that both versions make because nothing differs that they depend on.
    """

    now: datetime
    until: datetime
    shared: Ahead
    before: Side
    after: Side


def compare_ahead(
    before: Desired,
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
    left, came = strayed(before, believed), strayed(after, believed)
    differing = _differing(before, after, left ^ came)
    part = replace(before, items=_with_companies(before.items, differing))
    old = look_ahead(part, recorded, now, until, Outset(clock=clock, strays=left))
    new = look_ahead(after, recorded, now, until, replace(outset, strays=came))
    return TwoCourses(
        now,
        until,
        shared=_lines(new, differing, differ=False),
        before=_side(before, old, differing),
        after=_side(after, new, differing),
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
    before: Desired, after: Desired, strayed: AbstractSet[Address]
) -> AbstractSet[Address]:
    """Return the items whose calls may differ: those declared otherwise, and what hangs on them.

    That is who shares calls with a refresh among them, and the resets that follow any of those.
    `strayed`: what has left its carrier in one version only.
    """
    old = {item.address: item for item in before.items}
    new = {item.address: item for item in after.items}
    differing = {address for address, item in new.items() if item != old.get(address)}
    differing |= (old.keys() - new.keys()) | strayed
    if before.freezes != after.freezes:
        differing |= {
            address
            for address in new
            if _windows(address, before.freezes) != _windows(address, after.freezes)
        }
    both = (*before.items, *after.items)
    refreshes = [item for item in both if isinstance(item, RefreshItem)]
    companies = {company_of(item) for item in refreshes if item.address in differing}
    differing |= {item.address for item in refreshes if company_of(item) in companies}
    followers = (item for item in both if isinstance(item, ResetItem))
    return differing | {item.address for item in followers if item.after in differing}


def _with_companies(items: Iterable[Item], differing: AbstractSet[Address]) -> tuple[Item, ...]:
    """Return the items that differ, and who shares calls with the refreshes that resets follow."""
    listed = tuple(items)
    differ = [item for item in listed if item.address in differing]
    followed = {item.after for item in differ if isinstance(item, ResetItem)}
    refreshes = [item for item in listed if isinstance(item, RefreshItem)]
    companies = {company_of(item) for item in refreshes if item.address in followed}
    along = (item for item in refreshes if company_of(item) in companies)
    return tuple({item.address: item for item in (*differ, *along)}.values())


def _windows(address: Address, freezes: tuple[Freeze, ...]) -> list[tuple[str, object]]:
    return [(freeze.name, freeze.window) for freeze in freezes if matches(freeze, address)]


# Where a change of the files meets freezes and changes of offset.


class CourseOfItems(Struct, frozen=True):
    """One version of the items that may differ, with when each runs, and what is known of it."""

    side: Side
    freezes: tuple[Freeze, ...]
    records: Mapping[Address, Record]


def freeze_hits(
    before: CourseOfItems, after: CourseOfItems, now: datetime, until: datetime
) -> Iterator[FreezeHits]:
    """Yield the freezes that hold other items back than before, by name."""
    old, new = _hits(before, now, until), _hits(after, now, until)
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
            Shift(change.offset_before, change.offset_after),
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


def _hits(version: CourseOfItems, now: datetime, until: datetime) -> Mapping[str, set[Address]]:
    hits: dict[str, set[Address]] = {}
    for freeze in version.freezes:
        change = next_change(freeze, now)
        if frozen_until(freeze, now) is None and (change is None or change >= until):
            continue
        held = {
            item.address
            for item in version.side.items
            if matches(freeze, item.address)
            and any(frozen_until(freeze, slot) for slot in _slots(item, version, now, until))
        }
        if held:
            hits.setdefault(freeze.name, set()).update(held)
    return hits


def _slots(
    item: Item, version: CourseOfItems, now: datetime, until: datetime
) -> Iterator[datetime]:
    """Yield the instants from `now` until `until` at which an item would run if nothing held it."""
    match item.timing.cadence:
        case Cron() | At() as cadence:
            offset = spread_of(item, item.timing.spread)
            slots = wall_slots(cadence, item.timing.zone)
            yield from (slot + offset for slot in slots.between(now - offset, until - offset))
        case Every(interval):
            record = version.records.get(item.address)
            last = None if record is None else record.last_success
            yield now if last is None else max(now, last + interval)
            following = (run + interval for run in version.side.runs(item.address))
            yield from (slot for slot in following if slot < until)
        case AfterRefresh(refresh):
            yield from version.side.runs(refresh)
        case ResetAt(instant):
            if now <= instant < until:
                yield instant
        case WhenChanged() | OnSignal():
            return
        case _ as unreachable:
            assert_never(unreachable)


# Which fields of two declarations differ, named and valued as the files say them.

Fields = Mapping[str, Value]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def item_fields(item: Item) -> Fields:
    """Return everything an item declares, defaults included, under the keys of the files."""
    match item:
        case RefreshItem():
            own: dict[str, Value] = {
                "connection": item.connection,
                "branch_id": item.branch_id,
                "mode": item.mode.value,
                "schemas": frozenset(item.schemas),
                "tables": frozenset(item.tables),
                "timeout": item.timeout,
                "coalesce_within": item.coalesce_within,
            }
        case ResetItem():
            own = {"after": item.after}
        case _ as unreachable:
            assert_never(unreachable)
    return {"id": item.model_id} | _cadence(item.timing.cadence) | own | _timing(item.timing)


def section_fields(desired: Desired) -> Mapping[str, Fields]:
    """Return what a desired state declares beside its items, section by section."""
    sections: dict[str, Fields] = {
        "omni": {
            "base_url": desired.base_url,
            "api": desired.generation.value,
            "requests_per_minute": desired.requests_per_minute,
        },
        "state": {"url": desired.state_url},
        "limits": {
            "calls": desired.limits.calls,
            "hard_refreshes": desired.limits.hard_refreshes,
            "share": desired.limits.share,
        },
    }
    for freeze in sorted(desired.freezes, key=repr):
        name = wanted = f"freeze.{quote_key(freeze.name)}"
        number = 1
        while name in sections:
            # Nothing keeps two freezes from having one name.
            number += 1
            name = f"{wanted}#{number}"
        sections[name] = _freeze(freeze)
    return sections | dict(_connections(desired))


def _connections(desired: Desired) -> Iterator[tuple[str, Fields]]:
    for connection in desired.connections:
        name = f"connections.{quote_key(connection.name)}"
        yield (
            name,
            {
                "id": connection.id,
                "manage": connection.manage.value,
                "merge": "true" if connection.merge else "false",
            },
        )
    for schedule in desired.schedules:
        spec = schedule.spec
        mode = Mode.HARD if spec.hard else Mode.SOFT
        yield schedule.address, {"cron": spec.cron, "timezone": spec.zone, "mode": mode.value}


def changed_fields(before: Fields, after: Fields) -> tuple[FieldChange, ...]:
    """Explain what differs between two sets of fields; a field that is missing is None.

    Equal values never reach deepdiff, and an inequality that many items share reaches it once: a
    new default time zone costs one explanation, not one an item.
    """
    fields = [*before, *(field for field in after if field not in before)]
    unequal = [
        (field, before.get(field), after.get(field))
        for field in fields
        if before.get(field) != after.get(field)
    ]
    return _explained(tuple(unequal)) if unequal else ()


@lru_cache(maxsize=4096)
def _explained(unequal: tuple[tuple[str, Value, Value], ...]) -> tuple[FieldChange, ...]:
    from deepdiff import DeepDiff  # noqa: PLC0415 -- 150 ms, paid only where something changed

    left = {field: value for field, value, _ in unequal if value is not None}
    right = {field: value for field, _, value in unequal if value is not None}
    # Above 0, two sets of fields with few names in common would only be told apart as a whole.
    found = DeepDiff(left, right, view="tree", threshold_to_diff_deeper=0)
    gained = _by_field((level, level.t2) for level in found.get("set_item_added", ()))
    lost = _by_field((level, level.t1) for level in found.get("set_item_removed", ()))
    told = {str(level.path(output_format="list")[0]) for kind in found.values() for level in kind}
    return tuple(
        FieldChange(field, was, now, gained.get(field, ()), lost.get(field, ()))
        for field, was, now in unequal
        if field in told
    )


class _Level(Protocol):
    """Where deepdiff found something."""

    def path(self, *, output_format: str) -> list[str]: ...


def _by_field(found: Iterable[tuple[_Level, str]]) -> dict[str, tuple[str, ...]]:
    """Sort what only one of two sets has by the field of these."""
    members: dict[str, list[str]] = {}
    for level, member in found:
        members.setdefault(level.path(output_format="list")[0], []).append(member)
    return {field: tuple(sorted(listed)) for field, listed in members.items()}


@lru_cache(maxsize=4096)
def _timing(timing: Timing) -> dict[str, Value]:
    pause: dict[str, Value] = {}
    if timing.pause is not None:
        pause = {"pause.until": timing.pause.until, "pause.reason": timing.pause.reason}
    return {
        "timezone": timing.zone,
        "spread": timing.spread,
        "deadline": timing.deadline,
        "on_change": timing.on_change.value,
        "hold_after": timing.hold_after,
        **pause,
    }


def _cadence(cadence: Cadence) -> dict[str, Value]:
    match cadence:
        case Every(interval):
            return {"every": interval}
        case Cron(expression):
            return {"cron": expression}
        case At(times, days):
            at = frozenset(time.isoformat("minutes") for time in times)
            return {"at": at} | ({} if days == ALL_DAYS else {"days": _day_names(days)})
        case WhenChanged(paths):
            return {"when_changed": paths}
        case AfterRefresh():
            return {}
        case ResetAt(instant):
            return {"reset_at": instant}
        case OnSignal(names, every):
            return {"on_signal": f"all of {', '.join(names)}" if every else names}
        case _ as unreachable:
            assert_never(unreachable)


def _freeze(freeze: Freeze) -> Fields:
    match freeze.window:
        case FrozenSpan(start, until):
            window: dict[str, Value] = {"from": start, "until": until}
        case OpenHours(allow, zone, days):
            window = {
                "allow": frozenset(f"{opens:%H:%M}-{closes:%H:%M}" for opens, closes in allow),
                "timezone": zone,
                "days": _day_names(days),
            }
        case _ as unreachable:
            assert_never(unreachable)
    return {**window, "match": frozenset(freeze.match)}


def _day_names(days: frozenset[int]) -> tuple[str, ...]:
    return tuple(_DAYS[day] for day in sorted(days))


# What a change of the desired state does: to each item, and to the calls of the next days.

_NOTHING: Fields = {}


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
    moves = renames(_identities(before), _identities(after))
    before = replace(before, items=under_new_names(before.items, moves)) if moves else before
    before = _with_contents_of(after, before)
    _, recorded = follow(after.items, recorded)
    assumed = not recorded.items
    recorded = assumed_record(before, recorded, now)
    outlook = compare_ahead(before, after, recorded, now, horizon, outset)
    was = {new: old for old, new in moves}
    found = _item_changes(outlook, after, was)
    items = tuple(sorted(_with_causes(found, before, after), key=lambda change: change.address))
    changed = {change.address for change in items}
    declared = {item.address for item in after.items} - changed
    old = CourseOfItems(outlook.before, before.freezes, recorded.items)
    new = CourseOfItems(outlook.after, after.freezes, recorded.items)
    concerned = (item for item in outlook.after.items if item.address in changed)
    return Comparison(
        now=now,
        until=outlook.until,
        sections=tuple(_section_changes(before, after)),
        items=items,
        unchanged=sum(item.address in declared for item in before.items),
        figures=figures(
            outlook.shared,
            Shift(outlook.before.ahead, outlook.after.ahead),
            Shift(before.requests_per_minute, after.requests_per_minute),
        ),
        freezes=tuple(freeze_hits(old, new, now, outlook.until)),
        nights=tuple(nights(concerned, now, outlook.until)),
        joined=newly_sharing(outlook.before.ahead, outlook.after.ahead),
        parted=newly_sharing(outlook.after.ahead, outlook.before.ahead),
        recorded=recorded,
        assumed=assumed,
    )


def _identities(desired: Desired) -> Mapping[Address, str]:
    return {item.address: identity_of(item) for item in desired.items}


def _item_changes(
    outlook: TwoCourses, after: Desired, was: Mapping[Address, Address]
) -> Iterator[ItemChange]:
    """Yield what changed of each item; `was`: the former address of those that were renamed."""
    old = {item.address: item for item in outlook.before.items}
    new = {item.address: item for item in outlook.after.items}
    for address in sorted(old.keys() | new.keys()):
        change = _item_change(
            address, old.get(address), new.get(address), outlook, was.get(address)
        )
        if change is not None:
            yield change
    for item in after.items:
        if item.address in was and item.address not in new:
            yield _only_renamed(item, was[item.address], outlook)


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


def _only_renamed(item: Item, was: Address, outlook: TwoCourses) -> ItemChange:
    """Tell of an item that is called otherwise, and is and does what it did."""
    runs = per_day(outlook.shared.runs[item.address], outlook.now, outlook.until)
    return ItemChange(
        address=item.address,
        kind="renamed",
        zone=item.timing.zone,
        fields=(),
        runs=Shift(runs, runs),
        first_new=None,
        first_gone=None,
        was=was,
    )


def _item_change(
    address: Address,
    old: Item | None,
    new: Item | None,
    outlook: TwoCourses,
    was_at: Address | None,
) -> ItemChange | None:
    fields = (
        ()
        if old == new
        else changed_fields(
            _NOTHING if old is None else item_fields(old),
            _NOTHING if new is None else item_fields(new),
        )
    )
    was, now = outlook.before.runs(address), outlook.after.runs(address)
    present = new or old
    if present is None or not (fields or was != now or was_at):
        return None
    return ItemChange(
        address=address,
        kind=_item_kind(old, new, fields, renamed=was_at is not None and was == now),
        zone=present.timing.zone,
        fields=fields,
        runs=Shift(
            per_day(was, outlook.now, outlook.until), per_day(now, outlook.now, outlook.until)
        ),
        was=was_at,
        first_new=now.first_without(was),
        first_gone=was.first_without(now),
        riding=next((r for r in outlook.after.ahead.riding if r.address == address), None),
    )


def _item_kind(
    before: Item | None, after: Item | None, fields: tuple[object, ...], *, renamed: bool
) -> ChangeKind:
    return "renamed" if renamed and not fields else _kind(before, after, fields)


def _section_changes(before: Desired, after: Desired) -> Iterator[SectionChange]:
    old, new = section_fields(before), section_fields(after)
    for section in sorted(old.keys() | new.keys()):
        was, now = old.get(section), new.get(section)
        if was != now:
            fields = changed_fields(was or _NOTHING, now or _NOTHING)
            yield SectionChange(section, _kind(was, now, fields), fields)


def _kind(before: object | None, after: object | None, fields: tuple[object, ...]) -> ChangeKind:
    if before is None:
        return "added"
    if after is None:
        return "removed"
    return "changed" if fields else "moved"


def _with_contents_of(after: Desired, before: Desired) -> Desired:
    """Take watched files as they are now: what they were then says nothing about the change."""
    contents = {
        (item.address, cadence.paths): cadence
        for item in after.items
        if isinstance(cadence := item.timing.cadence, WhenChanged)
    }
    if not contents:
        return before
    return replace(before, items=tuple(_with_contents(item, contents) for item in before.items))


def _with_contents(
    item: Item, contents: Mapping[tuple[Address, tuple[str, ...]], WhenChanged]
) -> Item:
    cadence = item.timing.cadence
    if not isinstance(cadence, WhenChanged):
        return item
    same = contents.get((item.address, cadence.paths), cadence)
    return replace(item, timing=replace(item.timing, cadence=same))


def assumed_record(before: Desired, recorded: Recorded, now: datetime) -> Recorded:
    """Return what is recorded; where nothing is, what would be had `before` all just succeeded."""
    if recorded.items:
        return recorded
    items: dict[Address, Record] = {}
    for item in before.items:
        cadence = item.timing.cadence
        items[item.address] = Record(
            declared=declaration(item),
            since=now,
            covered_slot=now,
            stamp=now if isinstance(item, ResetItem) else None,
            content=cadence.content if isinstance(cadence, WhenChanged) else None,
            last_success=now,
            completed_at=now,
        )
    return replace(recorded, items=MappingProxyType(items))


# What changed between two plans as they were printed: between the one approved and a later one.


def diff_plans(before: PrintedPlan, after: PrintedPlan) -> PlanDifference:
    """Compare two plans address by address, whatever the order of their actions."""
    old, new = _calls(before), _calls(after)
    changes = tuple(_changes(old, new))
    changed = {change.address for change in changes}
    return PlanDifference(
        now=Shift(before.now, after.now),
        digest=Shift(before.digest, after.digest),
        host=Shift(before.host, after.host),
        calls=changes,
        statuses=tuple(_statuses(dict(before.statuses), dict(after.statuses))),
        unchanged=sum(address not in changed for address in new),
    )


def _calls(plan: PrintedPlan) -> Mapping[Address, Fields]:
    return {call.address: dict(call.fields) for call in plan.calls}


def _changes(old: Mapping[Address, Fields], new: Mapping[Address, Fields]) -> Iterator[CallChange]:
    for address in sorted(old.keys() | new.keys()):
        fields = changed_fields(old.get(address, {}), new.get(address, {}))
        kind: ChangeKind = "changed"
        if address not in old:
            kind = "added"
        elif address not in new:
            kind = "removed"
        if fields or kind != "changed":
            yield CallChange(address, kind, fields)


def _statuses(old: Mapping[Address, str], new: Mapping[Address, str]) -> Iterator[StatusChange]:
    for address in sorted(old.keys() | new.keys()):
        status = Shift(old.get(address), new.get(address))
        if status.is_change:
            yield StatusChange(address, status)
