"""The plan: a pure function of what is desired, what is recorded, and the present instant."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from operator import attrgetter
from types import MappingProxyType

from msgspec import Struct

from reconcile.model.address import Address
from reconcile.model.desired import (
    AfterRefresh,
    Desired,
    Generation,
    Item,
    OnSignal,
    RefreshItem,
    ResetItem,
)
from reconcile.model.observed import Observed
from reconcile.model.plan import (
    Action,
    Await,
    Choice,
    Forget,
    Plan,
    Refresh,
    Rename,
    ResetCache,
    Standing,
)
from reconcile.model.reason import BlockedBy, DeadlineMissed, FollowsRefresh, Forced, Status
from reconcile.model.recorded import Coverage, Declaration, Record, Recorded, Signals
from reconcile.model.struct import replace
from reconcile.planning.budget import addresses, load, ordered
from reconcile.planning.declaration import declaration, identity_of, identity_recorded
from reconcile.planning.guards import digest, excesses
from reconcile.planning.item import Surroundings, Verdict, earliest, is_of_reset, is_selected
from reconcile.planning.recorded_clock import TOLERANCE, Believed, believed_of
from reconcile.planning.replay import readdressed
from reconcile.planning.requests import guess_durations, merge, reset_request
from reconcile.planning.schedules import Decided, decide
from reconcile.planning.signals import slots_of
from reconcile.planning.standing import held_back, judge, surroundings

# An item is followed by what it is where its address has changed.

Moves = tuple[tuple[Address, Address], ...]
"""From, to. Sorted by where they come from."""


def renames(before: Mapping[Address, str], after: Mapping[Address, str]) -> Moves:
    """Return where each identity has gone that exactly one address left and exactly one got.

    Two items that swap their names are two moves. Where an identity has several addresses on one
    side, nobody can tell which became which, and none of them moves.
    """
    left = _by_identity({a: known for a, known in before.items() if after.get(a) != known})
    came = _by_identity({a: known for a, known in after.items() if before.get(a) != known})
    return tuple(
        sorted(
            (left[identity][0], addresses[0])
            for identity, addresses in came.items()
            if len(addresses) == 1 and len(left.get(identity, ())) == 1
        )
    )


def follow(items: Iterable[Item], recorded: Recorded) -> tuple[Moves, Recorded]:
    """Return which records have to move, and the state as it is once they have."""
    records = recorded.items
    listed = tuple(items)
    if not records or all(_is_recorded(item, records.get(item.address)) for item in listed):
        return (), recorded
    recorded_as = {
        address: identity_recorded(record.declared)
        for address, record in records.items()
        if record.declared is not None
    }
    known = {address: told for address, told in recorded_as.items() if told is not None}
    declared = {item.address: identity_of(item) for item in listed}
    moves = renames(known, declared)
    if not moves:
        return (), recorded
    return moves, replace(recorded, items=MappingProxyType(readdressed(records, dict(moves))))


def under_new_names(items: Iterable[Item], moves: Moves) -> tuple[Item, ...]:
    """Return items as they are declared by the addresses they will have, sorted by these."""
    to = dict(moves)
    renamed = (_under_new_name(item, to) for item in items)
    return tuple(sorted(renamed, key=lambda item: item.address))


def _under_new_name(item: Item, to: Mapping[Address, Address]) -> Item:
    address = to.get(item.address, item.address)
    if isinstance(item, RefreshItem):
        return item if address == item.address else replace(item, address=address)
    after = None if item.after is None else to.get(item.after, item.after)
    if (address, after) == (item.address, item.after):
        return item
    timing, cadence = item.timing, item.timing.cadence
    if isinstance(cadence, AfterRefresh):
        followed = AfterRefresh(to.get(cadence.refresh, cadence.refresh))
        timing = replace(timing, cadence=followed)
    return replace(item, address=address, after=after, timing=timing)


def _by_identity(known: Mapping[Address, str]) -> Mapping[str, list[Address]]:
    addresses: defaultdict[str, list[Address]] = defaultdict(list)
    for address, identity in known.items():
        addresses[identity].append(address)
    return addresses


def _is_recorded(item: Item, record: Record | None) -> bool:
    """Tell whether nothing can have been renamed to this item: its record is its own, as a rule."""
    if record is None:
        return False
    known = None if record.declared is None else record.declared.get("identity")
    if not isinstance(known, Mapping):
        return True
    if isinstance(item, RefreshItem):
        own: object = item.branch_id
        told = known.get("branch_id", _UNTOLD)
    else:
        own, told = item.policy, known.get("policy", _UNTOLD)
    return known.get("model_id") == item.model_id and told == own


_UNTOLD = object()


# Every declared item judged at one instant, and what follows from all the verdicts together.

ALL_OF_IT = Choice()


class Judged(Struct, frozen=True):
    """The verdicts on all items, sorted by address, with refreshes merged and resets after them.

    `believed`: the records that they go by.
    """

    believed: Believed
    verdicts: Mapping[Address, Verdict[Item]]
    merged: tuple[Refresh | Await, ...] = ()
    resets: tuple[Verdict[ResetItem], ...] = ()

    def standings(self) -> tuple[Standing, ...]:
        """Say where every item stands."""
        return tuple([verdict.standing for verdict in self.verdicts.values()])

    def calls(self, generation: Generation) -> Iterator[Refresh | Await | ResetCache]:
        """Yield the calls that are due and the jobs to await."""
        yield from self.merged
        yield from reset_actions(self.resets, generation, frozenset(addresses(self.merged)))


def judge_all(
    desired: Desired,
    recorded: Recorded,
    now: datetime,
    choice: Choice = ALL_OF_IT,
    clock: datetime | None = None,
) -> Judged:
    """Judge every declared item, its native schedules aside. `clock`: the real one, as `plan`'s."""
    believed = believed_of(recorded, now if clock is None else max(clock, now))
    if believed.signals is not recorded.signals:
        coming = _slots_believed_at(desired.items, believed, recorded.signals, now)
        believed = replace(believed, until=earliest(believed.until, coming))
    around = surroundings(desired, believed, choice, now)
    items = sorted(desired.items, key=attrgetter("address"))
    alone: dict[Address, Verdict[Item]] = {item.address: judge(item, around) for item in items}
    if not any(verdict.is_due for verdict in alone.values()):
        return Judged(believed, alone)
    merged = merge(alone.values(), desired.generation, desired.freezes, now)
    acting = frozenset(addresses(merged.actions))
    verdicts = {**alone, **merged.riding}
    resets = [
        ordered_after(verdict, verdicts, acting, around)
        for verdict in filter(is_of_reset, alone.values())
    ]
    verdicts.update((verdict.item.address, verdict) for verdict in resets)
    return Judged(believed, verdicts, guess_durations(merged.actions, alone), tuple(resets))


