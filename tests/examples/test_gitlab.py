"""The GitLab pipeline: what it may do, and its jobs' scripts run one after the other."""

from pathlib import Path
from typing import Any

import pytest

from reconcile.sandbox.world import SANDBOX_BEARER
from tests.examples.conftest import DESIRED, Hosted, Hosting
from tests.examples.forge import HEAD, NOTES, Forge, Project, serving
from tests.examples.reading import EXAMPLES, load
from tests.examples.runner import Step, git
from tests.examples.test_github_runs import BLOCKED, BROKEN

pytestmark = pytest.mark.long

PIPELINE: dict[str, Any] = load(EXAMPLES / "gitlab-ci" / ".gitlab-ci.yml")[0]
SCRIPTS = "ci/reconcile"
GIVEN = "a-token"


def job(hosted: Hosted, name: str, folder: Path, **more: str) -> Step:
    """Run a job's lines but the installation in one shell, as GitLab does."""
    before: list[str] = PIPELINE["default"]["before_script"]
    lines = [line for line in before if "install" not in line] + PIPELINE[name]["script"]
    return hosted.runner.shell("set -eo pipefail\n" + "\n".join(lines), folder, more)


def applied(hosted: Hosted, name: str) -> Step:
    credential = {"OMNI_BASE_URL": hosted.base_url, "OMNI_API_KEY": SANDBOX_BEARER}
    return job(hosted, "apply", hosted.clone(name), **credential)


def test_only_the_default_branch_applies_and_one_at_a_time() -> None:
    apply = PIPELINE["apply"]
    assert [rule["if"] for rule in apply["rules"]] == ["$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"]
    assert (apply["resource_group"], apply["environment"]["name"]) == ("reconcile", "omni")
    assert PIPELINE["default"]["interruptible"] is False


def test_a_merge_request_reads_no_variable_of_the_environment() -> None:
    plan = PIPELINE["plan"]
    assert [rule["if"] for rule in plan["rules"]] == [
        '$CI_PIPELINE_SOURCE == "merge_request_event"'
    ]
    assert "environment" not in plan
    read = (EXAMPLES / "gitlab-ci" / "steps" / "plan.sh").read_text()
    assert "OMNI_" not in read
    assert "TOKEN" not in read


def test_a_second_pipeline_sends_nothing(hosted: Hosting) -> None:
    host = hosted("gitlab-ci", SCRIPTS)
    first = applied(host, "first")
    assert (first.code, host.sent()) == (0, 2), first
    second = applied(host, "second")
    assert (second.code, host.sent()) == (0, 2), second


def test_a_partly_applied_pipeline_saves_its_state_and_fails(hosted: Hosting) -> None:
    host = hosted("gitlab-ci", SCRIPTS, "refresh:400")
    ended = applied(host, "first")
    assert (ended.code, "models.sales.refresh" in host.state()) == (6, True), ended


def proposed(hosted: Hosted, text: str) -> tuple[Path, Step]:
    """Open a merge request, and run its plan."""
    base = git(hosted.work, "rev-parse", "HEAD")
    hosted.commit(text, "Propose")
    git(hosted.work, "push", "--quiet", "origin", "HEAD:refs/heads/proposal")
    folder = hosted.clone("plan")
    git(folder, "checkout", "--quiet", "--detach", "origin/proposal")
    return folder, job(hosted, "plan", folder, CI_MERGE_REQUEST_DIFF_BASE_SHA=base)


def merged(hosted: Hosted, text: str) -> None:
    hosted.commit(text, "Merge")
    git(hosted.work, "push", "--quiet", "origin", "main")


# G1
def test_a_plan_that_a_limit_blocks_fails_and_is_the_one_to_see(hosted: Hosting) -> None:
    folder, ended = proposed(hosted("gitlab-ci", SCRIPTS), BLOCKED)
    assert ended.code == 3, ended
    assert any(line.startswith("Blocked") for line in ended.out.splitlines())
    assert "Blocked" in (folder / "plan.html").read_text()


@pytest.mark.parametrize("text", BROKEN, ids=["value", "key", "syntax", "tildes"])
def test_a_mistake_in_the_file_fails_the_plan_and_the_log_says_where_once(
    hosted: Hosting, text: str
) -> None:
    folder, ended = proposed(hosted("gitlab-ci", SCRIPTS), text)
    assert (ended.code, "reconcile.toml:" in (folder / "plan.html").read_text()) == (1, True), ended
    assert ended.err.count(" --> reconcile.toml:") == 1


