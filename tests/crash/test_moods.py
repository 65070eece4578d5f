"""Whatever Omni's moods, once it answers honestly nothing is left out, starved, or sent too often.

`pytest --slow tests/crash/test_moods.py` plays 10,000 worlds, or WORLDS.
"""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from reconcile.applying.execute import execute
from reconcile.applying.ports import Ports, Stop, StopCause
from reconcile.model.desired import AfterRefresh, At, Every, Item, Mode, RefreshItem, ResetItem
from reconcile.model.plan import Plan
from reconcile.model.reason import NothingYet, Status
from reconcile.model.recorded import Recorded
from reconcile.model.struct import replace
from reconcile.omni.limiter import PacedLimiter
from reconcile.planning.guards import has_effects
from reconcile.planning.plan import plan
from reconcile.simulation.virtual import MemoryLedger, run_in_virtual_time
from tests.crash.moody_omni import SHARED, Episode, Mood, MoodyOmni
from tests.planning.making import NOON, desired, model_id, refresh, reset

pytestmark = pytest.mark.long

CHAOS = timedelta(hours=14)
"""How long Omni has moods and the clock may jump."""

BOUND = timedelta(hours=26)
"""By when everything must be covered after that: a job is awaited for 24 h from its call, is tried
again after a backoff of an hour at most, and an apply comes every half hour or so."""

HOUR_1, HOURS_6 = Every(timedelta(hours=1)), Every(timedelta(hours=6))
A = refresh("a", HOURS_6, connection="warehouse", mode=Mode.HARD)
B = refresh("b", HOUR_1, connection="warehouse", mode=Mode.SOFT, schemas=("analytics",))
C = refresh("c", HOURS_6, connection="warehouse", mode=Mode.SOFT, tables=("public.orders",))
D = refresh("d", HOURS_6)
FILES = desired(
    A,
    B,
    C,
    D,
    reset("a", AfterRefresh(A.address)),
    reset("d", At((NOON.replace(hour=6).time(), NOON.replace(hour=18).time())), after=D.address),
    reset("e", HOUR_1),
    requests_per_minute=600,
)
TRUE_CONNECTIONS = {model_id(name): "warehouse" for name in "abc"} | {
    model_id("d"): "other",
    model_id("e"): "third",
}


class Jump(Struct, frozen=True):
    """The runner's clock is wrong by so much for a while."""

    since: datetime
    until: datetime
    by: timedelta


class Weather(Struct, frozen=True):
    """All that goes wrong, and how often an apply comes."""

    episodes: tuple[Episode, ...]
    jumps: tuple[Jump, ...]
    every: timedelta
    seed: int
    killed: frozenset[int] = frozenset()


MOODS: tuple[Mood, ...] = (
    "down", "503", "lost", "token revoked", "token without rights", "no job id", "model gone",
    "no permission", "job unreadable", "job forgotten", "job never ends", "job fails",
    "reset refused",
)  # fmt: skip
MODELS = tuple(TRUE_CONNECTIONS)
starts = st.integers(0, 13 * 12).map(lambda fives: NOON + timedelta(minutes=5 * fives))
lengths = st.sampled_from([timedelta(minutes=m) for m in (3, 20, 61, 200, 600)])


@st.composite
def episodes(draw: st.DrawFn) -> Episode:
    mood, since = draw(st.sampled_from(MOODS)), draw(starts)
    until = min(since + draw(lengths), NOON + CHAOS)
    model = None if mood in SHARED else draw(st.sampled_from(MODELS))
    return Episode(mood, since, until, model)


@st.composite
def jumps(draw: st.DrawFn) -> Jump:
    since = draw(starts)
    by = draw(st.sampled_from([timedelta(days=d) for d in (2, 400, 9000, -1, -30)]))
    return Jump(since, min(since + draw(lengths), NOON + CHAOS), by)


weathers = st.builds(
    Weather,
    st.lists(episodes(), max_size=6).map(tuple),
    st.lists(jumps(), max_size=2).map(tuple),
    st.sampled_from([timedelta(minutes=m) for m in (11, 30, 60)]),
    st.integers(0, 2**16),
    st.frozensets(st.integers(0, 20), max_size=3),
)


