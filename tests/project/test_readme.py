"""What the README shows is what happens."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import parsed
from tests.stage import Staging, models

ROOT = Path(__file__).parents[2]
LONGEST = 110
README = (ROOT / "README.md").read_text()
SHOWN = re.findall(r"^```console\n\$ (.+?)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
SHELL = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
LINES = [line.split("#")[0].strip() for block in SHELL for line in block.splitlines()]
COMMANDS = [
    part.removeprefix("uv run ").removeprefix("reconcile ")
    for line in LINES
    for part in line.split(" && ")
    if re.match(r"(?:uv run )?reconcile ", part)
]


@pytest.mark.parametrize(("command", "output"), SHOWN, ids=[command for command, _ in SHOWN])
def test_a_shown_output_is_what_the_command_prints(command: str, output: str) -> None:
    arguments = shlex.split(command.removeprefix("uv run reconcile "))
    plain = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-m", "reconcile", *arguments],
        cwd=ROOT,
        env=plain | {"PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == output, done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_shown_command_exists_with_these_options(command: str) -> None:
    assert parsed(shlex.split(command)).path


def test_on_an_instance_of_ones_own_the_shown_commands_end_in_a_call(
    staged: Staging, tmp_path: Path
) -> None:
    stage = staged(models(["a"], 'refresh = { every = "24h" }\n'))
    (tmp_path / "reconcile.toml").unlink()
    own = COMMANDS[COMMANDS.index("init --model sales=UUID") :]
    model = "00000000-0000-4000-8000-000000000001"
    ended = [stage.run(*shlex.split(it.replace("UUID", model))) for it in own]
    assert [it.code for it in ended] == [0, 0, 1]  # Without a terminal it does not ask.
    assert "1 call is due" in ended[1].out
    assert stage.run(*own[-1].split(), "--yes").code == 0
    assert len(stage.calls()) == 1


def test_it_is_one_screen_and_a_map() -> None:
    assert len(README.splitlines()) <= LONGEST
    linked = re.findall(r"\]\(([\w/.]+)(?:#[\w-]+)?\)", README)
    assert [path for path in linked if not (ROOT / path).is_file()] == []
    documents = {path for path in linked if "docs/" in path}
    assert documents == {str(it.relative_to(ROOT)) for it in ROOT.glob("reconcile/docs/*.md")}


def test_the_first_command_does_what_it_says() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "reconcile", "rehearse", "-f", "examples/quickstart"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "of 5 calls done" in done.stdout or "calls done" in done.stdout


def test_ci_runs_exactly_the_shown_test_command() -> None:
    (command,) = [line for line in LINES if line.endswith("pytest -n 8")]
    assert command in (ROOT / ".ci" / "run").read_text().splitlines()
