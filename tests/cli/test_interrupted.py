"""Applies that are killed, interrupted or locked out."""

import signal
import subprocess

import pytest

from reconcile.sandbox.instance import Operation
from tests.patience import wait_until
from tests.stage import Stage, Staging, models

pytestmark = pytest.mark.long

THIRTY = [f"m{number:02}" for number in range(30)]
EVERY = 'refresh = { every = "6h" }'


def after_calls(stage: Stage, number: int, process: subprocess.Popen[str]) -> None:
    """Wait until Omni has executed that many calls."""
    wait_until(lambda: len(stage.calls()) >= number or process.poll() is not None)


def acknowledged(stage: Stage) -> int:
    """Count the calls whose acceptance is on disk."""
    journal = stage.folder / "reconcile.state.json.journal"
    return journal.read_text().count('"accepted"') if journal.exists() else 0


def kill_once_acknowledged(stage: Stage, number: int) -> None:
    """Kill an apply once the acceptance of that many calls is on disk."""
    with stage.start("apply", "--yes") as process:
        wait_until(lambda: acknowledged(stage) >= number or process.poll() is not None)
        process.kill()
        process.communicate()


@pytest.mark.fault("P01", "N19")
def test_a_killed_apply_sends_nothing_acknowledged_again(staged: Staging) -> None:
    stage = staged(models(THIRTY, EVERY), job_s=30.0)
    kill_once_acknowledged(stage, 8)
    known, sent = acknowledged(stage), len(stage.calls(Operation.REFRESH))
    planned = stage.run("plan", "--format", "json").json()
    kinds = [action["kind"] for action in planned["actions"]]
    assert 8 <= known <= sent < 30
    assert (kinds.count("await"), kinds.count("refresh")) == (known, 30 - known)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.fault("P02", "P04")
def test_an_interrupted_apply_saves_its_state_and_leaves_jobs_to_the_next(
    staged: Staging, number: signal.Signals, code: int
) -> None:
    stage = staged(models(["a", "b"], EVERY), job_s=60.0)
    with stage.start("apply", "--yes") as process:
        after_calls(stage, 2, process)
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert process.returncode == code, err
    assert "Interrupted" in out
    kinds = [a["kind"] for a in stage.run("plan", "--format", "json").json()["actions"]]
    assert kinds == ["await", "await"]


@pytest.mark.fault("L01", "X01")
def test_a_second_apply_is_refused_and_told_who_holds_the_lock(staged: Staging) -> None:
    stage = staged(models(["a"], EVERY), job_s=60.0)
    with stage.start("apply", "--yes") as process:
        after_calls(stage, 1, process)
        second = stage.run("apply", "--yes", "--force", "models.a.refresh")
        process.kill()
        process.communicate()
    assert second.code == 5
    assert str(process.pid) in second.err
    assert len(stage.calls()) == 1


@pytest.mark.fault("X02")
def test_a_plan_takes_no_lock(staged: Staging) -> None:
    stage = staged(models(["a"], EVERY), job_s=60.0)
    with stage.start("apply", "--yes") as process:
        assert process.stderr is not None
        while "accepted" not in process.stderr.readline():
            pass
        during = stage.run("plan", "--format", "json")
        process.kill()
        process.communicate()
    assert during.json()["actions"][0]["kind"] == "await"


@pytest.mark.fault("A14")
def test_a_job_of_an_earlier_apply_is_awaited_to_its_end(staged: Staging) -> None:
    stage = staged(models(["a"], EVERY), job_s=3.0)
    kill_once_acknowledged(stage, 1)
    assert stage.run("apply", "--yes").code == 0
    assert len(stage.calls()) == 1
    assert stage.run("plan", "--detailed-exitcode").code == 0


def test_a_job_to_await_is_something_to_apply_and_nothing_to_ask_about(staged: Staging) -> None:
    stage = staged(models(["a"], EVERY), job_s=3.0)
    kill_once_acknowledged(stage, 1)
    planned = stage.run("plan", "--detailed-exitcode")
    assert (planned.code, "await" in planned.out) == (2, True)
    assert stage.run("apply", "--detailed-exitcode").code == 0
    assert stage.run("plan", "--detailed-exitcode").code == 0
    assert len(stage.calls()) == 1


@pytest.mark.fault("N04", "A09")
def test_a_lost_reply_is_shown_as_unknown_and_sent_again(staged: Staging) -> None:
    stage = staged(models(["a"], '[models.a.cache.daily]\nat = "00:00"\n'), faults="reset#1:drop")
    first = stage.run("apply", "--yes")
    assert (first.code, "may have" in first.out) == (6, True)
    assert "outcome unknown since" in stage.run("plan").out
    assert stage.run("apply", "--yes").code == 0
    bodies = {exchange.call.body for exchange in stage.world.log}
    assert len(bodies) == 1
