"""The workflows' shell steps, run one after the other against a real repository and Omni."""

import json
from pathlib import Path

import pytest

from reconcile.cli.configuration import IGNORED
from reconcile.sandbox.world import SANDBOX_BEARER
from tests.examples.conftest import DESIRED, Hosted, Hosting
from tests.examples.forge import Forge
from tests.examples.reading import workflow
from tests.examples.runner import Step, git
from tests.examples.test_commenting import comment, forge

pytestmark = pytest.mark.long

__all__ = ["forge"]

SCRIPTS = ".github/reconcile"
ITEMS = {"models.sales.refresh", "models.sales.cache.daily"}


def applied(hosted: Hosted, name: str, digest: str = "") -> dict[str, Step]:
    values = {
        "vars.OMNI_BASE_URL": hosted.base_url,
        "secrets.OMNI_API_KEY": SANDBOX_BEARER,
        "inputs.digest": digest,
        "github.token": "a-token",
    }
    return hosted.runner.job(workflow("apply"), hosted.clone(name), values)


def planned(hosted: Hosted, name: str) -> tuple[Path, dict[str, Step]]:
    folder = hosted.clone(name)
    git(folder, "fetch", "--quiet", "origin", "refs/pull/7/merge")
    git(folder, "checkout", "--quiet", "--detach", "FETCH_HEAD")
    values = {"github.event.pull_request.number": "7"}
    return folder, hosted.runner.job(workflow("plan"), folder, values)


def proposed(hosted: Hosted, text: str) -> None:
    """Open pull request 7, merged for trial as GitHub does."""
    git(hosted.work, "checkout", "--quiet", "-b", "proposal")
    hosted.commit(text, "Propose")
    git(hosted.work, "checkout", "--quiet", "main")
    git(hosted.work, "merge", "--quiet", "--no-ff", "-m", "Merge", "proposal")
    git(hosted.work, "push", "--quiet", "origin", "HEAD:refs/pull/7/merge")


def merged(hosted: Hosted, text: str) -> None:
    hosted.commit(text, "Merge")
    git(hosted.work, "push", "--quiet", "origin", "main")


def test_a_second_run_sends_nothing(hosted: Hosting) -> None:
    host = hosted("github-actions", SCRIPTS)
    first = applied(host, "first")
    assert [step.code for step in first.values()] == [0, 0, 0], first
    assert (host.sent(), set(json.loads(host.state())["items"])) == (2, ITEMS)
    kept = git(host.bare, "ls-tree", "--name-only", "reconcile-state").splitlines()
    assert kept == ["prod.json", "prod.json.history"]
    second = applied(host, "second")
    assert [step.code for step in second.values()] == [0, 0, 0], second
    assert host.sent() == 2
    assert second["Save the state"].out == "The state is unchanged.\n"


# G15
def test_the_history_travels_with_the_state(hosted: Hosting) -> None:
    host = hosted("github-actions", SCRIPTS)
    applied(host, "first")
    folder = host.clone("look")
    host.runner.shell(f"{SCRIPTS}/load-state.sh", folder)
    told = host.runner.shell("reconcile state history --state reconcile-state/prod.json", folder)
    assert (told.code, told.err, told.out.count("intent")) == (0, "", 2), told


# G15
def test_the_history_that_travels_names_the_run_and_the_commit_of_each_apply(
    hosted: Hosting,
) -> None:
    host = hosted("github-actions", SCRIPTS)
    host.runner.more |= {
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTOR": "ann",
        "GITHUB_REPOSITORY": "acme/models",
        "GITHUB_RUN_ID": "42",
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_SHA": "c0ffee" * 6 + "c0ff",
    }
    applied(host, "first")
    folder = host.clone("look")
    host.runner.shell(f"{SCRIPTS}/load-state.sh", folder)
    told = host.runner.shell("reconcile state history --state reconcile-state/prod.json", folder)
    (began,) = [line for line in told.out.splitlines() if "began" in line]
    assert "by ann" in began
    assert "commit c0ffee" in began
    assert "https://github.example/acme/models/actions/runs/42" in began