def plan(
    desired: Desired,
    recorded: Recorded,
    now: datetime,
    choice: Choice = ALL_OF_IT,
    observed: Observed | None = None,
    clock: datetime | None = None,
) -> Plan:
    """Compute the calls that are due at `now` and where every declared item stands.

    Pure: no clock, no socket, no file, no environment. The same arguments give the same plan, in
    whatever order the items were declared. `observed`: a live look; native schedules go by it.
    `clock`: the real clock where `now` is not its reading; what a record says of a time later than
    both is not believed.
    """
    moves, recorded = follow(desired.items, recorded)
    judged = judge_all(desired, recorded, now, choice, clock)
    native = _native(desired, recorded, observed, choice)
    actions: list[Action] = [
        *judged.calls(desired.generation),
        *(native.actions if native else ()),
        *_forgotten(judged, recorded, choice),
        *([Rename(moves)] if moves else []),
    ]
    # A model's refresh before its resets: the order in which they happen, and are read.
    actions.sort(key=lambda action: _first(action).removesuffix("refresh"))
    standings = _standings(judged, native)
    calls = ordered(actions, standings, now)
    # Nothing comes too late for its next slot where nothing is called.
    ahead = {s.address: s.next_slot for s in standings if s.next_slot is not None} if calls else {}
    planned = Plan(
        now=now,
        valid_until=earliest(judged.believed.until, *[standing.until for standing in standings]),
        digest=digest(actions, desired.base_url),
        actions=tuple(actions),
        standings=standings,
        load=load(calls, desired.requests_per_minute, now=now, following=ahead),
        noted=_noted(judged),
        missed=tuple(_missed(judged)),
        clock_went_back=judged.believed.newest,
    )
    over = tuple(excesses(planned, desired.limits, len(recorded.items) + len(recorded.schedules)))
    return replace(planned, blocked_by=over) if over else planned


