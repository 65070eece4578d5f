"""Why one item stands as it does, and what would be if one thing were not in its way."""

from collections.abc import Callable, Iterator
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from msgspec import Struct

from reconcile.model import desired as declared
from reconcile.model import reason as because
from reconcile.model.address import Address
from reconcile.model.plan import Await, Excess, Refresh, ResetCache, Standing, addresses_of
from reconcile.model.recorded import NO_RECORD, Record, Recorded, Signal
from reconcile.model.struct import Instant, replace
from reconcile.planning.budget import order
from reconcile.planning.forecast import first_call
from reconcile.planning.item import is_awaited, settled_until, unseen_of
from reconcile.planning.plan import follow, plan
from reconcile.planning.record import believed_of, same_timing
from reconcile.planning.requests import company_of
from reconcile.planning.signals import newest
from reconcile.planning.time.slots import frozen_until, matches
from reconcile.render import words
from reconcile.render.documents import AnyAddress, Because, Blocking, Count
from reconcile.render.layout import escape_terminal
from reconcile.render.outline import status_word
from reconcile.render.plan import blocked_text
from reconcile.render.reasons import Account, reason_json


class ObstacleKind(StrEnum):
    """What an obstacle is."""

    PAUSE = "pause"
    FREEZE = "freeze"
    FAILURES = "failures"
    JOB = "job"
    UNSEEN = "unseen"
    DOUBT = "doubt"
    DEADLINE = "deadline"
    ON_CHANGE = "on_change"
    AFTER = "after"


class Obstacle(Struct, frozen=True):
    """One thing that may hold an item back. `name`: the freeze's, or the address it runs after."""

    kind: ObstacleKind
    name: str = ""


class Without(Struct, frozen=True):
    """How the item would stand if one obstacle were gone, found by planning again without it.

    `earliest`: when it would run then.
    """

    obstacle: Obstacle
    status: because.Status
    reason: because.Reason
    earliest: datetime


Call = Refresh | ResetCache | Await


class Explanation(Struct, frozen=True, kw_only=True):
    """Everything that bears on one item at `now`. All instants UTC.

    `settled`: up to where slots are made up. `seen`: whether an apply has seen this timing.
    `frozen`: freezes that hold now, whether or not it is due. `first`: the refresh it runs after.
    `call`: what the plan makes of it; `place`: where that call stands among how many.
    `earliest`: when it runs if applies are prompt and calls succeed; None if not before `searched`,
    which is None where what stops it has no end of its own.
    `without`: only obstacles whose absence would make it due now or let it run earlier. `signals`:
    the newest of each that it awaits. `blocked_by`: limits that all that is due would pass.
    """

    now: datetime
    item: declared.Item
    record: Record
    standing: Standing
    settled: datetime | None
    seen: bool
    frozen: tuple[because.FrozenBy, ...]
    first: Standing | None
    call: Call | None
    place: tuple[int, int] | None
    requests_per_minute: int
    earliest: datetime | None
    searched: datetime | None
    without: tuple[Without, ...]
    signals: tuple[tuple[str, Signal | None], ...]
    blocked_by: tuple[Excess, ...]


# What may stand in an item's way, and the same world without it.

World = tuple[declared.Desired, Recorded]


def without_each(
    desired: declared.Desired, recorded: Recorded, item: declared.Item, now: datetime
) -> Iterator[tuple[Obstacle, World]]:
    """Yield each thing that could be in the item's way, and the world with only that one gone."""
    timing = item.timing

    def declaring(other: declared.Item) -> World:
        items = (other if one.address == item.address else one for one in desired.items)
        return replace(desired, items=tuple(items)), recorded

    def timed(other: declared.Timing) -> World:
        return declaring(replace(item, timing=other))

    if timing.pause is not None and (timing.pause.until is None or timing.pause.until > now):
        yield Obstacle(ObstacleKind.PAUSE), timed(replace(timing, pause=None))
    for number, freeze in enumerate(desired.freezes):
        if matches(freeze, item.address):
            others = desired.freezes[:number] + desired.freezes[number + 1 :]
            thawed = replace(desired, freezes=others), recorded
            yield Obstacle(ObstacleKind.FREEZE, freeze.name), thawed
    record = recorded.items.get(item.address)
    for kind, mended in () if record is None else _mended(record, now):
        records = MappingProxyType({**recorded.items, item.address: mended})
        yield Obstacle(kind), (desired, replace(recorded, items=records))
    if timing.deadline is not None:
        yield Obstacle(ObstacleKind.DEADLINE), timed(replace(timing, deadline=None))
    if timing.on_change is declared.OnChange.NEXT:
        at_once = replace(timing, on_change=declared.OnChange.NOW)
        yield Obstacle(ObstacleKind.ON_CHANGE), timed(at_once)
    follows = isinstance(timing.cadence, declared.AfterRefresh)
    if isinstance(item, declared.ResetItem) and item.after is not None and not follows:
        yield Obstacle(ObstacleKind.AFTER, item.after), declaring(replace(item, after=None))


