"""What a simulation says of a runner: lateness, collapsed slots, locks, limits, failures."""

from datetime import UTC, datetime, time, timedelta
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.model.address import schedule_address
from reconcile.model.desired import (
    At,
    Cron,
    Desired,
    Every,
    Freeze,
    Item,
    Limits,
    OpenHours,
    ScheduleItem,
    ScheduleSpec,
)
from reconcile.model.reason import Status
from reconcile.model.recorded import Coverage, Failure, Pending, Record, Recorded
from reconcile.model.struct import replace
from reconcile.planning.record import declaration
from reconcile.planning.time.slots import spread_of, wall_slots
from reconcile.simulation.simulate import simulate
from tests.planning.making import NOON, SIX, desired, hours, of, refresh, reset
from tests.planning.worlds import CADENCES, ZONES, worlds
from tests.simulation.playing import Naive, only, played, scenario
from tests.strategies import examples

QUARTERS = Cron("*/15 * * * *")
DAY = timedelta(days=1)


@st.composite
def punctual_items(draw: st.DrawFn) -> Desired:
    """Items whose slots nothing holds back."""
    cadences = CADENCES.filter(lambda cadence: isinstance(cadence, Cron | At))
    names = draw(st.sets(st.sampled_from(["ops", "sales", "web"]), min_size=1))
    return desired(*(reset(name, draw(cadences), zone=draw(ZONES)) for name in sorted(names)))


def slots_in_a_day(item: Item) -> int:
    cadence, offset = item.timing.cadence, spread_of(item, item.timing.spread)
    assert isinstance(cadence, Cron | At)
    slots = wall_slots(cadence, item.timing.zone)
    return slots.count(NOON - timedelta.resolution - offset, NOON + DAY - timedelta.resolution)


@given(punctual_items())
@examples(30)
def test_a_punctual_runner_without_failures_covers_every_slot(punctual: Desired) -> None:
    simulated = played(punctual)
    for item, found in zip(punctual.items, simulated.items, strict=True):
        covered = found.lateness.slots if found.lateness else 0
        assert (covered, found.collapsed, found.missed) == (slots_in_a_day(item), 0, 0)
        assert found.lateness is None or found.lateness.max_s < 60


@given(punctual_items())
@settings(max_examples=15, deadline=None)
def test_a_punctual_runner_makes_the_runs_that_the_look_ahead_expects(punctual: Desired) -> None:
    """G2: a simulation takes its expectation from where the forecast takes its counts."""
    for found in played(punctual).items:
        assert found.successes == found.expected


@given(worlds(), st.integers(0, 1), st.sampled_from(["none", "github", "uniform:0s-40m,skip=20%"]))
@examples(30)
def test_planning_only_what_can_have_changed_changes_nothing(
    world: tuple[Desired, Recorded], dropped: int, lateness: str
) -> None:
    declared, recorded = world
    declared = replace(declared, items=declared.items[dropped:])
    played_as = scenario(lateness=lateness, fail_share=0.2)
    found = simulate(declared, recorded, played_as)
    with patch("reconcile.simulation.simulate.Outlook", Naive):
        assert found == simulate(declared, recorded, played_as)


def test_the_seed_decides_everything() -> None:
    both = desired(refresh("sales"), reset("sales", QUARTERS))
    first, again = (played(both, lateness="github", fail_share=0.1) for _ in range(2))
    assert first == again != played(both, lateness="github", fail_share=0.1, seed=2)


def test_lateness_is_measured_from_the_slot() -> None:
    late = only(played(desired(reset("sales", QUARTERS)), lateness="fixed:7m")).lateness
    assert late is not None
    assert (late.slots, late.p50_s, late.max_s) == (96, 420.0, 420.0)


def test_lateness_of_an_interval_is_measured_against_it() -> None:
    item = only(played(desired(refresh("sales", Every(timedelta(minutes=50)))), runner="0 * * * *"))
    assert item.lateness is not None
    assert (item.lateness.p50_s, item.collapsed) == (600.0, 0)


def test_a_runner_with_gaps_collapses_slots_and_counts_them() -> None:
    item = only(played(desired(reset("sales", QUARTERS)), runner="0 */6 * * *"))
    assert item.lateness is not None
    assert (item.successes, item.lateness.slots, item.collapsed) == (4, 4, 3 * 23)


def test_a_slot_past_its_deadline_is_missed_and_not_run() -> None:
    strict = desired(reset("sales", SIX, deadline=hours(1)))
    item = only(played(strict, days=2, runner="0 8 * * *"))
    assert (item.successes, item.missed) == (0, 2)


def test_slots_of_an_interval_past_their_deadline_are_missed_and_make_no_later_one_late() -> None:
    night = Freeze("day", ("*",), OpenHours(((time(22), time(2)),), "UTC"))
    strict = refresh("sales", deadline=hours(2))
    item = only(played(desired(strict, freezes=(night,)), start=NOON + hours(10), days=7))
    assert (item.successes, item.missed, item.collapsed) == (7, 21, 0)
    assert item.lateness is not None
    assert item.lateness.max_s < hours(1).total_seconds()


