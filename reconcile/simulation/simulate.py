"""Playing a scenario: each tick of the runner plans and applies, as a process would."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import chain, count
from math import log
from operator import is_
from random import Random
from types import MappingProxyType
from typing import Final, NoReturn, Protocol

from msgspec import Struct

from reconcile.applying.apply import sent_lately_s
from reconcile.applying.execute import execute
from reconcile.applying.ports import Ports, Stop
from reconcile.config.values import parse_duration
from reconcile.errors import LeafError, ReconcileError, fail
from reconcile.model.address import Address
from reconcile.model.desired import Cron, Desired, Item, RefreshItem, ResetItem
from reconcile.model.plan import Load, Plan, Standing
from reconcile.model.reason import Status
from reconcile.model.recorded import Record, Recorded
from reconcile.model.struct import replace
from reconcile.omni.limiter import PacedLimiter
from reconcile.planning.ahead import look_ahead
from reconcile.planning.budget import WINDOW_S
from reconcile.planning.guards import excesses, has_effects
from reconcile.planning.item import ItemVerdict, earliest
from reconcile.planning.plan import follow, judge_all, plan
from reconcile.planning.requests import company_of
from reconcile.planning.time.slots import wall_slots
from reconcile.simulation import virtual
from reconcile.simulation.figures import Scenario, Simulated, TickCounts
from reconcile.simulation.tally import Meter, NightWatch, Tally, calls_awaited

# How late a runner comes, and how often it does not come at all: seeded models.
#
# SPEC = "none" | "github" | MODEL [ ",skip=" SHARE ]
# MODEL = "none" | "fixed:" DURATION | "uniform:" DURATION "-" DURATION

_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,9})?)%")
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
    name, _, bounds = model.partition(":")
    shortest, dash, longest = bounds.partition("-")
    if share is None or (name == "none") != (not bounds):
        _refuse(text)
    try:
        if name == "uniform" and dash:
            between = Between(parse_duration(shortest), parse_duration(longest), share)
        elif name == "fixed" and not dash:
            between = Between(parse_duration(bounds), parse_duration(bounds), share)
        elif name == "none":
            return Between(timedelta(), timedelta(), share)
        else:
            _refuse(text)
    except LeafError as error:
        _refuse(text, str(error))
    if between.longest < between.shortest:
        _refuse(text, "The longest delay comes after the shortest.")
    return between


def parse_share(text: str) -> float | None:
    """Read a percentage such as `2.5%` as 0..1; None if it is none."""
    match = _SHARE.fullmatch(text)
    share = float(match[1]) / 100 if match else None
    return share if share is not None and share <= 1 else None


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


class Planning(Protocol):
    """Gives the plan of a tick. Instants never run backwards."""

    def plan(self, now: datetime) -> Plan | None:
        """Plan at `now`; None if an apply would do nothing at all."""


def simulate(
    desired: Desired,
    recorded: Recorded,
    scenario: Scenario,
    planning: Callable[[Desired, Recorded], Planning] | None = None,
) -> Simulated:
    """Play a scenario to its end. Waits for nothing, sends nothing, and writes nothing.

    The same arguments give the same result, and memory does not grow with the span. `planning`
    makes what plans the ticks, for those who want to compare. Raises ReconcileError for a lateness
    that cannot be read, `CronError` and `UnknownZoneError` for a runner that cannot.
    """
    # Native schedules are made once and then run in Omni: no runner is early or late for them.
    desired = replace(desired, connections=(), schedules=())
    recorded = replace(recorded, schedules=MappingProxyType({}))
    play = _Play(desired, recorded, scenario, planning)
    return virtual.run_in_virtual_time(play.run())


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
        self,
        desired: Desired,
        recorded: Recorded,
        scenario: Scenario,
        planning: Callable[[Desired, Recorded], Planning] | None,
    ) -> None:
        self._desired = desired
        self._scenario = scenario
        self._lateness = parse_lateness(scenario.lateness)
        self._meter = Meter()
        self._watch = NightWatch(desired, scenario.start, scenario.until)
        self._tally = Tally(desired, scenario.start, calls_awaited(recorded), self._watch)
        self._ledger = virtual.MemoryLedger(recorded, self._tally.entered)
        world = virtual.make_world(desired, recorded, scenario)
        self._omni = virtual.SimulatedOmni(world, self._now, self._meter)
        self._live = self._ledger.recorded
        make = planning or (lambda desired, recorded: Outlook(desired, recorded.items))
        self._planning = make(desired, self._live)
        self._operations = count(1)
        self._ticks = _Ticks()
        # The first apply of a new file is a person's, who lets it pass the limits once.
        self._waived = not recorded.items
        self._expected = _expected(desired, recorded, scenario)

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
        planned = self._planning.plan(now)
        if planned is None:
            return now
        over = any(excesses(planned, self._desired.limits, len(self._ledger.records)))
        if over and not self._waived:
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
        microseconds = round(asyncio.get_running_loop().time() * 1_000_000)
        return self._scenario.start + timedelta(microseconds=microseconds)

    def _result(self) -> Simulated:
        final = plan(self._desired, self._live, max(self._scenario.until, self._now()))
        standing: dict[str, Status] = {s.address: s.status for s in final.standings}
        return Simulated(
            scenario=self._scenario,
            ticks=TickCounts(
                scheduled=self._ticks.scheduled,
                ran=self._ticks.ran,
                dropped=self._ticks.dropped,
                locked=self._ticks.locked,
                blocked=self._ticks.blocked,
            ),
            requests=self._meter.counts(self._desired.requests_per_minute),
            items=tuple(
                tally.figures(standing[address], self._expected.get(address))
                for address, tally in sorted(self._tally.items.items())
            ),
            nights=self._watch.nights(self._desired),
        )


def _expected(desired: Desired, recorded: Recorded, scenario: Scenario) -> Mapping[Address, int]:
    """Say how often each item would run if every apply came in time; nothing if that is too much.

    Only the counts are kept.
    """
    _, recorded = follow(desired.items, recorded)
    try:
        ahead = look_ahead(desired, recorded, scenario.start, scenario.until)
    except ReconcileError:
        return {}
    return {address: len(runs) for address, runs in ahead.runs.items()}


async def _until(second: float) -> None:
    """Sleep up to a second of the loop's clock, exactly; `asyncio.sleep` would round."""
    loop = asyncio.get_running_loop()
    reached: asyncio.Future[None] = loop.create_future()
    loop.call_at(second, reached.set_result, None)
    await reached


