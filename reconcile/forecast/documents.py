"""A forecast, and why one item stands as it does, as JSON."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct, convert

from reconcile.forecast.why import Explanation, ObstacleKind, Without
from reconcile.model import reason as why
from reconcile.model.desired import At, Cron, Mode, OnChange, RefreshItem, WhenChanged
from reconcile.model.forecast import Day, ExpectedCall, Forecast
from reconcile.model.plan import Refresh, ResetCache
from reconcile.model.recorded import Signal
from reconcile.model.struct import Instant
from reconcile.render.documents import AnyAddress, Because, Count, RidingDocument, encoded
from reconcile.render.layout import escape_terminal
from reconcile.render.outline import status_word
from reconcile.render.reasons import Account, Reader, reason_json
from reconcile.render.words import (
    Vantage,
    address_text,
    addresses_text,
    cadence_text,
    counted,
    interval_text,
    sent_text,
    words_text,
)

# A forecast. Days are those of its zone.


class SlotDocument(Struct, frozen=True):
    """One address that a call covers, and the slot it makes up."""

    address: AnyAddress
    slot: Instant | None


class ExpectedRefresh(Struct, frozen=True, kw_only=True, tag_field="kind", tag="refresh"):
    """A refresh, when it falls due."""

    at: Instant
    model_id: str
    mode: Mode
    covers: tuple[SlotDocument, ...]


class ExpectedReset(Struct, frozen=True, kw_only=True, tag_field="kind", tag="reset"):
    """A reset, when it falls due."""

    at: Instant
    model_id: str
    policy: str
    waits_for: str | None
    covers: tuple[SlotDocument, ...]


class DayDocument(Struct, frozen=True, kw_only=True):
    """A day: its calls, those that cover each item, and requests of the busiest minutes."""

    date: Annotated[str, Meta(extra_json_schema={"format": "date"})]
    calls: Count
    items: dict[str, Count]
    busiest_minute: Instant | None
    peak_per_minute: Count
    hour_peaks: tuple[Count, ...]

    @staticmethod
    def of(day: Day) -> "DayDocument":
        """Return the figures of a day."""
        return DayDocument(
            date=day.date.isoformat(),
            calls=day.calls,
            items=dict(sorted(day.covering.items())),
            busiest_minute=day.busiest,
            peak_per_minute=day.peak,
            hour_peaks=day.peaks,
        )


class IdleDocument(Struct, frozen=True, kw_only=True):
    """An item without any call."""

    address: AnyAddress
    reason: str
    because: Because


class ForecastDocument(Struct, frozen=True, kw_only=True):
    """What `reconcile forecast --format json` prints; `calls` is null but for `--calls`."""

    format_version: Literal[2] = 2
    now: Instant
    until: Instant
    zone: str
    requests_per_minute: Count
    refreshes: Count
    resets: Count
    calls: tuple[ExpectedRefresh | ExpectedReset, ...] | None
    days: tuple[DayDocument, ...]
    riding: tuple[RidingDocument, ...]
    idle: tuple[IdleDocument, ...]


def forecast_json(told: Forecast, *, singly: bool = False) -> Iterator[str]:
    """Yield a forecast piece by piece. `singly`: every call by itself, too."""
    reader = Reader(told.zones, told.zone, told.now)
    document = ForecastDocument(
        now=told.now,
        until=told.until,
        zone=told.zone,
        requests_per_minute=told.requests_per_minute,
        refreshes=told.refreshes,
        resets=told.resets,
        calls=None,
        days=tuple(map(DayDocument.of, told.days)),
        riding=convert(told.riding, tuple[RidingDocument, ...], from_attributes=True),
        idle=tuple(
            IdleDocument(
                address=address,
                reason=reader.account(address).tell(reason),
                because=reason_json(reason),
            )
            for address, reason in told.idle
        ),
    )
    return encoded(document, calls=map(_call, told.calls)) if singly else encoded(document)


def _call(call: ExpectedCall) -> ExpectedRefresh | ExpectedReset:
    action, at = call.action, call.at
    covers = tuple(SlotDocument(coverage.address, coverage.slot) for coverage in action.covers)
    if isinstance(action, Refresh):
        return ExpectedRefresh(at=at, model_id=action.model_id, mode=action.mode, covers=covers)
    return ExpectedReset(
        at=at,
        model_id=action.model_id,
        policy=action.policy,
        waits_for=action.waits_for,
        covers=covers,
    )


# Why one item is due or not.


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
    status: why.Status
    because: Because
    earliest: Instant | None
    told: str

    @staticmethod
    def of(without: Without, view: Vantage) -> "WithoutDocument":
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
    status: why.Status
    reason: str
    because: Because
    newest_slot: Instant | None
    next_slot: Instant | None
    missed: Count
    steps: tuple[StepDocument, ...]
    call: OwnCallDocument | None
    earliest: Instant | None
    searched: Instant | None
    without: tuple[WithoutDocument, ...]


class WhyOutline(Struct, frozen=True, kw_only=True):
    """What JSON prints of an explanation, and what people are told besides.

    `view`: where the reader stands; `word`: what the item is called at the moment.
    """

    document: WhyDocument
    view: Vantage
    word: str
    verdict: tuple[str, ...]


def explained(told: Explanation) -> WhyOutline:
    """Return why one item stands as it does, as a document."""
    standing = told.standing
    view = Vantage(standing.zone, told.now)
    call = None
    if told.call is not None and told.place is not None:
        call = OwnCallDocument(tuple(one.address for one in told.call.covers), *told.place)
    document = WhyDocument(
        now=told.now,
        address=standing.address,
        kind="refresh" if isinstance(told.item, RefreshItem) else "reset",
        zone=standing.zone,
        status=standing.status,
        reason=Account(standing.address, view).tell(standing.reason),
        because=reason_json(standing.reason),
        newest_slot=standing.newest_slot,
        next_slot=standing.next_slot,
        missed=standing.missed,
        steps=tuple(StepDocument(*step) for step in _steps(told, view)),
        call=call,
        earliest=told.earliest,
        searched=told.searched,
        without=tuple(WithoutDocument.of(without, view) for without in told.without),
    )
    return WhyOutline(
        document=document,
        view=view,
        word=status_word(standing),
        verdict=tuple(_verdict(told, document, view)),
    )


# The verdict, and each step that led there, in words.


def _verdict(told: Explanation, document: WhyDocument, view: Vantage) -> Iterator[str]:
    first, *commands = _account(told, view)
    word = status_word(told.standing)
    whole = first if first.startswith(word) else f"{word}: {first}"
    yield f"{whole[:1].upper()}{whole[1:]}."
    if isinstance(told.standing.reason, why.JobRunningSince):
        yield "An apply awaits the job and starts nothing."
    elif told.searched is None:
        yield "It does not run as things stand: nothing ends this by itself."
    elif told.earliest is None and isinstance(told.standing.reason, why.AwaitsSignals):
        yield "It runs once what it awaits has come: nobody can say when."
    elif told.earliest is None:
        yield f"As things stand it does not run before {view.both(told.searched)}."
    elif told.standing.status is why.Status.DUE:
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


def _sentence(without: Without, view: Vantage) -> str:
    """Return when the item would run without one of its obstacles."""
    obstacle = without.obstacle
    removed = _OBSTACLES[obstacle.kind] + (f" {words_text(obstacle.name)}" if obstacle.name else "")
    if without.status is why.Status.DUE:
        return f"Without {removed} it would be due now."
    return f"Without {removed} the earliest run would be {view.both(without.earliest)}."


# The steps of an explanation, one line each: what was asked, and what was found.

Step = tuple[str, str]


def _steps(told: Explanation, view: Vantage) -> Iterator[Step]:
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
        yield "after", f"{address_text(told.first.address)}, which is {status_word(told.first)}"
    yield from _budget(told)


def _cadence(told: Explanation, view: Vantage) -> str:
    timing = told.item.timing
    text = cadence_text(timing.cadence, view)
    if isinstance(timing.cadence, Cron | At):
        text += f" in {escape_terminal(timing.zone)}"
        if timing.spread:
            text += f", spread over {interval_text(timing.spread)}"
    return text


def _signal(name: str, signal: Signal | None, view: Vantage) -> str:
    if signal is None:
        return f"{escape_terminal(name)} never came"
    sent = sent_text(signal.by, signal.note)
    return f"{escape_terminal(name)} {view.both(signal.at)}{sent}"


def _slots(told: Explanation, view: Vantage) -> Iterator[Step]:
    standing = told.standing
    newest, following = standing.newest_slot, standing.next_slot
    if newest is not None:
        older = f", {counted(standing.missed, 'older slot')} missed" if standing.missed else ""
        yield "newest slot", f"{view.both(newest)}, {view.distance(newest)}{older}"
    else:
        yield "newest slot", "none yet"
    if following is not None:
        yield "next slot", f"{view.both(following)}, {view.distance(following)}"


def _covered(told: Explanation, view: Vantage) -> str:
    record = told.record
    if record.last_success is None:
        return "no: it has never succeeded"
    text = f"last success {view.both(record.last_success)}"
    if record.stamp is not None:
        text += f", stamp {view.both(record.stamp)}"
    newest = told.standing.newest_slot
    if newest is None or told.settled is None or isinstance(told.item.timing.cadence, WhenChanged):
        return text
    return f"{'yes' if told.settled >= newest else 'no'}: {text}"


def _on_change(told: Explanation) -> str:
    timing = told.item.timing
    if timing.on_change is OnChange.NOW:
        return "now: a slot that has passed still counts"
    waits = isinstance(told.standing.reason, why.WaitsForNextSlot)
    seen = "" if told.seen else ", and no apply has seen this timing yet"
    return f"next: slots before its declaration are let pass{seen}" + (" (waits)" if waits else "")


def _deadline(told: Explanation) -> str:
    deadline = told.item.timing.deadline
    if deadline is None:
        return "none"
    missed = isinstance(told.standing.reason, why.DeadlineMissed)
    return interval_text(deadline) + (", passed" if missed else "")


def _pause(told: Explanation, view: Vantage) -> str:
    pause = told.item.timing.pause
    if pause is None:
        return "none"
    over = pause.until is not None and pause.until <= told.now
    until = "without an end" if pause.until is None else f"until {view.both(pause.until)}"
    reason = f", {words_text(pause.reason)}" if pause.reason else ""
    return f"{'over: ' if over else ''}{until}{reason}"


_ENDLESS = "without an end in sight"


def _freeze(told: Explanation, view: Vantage) -> str:
    if not told.frozen:
        return "none holds now"
    ends = (f"until {view.both(it.until)}" if it.until else _ENDLESS for it in told.frozen)
    return "; ".join(
        f"{words_text(it.name)} {end}" for it, end in zip(told.frozen, ends, strict=True)
    )


def _failures(told: Explanation, view: Vantage) -> str:
    record, reason = told.record, told.standing.reason
    if not record.failures or record.last_failure is None:
        return "none"
    text = (
        f"{record.failures} of {told.item.timing.hold_after} before it is held, last "
        f"{view.both(record.last_failure.at)}: {words_text(record.last_failure.message)}"
    )
    return f"held: {text}" if isinstance(reason, why.HeldAfterFailures) else text


def _in_flight(told: Explanation, view: Vantage) -> str:
    pending, unseen = told.record.pending, told.record.unseen
    found: list[str] = []
    if pending is not None and pending.job_id is None:
        found.append(f"a call of {view.both(pending.since)} whose outcome is unknown")
    elif pending is not None:
        look = pending.look
        seen = f", last seen {view.local(look.at)}: {words_text(look.answer)}" if look else ""
        found.append(f"a job since {view.both(pending.since)}{seen}")
    if unseen is not None:
        since = view.both(unseen.call.since)
        found.append(f"a job of {since} whose end was not seen: {words_text(unseen.answer)}")
    return "; ".join(found) or "nothing"


def _budget(told: Explanation) -> Iterator[Step]:
    if told.call is None or told.place is None:
        return
    others = [c.address for c in told.call.covers if c.address != told.item.address]
    if others:
        yield "one call with", addresses_text(others)
    elif isinstance(told.item, RefreshItem) and not told.item.merges:
        yield "one call with", "none: its connection says merge = false"
    if isinstance(told.call, ResetCache) and told.call.waits_for is not None:
        yield "waits for", address_text(told.call.waits_for)
    place, calls = told.place
    yield (
        "budget",
        f"call {place:,} of {calls:,} to go, at {told.requests_per_minute:,} requests a minute",
    )


def _account(told: Explanation, view: Vantage) -> Sequence[str]:
    """Return the verdict's reason and, where there is one, the command that ends it, apart."""
    teller = Account(told.standing.address, view)
    parts = teller.parts(told.standing.reason)
    # A plan need not say of each running job how to let go of it; who asks why may want to.
    running = isinstance(told.standing.reason, why.JobRunningSince)
    return (*parts, teller.release()) if running else parts
