"""Durations on the command line are written as in the file; plain seconds stay seconds."""

from threading import Timer

import click
import pytest

from reconcile.clock import wall_clock
from reconcile.state.backend import open_session
from reconcile.state.lock import acquire
from tests.command_line import parsed
from tests.stage import Staging, models

TEXT = '[state]\nurl = "state.json"\n' + models(["a"], 'refresh.every = "6h"\n')


@pytest.mark.parametrize(
    ("written", "seconds"), [("10m", 600), ("1h30m", 5400), ("60", 60), ("0.5", 0.5), ("0s", 0)]
)
@pytest.mark.parametrize("command", ["apply", "state repair"])
def test_a_wait_for_the_lock_is_a_duration_or_seconds(
    command: str, written: str, seconds: float
) -> None:
    options = parsed([*command.split(), "--lock-timeout", written])
    assert options.lock_timeout == seconds


@pytest.mark.parametrize("written", ["ten", "10 m", "-1", "nan", "inf", "1e9", "400d", "5m1h"])
def test_what_is_no_duration_is_refused_as_in_the_file(written: str) -> None:
    with pytest.raises(click.BadParameter, match=r"(duration|366 days)"):
        parsed(["apply", f"--lock-timeout={written}"])


def test_what_a_held_lock_advises_is_taken_and_waits_for_the_other_run(staged: Staging) -> None:
    stage = staged(TEXT)
    state = str(stage.folder / "state.json")
    with open_session(state, command="other", lock_timeout_s=0.0, now=wall_clock()):
        refused = stage.run("apply", "--yes")
        advice = refused.err.rpartition("--lock-timeout ")[2].split()[0]
        waiting = stage.start("apply", "--yes", "--lock-timeout", advice)
    assert (refused.code, advice) == (5, "10m")
    out, err = waiting.communicate(timeout=60)
    assert (waiting.returncode, len(stage.calls())) == (0, 1), out + err


@pytest.mark.parametrize(("verb", "code"), [("push kept", 0), ("repair", 1), ("restore", 1)])
def test_verbs_that_mend_a_state_wait_for_the_other_run(
    staged: Staging, verb: str, code: int
) -> None:
    stage = staged(TEXT)
    stage.run("apply", "--yes")
    stage.write(stage.run("state", "pull").out, "kept")
    lock = acquire(stage.folder / "state.json.lock", command="other", now=wall_clock(), timeout_s=0)
    assert stage.run("state", *verb.split()).code == 5
    Timer(1, lock.release).start()
    ended = stage.run("state", *verb.split(), "--lock-timeout", "10m")
    assert ended.code == code, ended.err


@pytest.mark.parametrize("verb", ["list", "show a", "history", "verify", "pull", "check"])
def test_verbs_that_take_no_lock_do_not_offer_to_wait_for_it(staged: Staging, verb: str) -> None:
    ended = staged(TEXT).run("state", *verb.split(), "--lock-timeout", "1m")
    assert (ended.code, "bad-usage" in ended.err) == (1, True)


def test_unlocking_does_not_advise_to_wait_for_a_run_that_lives(staged: Staging) -> None:
    stage = staged(TEXT)
    lock = acquire(stage.folder / "state.json.lock", command="other", now=wall_clock(), timeout_s=0)
    ended = stage.run("state", "unlock", "some-id")
    lock.release()
    assert (ended.code, "--lock-timeout" in ended.err) == (5, False)
