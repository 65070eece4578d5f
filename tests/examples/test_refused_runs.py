"""Each example's own command, run on a plan that a limit blocks and on files with a mistake."""

import ast
import shlex
from collections.abc import Iterator, Mapping
from configparser import ConfigParser

import pytest

from tests.canary import CANARY
from tests.examples.conftest import DESIRED
from tests.examples.reading import EXAMPLES, load
from tests.examples.runner import Runner
from tests.stage import Ended, Stage, Staging

pytestmark = pytest.mark.long

BLOCKED = f"{DESIRED}\n[limits]\ncalls = 1\n"
BROKEN = {
    "value": DESIRED.replace("6h", "six hours"),
    "key": DESIRED.replace("refresh =", "refrehs ="),
    "syntax": DESIRED.replace('"6h"', '"6h'),
}


def _constants(name: str) -> Mapping[str, ast.expr]:
    """Return the values that an orchestrator's module assigns or passes by name."""
    tree = ast.parse((EXAMPLES / name / "reconcile_omni.py").read_text())
    assigned = {
        ast.unparse(it.targets[0]): it.value for it in tree.body if isinstance(it, ast.Assign)
    }
    passed = {
        word.arg: word.value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        for word in call.keywords
        if word.arg
    }
    return passed | assigned


def _pod(name: str) -> Iterator[str]:
    documents = [one for path in (EXAMPLES / name).glob("*.yaml") for one in load(path)]
    (spec,) = (one["spec"] for one in documents if one["kind"] in {"CronJob", "Deployment"})
    job = spec.get("jobTemplate", {"spec": spec})["spec"]
    (container,) = job["template"]["spec"]["containers"]
    yield from (*container["command"], *container["args"])


def _unit() -> str:
    unit = ConfigParser(strict=False, interpolation=None)
    unit.read(EXAMPLES / "controller" / "reconcile.service")
    return unit["Service"]["ExecStart"].removeprefix("/opt/reconcile/bin/")


COMMANDS = {
    "airflow": str(ast.literal_eval(_constants("airflow")["bash_command"])),
    "dagster": shlex.join(ast.literal_eval(_constants("dagster")["APPLY"])),
    "prefect": shlex.join(ast.literal_eval(_constants("prefect")["APPLY"])),
    "kubernetes": shlex.join(_pod("kubernetes")),
    "controller": f"{_unit()} --once",
    "controller pod": f"{shlex.join(_pod('controller'))} --once",
}
every_command = pytest.mark.parametrize("name", COMMANDS)


def run(stage: Stage, name: str, text: str) -> Ended:
    """Run a command with its folders in place of a machine's, and a port of its own."""
    stage.write(text)
    (stage.folder / "token").write_text("0123456789abcdef" * 4)
    command = COMMANDS[name].replace("=0.0.0.0:8470", "=127.0.0.1:0").replace(":8470", ":0")
    for folder in ("/opt/reconcile/", "/desired/", "/state/", "/page/"):
        command = command.replace(folder, f"{stage.folder}/")
    credential = {"OMNI_BASE_URL": stage.base_url, "OMNI_API_KEY": CANARY}
    done = Runner(stage.folder / "home").shell(command, stage.folder, credential)
    return Ended(done.code, done.out, done.err)


@every_command
def test_what_is_due_is_applied(staged: Staging, name: str) -> None:
    stage = staged(DESIRED)
    done = run(stage, name, DESIRED)
    assert (done.code, len(stage.calls())) == (0, 2), done


# G1
@every_command
def test_a_run_that_a_limit_blocks_fails_and_sends_nothing(staged: Staging, name: str) -> None:
    stage = staged(DESIRED)
    done = run(stage, name, BLOCKED)
    assert (done.code, stage.calls()) == (3, []), done
    assert "limit" in done.out + done.err


@every_command
@pytest.mark.parametrize("mistake", BROKEN)
def test_a_run_of_files_with_a_mistake_fails_and_its_log_says_where(
    staged: Staging, name: str, mistake: str
) -> None:
    stage = staged(DESIRED)
    done = run(stage, name, BROKEN[mistake])
    assert (done.code, stage.calls()) == (1, []), done
    assert "reconcile.toml" in done.err


@every_command
def test_a_run_whose_calls_fail_in_part_fails(staged: Staging, name: str) -> None:
    stage = staged(DESIRED, faults="refresh:400")
    done = run(stage, name, DESIRED)
    assert done.code == 6, done