def _mended(record: Record, now: datetime) -> Iterator[tuple[ObstacleKind, Record]]:
    """Yield what earlier calls left in the way, and the record without it."""
    pending = record.pending
    if record.failures:
        yield ObstacleKind.FAILURES, replace(record, failures=0, last_failure=None)
    if is_awaited(pending, now):
        yield ObstacleKind.JOB, replace(record, pending=None)
    if unseen_of(record, now) is not None:
        left = None if pending is not None and pending.job_id is not None else pending
        yield ObstacleKind.UNSEEN, replace(record, pending=left, unseen=None)
    if pending is not None and pending.job_id is None:
        yield ObstacleKind.DOUBT, replace(record, pending=None, doubts=0, last_doubt=None)


def explain(
    desired: declared.Desired,
    recorded: Recorded,
    now: datetime,
    address: Address,
    clock: datetime | None = None,
) -> Explanation:
    """Explain one declared item. Raises `KeyError` if the address is not declared.

    `clock`: the real one where `now` is not its reading, as `plan`'s.
    """
    clock = now if clock is None else max(clock, now)
    planned = plan(desired, recorded, now, clock=clock)
    _, recorded = follow(desired.items, recorded)
    believed = believed_of(recorded, clock)
    recorded = replace(recorded, items=believed.items, signals=believed.signals)
    items = {item.address: item for item in desired.items}
    item = items[address]
    cadence = item.timing.cadence
    awaited = cadence.names if isinstance(cadence, declared.OnSignal) else ()
    standings = {standing.address: standing for standing in planned.standings}
    standing, record = standings[address], recorded.items.get(address, NO_RECORD)
    ranked = order(planned.actions, planned.standings, now)
    calls = [call for call in ranked if isinstance(call, Call)]
    place = next((n for n, call in enumerate(calls, 1) if address in addresses_of(call)), None)
    near = _neighbours(desired, recorded, item)
    records = MappingProxyType({a: kept for a, kept in recorded.items.items() if a in near})
    alone = replace(desired, items=tuple(one for one in desired.items if one.address in near))
    world = alone, replace(recorded, items=records)
    earliest, searched = _earliest(world, now, clock, standing)
    held = (frozen_until(freeze, now) for freeze in desired.freezes if matches(freeze, address))
    return Explanation(
        now=now,
        item=item,
        record=record,
        standing=standing,
        settled=settled_until(record),
        seen=record.since is not None and same_timing(item, record),
        frozen=tuple(because.FrozenBy(f.name, f.until) for f in held if f is not None),
        first=standings.get(item.after)
        if isinstance(item, declared.ResetItem) and item.after
        else None,
        call=None if place is None else calls[place - 1],
        place=None if place is None else (place, len(calls)),
        requests_per_minute=desired.requests_per_minute,
        earliest=earliest,
        searched=searched,
        without=tuple(_without(world, item, now, clock, standing, searched)),
        signals=tuple((name, newest(recorded.signals, name, now)) for name in awaited),
        blocked_by=planned.blocked_by,
    )


def _without(
    world: World,
    item: declared.Item,
    now: datetime,
    clock: datetime,
    stands: Standing,
    searched: datetime | None,
) -> Iterator[Without]:
    """Yield the obstacles without which it runs sooner than `searched`, when it runs or later."""
    if stands.status is because.Status.DUE and not isinstance(
        stands.reason, because.JobRunningSince
    ):
        return
    for obstacle, changed in without_each(*world, item, now):
        standings = plan(*changed, now, clock=clock).standings
        standing = next(one for one in standings if one.address == item.address)
        sooner, _ = _earliest(changed, now, clock, standing)
        if sooner is not None and (searched is None or sooner < searched):
            yield Without(obstacle, standing.status, standing.reason, sooner)


