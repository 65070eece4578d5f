"""Completion, by the shells themselves where they are installed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reconcile.cli.arguments import command_line
from reconcile.cli.completing import levels
from reconcile.cli.completing_shells import SHELLS

TYPED = """
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_reconcile
printf '%s\\n' "${COMPREPLY[@]}"
"""
FILE = """
[models.sales.refresh]
[models.sales.cache.daily]
[models."$(touch pwned)".refresh]
[models.ops.cache.'has space']
"""


def script(folder: Path, shell: str) -> Path:
    path = folder / f"completion.{shell}"
    path.write_text(SHELLS[shell](tuple(levels(command_line()))), encoding="utf-8")
    return path


def complete(folder: Path, *words: str) -> set[str]:
    tool = folder / "bin" / "reconcile"
    tool.parent.mkdir(exist_ok=True)
    tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m reconcile "$@"\n', encoding="utf-8")
    tool.chmod(0o755)
    done = subprocess.run(
        ["bash", "--norc", "-c", TYPED, "typed", str(script(folder, "bash")), *words],
        cwd=folder,
        env={"PATH": f"{tool.parent}:/usr/bin:/bin", "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["pl"], {"plan"}),
        (["state", "m"], {"mark", "mv"}),
        (["plan", "--de"], {"--detailed-exitcode"}),
        (["apply", "--on-unknown", "h"], {"hold"}),
        (["apply", "--on-unknown", "=", "h"], {"hold"}),
        (["completion", "z"], {"zsh"}),
        (["state", "mark", "--du"], {"--due"}),
        (["nonsense", "--x"], set()),
    ],
)
def test_bash_completes_commands_options_and_choices(
    tmp_path: Path, words: list[str], found: set[str]
) -> None:
    assert complete(tmp_path, "reconcile", *words) == found


@pytest.mark.parametrize("before", [["why"], ["plan", "--force"], ["state", "show"]])
def test_bash_completes_addresses_of_the_files(tmp_path: Path, before: list[str]) -> None:
    (tmp_path / "reconcile.toml").write_text(FILE, encoding="utf-8")
    found = complete(tmp_path, "reconcile", *before, "models.s")
    assert found == {"models.sales.refresh", "models.sales.cache.daily"}


def test_names_that_a_shell_would_run_are_not_offered(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(FILE, encoding="utf-8")
    found = complete(tmp_path, "reconcile", "plan", "-f", "other.toml", "--select", "")
    assert found == {"models.sales.refresh", "models.sales.cache.daily"}
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("text", ["[models", "models = 3\n", "models.a = 1\nmodels.b.cache = 2\n"])
def test_files_that_cannot_be_read_offer_nothing_and_say_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "reconcile.toml").write_text(text, encoding="utf-8")
    assert complete(tmp_path, "reconcile", "why", "") == set()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_read_its_script(tmp_path: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([shell, "-n", str(script(tmp_path, shell))], check=True)


@pytest.mark.parametrize("shell", list(SHELLS))
def test_every_command_and_option_is_in_every_script(shell: str) -> None:
    every = tuple(levels(command_line()))
    text = SHELLS[shell](every)
    for level in every:
        assert all(part in text for part in level.path)
        for option in level.options:
            for spelling in option.spellings:
                assert spelling.lstrip("-") in text


def test_a_key_press_imports_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "reconcile.toml").write_text(FILE, encoding="utf-8")
    told = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "reconcile", "completion", "addresses"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "models.sales.refresh" in told.stdout
    imported = {line.rpartition("|")[2].strip() for line in told.stderr.splitlines()}
    assert not imported & {"pydantic", "httpx", "tomlkit", "asyncio", "deepdiff"}
