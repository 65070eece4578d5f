"""One look ahead: it counts what walking through every instant counts, and all outputs agree (G2).

The walk plans, applies and goes on to the next instant at which anything changes: it knows no
arithmetic, and is the oracle here.
"""

import tracemalloc
from collections import defaultdict
from datetime import UTC, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.address import Address
from reconcile.model.desired import (
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
    OnChange,
)
from reconcile.model.plan import Choice, Refresh
from reconcile.model.recorded import Failure, Record, Recorded
from reconcile.model.struct import replace
from reconcile.planning.ahead import calls_by_minute, look_ahead
from reconcile.planning.compare import compare
from reconcile.planning.forecast import forecast, timeline
from reconcile.planning.plan import plan
from reconcile.planning.record import declaration
from reconcile.planning.walk import Outset, Walk
from tests.planning.making import NOON, carried_out, desired, hours, of, refresh, reset
from tests.planning.worlds import FREEZES, SPANS, TIMINGS, marked_due, worlds
from tests.strategies import examples

World = tuple[Desired, Recorded]
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
PRESENT = Outset(clock=NOON)
CADENCES: list[Cadence] = [
    *(Every(number * MINUTE) for number in (15, 45, 60, 90)),
    *map(Cron, ("*/5 * * * *", "*/20 * * * *", "7 * * * *", "30 1 * * *")),
    At((NOON.time(),)),
]


@st.composite
def crowds(draw: st.DrawFn) -> World:
    """Draw several models on two connections, some riding, some failing, after some applies."""
    items: list[Item] = []
    for number in range(draw(st.integers(2, 5))):
        first = refresh(
            f"m{number}",
            draw(st.sampled_from(CADENCES)),
            connection=draw(st.sampled_from(["w", "v"])),
            mode=draw(st.sampled_from(Mode)),
            coalesce_within=draw(st.sampled_from([timedelta()] * 3 + [10 * MINUTE, hours(1)])),
            spread=draw(st.sampled_from([timedelta(), 10 * MINUTE])),
            deadline=draw(TIMINGS["deadline"]),
            on_change=draw(TIMINGS["on_change"]),
        )
        own = st.sampled_from([*CADENCES, AfterRefresh(first.address)])
        items += [first, reset(f"m{number}", draw(own), after=first.address)]
    declared = desired(*items, freezes=tuple(draw(st.lists(FREEZES, max_size=1))))
    state = of({})
    for moment in sorted(NOON - abs(span) for span in draw(st.lists(SPANS, max_size=3))):
        fails = draw(st.sets(st.sampled_from([item.address for item in items]), max_size=2))
        state = carried_out(plan(declared, state, moment), state, fails=frozenset(fails))
    return declared, state


def walked(
    world: World, until: datetime, now: datetime = NOON, outset: Outset = PRESENT
) -> tuple[dict[Address, list[datetime]], int, int]:
    """Walk through everything: the runs of each item, the calls, the hard refreshes."""
    runs: dict[Address, list[datetime]] = defaultdict(list)
    calls = hard = 0
    for at, actions in Walk(*world, now, outset).steps(until):
        calls += len(actions)
        for action in actions:
            hard += isinstance(action, Refresh) and action.mode is Mode.HARD
            for coverage in action.covers:
                runs[coverage.address].append(at)
    return runs, calls, hard


@examples(120)
@given(worlds() | crowds())
def test_counting_finds_what_walking_finds(world: World) -> None:
    """P2: cadences, zones, spreads, freezes, pauses and records of any kind."""
    until = NOON + DAY
    ahead = look_ahead(*world, NOON, until)
    runs, calls, hard = walked(world, until)
    assert {address: list(found) for address, found in ahead.runs.items() if found} == runs
    day = (NOON, until)
    assert (ahead.calls(day), ahead.hard_refreshes(day)) == ((calls,), (hard,))
    assert sum(calls_by_minute(ahead)) == calls


