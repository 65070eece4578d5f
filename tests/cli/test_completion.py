"""Completion, by the shells themselves where they are installed."""

import subprocess
import sys
from pathlib import Path

import pytest

from reconcile.cli.completion import SHELLS, levels
from reconcile.cli.main import command_line
from tests.cli.shells import OFFERS, bash_offers

FILE = """
[models.sales.refresh]
[models.sales.cache.daily]
[models."$(touch pwned)".refresh]
[models.ops.cache.'has space']
"""


every_shell = pytest.mark.parametrize("shell", list(OFFERS))


@every_shell
@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["pl"], {"plan"}),
        (["state", "m"], {"mark", "migrate", "mv"}),
        (["plan", "--de"], {"--detailed-exitcode"}),
        (["apply", "--on-unknown", "h"], {"hold"}),
        (["completion", "z"], {"zsh"}),
        (["state", "mark", "--du"], {"--due"}),
        (["schema", "state-"], {"state-list", "state-show", "state-history"}),
        (["nonsense", "--x"], set()),
    ],
)
def test_a_shell_completes_commands_options_and_choices(
    tmp_path: Path, shell: str, words: list[str], found: set[str]
) -> None:
    assert OFFERS[shell](tmp_path, "reconcile", *words) == found


@every_shell
@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["apply", "--on-unknown=h"], {"hold"}),
        (["plan", "--format=", "--color"], {"--color"}),
        (["state", "list", "--color=a"], {"always", "auto"}),
        (["plan", "--file=other.toml", "--force=models.sales.r"], {"models.sales.refresh"}),
    ],
)
def test_a_shell_completes_what_follows_an_equals_sign(
    tmp_path: Path, shell: str, words: list[str], found: set[str]
) -> None:
    (tmp_path / "other.toml").write_text(FILE, encoding="utf-8")
    assert OFFERS[shell](tmp_path, "reconcile", *words) == found


@every_shell
@pytest.mark.parametrize("before", [["why"], ["plan", "--force"], ["state", "show"]])
def test_a_shell_completes_addresses_of_the_files(
    tmp_path: Path, shell: str, before: list[str]
) -> None:
    (tmp_path / "reconcile.toml").write_text(FILE, encoding="utf-8")
    found = OFFERS[shell](tmp_path, "reconcile", *before, "models.s")
    assert found == {"models.sales.refresh", "models.sales.cache.daily"}


@every_shell
def test_names_that_a_shell_would_run_are_not_offered(tmp_path: Path, shell: str) -> None:
    (tmp_path / "other.toml").write_text(FILE, encoding="utf-8")
    found = OFFERS[shell](tmp_path, "reconcile", "plan", "-f", "other.toml", "--select", "models.")
    assert found == {"models.sales.refresh", "models.sales.cache.daily"}
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_files_are_offered_where_a_file_belongs(tmp_path: Path, shell: str) -> None:
    (tmp_path / "other.toml").write_text(FILE, encoding="utf-8")
    for words in (["-f", "oth"], ["--file=oth"]):
        assert OFFERS[shell](tmp_path, "reconcile", "plan", *words) == {"other.toml"}


@pytest.mark.parametrize("text", ["[models", "models = 3\n", "models.a = 1\nmodels.b.cache = 2\n"])
def test_files_that_cannot_be_read_offer_nothing_and_say_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "reconcile.toml").write_text(text, encoding="utf-8")
    assert bash_offers(tmp_path, "reconcile", "why", "") == set()


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