def test_ticks_that_do_not_come_are_counted() -> None:
    simulated = played(desired(reset("sales")), lateness="none,skip=50%")
    ticks = simulated.ticks
    assert ticks.scheduled == 96 == ticks.ran + ticks.dropped
    assert 20 < ticks.dropped < 76


def test_a_tick_that_finds_the_lock_held_does_nothing() -> None:
    state = of({})
    slow = refresh("sales", Every(hours(1)))
    remembered = Record(durations_s=(1500.0,), last_success=NOON - hours(3))
    state = replace(state, items={slow.address: remembered})
    ticks = simulate(desired(replace(slow, timeout=hours(2))), state, scenario(days=0.05)).ticks
    assert (ticks.scheduled, ticks.locked) == (5, 1)


def test_failures_back_off_and_recover() -> None:
    item = only(played(desired(refresh("sales", Every(hours(1)))), days=4, fail_share=0.3))
    assert item.failures > 10
    assert item.successes > 60
    assert item.status is Status.COVERED


def test_an_item_that_only_fails_is_held() -> None:
    item = only(played(desired(refresh("sales", Every(hours(1)))), days=1, fail_share=1.0))
    assert (item.status, item.failures, item.successes) == (Status.HELD, 5, 0)


def test_a_hold_that_a_state_remembers_goes_on() -> None:
    held = refresh("sales")
    failure = Failure(NOON - hours(9), "no")
    known = Record(
        declared=declaration(held), since=NOON - hours(10), failures=9, last_failure=failure
    )
    item = only(simulate(desired(held), of({held.address: known}), scenario()))
    assert (item.status, item.successes) == (Status.HELD, 0)


def test_a_job_that_a_state_awaits_is_awaited_and_not_made_again() -> None:
    item = refresh("sales")
    waiting = Pending(
        operation="one",
        kind="refresh",
        since=NOON - hours(1),
        coverage=Coverage(item.address, None),
        accepted=True,
        job_id="0833d788-a1f6-4e34-ae55-4f203d705eec",
    )
    known = Record(declared=declaration(item), since=NOON - hours(10), pending=waiting)
    simulated = simulate(desired(item), of({item.address: known}), scenario())
    assert (simulated.requests.refreshes, only(simulated).successes) == (4, 4)
    assert (only(simulated).expected, only(simulated).doubts) == (4, 0)


def test_to_begin_earlier_makes_history_no_less_true() -> None:
    item = refresh("sales")
    ran = of({item.address: Record(declared=declaration(item), since=NOON, last_success=NOON)})
    early = scenario(start=NOON - 3 * DAY)
    simulated = simulate(desired(item), ran, early, NOON + hours(1))
    assert (simulated.requests.refreshes, only(simulated).expected) == (0, 0)


def test_the_rate_limit_is_never_exceeded() -> None:
    items = [reset(f"model{number}", QUARTERS) for number in range(60)]
    simulated = played(desired(*items, requests_per_minute=20), days=0.3, lateness="github")
    requests = simulated.requests
    assert (requests.throttled, requests.peak_per_minute <= 20) == (0, True)


def test_a_limit_blocks_the_applies_after_the_first() -> None:
    items = [reset(name, QUARTERS) for name in ("ops", "sales", "web")]
    simulated = played(desired(*items, limits=Limits(calls=2)), days=0.25)
    assert (simulated.ticks.blocked, simulated.requests.resets) == (23, 3)


def test_records_of_what_is_no_longer_declared_are_forgotten() -> None:
    gone = reset("gone")
    state = of({gone.address: Record(last_success=NOON)})
    simulated = simulate(desired(reset("sales")), state, scenario())
    assert [item.address for item in simulated.items] == [reset("sales").address]


def test_the_night_in_which_an_hour_repeats_is_listed() -> None:
    item = reset("sales", At((time(1, 30),)), zone="America/New_York")
    start = datetime(2026, 10, 31, tzinfo=UTC)
    (night,) = played(desired(item), start=start, days=3).nights
    (touched,) = night.items
    due = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert (night.change_s, touched.times) == (-3600, 1)
    assert (touched.slots, touched.sent) == ((due,), (due,))


def test_the_night_without_an_hour_is_listed_with_what_cannot_run() -> None:
    cron = reset("sales", Cron("30 * * * *"), zone="America/New_York")
    start = datetime(2027, 3, 13, tzinfo=UTC)
    (night,) = played(desired(cron), start=start, days=3).nights
    assert (night.change_s, night.items[0].slots) == (3600, night.items[0].sent)


def test_native_schedules_have_no_part_in_it() -> None:
    made = ScheduleItem(
        address=schedule_address("w", "nightly"),
        connection="w",
        connection_id="w",
        spec=ScheduleSpec("0 2 * * ? *", "UTC"),
    )
    plain = desired(reset("a", SIX))
    with_schedule = replace(plain, schedules=(made,))
    recorded = of({})
    assert simulate(with_schedule, recorded, scenario()) == simulate(plain, recorded, scenario())