def commented(hosted: Hosted, forge: Forge, folder: Path, token: str = GIVEN) -> str:
    """Run what follows a plan, and return the comment; empty if none was made."""
    more = {
        "CI_API_V4_URL": forge.base_url,
        "CI_COMMIT_SHA": HEAD,
        "CI_JOB_URL": "https://gitlab.example/job/1",
        "CI_MERGE_REQUEST_IID": "7",
        "CI_PROJECT_ID": "42",
        "COMMENT_TOKEN": token,
    }
    ended = hosted.runner.shell("\n".join(PIPELINE["plan"]["after_script"]), folder, more)
    assert (ended.code, ended.err) == (0, ""), ended
    return str(forge.written[-1][2]["body"]) if forge.written else ""


def test_a_mistake_replaces_the_comment_of_the_commit_before(hosted: Hosting) -> None:
    host = hosted("gitlab-ci", SCRIPTS)
    with serving(Project()) as forge:
        folder, _ = proposed(host, DESIRED.replace("6h", "3h"))
        plan = commented(host, forge, folder)
        other = {"id": 8, "author": {"id": 4}, "body": plan}
        forge.comments = [other, {"id": 9, "author": {"id": 3}, "body": plan}]
        (folder / "reconcile.toml").write_text(BROKEN[0])
        more = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": "HEAD"}
        assert host.runner.shell("\n".join(PIPELINE["plan"]["script"]), folder, more).code == 1
        mistake = commented(host, forge, folder)
    assert (
        plan.splitlines()[1]
        == f"Plan of {HEAD}, as [its job](https://gitlab.example/job/1) made it."
    )
    assert "### 1 changed; **" in plan
    assert "### This change breaks the configuration: " in mistake
    assert [told[:2] for told in forge.written] == [("POST", NOTES), ("PUT", f"{NOTES}/9")]


@pytest.mark.parametrize(("planned", "token"), [("<!-- x -->", ""), ("", GIVEN)])
def test_without_a_token_or_a_plan_nothing_is_commented(
    hosted: Hosting, planned: str, token: str
) -> None:
    host = hosted("gitlab-ci", SCRIPTS)
    folder = host.clone("plan")
    (folder / "plan.md").write_text(planned)
    with serving(Project()) as forge:
        assert commented(host, forge, folder, token) == ""


# G1
@pytest.mark.parametrize(("text", "code"), [(BLOCKED, 3), *((text, 1) for text in BROKEN)])
def test_a_blocked_or_broken_apply_fails_sends_nothing_and_saves_its_state(
    hosted: Hosting, text: str, code: int
) -> None:
    host = hosted("gitlab-ci", SCRIPTS)
    merged(host, text)
    ended = applied(host, "first")
    assert (ended.code, host.sent()) == (code, 0), ended


def test_a_merge_request_is_planned_as_text_and_as_a_page(hosted: Hosting) -> None:
    host = hosted("gitlab-ci", SCRIPTS)
    folder, ended = proposed(host, DESIRED.replace("6h", "3h"))
    assert (ended.code, "every 6h -> 3h" in ended.out) == (0, True), ended
    assert (folder / "plan.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("name", ["install.sh", "load-state.sh", "save-state.sh", "apply.sh"])
def test_both_pipelines_keep_the_state_in_the_same_way(name: str) -> None:
    texts = {(EXAMPLES / kind / "steps" / name).read_text() for kind in KINDS}
    assert len(texts) == 1


KINDS = ("github-actions", "gitlab-ci")
EVERY = [path for kind in KINDS for path in sorted((EXAMPLES / kind / "steps").iterdir())]


@pytest.mark.parametrize("path", EVERY, ids=lambda path: f"{path.parts[-3]}/{path.name}")
def test_a_script_can_be_copied_and_run(path: Path) -> None:
    assert path.stat().st_mode & 0o111 == 0o111
    first, *_ = path.read_text().splitlines()
    assert first in {"#!/usr/bin/env bash", "#!/usr/bin/env python3"}
    assert path.suffix == ".py" or "\nset -euo pipefail\n" in path.read_text()