NIGHTS = [
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ("America/New_York", datetime(2027, 3, 14, 7, tzinfo=UTC)),
    ("Europe/London", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("Europe/London", datetime(2027, 3, 28, 1, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2027, 4, 3, 15, tzinfo=UTC)),
]
NIGHTLY: list[Cadence] = [
    *map(Cron, ("30 1 * * *", "30 2 * * *", "*/20 * * * *", "15 */2 * * *", "0 1-3 * * *")),
    At((time(1, 30), time(2, 15))),
    Every(90 * MINUTE),
]


@examples(60)
@given(
    st.sampled_from(NIGHTS),
    st.integers(0, 300),
    st.lists(st.sampled_from(NIGHTLY), min_size=1, max_size=4),
    st.sampled_from([timedelta(), 50 * MINUTE]),
    st.sampled_from([0, 3]),
)
def test_counting_finds_what_walking_finds_when_the_clocks_change(
    night: tuple[str, datetime], early: int, nightly: list[Cadence], spread: timedelta, held: int
) -> None:
    """P2: skipped and repeated hours, within a freeze too."""
    zone, changed = night
    now, until = changed - early * MINUTE, changed + DAY
    crowd = [
        refresh(f"m{number}", cadence, zone=zone, connection="w", spread=spread)
        for number, cadence in enumerate(nightly)
    ]
    frozen = FrozenSpan(changed - hours(1), changed + hours(held))
    freezes = (Freeze("close", ("models.m0.*",), frozen),) if held else ()
    state = of({item.address: ran_at(now, item) for item in crowd})
    world = desired(*crowd, freezes=freezes), state
    runs, calls, _ = walked(world, until, now, Outset(clock=now))
    ahead = look_ahead(*world, now, until, Outset(clock=now))
    assert {address: list(found) for address, found in ahead.runs.items() if found} == runs
    assert ahead.calls((now, until)) == (calls,)


def ran_at(now: datetime, item: Item) -> Record:
    return Record(declared=declaration(item), since=now, covered_slot=now, last_success=now)


def peak_of(cadence: Cadence) -> int:
    """Forecast a week of ten such items: the memory that takes at its most, in bytes."""
    many = desired(*(refresh(f"m{number}", cadence) for number in range(10)))
    tracemalloc.start()
    try:
        assert forecast(many, of({}), NOON, 7 * DAY).refreshes
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_calls() -> None:
    """P2: of six million, each would take eight bytes and more."""
    assert peak_of(Every(timedelta(seconds=1))) < 1_000_000


@examples(60)
@given(worlds() | crowds(), st.sampled_from([1, 5, 30]))
def test_counting_from_an_instant_before_the_last_apply_finds_what_walking_finds(
    world: World, before: int
) -> None:
    now = NOON - hours(before)
    until = now + DAY
    runs, calls, _ = walked(world, until, now)
    ahead = look_ahead(*world, now, until, PRESENT)
    assert {address: list(found) for address, found in ahead.runs.items() if found} == runs
    assert ahead.calls((now, until)) == (calls,)


def test_an_interval_lets_pass_what_a_later_edit_lets_pass() -> None:
    item = refresh("sales", Every(hours(1)), on_change=OnChange.NEXT)
    edited = Record(declared=declaration(item), since=NOON, last_success=NOON - hours(2.5))
    world, now = (desired(item), of({item.address: edited})), NOON - hours(2)
    ahead = look_ahead(*world, now, now + hours(4), PRESENT)
    found = [(run - NOON) / hours(1) for run in ahead.runs[item.address]]
    assert found == [0.5, 1.5]
    assert list(ahead.runs[item.address]) == walked(world, now + hours(4), now)[0][item.address]


@examples(30)
@given(worlds() | crowds())
def test_every_way_of_looking_ahead_counts_the_same(world: World) -> None:
    files, state = world
    if not state.items:
        state = carried_out(plan(files, state, NOON - hours(1)), state)
    told = forecast(files, state, NOON, DAY)
    laid_out = timeline(files, state, plan(files, state, NOON), DAY)
    figures = compare(files, files, state, NOON, DAY).figures.after
    calls = told.refreshes + told.resets
    assert calls == laid_out.calls == sum(figures.calls) == len(list(told.calls))
    assert calls == sum(day.calls for day in told.days)
    for track in laid_out.tracks:
        assert len(track.runs) == sum(day.covering.get(track.address, 0) for day in told.days)


def test_a_renamed_item_is_foreseen_as_if_it_had_kept_its_name() -> None:
    item, state = refresh("sales"), of({})
    state = carried_out(plan(desired(item), state, NOON - hours(1)), state)
    renamed = desired(replace(item, address=Address("models.vendite.refresh")))
    told = forecast(renamed, state, NOON, DAY)
    assert [(call.at - NOON) / hours(1) for call in told.calls] == [5, 11, 17, 23]
    assert told.refreshes == 4


def test_an_item_whose_carrier_left_is_refreshed_once_for_that() -> None:
    """Its new connection is refreshed through another model, which is a carrier of its own."""
    ops, sales = (refresh(name, Every(hours(6)), connection="w") for name in ("ops", "sales"))
    first = of({})
    first = carried_out(plan(desired(ops, sales), first, NOON - hours(1)), first)
    moved = desired(replace(sales, connection="v"), replace(refresh("ads"), connection="v"), ops)
    calls = [call.at for call in forecast(moved, first, NOON, hours(4)).calls]
    assert calls == [NOON]


def test_what_was_marked_in_a_freeze_runs_when_it_ends() -> None:
    """Noon's slot is past its deadline by then; what a person said is not."""
    freeze = Freeze("close", ("*",), FrozenSpan(NOON, NOON + hours(8)))
    item, now = refresh("sales", At((NOON.time(),)), deadline=hours(4)), NOON + hours(5)
    files, state = desired(item, freezes=(freeze,)), of({})
    state = carried_out(plan(files, state, NOON - hours(23)), state)
    assert list(look_ahead(files, state, now, NOON + DAY).runs[item.address]) == []
    state = marked_due(state, [item.address], now)
    runs = look_ahead(files, state, now, NOON + DAY).runs[item.address]
    assert list(runs) == [NOON + hours(8)]


def test_an_item_that_rides_along_is_counted_as_often_as_it_is_called_and_says_why() -> None:
    quick = refresh("quick", Every(15 * MINUTE), connection="w")
    hourly = refresh("hourly", Every(hours(1)), connection="w", coalesce_within=30 * MINUTE)
    state = of({item.address: Record(last_success=NOON) for item in (quick, hourly)})
    ahead = look_ahead(desired(quick, hourly), state, NOON, NOON + 7 * DAY)
    (riding,) = ahead.riding
    assert (riding.address, riding.along_with) == (hourly.address, quick.address)
    assert (riding.runs, riding.alone) == (len(ahead.runs[hourly.address]), 7 * 24 - 1)
    assert ahead.runs[hourly.address].count_between(NOON + DAY, NOON + 2 * DAY) == 48
    assert ahead.calls((NOON, NOON + 7 * DAY)) == (7 * 96 - 1,)


def test_refreshes_on_one_connection_that_fall_due_together_are_counted_as_one_call() -> None:
    crons = ("*/5 * * * *", "*/15 * * * *", "7 * * * *", "*/5 * * * *")
    many = [refresh(f"m{n}", Cron(cron), connection="w") for n, cron in enumerate(crons)]
    state = of({item.address: Record(last_success=NOON) for item in many})
    ahead = look_ahead(desired(*many), state, NOON, NOON + DAY)
    assert ahead.calls((NOON, NOON + DAY)) == (287 + 24,)


def test_one_failure_costs_no_walk_beyond_its_next_try() -> None:
    """P3: every second of a year, after a refresh that failed once."""
    item = refresh("sales", Every(timedelta(seconds=1)))
    failed = Record(
        declared=declaration(item), since=NOON, failures=1, last_failure=Failure(NOON, "no")
    )
    ahead = look_ahead(desired(item), of({item.address: failed}), NOON, NOON + 366 * DAY)
    assert 366 * 86_400 - 600 < len(ahead.runs[item.address]) < 366 * 86_400


def test_a_freeze_of_a_dense_item_is_counted_and_not_walked() -> None:
    freeze = Freeze("close", ("*",), FrozenSpan(NOON + DAY, NOON + 2 * DAY))
    often = desired(refresh("sales", Every(timedelta(seconds=1))), freezes=(freeze,))
    ahead = look_ahead(often, of({}), NOON, NOON + 366 * DAY)
    assert len(ahead.runs[often.items[0].address]) == 365 * 86_400


def test_what_is_forced_runs_now_and_its_days_count_from_there() -> None:
    item = refresh("sales")
    state = of({item.address: Record(last_success=NOON - hours(1))})
    choice = Choice(force=frozenset([item.address]))
    ahead = look_ahead(desired(item), state, NOON, NOON + DAY, Outset(choice=choice))
    assert [(run - NOON) / hours(1) for run in ahead.runs[item.address]] == [0, 6, 12, 18]
