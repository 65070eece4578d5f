from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta

from hypothesis import given

from reconcile.model.desired import (
    AfterRefresh,
    At,
    Cron,
    Desired,
    Every,
    Freeze,
    FrozenSpan,
    OnChange,
    OpenHours,
    Pause,
    ResetAt,
    WhenChanged,
)
from reconcile.model.forecast import Timeline, Track
from reconcile.model.recorded import Failure, Pending, Record, Recorded
from reconcile.model.struct import replace
from reconcile.planning.forecast import timeline
from reconcile.planning.plan import plan
from reconcile.planning.record import declaration
from reconcile.planning.steady import Runs
from reconcile.planning.time.slots import spread_of
from tests.planning.making import HOURS_6, NOON, desired, hours, of, only_refresh, refresh, reset
from tests.planning.worlds import worlds
from tests.strategies import examples

NOTHING = of({})
DAY = timedelta(days=1)


def ahead(declared: Desired, recorded: Recorded = NOTHING, horizon: timedelta = DAY) -> Timeline:
    return timeline(declared, recorded, plan(declared, recorded, NOON), horizon)


def only(laid_out: Timeline) -> Track:
    (track,) = laid_out.tracks
    return track


def hours_of(instants: Iterable[datetime]) -> list[float]:
    return [(instant - NOON) / hours(1) for instant in instants]


def test_an_interval_steps_on_from_its_last_success() -> None:
    item = refresh("ops", HOURS_6)
    recorded = of({item.address: Record(last_success=NOON - hours(2))})
    assert hours_of(only(ahead(desired(item), recorded)).runs) == [4, 10, 16, 22]


def test_what_is_due_runs_at_once() -> None:
    assert hours_of(only(ahead(desired(refresh("ops", HOURS_6)))).runs) == [0, 6, 12, 18]
    at = At((time(6), time(18)))
    assert hours_of(only(ahead(desired(reset("ops", at)))).runs) == [0, 6, 18]


def test_a_covered_wall_clock_item_runs_at_its_slots() -> None:
    item = reset("ops", Cron("0 */8 * * *"))
    recorded = of({item.address: Record(covered_slot=NOON)})
    assert hours_of(only(ahead(desired(item), recorded)).runs) == [4, 12, 20]


def test_slots_are_shifted_by_the_spread() -> None:
    item = reset("ops", At((time(18),)), spread=timedelta(minutes=10))
    shift = spread_of(item, timedelta(minutes=10))
    assert only(ahead(desired(item))).runs[-1] == NOON + hours(6) + shift


def test_slots_in_a_freeze_are_held_and_run_once_when_it_ends() -> None:
    item = reset("ops", Cron("0 * * * *"))
    freeze = Freeze("close", ("*",), FrozenSpan(NOON + hours(1), NOON + hours(4)))
    track = only(ahead(desired(item, freezes=(freeze,)), horizon=hours(6)))
    assert hours_of(track.held) == [1, 2, 3]
    assert hours_of(track.runs) == [0, 4, 5]
    assert [span.name for span in track.frozen] == ["close"]


def test_an_interval_starts_anew_from_the_run_after_a_freeze() -> None:
    freeze = Freeze("close", ("*",), FrozenSpan(NOON, NOON + hours(4)))
    track = only(ahead(desired(refresh("ops", HOURS_6), freezes=(freeze,))))
    assert hours_of(track.runs) == [4, 10, 16, 22]


def test_a_slot_held_past_its_deadline_is_not_run() -> None:
    freeze = Freeze("close", ("*",), FrozenSpan(NOON + hours(5), NOON + hours(9)))
    item = reset("ops", At((time(18),)), deadline=hours(2), on_change=OnChange.NEXT)
    assert only(ahead(desired(item, freezes=(freeze,)), horizon=hours(12))).runs == Runs(())


def test_closed_nights_repeat() -> None:
    nights = Freeze("nights", ("*",), OpenHours(((time(6), time(22)),), "UTC"))
    laid_out = ahead(desired(refresh("ops"), freezes=(nights,)), horizon=3 * DAY)
    assert [hours_of((span.start, span.until)) for span in laid_out.freezes] == [
        [10, 18],
        [34, 42],
        [58, 66],
    ]


