"""Playing a scenario: each tick of the runner plans and applies, as a process would."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from math import log
from random import Random
from types import MappingProxyType
from typing import NoReturn

from msgspec import Struct, convert

from reconcile.applying.apply import sent_lately_s
from reconcile.applying.execute import execute
from reconcile.applying.ports import Ports, Stop
from reconcile.config.values import parse_duration
from reconcile.errors import LeafError, ReconcileError, fail
from reconcile.model.address import Address
from reconcile.model.desired import (
    AfterRefresh,
    Cron,
    Desired,
    Item,
    OnSignal,
    RefreshItem,
    ResetItem,
)
from reconcile.model.plan import Forget, Plan
from reconcile.model.reason import Status
from reconcile.model.recorded import Record, Recorded
from reconcile.model.struct import replace
from reconcile.omni.limiter import PacedLimiter
from reconcile.planning.ahead import look_ahead
from reconcile.planning.budget import WINDOW_S
from reconcile.planning.guards import excesses, has_effects
from reconcile.planning.item import ItemVerdict, Surroundings
from reconcile.planning.plan import ALL_OF_IT, draw_up, follow, judge, judge_together, plan
from reconcile.planning.record import Believed, believed_of
from reconcile.planning.requests import companies_of, has_strayed, place_of
from reconcile.planning.time.slots import wall_slots
from reconcile.planning.walk import Alarms, Outset
from reconcile.sandbox.faults import parse_share
from reconcile.simulation import virtual
from reconcile.simulation.tally import (
    Meter,
    NightWatch,
    Scenario,
    Simulated,
    Tally,
    TickCounts,
    calls_awaited,
)

# How late a runner comes, and how often it does not come at all: seeded models.
#
# SPEC = "none" | "github" | MODEL [ ",skip=" SHARE ]
# MODEL = "none" | "fixed:" DURATION | "uniform:" DURATION "-" DURATION

_MODEL = re.compile(r"none:?|fixed:([^-]+)|uniform:([^-]*)-(.*)", re.DOTALL)
_EXAMPLE = "uniform:0s-10m,skip=2%"

_GITHUB_SKIP = 0.04
_GITHUB_SOONEST = timedelta(minutes=1)
_GITHUB_LATEST = timedelta(minutes=60)
_GITHUB_MEDIAN_S = 480.0
_GITHUB_SPREAD = 0.7
_FULL_HOUR_FACTOR = 1.5


class Between(Struct, frozen=True):
    """Evenly between two delays; a share of ticks (0..1) does not come."""

    shortest: timedelta
    longest: timedelta
    skip: float = 0.0

    def delay(self, slot: datetime, chance: Random) -> timedelta | None:
        """Draw the delay of one tick; None if it does not come."""
        del slot
        skipped = chance.random() < self.skip
        delay = self.shortest + (self.longest - self.shortest) * chance.random()
        return None if skipped else delay


class GitHub(Struct, frozen=True):
    """Scheduled workflows of GitHub Actions as their users find them.

    Nearly all start 3 to 20 minutes late, some an hour, more so at the full hour, which GitHub's
    documentation calls a time of high load, in which queued runs may also be dropped.
    """

    def delay(self, slot: datetime, chance: Random) -> timedelta | None:
        """Draw the delay of one tick; None if it does not come."""
        if chance.random() < _GITHUB_SKIP:
            return None
        usual_s = chance.lognormvariate(log(_GITHUB_MEDIAN_S), _GITHUB_SPREAD)
        factor = _FULL_HOUR_FACTOR if slot.minute == 0 else 1.0
        seconds = timedelta(seconds=round(usual_s * factor))
        return min(max(seconds, _GITHUB_SOONEST), _GITHUB_LATEST)


LatenessModel = Between | GitHub


def parse_lateness(text: str) -> LatenessModel:
    """Read `--lateness`; ReconcileError `bad-lateness` if it follows no form of this module."""
    if text == "github":
        return GitHub()
    model, comma, skip = text.partition(",skip=")
    share = parse_share(skip) if comma else 0.0
    form = _MODEL.fullmatch(model)
    if share is None or form is None:
        _refuse(text)
    bounds = [bound for bound in form.groups() if bound is not None]
    try:
        delays = [parse_duration(bound) for bound in bounds] or [timedelta()]
    except LeafError as error:
        _refuse(text, str(error))
    if delays[-1] < delays[0]:
        _refuse(text, "The longest delay comes after the shortest.")
    return Between(delays[0], delays[-1], share)


def _refuse(text: str, why: str = "") -> NoReturn:
    detail = f'"{text[:60]}" is none of none, github, fixed:DURATION and uniform:DURATION-DURATION.'
    raise fail(
        "bad-lateness", f"{detail} {why}".rstrip(), hint=f"reconcile simulate --lateness {_EXAMPLE}"
    )


# When the runner comes: its schedule, as late as its model makes it.


class Tick(Struct, frozen=True):
    """One slot of the runner, and when it comes; None if it does not."""

    slot: datetime
    comes_at: datetime | None


def ticks(scenario: Scenario, lateness: LatenessModel) -> Iterator[Tick]:
    """Yield the ticks of a scenario in the order in which they come.

    A late tick may be overtaken by the next. Ticks that come after the span are left out.
    """
    late: list[tuple[datetime, datetime]] = []
    slots = wall_slots(Cron(scenario.runner), scenario.zone)
    for slot in slots.between(scenario.start - timedelta.resolution, scenario.until):
        if slot >= scenario.until:
            break
        while late and late[0][0] <= slot:
            comes_at, meant = heappop(late)
            yield Tick(meant, comes_at)
        # Drawn for the tick itself, so that no tick's fate hangs on those before it.
        chance = Random(f"{scenario.seed}\x1ftick\x1f{slot.isoformat()}")  # noqa: S311 -- to be repeated
        delay = lateness.delay(slot, chance)
        if delay is None:
            yield Tick(slot, None)
        elif slot + delay < scenario.until:
            heappush(late, (slot + delay, slot))
    while late:
        comes_at, meant = heappop(late)
        yield Tick(meant, comes_at)


_HOST = "https://simulated.invalid"


def simulate(
    desired: Desired, recorded: Recorded, scenario: Scenario, clock: datetime | None = None
) -> Simulated:
    """Play a scenario to its end. Waits for nothing, sends nothing, and writes nothing.

    `clock`: the real one, as `plan`'s. The same arguments give the same result, and memory does not
    grow with the span. Raises ReconcileError for a lateness that cannot be read, `CronError` and
    `UnknownZoneError` for a runner that cannot.
    """
    # Native schedules are made once and then run in Omni: no runner is early or late for them.
    desired = replace(desired, connections=(), schedules=())
    recorded = replace(recorded, schedules=MappingProxyType({}))
    _, recorded = follow(desired.items, recorded)
    return virtual.run_in_virtual_time(_Play(desired, recorded, scenario, clock).run())


@dataclass(slots=True)
class _Ticks:
    scheduled: int = 0
    ran: int = 0
    dropped: int = 0
    locked: int = 0
    blocked: int = 0


class _Play:
    """One scenario in progress."""

    def __init__(
        self, desired: Desired, recorded: Recorded, scenario: Scenario, clock: datetime | None
    ) -> None:
        self._desired, self._clock = desired, clock
        self._scenario = scenario
        self._second, self._instant = 0.0, scenario.start
        self._lateness = parse_lateness(scenario.lateness)
        self._meter = Meter()
        self._watch = NightWatch(desired, scenario.start, scenario.until)
        self._tally = Tally(desired, scenario.start, calls_awaited(recorded), self._watch)
        self._ledger = virtual.MemoryLedger(recorded, self._tally.entered)
        world = virtual.make_world(desired, recorded, scenario)
        self._omni = virtual.SimulatedOmni(world, self._now, self._meter)
        self._outlook = Outlook(desired, self._ledger, clock)
        self._operations = count(1)
        self._ticks = _Ticks()
        # The first apply of a new file is a person's, who lets it pass the limits once.
        self._waived = not recorded.items
        self._expected = _expected(desired, recorded, scenario, clock)

    async def run(self) -> Simulated:
        """Play every tick. What is under way at the end of the span is still finished."""
        ended_at = self._scenario.start
        for tick in ticks(self._scenario, self._lateness):
            self._ticks.scheduled += 1
            if tick.comes_at is None:
                self._ticks.dropped += 1
            elif tick.comes_at < ended_at:
                self._ticks.locked += 1
            else:
                ended_at = await self._tick(tick, tick.comes_at)
        return self._result()

    async def _tick(self, tick: Tick, now: datetime) -> datetime:
        """Plan, and apply where there is anything to; returns when the run ended."""
        self._ticks.ran += 1
        planned = self._outlook.plan(now)
        if planned is None:
            return now
        desired, records = self._desired, self._ledger.records
        over = excesses(planned, desired.limits, declared=len(desired.items), recorded=len(records))
        if any(over) and not self._waived:
            self._ticks.blocked += 1
            return now
        self._waived = False
        await _until((now - self._scenario.start).total_seconds())
        self._tally.planned(planned)
        await execute(planned, self._ports(tick), Stop())
        return self._now()

    def _ports(self, tick: Tick) -> Ports:
        """Make what one run of the tool has: its limiter knows of earlier runs by the state."""
        now = self._now()
        lately = self._ledger.called_since(now - timedelta(seconds=WINDOW_S))
        seed = f"{self._scenario.seed}\x1fwait\x1f{tick.slot.isoformat()}"
        limiter = PacedLimiter(
            self._desired.requests_per_minute,
            random=Random(seed),  # noqa: S311 -- to be repeated, keeps no secret
            history=sent_lately_s(lately, now),
        )
        return Ports(
            omni=self._omni,
            ledger=self._ledger,
            limiter=limiter,
            now=self._now,
            report=lambda _: None,
            new_operation=lambda: f"simulated-{next(self._operations)}",
            host=_HOST,
        )

    def _now(self) -> datetime:
        second = asyncio.get_running_loop().time()
        if second != self._second:  # as a rule it is asked for many times at one instant
            microseconds = round(second * 1_000_000)
            self._second = second
            self._instant = self._scenario.start + timedelta(microseconds=microseconds)
        return self._instant

    def _result(self) -> Simulated:
        ended_at = max(self._scenario.until, self._now())
        final = plan(self._desired, self._ledger.recorded, ended_at, clock=self._clock)
        standing: dict[str, Status] = {s.address: s.status for s in final.standings}
        return Simulated(
            scenario=self._scenario,
            ticks=convert(self._ticks, TickCounts, from_attributes=True),
            requests=self._meter.counts(self._desired.requests_per_minute),
            items=tuple(
                tally.figures(standing[address], self._expected.get(address))
                for address, tally in sorted(self._tally.items.items())
            ),
            nights=self._watch.nights(),
        )


def _expected(
    desired: Desired, recorded: Recorded, scenario: Scenario, clock: datetime | None
) -> Mapping[Address, int]:
    """Say how often each item would run if every apply came in time; nothing if too often."""
    try:
        outset = Outset(clock=clock)
        ahead = look_ahead(desired, recorded, scenario.start, scenario.until, outset)
    except ReconcileError:
        return {}
    return {address: len(runs) for address, runs in ahead.runs.items()}


async def _until(second: float) -> None:
    """Sleep up to a second of the loop's clock, exactly; `asyncio.sleep` would round."""
    loop = asyncio.get_running_loop()
    reached: asyncio.Future[None] = loop.create_future()
    loop.call_at(second, reached.set_result, None)
    await reached


