"""Who made an apply, and what became of its journal, as a person meets them."""

import getpass
import os

import pytest

from tests.cli.test_interrupted import kill_once_acknowledged
from tests.stage import Stage, Staging, models

pytestmark = pytest.mark.long

EVERY = 'refresh = { every = "6h" }\n'
RUN = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_ACTOR": "octocat",
    "GITHUB_SHA": "0123456789abcdef0123456789abcdef01234567",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "acme/data",
    "GITHUB_RUN_ID": "42",
}


def killed(staged: Staging) -> Stage:
    """Kill an apply while jobs run, and take its journal away."""
    stage = staged(models(["a", "b", "c"], EVERY), job_s=4.0)
    kill_once_acknowledged(stage, 2)
    return stage


def test_history_says_who_made_each_apply_and_from_what(staged: Staging) -> None:
    stage = staged(models(["a"], EVERY))
    assert stage.run("apply", "--yes", **RUN).code == 0
    assert stage.run("state", "mark", "models.a.refresh", "--due").code == 0
    told = [line for line in stage.run("state", "history").out.splitlines() if "began" in line]
    assert "reconcile apply by octocat on " in told[0]
    assert "commit 0123456789ab, run https://github.com/acme/data/actions/runs/42" in told[0]
    assert f"reconcile state mark by {getpass.getuser()} on {os.uname().nodename}" in told[1]
    entries = stage.run("state", "history", "--format", "json").json()["entries"]
    assert entries[0]["entry"] == "began"
    assert entries[0]["commit"] == RUN["GITHUB_SHA"]


def test_an_apply_with_nothing_due_leaves_no_trace(staged: Staging) -> None:
    stage = staged(models(["a"], EVERY))
    stage.run("apply", "--yes")
    before = stage.run("state", "history").out
    stage.run("apply", "--yes", **RUN)
    assert stage.run("state", "history").out == before


def test_a_killed_apply_with_its_journal_is_no_missing_one(staged: Staging) -> None:  # F11
    assert "journal-missing" not in killed(staged).run("plan").err


def test_plan_verify_and_apply_say_that_the_journal_is_missing(staged: Staging) -> None:  # F11
    stage = killed(staged)
    (stage.folder / "reconcile.state.json.journal").unlink()
    assert "warning[journal-missing]" in stage.run("plan").err
    verified = stage.run("state", "verify")
    assert (verified.code, "journal-missing" in verified.out + verified.err) == (1, True)
    applied = stage.run("apply", "--yes")
    assert applied.code in {0, 6}
    assert "journal-missing" in applied.err
    assert "journal-missing" not in stage.run("plan").err