def test_a_freeze_that_matches_nothing_is_not_shown() -> None:
    freeze = Freeze("other", ("models.x.*",), FrozenSpan(NOON, NOON + hours(4)))
    assert ahead(desired(refresh("ops"), freezes=(freeze,))).freezes == ()


def test_a_pause_holds_until_it_ends() -> None:
    paused = refresh("ops", pause=Pause(NOON + hours(3), "move"))
    assert hours_of(only(ahead(desired(paused))).runs) == [3, 9, 15, 21]
    for_good = refresh("ops", pause=Pause(None, "move"))
    assert only(ahead(desired(for_good))).runs == Runs(())


def test_a_held_item_does_not_run_and_one_backing_off_runs_when_it_may() -> None:
    item = refresh("ops", HOURS_6, hold_after=3)
    failed = Record(
        declared=declaration(item), since=NOON, failures=3, last_failure=Failure(NOON, "no")
    )
    assert only(ahead(desired(item), of({item.address: failed}))).runs == Runs(())
    again = replace(failed, failures=1)
    assert only(ahead(desired(item), of({item.address: again}))).runs[0] > NOON


def test_a_reset_follows_each_completion_and_calls_take_no_time() -> None:
    first = refresh("ops", HOURS_6)
    follower = reset("ops", AfterRefresh(first.address))
    measured = Record(last_success=NOON - hours(6), durations_s=(60.0, 120.0, 180.0))
    cache, refreshed = ahead(desired(first, follower), of({first.address: measured})).tracks
    assert cache.runs == refreshed.runs


def test_a_job_that_runs_now_is_followed_too() -> None:
    first = refresh("ops", HOURS_6)
    (coverage,) = only_refresh(plan(desired(first), NOTHING, NOON)).covers
    pending = Pending("op", "refresh", NOON - hours(0.1), coverage, job_id="job", accepted=True)
    record = Record(last_success=NOON - hours(3), pending=pending)
    follower = reset("ops", AfterRefresh(first.address))
    cache, refreshed = ahead(desired(first, follower), of({first.address: record})).tracks
    assert len(cache.runs) == len(refreshed.runs) + 1


def test_a_one_off_runs_once_and_changed_files_only_if_they_changed() -> None:
    once = reset("ops", ResetAt(NOON + hours(5)))
    assert hours_of(only(ahead(desired(once))).runs) == [5]
    changed = refresh("ops", WhenChanged(("a",), "hash"))
    assert hours_of(only(ahead(desired(changed))).runs) == [0]


def test_refreshes_of_one_connection_at_one_instant_are_one_call() -> None:
    pair = [refresh(name, HOURS_6, connection="warehouse") for name in ("ops", "sales")]
    assert hours_of(ahead(desired(*pair)).minutes) == [0, 6, 12, 18]


def test_nights_on_which_clocks_change_are_told() -> None:
    november = datetime(2026, 11, 1, tzinfo=UTC)
    item = reset("ops", At((time(1, 30),)), zone="America/New_York")
    planned = plan(desired(item), NOTHING, november)
    (change,) = timeline(desired(item), NOTHING, planned, timedelta(days=7)).clock_changes
    assert change.at == datetime(2026, 11, 1, 6, tzinfo=UTC)
    assert change.after - change.before == -hours(1)


def test_a_tight_interval_is_counted_and_not_listed() -> None:
    """P3: a year of seconds."""
    item = refresh("ops", Every(timedelta(seconds=1)))
    assert len(only(ahead(desired(item), horizon=366 * DAY)).runs) == 366 * 86_400


@examples(150)
@given(world=worlds())
def test_runs_keep_out_of_freezes_and_within_the_horizon(
    world: tuple[Desired, Recorded],
) -> None:
    laid_out = ahead(*world, horizon=3 * DAY)
    for track in laid_out.tracks:
        assert list(track.runs) == sorted(track.runs)
        assert all(laid_out.start <= run < laid_out.until for run in track.runs)
        for span in track.frozen:
            assert not any(span.start <= run < span.until for run in track.runs)
    assert laid_out.calls <= sum(len(track.runs) for track in laid_out.tracks)