# A plan of what can have changed since the last tick.


class Outlook:
    """Plans the same files again and again, at instants that never run backwards.

    A tick costs what is due at it, not what is there: an item is judged again where its last
    verdict ends, where a record by which it is judged was written, and while an apply has anything
    to do about it. What then goes out is decided as in any plan, among those items and all with
    whom they share a connection or an order. No other has a standing in it.
    """

    def __init__(
        self, desired: Desired, ledger: virtual.MemoryLedger, clock: datetime | None = None
    ) -> None:
        self._desired, self._ledger, self._clock = desired, ledger, clock
        self._items = {item.address: item for item in desired.items}
        self._companies = companies_of(desired.items)
        self._places: dict[str, list[Address]] = defaultdict(list)
        # Resets without a time of their own, by the refresh that leads them.
        self._led: dict[Address, list[Address]] = defaultdict(list)
        for item in desired.items:
            if isinstance(item, RefreshItem):
                self._places[place_of(item)].append(item.address)
            elif isinstance(item.timing.cadence, AfterRefresh):
                self._led[item.timing.cadence.refresh].append(item.address)
        self._verdicts: dict[Address, ItemVerdict[Item]] = {}
        self._alarms = Alarms()
        self._stirring: set[Address] = set(self._items)
        # What is believed of the records, and of which of them that will be more once time goes on.
        self._records: dict[Address, Record] = {}
        self._signals = ledger.recorded.signals
        self._ahead: set[Address] = set(ledger.records)
        self._strayed: set[Address] = set()
        self._gone: set[Address] = set()

    def plan(self, now: datetime) -> Plan | None:
        """Plan at `now`; None if an apply would do nothing at all."""
        written = self._ledger.written() | self._ahead
        believed = self._believed(written, now)
        touched = written.union(*(self._led[a] for a in written & self._led.keys()))
        touched |= self._alarms.take_all(now)
        if believed.signals != self._signals:
            self._signals = believed.signals
            items = self._items.items()
            touched |= {a for a, i in items if isinstance(i.timing.cadence, OnSignal)}
        around = Surroundings(
            self._records,
            self._desired.freezes,
            ALL_OF_IT,
            now,
            frozenset(self._strayed),
            believed.signals,
        )
        self._judge((touched & self._items.keys()) | self._stirring, around)
        if not (self._stirring or self._gone):
            return None
        alone = {address: self._verdicts[address] for address in sorted(self._concerned())}
        judged = judge_together(alone, self._desired, believed, around)
        forgotten = [Forget(address=address) for address in sorted(self._gone)]
        generation = self._desired.generation
        planned = draw_up(judged, forgotten, judged.standings(), generation, now)
        return planned if has_effects(planned) else None

    def _believed(self, written: AbstractSet[Address], now: datetime) -> Believed:
        """Learn what was written, and what can be believed of it by now."""
        recorded = self._ledger.recorded
        known = {a: recorded.items[a] for a in written if a in recorded.items}
        clock = now if self._clock is None else max(self._clock, now)
        believed = believed_of(replace(recorded, items=known), clock)
        self._ahead = {a for a, record in known.items() if believed.items[a] is not record}
        self._records.update(believed.items)
        for address in written - known.keys():
            self._records.pop(address, None)
        left_over = self._gone | written
        self._gone = {a for a in left_over if a in recorded.items and a not in self._items}
        self._strayed = {a for a in self._strayed | written if self._has_strayed(a)}
        return believed

    def _has_strayed(self, address: Address) -> bool:
        item, record = self._items.get(address), self._records.get(address)
        if record is None or not isinstance(item, RefreshItem):
            return False
        return has_strayed(item, record.carrier, self._companies)

    def _judge(self, addresses: AbstractSet[Address], around: Surroundings) -> None:
        for address in addresses:
            verdict = judge(self._items[address], around, self._verdicts.get(address))
            self._verdicts[address] = verdict
            if verdict.is_due or not verdict.noted or verdict.slot_missed is not None:
                self._stirring.add(address)
                self._alarms.put(address, None)
            else:
                self._stirring.discard(address)
                self._alarms.put(address, verdict.standing.until)

    def _concerned(self) -> AbstractSet[Address]:
        """Return what stirs, what it waits for, and what may go with it or because of it."""
        concerned = set(self._stirring)
        for address in self._stirring:
            item = self._items[address]
            if isinstance(item, ResetItem):
                concerned.update(a for a in (item.after,) if a in self._items)
            else:
                concerned.update(self._places[place_of(item)])
        return concerned.union(*(self._led[a] for a in concerned & self._led.keys()))
