"""What others take from the repository itself: the hooks, the action, the release, an image."""

import os
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconcile import DISTRIBUTION, __version__
from tests.command_line import parsed
from tests.examples.reading import EXAMPLES, EXPRESSION, environment, steps
from tests.examples.runner import git
from tests.examples.test_workflow_rights import PINNED

ROOT = Path(__file__).parents[2]
RELEASE = ROOT / ".github" / "workflows" / "release.yml"
ACTION = ROOT / ".github" / "actions" / "setup" / "action.yml"
SALES = "bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed"
UNTIDY = f"[models.sales]\nid='{SALES}'\nrefresh = {{ every = '6h' }}\n"

installs = pytest.mark.installs
with_lint = pytest.mark.skipif(
    find_spec("pre_commit") is None, reason="pre-commit is not installed: --group lint"
)


def document(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found


def offline() -> dict[str, str]:
    """Let pip find what this environment has: the tool alone is built and installed."""
    return {
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it as the opposite of its name
        "PIP_NO_INDEX": "1",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path.endswith("-packages")),
    }


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Put the files that a wheel is built of under a tag."""
    folder = tmp_path_factory.mktemp("repository")
    listed = git(ROOT, "ls-files", "--", "pyproject.toml", "README.md", "LICENSE", "reconcile")
    for name in [*listed.splitlines(), ".pre-commit-hooks.yaml"]:
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "It")
    git(folder, "tag", "v1")
    return folder


def test_every_hook_runs_a_command_that_exists() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert {hook["id"] for hook in hooks} == {"reconcile-fmt", "reconcile-validate"}
    for hook in hooks:
        assert parsed([*shlex.split(hook["entry"])[1:], "reconcile.toml"]).path == hook["name"]


@installs
@with_lint
def test_pre_commit_installs_the_hooks_and_they_stop_a_commit(
    repository: Path, tmp_path: Path
) -> None:
    hooks = [{"id": "reconcile-fmt"}, {"id": "reconcile-validate"}]
    config = {"repos": [{"repo": str(repository), "rev": "v1", "hooks": hooks}]}
    (tmp_path / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    (tmp_path / "reconcile.toml").write_text(UNTIDY.replace("6h", "6x"))
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")

    def run() -> str:
        done = subprocess.run(
            [sys.executable, "-m", "pre_commit", "run", "--color=never"],
            cwd=tmp_path,
            env=environment(HOME=str(tmp_path), **offline()),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    told = run()
    assert re.findall(r"^(reconcile \w+)\.+(\w+)$", told, re.MULTILINE) == [
        ("reconcile fmt", "Failed"),
        ("reconcile validate", "Failed"),
    ]
    assert "error[bad-duration]" in told
    (tmp_path / "reconcile.toml").write_text(UNTIDY.replace("'", '"').replace("id=", "id = "))
    git(tmp_path, "add", ".")
    assert "Failed" not in run()


@installs
@with_lint
def test_the_action_puts_the_command_on_the_path_and_nothing_else(tmp_path: Path) -> None:
    (step,) = document(ACTION)["runs"]["steps"]
    files = {"GITHUB_PATH": str(tmp_path / "path"), "GITHUB_OUTPUT": str(tmp_path / "output")}
    build = ["uv", "build", "--quiet", "--wheel", "--out-dir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    given = {"EXTRAS": "", "SOURCE": str(wheel)}
    assert set(step["env"]) == set(given)
    more = {"RUNNER_TEMP": str(tmp_path), "HOME": str(tmp_path), **offline()}
    subprocess.run(
        ["bash", "-e", "-c", step["run"]], env=environment(**files, **given, **more), check=True
    )
    (added,) = (tmp_path / "path").read_text().split()
    assert [path.name for path in Path(added).iterdir()] == ["reconcile"]
    assert (tmp_path / "output").read_text() == f"version={__version__}\n"


@pytest.mark.fault("Z30")
def test_every_action_of_a_release_is_pinned_and_no_expression_reaches_a_shell() -> None:
    used = [line for line in RELEASE.read_text().splitlines() if "uses:" in line]
    assert [line for line in used if not PINNED.match(line)] == []
    taken = [*steps(document(RELEASE)), *document(ACTION)["runs"]["steps"]]
    assert [step for step in taken if EXPRESSION.search(step.get("run", ""))] == []


def test_a_release_is_made_of_what_was_tested_and_attested() -> None:
    jobs = document(RELEASE)["jobs"]
    assert jobs["release"]["needs"] == ["test", "build"]
    assert jobs["publish"]["needs"] == ["release"]
    order = [
        step.get("name", step.get("uses", "").split("@")[0]) for step in jobs["build"]["steps"]
    ]
    assert order[-4:] == ["Build", "Test the wheel", "actions/attest", "actions/upload-artifact"]
    assert jobs["test"]["steps"][-1]["run"] == ".ci/run"
    assert document(RELEASE)["permissions"] == {}


def test_the_image_is_built_of_wheels_alone_and_runs_as_nobody() -> None:
    text = (EXAMPLES / "container" / "Containerfile").read_text()
    assert f'"--no-index", "--find-links", "/wheels", \\\n     "{DISTRIBUTION}[' in text
    assert "USER 10001:10001" in text
    assert 'ENTRYPOINT ["reconcile"]' in text


def test_the_image_has_the_extras_that_the_deployments_need() -> None:
    folder = EXAMPLES / "container"
    told = (folder / "Containerfile").read_text() + (folder / "README.md").read_text()
    first, second = re.findall(r"\[(controller,[a-z,]+)\]", told)
    deployments = EXAMPLES.glob("*/deployment.yaml")
    needed = [re.findall(r"image: .* extras? (.+)", it.read_text())[0] for it in deployments]
    assert first == second
    assert set(re.split(r", | and ", ", ".join(needed))) <= set(first.split(","))