# G15
@pytest.mark.parametrize("suffix", ["", ".journal", ".history", ".session"])
def test_all_of_the_states_family_that_must_travel_does(hosted: Hosting, suffix: str) -> None:
    host = hosted("github-actions", SCRIPTS)
    folder = host.clone("first")
    host.runner.shell(f"{SCRIPTS}/load-state.sh", folder)
    for other in ("", ".journal", ".history", ".session", *_OF_ONE_MACHINE):
        (folder / "reconcile-state" / f"prod.json{other}").write_text("{}")
    assert host.runner.shell(f"{SCRIPTS}/save-state.sh", folder).code == 0
    kept = git(host.bare, "ls-tree", "--name-only", "reconcile-state").splitlines()
    assert f"prod.json{suffix}" in kept
    assert not {f"prod.json{other}" for other in _OF_ONE_MACHINE} & set(kept)


_OF_ONE_MACHINE = tuple(
    pattern.removeprefix("*").replace("tmp-*", "tmp-1a2b") for pattern in IGNORED
)


def test_a_partly_applied_run_saves_its_state_and_fails(hosted: Hosting) -> None:
    host = hosted("github-actions", SCRIPTS, "refresh:400")
    ended = applied(host, "first")
    assert (ended["Apply"].code, ended["Save the state"].code) == (6, 0), ended
    assert "models.sales.refresh" in host.state()


def test_a_state_that_another_run_pushed_meanwhile_is_not_overwritten(hosted: Hosting) -> None:
    host = hosted("github-actions", SCRIPTS)
    folders = [host.clone("early"), host.clone("late")]
    for folder in folders:
        host.runner.shell(f"{SCRIPTS}/load-state.sh", folder)
        (folder / "reconcile-state" / "prod.json").write_text(folder.name)
    early, late = [host.runner.shell(f"{SCRIPTS}/save-state.sh", folder) for folder in folders]
    assert (early.code, late.code, host.state()) == (0, 1, "early")
    assert "was not saved" in late.err


def test_a_token_answers_git_and_is_written_nowhere(hosted: Hosting, tmp_path: Path) -> None:
    host = hosted("github-actions", SCRIPTS)
    folder = host.clone("first")
    host.runner.shell(f"{SCRIPTS}/load-state.sh", folder)
    (folder / "reconcile-state" / "prod.json").write_text("{}")
    trace = {"STATE_TOKEN": "a-token", "GIT_TRACE": str(tmp_path / "trace")}
    assert host.runner.shell(f"{SCRIPTS}/save-state.sh", folder, trace).code == 0
    kept = [path for path in (folder / ".git").rglob("*") if path.is_file()]
    assert [path for path in [*kept, tmp_path / "trace"] if b"a-token" in path.read_bytes()] == []


def test_a_missing_branch_is_not_a_beginning(hosted: Hosting) -> None:
    host = hosted("github-actions", SCRIPTS)
    git(host.bare, "branch", "-D", "reconcile-state")
    ended = applied(host, "first")
    assert (ended["Load the state"].code, host.sent()) == (1, 0)
    assert "Apply" not in ended


@pytest.mark.parametrize(
    "digest", ["0" * 12, "--allow=calls=9", "x'; touch hacked; '", "$(touch hacked)"]
)
def test_a_digest_is_a_value_and_must_match(hosted: Hosting, digest: str) -> None:
    host = hosted("github-actions", SCRIPTS)
    ended = applied(host, "first", digest)
    assert (ended["Apply"].code, host.sent()) == (4, 0), ended
    assert not (host.work.parent / "first" / "hacked").exists()


def test_the_approved_plan_is_applied(hosted: Hosting) -> None:
    host = hosted("github-actions", SCRIPTS)
    folder = host.clone("look")
    host.runner.shell(f"{SCRIPTS}/load-state.sh", folder)
    command = "reconcile plan --state reconcile-state/prod.json --format json"
    digest = json.loads(host.runner.shell(command, folder).out)["digest"]
    ended = applied(host, "first", digest)
    assert (ended["Apply"].code, host.sent()) == (0, 2), ended


