"""An apply under a wrong clock: what is sent, what is written down, and how it is mended."""

from datetime import timedelta

import pytest

from reconcile.model.desired import At, Every
from reconcile.model.journal import ClockMended, Intent, Missed, Redated
from reconcile.model.reason import Status
from tests.applying.episodes import Episodes
from tests.applying.omni_on_loopback import BUSY, FORBIDDEN, Answer
from tests.planning.making import SIX, desired, hours, refresh, reset

WRONG = [timedelta(days=2), timedelta(days=400), timedelta(days=9000), -timedelta(days=2)]
FUTURE: Answer = (400, {"detail": "resetAt must not be future dated"})


def three() -> Episodes:
    """Three models with a refresh and a reset each, applied once when all was well."""
    refreshes = [refresh(name, Every(hours(6)), connection=name) for name in "abc"]
    episodes = Episodes(desired(*refreshes, *(reset(name, SIX) for name in "abc")))
    episodes.apply()
    episodes.wait(hours(30))
    episodes.omni.asked.clear()
    return episodes


@pytest.mark.parametrize("ahead", [*WRONG, timedelta(minutes=6), -timedelta(minutes=6)])
def test_a_wrong_clock_stops_after_one_request(ahead: timedelta) -> None:
    # F3
    episodes = three()
    episodes.ahead = ahead
    applied = episodes.apply()
    assert len(episodes.omni.asked) == 1
    assert [trouble.code for trouble in applied.summary.troubles] == ["clock-differs"]


@pytest.mark.parametrize("ahead", [timedelta(minutes=4), -timedelta(minutes=4)])
def test_a_clock_that_is_a_little_off_stops_nothing(ahead: timedelta) -> None:
    # F3
    episodes = three()
    episodes.ahead = ahead
    assert not episodes.apply().summary.troubles


@pytest.mark.parametrize("ahead", WRONG)
def test_what_a_run_under_a_wrong_clock_sent_is_dated_by_omnis(ahead: timedelta) -> None:
    # F3
    episodes = three()
    episodes.ahead = ahead
    applied = episodes.apply()
    began = [entry.operation for entry in applied.of(Intent)]
    redated = applied.of(Redated)
    assert [entry.operations for entry in redated if entry.operations] == [tuple(began)]
    waiting = [r.pending for r in episodes.recorded.items.values() if r.pending]
    assert all(abs(call.since - episodes.now) < timedelta(seconds=5) for call in waiting)


@pytest.mark.parametrize("ahead", WRONG)
def test_one_run_under_a_wrong_clock_costs_nothing_afterwards(ahead: timedelta) -> None:
    # F3
    episodes = three()
    episodes.ahead = ahead
    episodes.apply()
    episodes.ahead = timedelta()
    episodes.apply()
    assert {standing.status for standing in episodes.plan().standings} == {Status.COVERED}
    episodes.wait(hours(6.5))
    due = [s for s in episodes.plan().standings if s.status is Status.DUE]
    assert [s.address for s in due] == [f"models.{name}.refresh" for name in "abc"]


@pytest.mark.parametrize("ahead", WRONG)
def test_a_clock_that_stays_wrong_is_asked_after_before_any_call(ahead: timedelta) -> None:
    # F3
    episodes = three()
    episodes.ahead = ahead
    episodes.apply()
    later = [episodes.apply() for _ in range(3)]
    assert [applied.of(Intent) for applied in later] == [[], [], []]
    episodes.ahead = timedelta()
    episodes.apply()
    assert episodes.recorded.clock_wrong_at is None


def test_records_of_the_future_are_mended_once_omni_confirmed_the_clock() -> None:
    # F3
    episodes = three()
    episodes.ahead, episodes.omni.ahead = hours(100), hours(100)
    episodes.apply()
    episodes.ahead = episodes.omni.ahead = timedelta()
    applied = episodes.apply()
    kinds = [type(entry) for entry in applied.entries]
    assert kinds.count(ClockMended) == 1
    assert kinds.index(Intent) < kinds.index(ClockMended)
    assert episodes.plan().clock_went_back is None


def test_a_clock_that_nobody_confirmed_mends_nothing() -> None:
    # F3
    episodes = three()
    episodes.ahead, episodes.omni.ahead = hours(100), hours(100)
    episodes.apply()
    episodes.ahead = episodes.omni.ahead = timedelta()
    episodes.omni.dated = False
    assert not episodes.apply().of(ClockMended)
    assert episodes.plan().clock_went_back is not None


def test_one_request_is_in_flight_until_the_first_date_is_known() -> None:
    # F3
    episodes = Episodes(desired(*(reset(f"m{n}", SIX) for n in range(30))))
    episodes.omni.slow_s = 1.0
    episodes.apply()
    assert episodes.widest[:2] == [1, 1]
    assert max(episodes.widest) > 3


def test_a_server_without_dates_is_served_at_full_width_after_three_replies() -> None:
    # F3
    episodes = Episodes(desired(*(reset(f"m{n}", SIX) for n in range(30))))
    episodes.omni.slow_s, episodes.omni.dated = 1.0, False
    applied = episodes.apply()
    assert episodes.widest[:3] == [1, 1, 1]
    assert max(episodes.widest) > 3
    assert {result.status for result in applied.summary.results} == {"done"}


def test_requests_go_one_at_a_time_while_a_refusal_waits_for_whom_to_blame() -> None:
    # F6
    episodes = Episodes(desired(*(reset(f"m{n}", SIX) for n in range(8))))
    episodes.omni.slow_s = 1.0
    episodes.omni.on("POST", "", FORBIDDEN)
    episodes.apply()
    assert episodes.widest == [1, 1, 1]


def test_a_stamp_refused_as_future_dated_is_no_items_fault_and_ends_the_resets() -> None:
    # F3
    episodes = three()
    episodes.omni.on("POST", "cache_reset", FUTURE)
    applied = episodes.apply()
    assert [trouble.code for trouble in applied.summary.troubles] == ["stamp-refused"]
    assert {applied.result(f"models.{n}.refresh").status for n in "abc"} == {"done"}
    assert {applied.result(f"models.{n}.cache.daily").status for n in "abc"} == {"skipped"}
    assert not any(record.failures for record in episodes.recorded.items.values())


def test_a_stamp_refused_by_a_server_of_another_time_is_said_once() -> None:
    # F3
    episodes = Episodes(desired(*(reset(name, SIX) for name in "abc")), ahead=hours(48))
    episodes.omni.on("POST", "cache_reset", FUTURE)
    applied = episodes.apply()
    assert [trouble.code for trouble in applied.summary.troubles] == ["clock-differs"]
    assert not applied.summary.acted


def test_a_slot_is_recorded_as_missed_only_once_the_clock_is_confirmed() -> None:
    # F3
    late = reset("late", At((SIX.times[0],)), deadline=hours(2))
    episodes = Episodes(desired(late, reset("a", SIX)), ahead=hours(3))
    assert not episodes.apply().of(Missed)
    episodes.ahead = timedelta()
    assert len(episodes.apply().of(Missed)) == 1


def test_a_slot_is_recorded_as_missed_where_no_clock_was_heard() -> None:
    # F3
    late = reset("late", At((SIX.times[0],)), deadline=hours(2))
    episodes = Episodes(desired(late))
    assert len(episodes.apply().of(Missed)) == 1
    episodes = Episodes(desired(late, reset("a", SIX)))
    episodes.omni.on("POST", "", BUSY)
    episodes.omni.dated = False
    assert len(episodes.apply().of(Missed)) == 1