def _earliest(
    world: World, now: datetime, clock: datetime, standing: Standing
) -> tuple[datetime | None, datetime | None]:
    """Return when the item runs, None if not before the second, which is None if never."""
    if _endless(standing.reason):
        return None, None
    call, searched = first_call(*world, now, standing.address, clock)
    return (None if call is None else call.at), searched


def _endless(reason: because.Reason) -> bool:
    """Tell whether this never ends by itself, so that no look at the coming year is needed."""
    match reason:
        case (
            because.HeldAfterFailures()
            | because.HeldInDoubt()
            | because.PausedUntil(until=None)
            | because.FrozenBy(until=None)
            | because.RefreshUnseen(retry_at=None)
        ):
            return True
        case _:
            return False


def _neighbours(
    desired: declared.Desired, recorded: Recorded, item: declared.Item
) -> frozenset[Address]:
    """Return the item and all that decides when it runs.

    That is its refresh, who pulls that forward, and whose call it was covered by.
    """
    found = {item.address}
    others = [other for other in desired.items if isinstance(other, declared.RefreshItem)]
    refresh: declared.Item | None = item
    if isinstance(item, declared.ResetItem):
        refresh = next((other for other in others if other.address == item.after), None)
    if isinstance(refresh, declared.RefreshItem):
        found.add(refresh.address)
        if refresh.coalesce_within:
            group = company_of(refresh)
            found.update(other.address for other in others if company_of(other) == group)
        record = recorded.items.get(refresh.address)
        if record is not None and record.carrier is not None:
            carrier = record.carrier.model_id
            found.update(other.address for other in others if other.model_id == carrier)
    return frozenset(found)


# The same as a document.


class StepDocument(Struct, frozen=True):
    """What was asked of an item, and what was found."""

    step: str
    found: str


class OwnCallDocument(Struct, frozen=True):
    """The call of an item: what it covers, and its place among all that are to go."""

    covers: tuple[AnyAddress, ...]
    place: Count
    of: Count


class WithoutDocument(Struct, frozen=True, kw_only=True):
    """When the item would run without one of its obstacles."""

    obstacle: ObstacleKind
    name: str | None
    status: because.Status
    because: Because
    earliest: Instant | None
    told: str

    @staticmethod
    def of(without: Without, view: words.Vantage) -> "WithoutDocument":
        """Return the same in words, too."""
        return WithoutDocument(
            obstacle=without.obstacle.kind,
            name=without.obstacle.name or None,
            status=without.status,
            because=reason_json(without.reason),
            earliest=without.earliest,
            told=_sentence(without, view),
        )


class WhyDocument(Struct, frozen=True, kw_only=True):
    """What `reconcile why ADDRESS --format json` prints."""

    format_version: Literal[1] = 1
    now: Instant
    address: AnyAddress
    kind: Literal["refresh", "reset"]
    zone: str
    status: because.Status
    reason: str
    because: Because
    newest_slot: Instant | None
    next_slot: Instant | None
    missed: Count
    steps: tuple[StepDocument, ...]
    call: OwnCallDocument | None
    blocked_by: tuple[Blocking, ...]
    earliest: Instant | None
    searched: Instant | None
    without: tuple[WithoutDocument, ...]


class WhyOutline(Struct, frozen=True, kw_only=True):
    """What JSON prints of an explanation, and what people are told besides.

    `view`: where the reader stands; `word`: what the item is called at the moment.
    """

    document: WhyDocument
    view: words.Vantage
    word: str
    verdict: tuple[str, ...]


def explained(told: Explanation, complete: Callable[[str], str] = str) -> WhyOutline:
    """Return why one item stands as it does, as a document.

    `complete`: gives a command what the one that the reader ran was given.
    """
    standing = told.standing
    view = words.Vantage(standing.zone, told.now)
    teller = Account(standing.address, view, complete)
    call = None
    if told.call is not None and told.place is not None:
        call = OwnCallDocument(addresses_of(told.call), *told.place)
    document = WhyDocument(
        now=told.now,
        address=standing.address,
        kind="refresh" if isinstance(told.item, declared.RefreshItem) else "reset",
        zone=standing.zone,
        status=standing.status,
        reason=teller.tell(standing.reason),
        because=reason_json(standing.reason),
        newest_slot=standing.newest_slot,
        next_slot=standing.next_slot,
        missed=standing.missed,
        steps=tuple(StepDocument(*step) for step in _steps(told, view)),
        call=call,
        blocked_by=tuple(map(Blocking.of, told.blocked_by)),
        earliest=told.earliest,
        searched=told.searched,
        without=tuple(WithoutDocument.of(without, view) for without in told.without),
    )
    verdict = tuple(_verdict(told, document, teller))
    return WhyOutline(document=document, view=view, word=status_word(standing), verdict=verdict)