def test_a_plan_goes_to_the_summary_and_is_handed_over(hosted: Hosting) -> None:
    host = hosted("github-actions", SCRIPTS)
    proposed(host, DESIRED.replace("6h", "3h"))
    folder, ended = planned(host, "plan")
    assert [step.code for step in ended.values()] == [0, 0], ended
    plan = (folder / "handed-over" / "plan.md").read_text()
    assert "| changed `models.sales.refresh` | `every 6h` | `every 3h` |" in plan
    assert "- against `origin/main` at `" in plan
    assert (host.runner.home / "summary.md").read_text() == plan
    assert (folder / "handed-over" / "pull-request").read_text() == "7\n"


BLOCKED = f"{DESIRED}\n[limits]\ncalls = 1\n"
BROKEN = (
    DESIRED.replace("6h", "six hours"),
    DESIRED.replace("refresh =", "refrehs ="),
    DESIRED.replace('"6h"', '"6h'),
    "~~~~~~~~~\n" + DESIRED,
)


def told(forge: Forge, folder: Path) -> str:
    """Hand over what the plan left to the commenting step, and return the comment."""
    left = {path.name: path.read_bytes() for path in (folder / "handed-over").iterdir()}
    assert comment(forge, folder, **left) == ""
    body: str = forge.written[-1][2]["body"]
    return body


# G1
def test_a_plan_that_a_limit_blocks_fails_and_is_the_one_to_see(
    hosted: Hosting, forge: Forge
) -> None:
    host = hosted("github-actions", SCRIPTS)
    proposed(host, BLOCKED)
    folder, ended = planned(host, "plan")
    assert [step.code for step in ended.values()] == [0, 3], ended
    plan = (folder / "handed-over" / "plan.md").read_text()
    assert plan.splitlines()[1].startswith("### Blocked: 2 calls")
    assert (host.runner.home / "summary.md").read_text() == plan
    assert "### Blocked: 2 calls" in told(forge, folder)


@pytest.mark.parametrize("text", BROKEN, ids=["value", "key", "syntax", "tildes"])
def test_a_mistake_in_the_file_fails_the_plan_and_the_comment_says_where(
    hosted: Hosting, forge: Forge, text: str
) -> None:
    host = hosted("github-actions", SCRIPTS)
    host.runner.more["GITHUB_ACTIONS"] = "true"
    proposed(host, text)
    folder, ended = planned(host, "plan")
    assert [step.code for step in ended.values()] == [0, 1], ended
    assert "::error file=reconcile.toml,line=" in ended["Plan"].err
    body = told(forge, folder)
    assert "### This change breaks the configuration: " in body
    assert " --> reconcile.toml:" in body
    summary = (host.runner.home / "summary.md").read_text()
    assert body.endswith(summary.partition("\n")[2])


def test_a_plan_that_ends_without_a_word_still_replaces_the_comment(
    hosted: Hosting, forge: Forge
) -> None:
    host = hosted("github-actions", SCRIPTS)
    proposed(host, DESIRED.replace("6h", "3h"))
    host.runner.variables()
    (host.runner.home / "bin" / "reconcile").write_text("#!/bin/sh\nexit 137\n")
    folder, ended = planned(host, "plan")
    assert ended["Plan"].code == 137
    assert "### There is no plan of this change" in told(forge, folder)


# G1
def test_an_apply_that_a_limit_blocks_fails_and_sends_nothing(hosted: Hosting) -> None:
    host = hosted("github-actions", SCRIPTS)
    merged(host, BLOCKED)
    ended = applied(host, "first")
    assert (ended["Apply"].code, host.sent()) == (3, 0), ended
    assert "--allow calls=2" in ended["Apply"].err
    assert ended["Save the state"].code == 0


@pytest.mark.parametrize("text", BROKEN, ids=["value", "key", "syntax", "tildes"])
def test_an_apply_of_a_broken_file_fails_and_sends_nothing(hosted: Hosting, text: str) -> None:
    host = hosted("github-actions", SCRIPTS)
    merged(host, text)
    ended = applied(host, "first")
    assert (ended["Apply"].code, host.sent()) == (1, 0), ended
    assert ended["Save the state"].out == "The state is unchanged.\n"
