"""What a comparison tells of one small change."""

from datetime import UTC, datetime, timedelta

import pytest

from reconcile.errors import ReconcileError
from reconcile.model.address import Address
from reconcile.model.comparison import Comparison, ItemChange
from reconcile.model.desired import (
    AfterRefresh,
    Cron,
    Desired,
    Every,
    Freeze,
    FrozenSpan,
    Mode,
    WhenChanged,
)
from reconcile.model.recorded import Record
from reconcile.planning.compare import compare
from tests.planning.making import (
    HOURS_6,
    NOON,
    SIX,
    desired,
    hours,
    of,
    refresh,
    reset,
)

DAY = timedelta(days=1)
NOTHING = of({})


def weekly(before: Desired, after: Desired, now: datetime = NOON) -> Comparison:
    return compare(before, after, NOTHING, now, 7 * DAY)


def only(comparison: Comparison) -> ItemChange:
    (change,) = comparison.items
    return change


def test_a_shorter_interval_is_told_with_the_runs_it_adds() -> None:
    change = only(
        weekly(desired(refresh("sales", HOURS_6)), desired(refresh("sales", Every(hours(1)))))
    )
    assert (change.kind, change.fields[0].field) == ("changed", "every")
    assert change.runs.before == (3, 4, 4, 4, 4, 4, 4)
    assert change.runs.after == (23, 24, 24, 24, 24, 24, 24)
    assert (change.first_new, change.first_gone) == (NOON + hours(1), None)


def test_without_a_state_what_was_declared_before_has_just_run() -> None:
    comparison = weekly(desired(refresh("sales")), desired(refresh("sales"), refresh("web")))
    assert comparison.assumed
    assert only(comparison).first_new == NOON
    assert sum(comparison.figures.before.calls) == 27


def test_a_reset_that_follows_a_changed_refresh_is_told_to_move() -> None:
    hourly = reset("sales", AfterRefresh(Address("models.sales.refresh")))
    comparison = weekly(
        desired(refresh("sales"), hourly), desired(refresh("sales", Every(hours(1))), hourly)
    )
    moved, changed = comparison.items
    assert (moved.kind, changed.kind) == ("moved", "changed")
    assert (moved.because, changed.because) == ((changed.address,), ())


def test_models_moved_to_one_connection_share_a_call_from_now_on() -> None:
    apart = desired(refresh("ops"), refresh("sales"))
    joined = desired(refresh("ops", connection="w"), refresh("sales", connection="w"))
    comparison = weekly(apart, joined)
    (sharing,) = comparison.joined
    assert sharing.addresses == ("models.ops.refresh", "models.sales.refresh")
    assert comparison.figures.after.calls[1] * 2 == comparison.figures.before.calls[1]
    assert weekly(joined, apart).parted == comparison.joined


def test_hard_refreshes_that_a_change_adds_are_counted() -> None:
    soft, hard = (desired(refresh("ops", mode=mode)) for mode in (Mode.SOFT, Mode.HARD))
    figures = weekly(soft, hard).figures
    assert (sum(figures.before.hard_refreshes), sum(figures.after.hard_refreshes)) == (0, 27)


@pytest.mark.parametrize("cadence", [HOURS_6, SIX, AfterRefresh(Address("models.ops.refresh"))])
def test_a_freeze_tells_whom_it_holds_back(cadence: Every) -> None:
    freeze = Freeze("close", ("*.cache.*",), FrozenSpan(NOON + hours(10), NOON + hours(40)))
    items = (refresh("ops"), reset("ops", cadence))
    (hits,) = weekly(desired(*items), desired(*items, freezes=(freeze,))).freezes
    assert (hits.freeze, hits.gained, hits.lost) == ("close", ("models.ops.cache.daily",), ())


def test_a_freeze_beyond_the_horizon_holds_nobody_back() -> None:
    freeze = Freeze("close", ("*",), FrozenSpan(NOON + 8 * DAY, NOON + 9 * DAY))
    comparison = weekly(desired(refresh("ops")), desired(refresh("ops"), freezes=(freeze,)))
    assert [change.section for change in comparison.sections] == ["freeze.close"]
    assert (comparison.items, comparison.freezes) == ((), ())


@pytest.mark.fault("T03")
def test_the_night_clocks_change_names_the_changed_items_it_touches() -> None:
    late = reset("ops", Cron("30 1 * * *"), zone="America/New_York")
    at_six = reset("web", SIX, zone="America/New_York")
    (night,) = weekly(desired(), desired(late, at_six), datetime(2026, 10, 30, tzinfo=UTC)).nights
    assert night.at == datetime(2026, 11, 1, 6, tzinfo=UTC)
    assert night.touched == (late.address,)


def test_the_busiest_minute_counts_calls_and_the_requests_they_cost() -> None:
    many = [reset(name, SIX) for name in ("ops", "sales", "web")]
    peak = weekly(desired(), desired(*many)).figures.after.peak
    assert peak is not None
    assert (peak.at, peak.calls, peak.requests) == (NOON, 3, 3)


def test_the_busiest_minute_polls_jobs_as_long_as_they_are_known_to_last() -> None:
    known = of({refresh("ops").address: Record(last_success=NOON, durations_s=(90.0,))})
    peak = compare(desired(), desired(refresh("ops")), known, NOON, DAY).figures.after.peak
    assert peak is not None
    assert peak.duration_s >= 85


def test_watched_files_that_changed_are_no_change_of_the_declaration() -> None:
    was, now = (refresh("ops", WhenChanged(("a.sql",), content)) for content in (None, "new"))
    assert weekly(desired(was), desired(now)).is_empty


def test_a_run_every_second_is_counted() -> None:
    often = desired(refresh("ops", Every(timedelta(seconds=1))))
    comparison = compare(desired(), often, NOTHING, NOON, 90 * DAY)
    assert sum(comparison.figures.after.calls) == 90 * 86_400


def test_more_runs_than_can_be_followed_one_by_one_are_refused() -> None:
    often = Every(timedelta(seconds=1))
    rides = refresh("sales", often, connection="w", coalesce_within=hours(1))
    crowded = desired(refresh("ops", often, connection="w"), rides)
    with pytest.raises(ReconcileError, match="horizon-too-busy"):
        compare(desired(), crowded, NOTHING, NOON, 90 * DAY)
