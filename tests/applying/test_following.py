"""How long an apply stays with a job: never past the timeout, whatever was measured before."""

from datetime import timedelta

from reconcile.model.desired import Every
from reconcile.model.recorded import Record
from reconcile.planning.plan import plan
from tests.crash.runs import Run
from tests.crash.simulated import Play
from tests.planning.making import NOON, desired, only_refresh, recorded, refresh

HOURLY = refresh("a", Every(timedelta(hours=1)), timeout=timedelta(minutes=15))


def test_a_duration_longer_than_the_timeout_is_when_somebody_looked_and_not_expected() -> None:
    long_ago = NOON - timedelta(hours=9)
    looked = recorded(a=Record(last_success=long_ago, durations_s=(40.0, 24_000.0, 60.0)))
    assert only_refresh(plan(desired(HOURLY), looked, NOON)).expected_s == 60.0


def test_a_job_found_ended_hours_later_does_not_make_the_next_apply_wait_for_hours() -> None:
    play = Play(desired(HOURLY), seed=1)
    play.runs(Run(stopped_after_s=1.0))
    play.pass_time(timedelta(hours=7))
    play.runs(Run())
    began = play.now
    play.runs(Run())
    assert play.now - began <= timedelta(minutes=16)


def test_no_poll_waits_past_the_timeout() -> None:
    brief = refresh("a", Every(timedelta(hours=1)), timeout=timedelta(seconds=3))
    play = Play(desired(brief), seed=1)
    play.runs(Run())
    assert play.now - NOON < timedelta(seconds=5)