# A plan in parts: only what can have changed since the last tick is planned again.
#
# Items that share no call and no order do not touch each other's plans. So a desired state falls
# into parts, each with a `valid_until` of its own, and a tick costs what is due at it, not what is
# there.


def parts_of(desired: Desired) -> tuple[Desired, ...]:
    """Split a desired state into parts whose plans together are its plan."""
    groups = {i.address: company_of(i) for i in desired.items if isinstance(i, RefreshItem)}
    members: dict[str, list[Item]] = defaultdict(list)
    for item in desired.items:
        followed = None if isinstance(item, RefreshItem) else item.after
        first = followed or item.address
        members[groups.get(first, f"item {first}")].append(item)
    return tuple(replace(desired, items=tuple(items)) for items in members.values())


class _Told(Struct, frozen=True):
    """The last verdict on an item, and the records that it went by."""

    verdict: ItemVerdict[Item]
    grounds: tuple[Record | None, Record | None]


_NO_LOAD: Final = Load(0, 0, 0.0, 0, 1)
"""Nobody asks: what an apply takes is found by playing it."""


class Outlook:
    """Plans at instants that never run backwards. `records` is read anew at each."""

    def __init__(self, desired: Desired, records: Mapping[Address, Record]) -> None:
        self._desired = desired
        self._records = records
        declared = {item.address for item in desired.items}
        gone = tuple(address for address in records if address not in declared)
        parts = parts_of(desired)
        # What is recorded and no longer declared is a part of its own, to be forgotten.
        self._parts = (*parts, replace(desired, items=()))
        self._addresses = (*(tuple(i.address for i in part.items) for part in parts), gone)
        self._standings: list[tuple[Standing, ...]] = [()] * len(self._parts)
        self._stirring = set(range(len(self._parts)))
        self._quiet: list[tuple[datetime, int]] = []
        self._told: dict[Address, _Told] = {}

    def plan(self, now: datetime) -> Plan | None:
        """Plan at `now`; None if an apply would do nothing at all."""
        while self._quiet and self._quiet[0][0] <= now:
            self._stirring.add(heappop(self._quiet)[1])
        if not self._stirring:
            return None
        planned = [(number, self._plan_part(number, now)) for number in sorted(self._stirring)]
        for number, part in planned:
            self._standings[number] = part.standings
            if not has_effects(part):
                self._stirring.discard(number)
                if part.valid_until is not None:
                    heappush(self._quiet, (part.valid_until, number))
        return self._joined([part for _, part in planned], now) if self._stirring else None

    def _plan_part(self, number: int, now: datetime) -> Plan:
        part, records = self._parts[number], self._records
        known = {a: records[a] for a in self._addresses[number] if a in records}
        recorded = Recorded(lineage="simulation", items=MappingProxyType(known))
        judged = judge_all(part, recorded, now, kept=self._kept(part, now))
        standings, believed_until = judged.standings(), judged.believed.until
        for item in part.items if believed_until is None else ():
            self._told[item.address] = _Told(judged.alone[item.address], self._grounds(item))
        return Plan(
            now=now,
            valid_until=earliest(believed_until, *[standing.until for standing in standings]),
            digest="",
            actions=(*judged.calls(part.generation), *judged.forgotten(recorded)),
            standings=standings,
            load=_NO_LOAD,
            noted=judged.noted(),
            missed=tuple(judged.missed()),
        )

    def _kept(self, part: Desired, now: datetime) -> Mapping[Address, ItemVerdict[Item]]:
        """Return the verdicts that have not ended by now and are touched by no record since."""
        kept: dict[Address, ItemVerdict[Item]] = {}
        for item in part.items:
            told = self._told.get(item.address)
            if told is not None and all(map(is_, told.grounds, self._grounds(item))):
                until = told.verdict.standing.until
                if until is None or now < until:
                    kept[item.address] = told.verdict
        return kept

    def _grounds(self, item: Item) -> tuple[Record | None, Record | None]:
        """Return the records by which an item is judged: its own, and that of what it follows."""
        followed = item.after if isinstance(item, ResetItem) else None
        records = self._records
        return records.get(item.address), None if followed is None else records.get(followed)

    def _joined(self, planned: Sequence[Plan], now: datetime) -> Plan:
        """Put the plans of parts together, as far as an apply and the limits look at them."""
        return Plan(
            now=now,
            valid_until=None,
            digest="",
            actions=tuple(chain.from_iterable(part.actions for part in planned)),
            standings=tuple(chain.from_iterable(self._standings)),
            load=_NO_LOAD,
            noted={k: v for part in planned for k, v in part.noted.items()},
            missed=tuple(chain.from_iterable(part.missed for part in planned)),
        )
