"""Completion, by the shells themselves where they are installed."""

import ast
import subprocess
import sys
from pathlib import Path

import click
import pytest

from reconcile.cli.main import SHELLS, command_line
from tests.cli.shells import OFFERS, bash_offers

pytestmark = pytest.mark.long

FILE = """
[models.sales.refresh]
[models.sales.cache.daily]
[models."$(touch pwned)".refresh]
[models.ops.cache.'has space']
"""
SIGNALS = """
[defaults]
refresh.on_signal = "dbt-nightly"
[models.sales]
refresh.mode = "soft"
cache.daily.on_signal = { all = ["dbt-crm", "crm", "db$(touch pwned)"] }
cache.weekly.on_signal = ["load", 3]
"""
FLEET = """
[instances.acme]
file = "acme"
state = "acme.json"
credential = "acme"
"""
ALWAYS = ("main",)
ENDS_IN_TIME = ("terminal", "terminal.interruption")

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
        (["explain", "on_s"], {"on_signal"}),
        (["help", "sta"], {"state"}),
        (["help", "state", "m"], {"mark", "migrate", "mv"}),
        (["help", "nonsense", ""], set()),
        (["schema", "state-"], {"state-list", "state-show", "state-history", "state-said"}),
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
@pytest.mark.parametrize("before", [["signal"], ["apply", "--signal"]])
def test_a_shell_completes_signals_that_the_files_await(
    tmp_path: Path, shell: str, before: list[str]
) -> None:
    (tmp_path / "reconcile.toml").write_text(SIGNALS, encoding="utf-8")
    assert OFFERS[shell](tmp_path, "reconcile", *before, "db") == {"dbt-crm", "dbt-nightly"}


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


def test_every_command_and_option_is_offered() -> None:
    def offered(*words: str, typed: str = "") -> set[str]:
        shell = SHELLS[0](command_line, {}, "reconcile", "_")
        return {item.value for item in shell.get_completions(list(words), typed)}

    context = click.Context(command_line, info_name="reconcile")
    names = command_line.list_commands(context)
    assert offered() == set(names)
    for name in names:
        command = command_line.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            assert offered(name) == set(command.commands)
        else:
            options = {spelled for option in command.params for spelled in option.opts}
            assert options - offered(name, typed="-") <= {p.name for p in command.params}


@pytest.mark.parametrize("command", ["fleet", "sandbox"])
def test_a_command_whose_extra_is_missing_offers_nothing(command: str) -> None:
    script = (
        "import sys\n"
        "sys.modules |= dict.fromkeys(('starlette', 'uvicorn', 'procrastinate', 'psycopg'))\n"
        "from reconcile.cli.main import SHELLS, command_line\n"
        "shell = SHELLS[0](command_line, {}, 'reconcile', '_')\n"
        "print(shell.get_completions(sys.argv[1:], ''))\n"
    )
    asked = [sys.executable, "-c", script, command]
    assert subprocess.run(asked, capture_output=True, text=True, check=True).stdout == "[]\n"


def imported(folder: Path, *words: str, typed: str = "") -> set[str]:
    """Return the modules of the project that a command line needs, or a press of Tab."""
    asked = {"_RECONCILE_COMPLETE": "bash_complete", "COMP_WORDS": typed} if typed else {}
    run = (
        "import sys; from reconcile.cli.main import main; main(sys.argv[1:]); sys.exit(repr("
        "[name for name in sys.modules if name.startswith('reconcile.')]))"
    )
    told = subprocess.run(
        [sys.executable, "-c", run, *words],
        cwd=folder,
        env={"PYTHONPATH": str(Path.cwd()), "COMP_CWORD": str(typed.count(" ")), **asked},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stdout.strip()
    return {name.removeprefix("reconcile.") for name in ast.literal_eval(told.stderr)}


def test_what_is_asked_of_no_command_imports_none(tmp_path: Path) -> None:
    found = imported(tmp_path, "--version") | imported(tmp_path, "--help")
    found |= imported(tmp_path, typed="reconcile pl")
    assert found == {
        "cli",
        "terminal",
        "terminal.interruption",
        *(f"cli.{name}" for name in ALWAYS),
    }


def test_a_press_of_tab_imports_the_command_it_is_in_alone(tmp_path: Path) -> None:
    (tmp_path / "reconcile.toml").write_text(FILE, encoding="utf-8")
    found = imported(tmp_path, typed="reconcile state show models.")
    assert {name for name in found if name.startswith("cli.")} - {f"cli.{n}" for n in ALWAYS} == {
        "cli.state"
    }


def test_a_fleet_offers_its_instances(tmp_path: Path) -> None:
    (tmp_path / "fleet.toml").write_text(FLEET, encoding="utf-8")
    assert bash_offers(tmp_path, "reconcile", "fleet", "pause", "a") == {"acme"}
    assert bash_offers(tmp_path, "reconcile", "fleet", "pause", "-f", "none.toml", "a") == set()