def _slots_believed_at(
    items: Iterable[Item], believed: Believed, signals: Signals, now: datetime
) -> datetime | None:
    """Return when the first slot comes into sight that a signal makes which is void so far."""
    found: list[datetime] = []
    for item in items:
        cadence = item.timing.cadence
        if isinstance(cadence, OnSignal):
            record = believed.items.get(item.address)
            consumed = () if record is None else record.consumed
            _, known = slots_of(cadence, believed.signals, consumed, now)
            _, void = slots_of(cadence, signals, consumed, now)
            if known is None and void is not None:
                found.append(void - TOLERANCE)
    return min(found, default=None)


def standings(desired: Desired, recorded: Recorded, now: datetime) -> tuple[Standing, ...]:
    """Say where every declared item stands at `now`, as `plan` does, without its calls and cost."""
    _, recorded = follow(desired.items, recorded)
    judged = judge_all(desired, recorded, now)
    return _standings(judged, _native(desired, recorded, None, ALL_OF_IT))


def _standings(judged: Judged, native: Decided | None) -> tuple[Standing, ...]:
    return (*(native.standings if native else ()), *judged.standings())


def _native(
    desired: Desired, recorded: Recorded, observed: Observed | None, choice: Choice
) -> Decided | None:
    """Decide about native schedules, where there are any."""
    if not (desired.schedules or recorded.schedules or (observed and desired.connections)):
        return None
    return decide(desired, recorded, observed, choice)


def _first(action: Action) -> Address:
    if isinstance(action, ResetCache):
        return action.covers[0].address
    return min(addresses([action]))


def _forgotten(judged: Judged, recorded: Recorded, choice: Choice) -> Iterable[Forget]:
    if list(recorded.items) == list(judged.verdicts):
        return  # As a rule, and told without looking for each.
    for address in recorded.items:
        if address not in judged.verdicts and is_selected(address, choice):
            yield Forget(address=address)


def _noted(judged: Judged) -> Mapping[Address, Declaration]:
    return {
        verdict.item.address: declaration(verdict.item)
        for verdict in judged.verdicts.values()
        if not verdict.noted and verdict.standing.selected
    }


def _missed(judged: Judged) -> Iterable[tuple[Address, datetime]]:
    for verdict in judged.verdicts.values():
        if isinstance(verdict.need.reason, DeadlineMissed) and verdict.standing.selected:
            slot, known = verdict.need.reason.slot, verdict.record.missed_slot
            if known is None or known < slot:
                yield verdict.item.address, slot


# Resets, and their order after refreshes.


def ordered_after(
    verdict: Verdict[ResetItem],
    refreshes: Mapping[Address, Verdict[Item]],
    acting: frozenset[Address],
    around: Surroundings,
) -> Verdict[ResetItem]:
    """Judge a reset again in the light of the refresh it follows.

    A reset without a time of its own falls due with the refresh that this plan makes or awaits.
    One with a time is only held back while its refresh is due too and cannot go: letting it pass
    would leave results behind that were computed on the old schema.
    """
    item = verdict.item
    if item.after is None:
        return verdict
    if isinstance(item.timing.cadence, AfterRefresh):
        if item.after not in acting:
            return verdict
        due = verdict.due(FollowsRefresh(item.after), Coverage(item.address))
        if item.address not in around.choice.force:
            return held_back(due, around)
        return due if around.choice.as_of is None else verdict
    if not verdict.is_due or item.after in acting or isinstance(verdict.standing.reason, Forced):
        return verdict
    first = refreshes.get(item.after)
    if first is None or not _stuck(first):
        return verdict
    reason = BlockedBy(item.after, first.standing.reason)
    return verdict.held(Status.BLOCKED, reason, first.standing.until)


def reset_actions(
    verdicts: Iterable[Verdict[ResetItem]], generation: Generation, acting: frozenset[Address]
) -> Iterable[ResetCache]:
    """Make one call of each reset among them that goes."""
    for verdict in verdicts:
        item, coverage = verdict.item, verdict.coverage
        if coverage is not None and verdict.goes:
            yield ResetCache(
                covers=(coverage,),
                request=reset_request(generation, item.model_id, item.policy, coverage.stamp),
                model_id=item.model_id,
                policy=item.policy,
                waits_for=item.after if item.after in acting else None,
                reasons=(verdict.standing.reason,),
            )


def _stuck(refresh: Verdict[Item]) -> bool:
    """Tell whether the refresh is wanted by its own cadence and yet not part of this plan."""
    return refresh.standing.status in {Status.DUE, Status.BACKING_OFF, Status.HELD}
