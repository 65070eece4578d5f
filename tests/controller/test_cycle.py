"""One cycle: what it does, what it refuses, and when it wants to be called again."""

from datetime import timedelta

from reconcile.clock import wall_clock
from reconcile.controller.cycle import Verdict
from reconcile.state.backend import open_session
from reconcile.state.session import Session
from tests.controller.cycling import cycle
from tests.stage import SALES, Stage, Staging, models

EVERY_SIX_HOURS = f"""
[models.sales]
id = "{SALES}"
refresh.every = "6h"
"""


def held(stage: Stage) -> Session:
    url = str(stage.folder / "state.json")
    return open_session(url, command="a person", lock_timeout_s=0, now=wall_clock())


def test_a_cycle_does_what_is_due_and_says_when_to_come_again(staged: Staging) -> None:
    stage = staged(EVERY_SIX_HOURS)
    outcome = cycle(stage)
    assert (outcome.verdict, len(stage.calls())) == (Verdict.DONE, 1)
    assert outcome.wake_at is not None
    assert timedelta(hours=5, minutes=59) < outcome.wake_at - wall_clock() < timedelta(hours=6)


def test_a_cycle_with_nothing_to_do_takes_no_lock(staged: Staging) -> None:
    stage = staged(EVERY_SIX_HOURS)
    cycle(stage)
    with held(stage):
        outcome = cycle(stage)
    assert (outcome.verdict, outcome.problems) == (Verdict.IDLE, ())


def test_a_cycle_that_is_sure_takes_the_lock_at_once(staged: Staging) -> None:
    stage = staged(EVERY_SIX_HOURS)
    assert cycle(stage, sure=True).verdict is Verdict.DONE
    with held(stage):
        assert cycle(stage, sure=True).verdict is Verdict.LOCKED


def test_a_cycle_that_was_sure_for_nothing_sends_nothing(staged: Staging) -> None:
    stage = staged(EVERY_SIX_HOURS)
    cycle(stage)
    outcome = cycle(stage, sure=True)
    assert (outcome.verdict, outcome.problems, len(stage.calls())) == (Verdict.IDLE, (), 1)
    assert outcome.wake_at is not None


def test_a_lock_that_is_held_is_an_outcome(staged: Staging) -> None:
    stage = staged(EVERY_SIX_HOURS)
    with held(stage):
        outcome = cycle(stage)
    assert (outcome.verdict, stage.calls()) == (Verdict.LOCKED, [])


def test_nobody_can_be_asked_so_no_limit_is_passed(staged: Staging) -> None:
    stage = staged("[limits]\ncalls = 1\n" + models("abc", 'refresh.every = "6h"'))
    outcome = cycle(stage)
    assert (outcome.verdict, stage.calls()) == (Verdict.BLOCKED, [])
    assert [problem.code for problem in outcome.problems] == ["over-limit-calls"]


def test_a_file_that_cannot_be_read_is_an_outcome(staged: Staging) -> None:
    stage = staged(EVERY_SIX_HOURS)
    outcome = cycle(stage, file="nowhere.toml")
    assert outcome.verdict is Verdict.FAILED
    assert [problem.code for problem in outcome.problems] == ["file-not-found"]


def test_a_call_that_fails_leaves_the_cycle_well(staged: Staging) -> None:
    stage = staged(EVERY_SIX_HOURS, faults="refresh:500")
    outcome = cycle(stage)
    assert (outcome.verdict, outcome.well) == (Verdict.PARTLY, True)
    assert outcome.wake_at is not None