# The verdict, and each step that led there, in words.


def _verdict(told: Explanation, document: WhyDocument, teller: Account) -> Iterator[str]:
    view = teller.vantage
    first, *commands = teller.parts(told.standing.reason)
    running = isinstance(told.standing.reason, because.JobRunningSince)
    if running:  # A plan need not say how to let go of each job; who asks why may want to.
        commands.append(teller.release())
    word = status_word(told.standing)
    whole = first if first.startswith(word) else f"{word}: {first}"
    yield f"{whole[:1].upper()}{whole[1:]}."
    if running:
        yield "An apply awaits the job and starts nothing."
    elif told.searched is None:
        yield "It does not run as things stand: nothing ends this by itself."
    elif told.earliest is None and isinstance(told.standing.reason, because.AwaitsSignals):
        yield "It runs once what it awaits has come: nobody can say when."
    elif told.earliest is None:
        yield f"As things stand it does not run before {view.both(told.searched)}."
    elif told.standing.status is because.Status.DUE and document.blocked_by:
        yield blocked_text(document.blocked_by, teller.complete)
    elif told.standing.status is because.Status.DUE:
        yield "It would run now."
    else:
        yield f"Earliest run: {view.both(told.earliest)}, {view.distance(told.earliest)}."
    yield from (without.told for without in document.without)
    for command in commands:
        yield command[:1].upper() + command[1:]


_OBSTACLES = {
    ObstacleKind.PAUSE: "the pause",
    ObstacleKind.FREEZE: "the freeze",
    ObstacleKind.FAILURES: "the failures",
    ObstacleKind.JOB: "the running job",
    ObstacleKind.UNSEEN: "the refresh whose end was not seen",
    ObstacleKind.DOUBT: "the unknown outcome",
    ObstacleKind.DEADLINE: "the deadline",
    ObstacleKind.ON_CHANGE: 'on_change = "next"',
    ObstacleKind.AFTER: "waiting for",
}


def _sentence(without: Without, view: words.Vantage) -> str:
    """Return when the item would run without one of its obstacles."""
    obstacle = without.obstacle
    removed = _OBSTACLES[obstacle.kind] + (
        f" {words.words_text(obstacle.name)}" if obstacle.name else ""
    )
    if without.status is because.Status.DUE:
        return f"Without {removed} it would be due now."
    return f"Without {removed} the earliest run would be {view.both(without.earliest)}."


# The steps of an explanation, one line each: what was asked, and what was found.

Step = tuple[str, str]


def _steps(told: Explanation, view: words.Vantage) -> Iterator[Step]:
    """Yield what was asked of the item, in the order the planner asks, and what was found."""
    yield "cadence", _cadence(told, view)
    yield from (("signal", _signal(name, signal, view)) for name, signal in told.signals)
    yield from _slots(told, view)
    yield "covered", _covered(told, view)
    yield "on_change", _on_change(told)
    yield "deadline", _deadline(told)
    yield "pause", _pause(told, view)
    yield "freeze", _freeze(told, view)
    yield "failures", _failures(told, view)
    yield "in flight", _in_flight(told, view)
    if told.first is not None:
        name = words.address_text(told.first.address)
        yield "after", f"{name}, which is {status_word(told.first)}"
    yield from _budget(told)


def _cadence(told: Explanation, view: words.Vantage) -> str:
    timing = told.item.timing
    text = words.cadence_text(timing.cadence, view)
    if isinstance(timing.cadence, declared.Cron | declared.At):
        text += f" in {escape_terminal(timing.zone)}"
        if timing.spread:
            text += f", spread over {words.interval_text(timing.spread)}"
    return text


def _signal(name: str, signal: Signal | None, view: words.Vantage) -> str:
    if signal is None:
        return f"{escape_terminal(name)} never came"
    sent = words.sent_text(signal.by, signal.note)
    return f"{escape_terminal(name)} {view.both(signal.at)}{sent}"