@dataclass
class Life:
    """One state over the whole time: applies that come and go, under a clock that may be wrong."""

    weather: Weather
    state: Recorded = field(default_factory=lambda: Recorded(lineage="one"))
    applies: int = 0
    operations: Any = field(default_factory=count)

    def true_now(self) -> datetime:
        return NOON + timedelta(microseconds=round(asyncio.get_running_loop().time() * 1e6))

    def now(self) -> datetime:
        true = self.true_now()
        wrong = [jump.by for jump in self.weather.jumps if jump.since <= true < jump.until]
        return true + sum(wrong, timedelta())

    def make_omni(self) -> MoodyOmni:
        random = Random(self.weather.seed)  # noqa: S311 -- to be repeated
        return MoodyOmni(TRUE_CONNECTIONS, self.weather.episodes, random, self.true_now)

    async def until(self, end: datetime, each: Callable[[Plan], None]) -> None:
        """Apply, and apply again, until an instant; `each` sees the plan after every apply."""
        while self.true_now() < end:
            planned = plan(FILES, self.state, self.now())
            if has_effects(planned):
                await self.apply(planned)
                planned = plan(FILES, self.state, self.now())
            each(planned)
            await asyncio.sleep(self.weather.every.total_seconds())

    async def apply(self, planned: Plan) -> None:
        ledger, stop = MemoryLedger(self.state, lambda *_: None), Stop()
        self.applies += 1
        if self.applies in self.weather.killed:
            asyncio.get_running_loop().call_later(0.3, stop.request, StopCause.INTERRUPTED)
        ports = Ports(
            omni=self.omni,
            ledger=ledger,
            limiter=PacedLimiter(600, random=Random(1)),  # noqa: S311 -- to be repeated
            now=self.now,
            report=lambda _: None,
            new_operation=lambda: f"operation-{next(self.operations)}",
            host="https://simulated.invalid",
        )
        await execute(planned, ports, stop)
        items = dict(ledger.recorded.items)
        self.state = replace(ledger.recorded, items=items)

    async def live(self) -> None:
        self.omni = self.make_omni()
        await self.until(NOON + CHAOS, lambda _: None)
        self.never_covered = {item.address for item in FILES.items}
        await self.until(NOON + CHAOS + BOUND, self._cross_off)

    def _cross_off(self, planned: Plan) -> None:
        """Cross off what stands covered, if Omni agrees that it was done."""
        for standing in planned.standings:
            if standing.status is Status.COVERED and not isinstance(standing.reason, NothingYet):
                self.require_true(planned.now, standing.address)
                self.never_covered.discard(standing.address)

    def require_true(self, now: datetime, address: str) -> None:
        item = next(item for item in FILES.items if item.address == address)
        assert self.truly_covered(item, now), f"{address} is covered and Omni never did it"

    def truly_covered(self, item: Item, now: datetime) -> bool:
        cadence = item.timing.cadence
        if isinstance(item, RefreshItem):
            assert isinstance(cadence, Every)
            connection = TRUE_CONNECTIONS[item.model_id]
            done = self.omni.refreshed(connection, now - cadence.interval, now)
            return any(looks_at(dict(job.filter), item) for job in done)
        assert isinstance(item, ResetItem)
        mark = self.omni.marks.get((item.model_id, item.policy))
        if isinstance(cadence, Every):
            return mark is not None and mark > now - 2 * cadence.interval
        if isinstance(cadence, AfterRefresh):
            return mark is not None  # Its slots are completions, which come when they can.
        return mark is not None and mark > now - timedelta(hours=13)


def looks_at(query: dict[str, str], item: RefreshItem) -> bool:
    """Tell whether a filter covers an item's own, whether Omni reads it as "and" or as "or"."""
    schemas = frozenset(filter(None, query.get("schemas", "").split(",")))
    tables = frozenset(filter(None, query.get("tables", "").split(",")))
    if item.mode is Mode.HARD and query.get("hard_refresh") != "true":
        return False
    if not schemas and not tables:
        return True
    wanted_schemas = set(item.schemas) | {table.rpartition(".")[0] for table in item.tables}
    if not wanted_schemas:
        return False
    if not tables:
        return wanted_schemas <= schemas
    return not schemas and not item.schemas and set(item.tables) <= tables


def rightly_held(life: Life, address: str) -> bool:
    """Tell whether Omni refused an item's own model often enough for it to be held."""
    item = next(item for item in FILES.items if item.address == address)
    own = [at for at, model in life.omni.refused if model == item.model_id]
    return len(own) >= item.timing.hold_after


def play(weather: Weather) -> None:
    life = Life(weather)
    run_in_virtual_time(life.live())
    last = plan(FILES, life.state, NOON + CHAOS + BOUND)
    held = {s.address for s in last.standings if s.status is Status.HELD}
    behind_held = {
        item.address for item in FILES.items if isinstance(item, ResetItem) and item.after in held
    }
    for address in held:
        assert rightly_held(life, address), f"{address} is held for what was not its own"
    assert life.never_covered <= held | behind_held, f"left out: {life.never_covered - held}"
    not_too_often(life)


def not_too_often(life: Life) -> None:
    """Check that no model's hard refresh was accepted more often than its cadence and one retry."""
    whole = [at for at, model, arrived in life.omni.posts if model == D.model_id and arrived]
    window = timedelta(hours=6)
    for number, at in enumerate(whole):
        within = [other for other in whole[number:] if other - at < window - timedelta(minutes=61)]
        failed = [at for at, model in life.omni.refused if model == D.model_id]
        assert len(within) <= 2 + len(failed), f"{len(within)} refreshes of one slot: {within}"


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(weathers)
def test_once_omni_is_honest_again_nothing_is_left_out(weather: Weather) -> None:  # F1 F2 F3 F5 F7
    play(weather)


@pytest.mark.slow
def test_nothing_is_left_out_in_any_of_ten_thousand_worlds() -> None:
    worlds = int(os.environ.get("WORLDS", "10000"))
    given(weathers)(
        settings(max_examples=worlds, deadline=None, suppress_health_check=list(HealthCheck))(play)
    )()
