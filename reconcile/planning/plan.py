"""The plan: a pure function of what is desired, what is recorded, and the present instant."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from operator import attrgetter
from types import MappingProxyType
from typing import TypeVar

from msgspec import Struct

from reconcile.model import reason as why
from reconcile.model.address import Address
from reconcile.model.desired import (
    AfterRefresh,
    Desired,
    Every,
    Generation,
    Item,
    OnSignal,
    RefreshItem,
    ResetItem,
    WhenChanged,
)
from reconcile.model.observed import Observed
from reconcile.model.plan import (
    Action,
    Await,
    Choice,
    Forget,
    Load,
    Plan,
    Refresh,
    Rename,
    ResetCache,
    Standing,
    addresses_of,
)
from reconcile.model.recorded import (
    NO_RECORD,
    Coverage,
    Pending,
    Record,
    Recorded,
    Signals,
    Unseen,
)
from reconcile.model.struct import replace
from reconcile.planning.budget import addresses, load, order
from reconcile.planning.guards import digest, excesses
from reconcile.planning.item import (
    LONGEST_AWAIT,
    ItemVerdict,
    Surroundings,
    assess,
    attempt_of,
    backoff,
    coverage_of,
    earliest,
    is_awaited,
    is_of_reset,
    is_selected,
    next_attempt,
    unseen_of,
)
from reconcile.planning.record import (
    TOLERANCE,
    Believed,
    believed_of,
    declaration,
    identity_of,
    identity_recorded,
    same_declaration,
    same_identity,
)
from reconcile.planning.replay import readdressed
from reconcile.planning.requests import merge, reset_request, strayed
from reconcile.planning.schedules import Decided, decide
from reconcile.planning.signals import arrival, slots_of
from reconcile.planning.time.slots import frozen_by, matches, next_change

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
    if not records or all(
        record is not None and same_identity(item, record)
        for item in listed
        for record in (records.get(item.address),)
    ):
        return (), recorded  # As a rule: each has a record of its own.
    known = {
        address: told
        for address, record in records.items()
        if record.declared is not None and (told := identity_recorded(record.declared)) is not None
    }
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


# Every declared item judged at one instant, and what follows from all the verdicts together.

ALL_OF_IT = Choice()


class Judged(Struct, frozen=True):
    """The verdicts on all items, sorted by address, with refreshes merged and resets after them.

    `believed`: the records that they go by.
    """

    believed: Believed
    verdicts: Mapping[Address, ItemVerdict[Item]]
    merged: tuple[Refresh | Await, ...] = ()
    resets: tuple[ItemVerdict[ResetItem], ...] = ()

    def standings(self) -> tuple[Standing, ...]:
        """Say where every item stands."""
        return tuple([verdict.standing for verdict in self.verdicts.values()])

    def calls(self, generation: Generation) -> Iterator[Refresh | Await | ResetCache]:
        """Yield the calls that are due and the jobs to await."""
        yield from self.merged
        acting = frozenset(addresses(self.merged))
        for verdict in self.resets:
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

    def forgotten(self, recorded: Recorded, choice: Choice) -> Iterator[Forget]:
        """Yield the records to drop: of what is no longer declared."""
        if list(recorded.items) == list(self.verdicts):
            return  # As a rule, and told without looking for each.
        for address in recorded.items:
            if address not in self.verdicts and is_selected(address, choice):
                yield Forget(address=address)


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
    stray = strayed(desired, believed.items)
    around = Surroundings(believed.items, desired.freezes, choice, now, stray, believed.signals)
    items = sorted(desired.items, key=attrgetter("address"))
    alone: dict[Address, ItemVerdict[Item]] = {item.address: judge(item, around) for item in items}
    return judge_together(alone, desired, believed, around)


def judge_together(
    alone: Mapping[Address, ItemVerdict[Item]],
    desired: Desired,
    believed: Believed,
    around: Surroundings,
) -> Judged:
    """Merge refreshes that were judged alone, and order resets after them.

    `alone`: all items, or some of them together with whom these share a connection or an order.
    """
    if not any(verdict.is_due for verdict in alone.values()):
        return Judged(believed, alone)
    merged = merge(alone.values(), desired.generation, desired.freezes, around.now)
    acting = frozenset(addresses(merged.actions))
    verdicts = {**alone, **merged.riding}
    resets = [
        ordered_after(verdict, verdicts, acting, around)
        for verdict in filter(is_of_reset, alone.values())
    ]
    verdicts.update((verdict.item.address, verdict) for verdict in resets)
    return Judged(believed, verdicts, merged.actions, tuple(resets))


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
    besides: list[Action] = [
        *native.actions,
        *judged.forgotten(recorded, choice),
        *([Rename(moves)] if moves else []),
    ]
    standings = (*native.standings, *judged.standings())
    drawn_up = draw_up(judged, besides, standings, desired.generation, now)
    calls = order(drawn_up.actions, standings, now)
    # Nothing comes too late for its next slot where nothing is called.
    ahead = {s.address: s.next_slot for s in standings if s.next_slot is not None} if calls else {}
    planned = replace(
        drawn_up,
        digest=digest(drawn_up.actions, desired.base_url),
        load=load(calls, desired.requests_per_minute, now=now, following=ahead),
    )
    over = tuple(
        excesses(
            planned,
            desired.limits,
            declared=len(standings),
            recorded=len(recorded.items) + len(recorded.schedules),
        )
    )
    return replace(planned, blocked_by=over) if over else planned


def draw_up(
    judged: Judged,
    besides: Iterable[Action],
    standings: tuple[Standing, ...],
    generation: Generation,
    now: datetime,
) -> Plan:
    """Put into a plan what was judged, and the actions that there are besides.

    All that an apply looks at is in it. What people look at is not: its digest and its load.
    """
    actions = [*judged.calls(generation), *besides]
    # A model's refresh before its resets: the order in which they happen, and are read.
    actions.sort(key=lambda action: min(addresses_of(action)).removesuffix("refresh"))
    chosen = [verdict for verdict in judged.verdicts.values() if verdict.standing.selected]
    return Plan(
        now=now,
        valid_until=earliest(judged.believed.until, *[standing.until for standing in standings]),
        digest="",
        actions=tuple(actions),
        standings=standings,
        load=_NO_LOAD,
        noted={v.item.address: declaration(v.item) for v in chosen if not v.noted},
        missed=tuple((v.item.address, slot) for v in chosen if (slot := v.slot_missed) is not None),
        clock_went_back=judged.believed.newest,
    )


_NO_LOAD = Load(0, 0, 0.0, 0, 1)


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
    native = _native(desired, recorded, None, ALL_OF_IT)
    return (*native.standings, *judge_all(desired, recorded, now).standings())


def _native(
    desired: Desired, recorded: Recorded, observed: Observed | None, choice: Choice
) -> Decided:
    """Decide about native schedules, where there are any."""
    if desired.schedules or recorded.schedules or (observed and desired.connections):
        return decide(desired, recorded, observed, choice)
    return Decided((), ())


# Resets, and their order after refreshes.

_STUCK = frozenset({why.Status.DUE, why.Status.BACKING_OFF, why.Status.HELD})


def ordered_after(
    verdict: ItemVerdict[ResetItem],
    refreshes: Mapping[Address, ItemVerdict[Item]],
    acting: frozenset[Address],
    around: Surroundings,
) -> ItemVerdict[ResetItem]:
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
        due = verdict.due(why.FollowsRefresh(item.after), Coverage(item.address))
        if item.address not in around.choice.force:
            return held_back(due, around)
        return due if around.choice.as_of is None else verdict
    forced = isinstance(verdict.standing.reason, why.Forced)
    if not verdict.is_due or item.after in acting or forced:
        return verdict
    first = refreshes.get(item.after)
    # It is stuck where its own cadence wants it and it is yet not part of this plan.
    if first is None or first.standing.status not in _STUCK:
        return verdict
    reason = why.BlockedBy(item.after, first.standing.reason)
    return verdict.held(why.Status.BLOCKED, reason, first.standing.until)


# What an item's need comes to once pauses, freezes, failures and doubts have had their say.


ItemT = TypeVar("ItemT", bound=Item)


def judge(
    item: ItemT, around: Surroundings, before: ItemVerdict[ItemT] | None = None
) -> ItemVerdict[ItemT]:
    """Judge one item alone at `around.now`. `before`: an earlier verdict on the same item."""
    record, now = around.records.get(item.address, NO_RECORD), around.now
    known = before is not None and before.noted and before.record.declared is record.declared
    # Without an instant at which its declaration was seen, it is seen anew.
    noted = record.since is not None and (known or same_declaration(item, record.declared))
    if not noted and not same_identity(item, record):
        record = NO_RECORD
    need = need_of(item, record, around)
    coverage = _coverage(item, need, record, around) if need.status is why.Status.DUE else None
    pending = record.pending
    lost = None if pending is None and record.unseen is None else unseen_of(record, now)
    if coverage is not None and lost is not None and (noted or record.declared is None):
        coverage = replace(coverage, attempt=attempt_of(item, need, lost, now))
    alone = ItemVerdict(item, record, noted, need, need, coverage)
    if item.address in around.choice.force:
        coverage = coverage or _forced_coverage(item, need, record, around)
        as_of = around.choice.as_of
        if as_of is not None and isinstance(item, ResetItem):
            # Signals that came after it are not in what is reset as of then.
            later = coverage.slot is not None and coverage.slot > as_of
            consumed = record.consumed if later else coverage.consumed
            coverage = replace(coverage, slot=as_of, stamp=as_of, consumed=consumed)
        return alone.due(why.Forced(), replace(coverage, attempt=1))
    if pending is None:
        return held_back(alone, around)
    if pending.job_id is None:
        again = _in_doubt(item, pending.coverage, coverage, now)
        return held_back(alone.due(_doubt(record, pending), again), around)
    if not is_awaited(pending, now) or _is_paused(item, now):
        return held_back(alone, around)
    until, look = pending.since + LONGEST_AWAIT, pending.look
    looked_at, answer = (None, None) if look is None else (look.at, look.answer)
    running = why.JobRunningSince(pending.since, until, looked_at, answer)
    return alone.due(running, pending.coverage).changing(until)


def held_back(verdict: ItemVerdict[ItemT], around: Surroundings) -> ItemVerdict[ItemT]:
    """Apply what may hold an item back. A pause shows even on an item that is not due."""
    item, now = verdict.item, around.now
    pause = item.timing.pause
    if pause is not None and _is_paused(item, now):
        paused = why.PausedUntil(pause.until, pause.reason)
        return verdict.held(why.Status.PAUSED, paused, pause.until)
    if not verdict.is_due:
        return verdict
    if not around.freezes:
        return _unless_failing(verdict, around)
    frozen = frozen_by(around.freezes, item.address, now)
    if frozen is not None:
        deferred = why.FrozenBy(frozen.name, frozen.until)
        return verdict.held(why.Status.DEFERRED, deferred, frozen.until)
    changes = [next_change(f.window, now) for f in around.freezes if matches(f, item.address)]
    return _unless_failing(verdict, around).changing(earliest(*changes))


def need_of(item: Item, record: Record, around: Surroundings) -> Standing:
    """Judge an item by its cadence, and by what made it due that its cadence does not know of."""
    need = assess(item, record, around)
    if record.marked_at is not None:
        return _marked(need, item, record.marked_at, around.now)
    carrier = record.carrier
    if need.status is why.Status.COVERED and carrier is not None and item.address in around.strayed:
        left = why.CarrierLeft(carrier.model_id, record.last_success)
        return replace(need, status=why.Status.DUE, reason=left)
    return need


def _marked(need: Standing, item: Item, marked_at: datetime, now: datetime) -> Standing:
    """Let a person's word count like a slot of that instant: its deadline runs from there.

    It prevails over a cadence that lets a slot pass, and not over one that has none to make up.
    """
    deadline = item.timing.deadline
    over = None if deadline is None else marked_at + deadline
    wanted = need.status is why.Status.DUE
    if isinstance(need.reason, why.WaitsForNextSlot | why.DeadlineMissed):
        wanted = over is None or now < over
    if not wanted:
        return need
    until = need.until if need.status is why.Status.DUE else earliest(need.next_slot, over)
    return replace(need, status=why.Status.DUE, reason=why.MarkedDue(marked_at), until=until)


def _is_paused(item: Item, now: datetime) -> bool:
    pause = item.timing.pause
    return pause is not None and (pause.until is None or pause.until > now)


def _unless_failing(verdict: ItemVerdict[ItemT], around: Surroundings) -> ItemVerdict[ItemT]:
    """Let what came of earlier calls hold a due item back."""
    record, now = verdict.record, around.now
    if record.pending is None and record.unseen is None and record.last_failure is None:
        return verdict  # As a rule nothing came of them, and that is quickly told.
    doubted = record.pending is not None and record.pending.job_id is None
    if record.pending is not None and doubted and around.choice.hold_unknown:
        return verdict.held(why.Status.HELD, why.HeldInDoubt(record.pending.since), None)
    if record.declared is not None and not verdict.noted:
        return verdict  # An edit is a new start, as it will be once an apply has noted it.
    failure = record.last_failure
    if failure is not None and record.failures >= verdict.item.timing.hold_after:
        reason = why.HeldAfterFailures(record.failures, failure.at, failure.message)
        return verdict.held(why.Status.HELD, reason, None)
    unseen = unseen_of(record, now)
    if unseen is not None:
        verdict = _tried_once_more(verdict, unseen, now)
    if verdict.is_due and record.pending is not None and doubted:
        doubt = _doubt(record, record.pending)
        if doubt.retry_at is not None and now < doubt.retry_at:
            verdict = verdict.held(why.Status.BACKING_OFF, doubt, doubt.retry_at)
    if not verdict.is_due or failure is None or record.failures == 0:
        return verdict
    retry_at = failure.at + backoff(identity_of(verdict.item), record.failures)
    if now < retry_at:
        waiting = why.BackingOff(record.failures, failure.at, retry_at, failure.message)
        return verdict.held(why.Status.BACKING_OFF, waiting, retry_at)
    return verdict


def _tried_once_more(
    verdict: ItemVerdict[ItemT], unseen: Unseen, now: datetime
) -> ItemVerdict[ItemT]:
    """Let an accepted refresh whose end nobody saw wait for its one more try, or its next slot."""
    again = next_attempt(verdict.item, verdict.need, unseen, now)
    if again is None:
        return verdict
    if again.retry_at is None or now < again.retry_at:
        return verdict.held(why.Status.BACKING_OFF, again, again.retry_at)
    doubted = isinstance(verdict.standing.reason, why.OutcomeUnknown)
    return verdict if doubted or verdict.coverage is None else verdict.due(again, verdict.coverage)


def _doubt(record: Record, pending: Pending) -> why.OutcomeUnknown:
    """Say from when on a call is sent again whose outcome is unknown.

    One that our own end cut off goes at once: nothing was seen that would speak against it.
    """
    seen = record.last_doubt
    if seen is None or record.doubts == 0:
        return why.OutcomeUnknown(pending.since)
    # By the operation, not the item: whoever shared the call is sent again in one.
    retry_at = seen.at + backoff(pending.operation, record.doubts)
    return why.OutcomeUnknown(pending.since, retry_at, record.doubts, seen.message)


def _coverage(item: Item, need: Standing, record: Record, around: Surroundings) -> Coverage:
    """Settle the slot that is wanted, what the watched files contain, or the signals that came."""
    cadence = item.timing.cadence
    content = cadence.content if isinstance(cadence, WhenChanged) else None
    covers = coverage_of(item, need.newest_slot, around.now, content)
    if isinstance(cadence, OnSignal) and cadence.all:
        came = arrival(cadence, around.signals, record.consumed, around.now)
        return replace(covers, consumed=came.consumed if came.complete else record.consumed)
    return covers


def _in_doubt(item: Item, old: Coverage, newer: Coverage | None, now: datetime) -> Coverage:
    """Send the same stamp again, unless a newer slot has come up that covers the old one too."""
    if newer is None:
        return old
    if newer.stamp is None or old.stamp is None:
        return newer
    if newer.slot is None and newer.content == old.content:
        # No slot asks for it, and the stamp is only the plan's `now`: it is none that is newer.
        cadence = item.timing.cadence
        if not isinstance(cadence, Every):
            return old
        # Had it been done, it would have fallen due since at each interval from its stamp.
        elapsed = max(0, (now - old.stamp) // cadence.interval)
        return replace(newer, stamp=old.stamp + elapsed * cadence.interval)
    return newer if newer.stamp > old.stamp else old


def _forced_coverage(item: Item, need: Standing, record: Record, around: Surroundings) -> Coverage:
    """Settle the newest slot once more; the present instant where slots are not wall clocks."""
    if isinstance(item.timing.cadence, Every | WhenChanged):
        return coverage_of(item, None, around.now)
    if isinstance(item.timing.cadence, OnSignal):
        return _coverage(item, need, record, around)
    slot = need.newest_slot
    if slot is None and isinstance(item, ResetItem) and item.after is not None:
        refresh = around.records.get(item.after)
        slot = None if refresh is None else refresh.completed_at
    return coverage_of(item, slot, around.now)