def _slots(told: Explanation, view: words.Vantage) -> Iterator[Step]:
    standing = told.standing
    newest, following = standing.newest_slot, standing.next_slot
    if newest is None:
        yield "newest slot", "none yet"
    else:
        missed = f", {words.counted(standing.missed, 'older slot')} missed"
        older = missed if standing.missed else ""
        yield "newest slot", f"{view.both(newest)}, {view.distance(newest)}{older}"
    if following is not None:
        yield "next slot", f"{view.both(following)}, {view.distance(following)}"


def _covered(told: Explanation, view: words.Vantage) -> str:
    record = told.record
    if record.last_success is None:
        return "no: it has never succeeded"
    text = f"last success {view.both(record.last_success)}"
    if record.stamp is not None:
        text += f", stamp {view.both(record.stamp)}"
    newest, settled = told.standing.newest_slot, told.settled
    watches = isinstance(told.item.timing.cadence, declared.WhenChanged)
    if newest is None or settled is None or watches:
        return text
    return f"{'yes' if settled >= newest else 'no'}: {text}"


def _on_change(told: Explanation) -> str:
    timing = told.item.timing
    if timing.on_change is declared.OnChange.NOW:
        return "now: a slot that has passed still counts"
    waits = isinstance(told.standing.reason, because.WaitsForNextSlot)
    seen = "" if told.seen else ", and no apply has seen this timing yet"
    return f"next: slots before its declaration are let pass{seen}" + (" (waits)" if waits else "")


def _deadline(told: Explanation) -> str:
    deadline = told.item.timing.deadline
    if deadline is None:
        return "none"
    missed = isinstance(told.standing.reason, because.DeadlineMissed)
    return words.interval_text(deadline) + (", passed" if missed else "")


def _pause(told: Explanation, view: words.Vantage) -> str:
    pause = told.item.timing.pause
    if pause is None:
        return "none"
    over = pause.until is not None and pause.until <= told.now
    until = "without an end" if pause.until is None else f"until {view.both(pause.until)}"
    reason = f", {words.words_text(pause.reason)}" if pause.reason else ""
    return f"{'over: ' if over else ''}{until}{reason}"


def _freeze(told: Explanation, view: words.Vantage) -> str:
    found: list[str] = []
    for freeze in told.frozen:
        end = f"until {view.both(freeze.until)}" if freeze.until else "without an end in sight"
        found.append(f"{words.words_text(freeze.name)} {end}")
    return "; ".join(found) or "none holds now"


def _failures(told: Explanation, view: words.Vantage) -> str:
    record, reason = told.record, told.standing.reason
    if not record.failures or record.last_failure is None:
        return "none"
    text = (
        f"{record.failures} of {told.item.timing.hold_after} before it is held, last "
        f"{view.both(record.last_failure.at)}: {words.words_text(record.last_failure.message)}"
    )
    return f"held: {text}" if isinstance(reason, because.HeldAfterFailures) else text


def _in_flight(told: Explanation, view: words.Vantage) -> str:
    pending, unseen = told.record.pending, told.record.unseen
    found: list[str] = []
    if pending is not None and pending.job_id is None:
        found.append(f"a call of {view.both(pending.since)} whose outcome is unknown")
    elif pending is not None:
        look = pending.look
        seen = f", last seen {view.local(look.at)}: {words.words_text(look.answer)}" if look else ""
        found.append(f"a job since {view.both(pending.since)}{seen}")
    if unseen is not None:
        since = view.both(unseen.call.since)
        found.append(f"a job of {since} whose end was not seen: {words.words_text(unseen.answer)}")
    return "; ".join(found) or "nothing"


def _budget(told: Explanation) -> Iterator[Step]:
    if told.call is None or told.place is None:
        return
    others = [it for it in addresses_of(told.call) if it != told.item.address]
    if others:
        yield "one call with", words.addresses_text(others)
    elif isinstance(told.item, declared.RefreshItem) and not told.item.merges:
        yield "one call with", "none: its connection says merge = false"
    if isinstance(told.call, ResetCache) and told.call.waits_for is not None:
        yield "waits for", words.address_text(told.call.waits_for)
    place, calls = told.place
    yield (
        "budget",
        f"call {place:,} of {calls:,} to go, at {told.requests_per_minute:,} requests a minute",
    )
