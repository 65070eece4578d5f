"""What people expect of any command line: short forms, names without -f, a look before a change."""

import json
import re
from pathlib import Path
from shlex import split
from typing import Any

import pytest
from click import Context, Group

from reconcile import __version__
from reconcile.cli.main import EXAMPLES, TABLE, command_line
from reconcile.sandbox.instance import Operation
from tests.command_line import parsed
from tests.stage import Stage, Staging, models

SETTINGS: dict[str, Any] = dict(command_line.context_settings)
"""Click keeps the option for help that a command was first asked for with."""

TWO = models(["crm", "sales"], 'refresh = { every = "6h" }\ncache.daily = { every = "1h" }\n')


@pytest.fixture
def stage(staged: Staging) -> Stage:
    return staged(TWO)


def test_the_version_has_its_short_form(stage: Stage) -> None:
    assert stage.run("-V").out == f"reconcile {__version__}\n"


@pytest.mark.parametrize("command", [(), ("plan",), ("state", "rm")])
def test_help_of_a_command_is_what_its_option_prints(
    stage: Stage, command: tuple[str, ...]
) -> None:
    asked = stage.run("help", *command)
    assert (asked.code, asked.out) == (0, stage.run(*command, "--help").out)


@pytest.mark.parametrize("words", [(), ("state",)])
def test_nothing_but_a_group_of_commands_shows_what_there_is(
    stage: Stage, words: tuple[str, ...]
) -> None:
    ran = stage.run(*words)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == stage.run(*words, "--help").out


def test_help_of_what_is_none_names_the_nearest(stage: Stage) -> None:
    assert "Did you mean plan?" in stage.run("help", "plna").err


@pytest.mark.parametrize(
    "words", ["--json plan", "-f x plan", "--color never plan", "state -v list"]
)
def test_an_option_before_its_command_is_told_where_options_belong(
    stage: Stage, words: str
) -> None:
    told = stage.run(*words.split()).err
    assert ("Options follow the command." in told, "Did you mean" in told) == (True, False)
    assert "Did you mean --version?" in stage.run("--verison").err


@pytest.mark.parametrize("words", ["help state mark", "completion zsh", "docs install"])
def test_a_text_is_the_one_thing_that_its_document_says(stage: Stage, words: str) -> None:
    plain = stage.run(*words.split()).out
    assert stage.run(*words.split(), "--json").json()["text"].strip() == plain.strip()


@pytest.mark.parametrize("words", [("show", "--json"), ("--json", "show")[::-1]])
def test_json_has_its_short_form(stage: Stage, words: tuple[str, ...]) -> None:
    assert stage.run(*words).json()["items"]
    assert json.loads(stage.run("show", "--json", "--colour").err)["diagnostics"]


def test_an_exclusion_leaves_items_out_of_plan_and_apply(stage: Stage) -> None:
    told = stage.run("plan", "--exclude", "*.cache.*", "--json").json()
    assert [a["addresses"] for a in told["actions"]] == [
        ["models.crm.refresh"],
        ["models.sales.refresh"],
    ]
    applied = stage.run("apply", "--yes", "--select", "models.crm.*", "--exclude", "*.refresh")
    assert applied.code == 0
    assert [exchange.operation for exchange in stage.calls()] == [Operation.RESET]


def test_an_exclusion_that_matches_nothing_is_refused(stage: Stage) -> None:
    told = stage.run("plan", "--exclude", "models.crn.*")
    assert (told.code, told.out) == (1, "")
    assert '--exclude "models.crn.*" matches nothing' in told.err


def test_a_saved_plan_keeps_its_exclusion(stage: Stage) -> None:
    stage.run("plan", "--exclude", "models.crm.*", "--out", "saved.plan")
    assert stage.run("apply", "saved.plan").code == 0
    stage.write(TWO.replace("1h", "2h"))
    assert "plan --exclude 'models.crm.*' --out" in stage.run("apply", "saved.plan").err


def test_the_file_is_found_from_a_folder_of_the_repository(stage: Stage) -> None:
    (stage.folder / ".git").mkdir()
    below = stage.folder / "models" / "sales"
    below.mkdir(parents=True)
    stage.folder = below
    assert stage.run("validate").out == "Valid: 2 models, 2 refreshes, 2 resets.\n"
    assert "--> ../../reconcile.toml" in broken(stage, below.parents[1])


def broken(stage: Stage, folder: Path) -> str:
    (folder / "reconcile.toml").write_text("[modles.x]\n")
    return stage.run("validate").err


def test_beyond_a_repository_no_file_is_looked_for(stage: Stage) -> None:
    inner = stage.folder / "inner"
    (inner / ".git").mkdir(parents=True)
    stage.folder = inner
    assert "error[file-not-found]" in stage.run("validate").err


def test_init_begins_where_it_is_run(stage: Stage) -> None:
    (stage.folder / ".git").mkdir()
    stage.folder /= "new"
    stage.folder.mkdir()
    assert stage.run("init").code == 0
    assert (stage.folder / "reconcile.toml").is_file()


def test_records_are_listed_by_pattern_and_named_before_they_are_removed(stage: Stage) -> None:
    stage.run("apply", "--yes")
    listed = stage.run("state", "list", "*.refresh").out
    assert "models.crm.refresh" in listed
    assert "cache" not in listed
    dry = stage.run("state", "rm", "models.crm", "--dry-run")
    assert dry.out == "Would remove models.crm.cache.daily\nWould remove models.crm.refresh\n"
    assert len(stage.run("state", "list", "models.crm", "--json").json()["items"]) == 2


def test_history_reaches_back_as_far_as_asked(stage: Stage) -> None:
    stage.run("apply", "--yes")
    every = stage.run("state", "history").out
    assert stage.run("state", "history", "--since", "1h").out == every
    none = stage.run("state", "history", "--since", "2199-01-01T00:00Z").out
    assert none == "Nothing has happened since 2199-01-01T00:00Z.\n"
    assert "error[bad-instant]" in stage.run("state", "history", "--since", "yesterday").err


@pytest.mark.parametrize("name", [name for names in TABLE.values() for name in names])
def test_every_help_ends_with_examples_that_can_be_run(name: str) -> None:
    command = command_line.get_command(Context(command_line), name)
    assert command is not None
    verbs = command.commands.items() if isinstance(command, Group) else ()
    told = {f"{name} {verb}": one for verb, one in verbs} or {name: command}
    for path, one in told.items():
        assert len(EXAMPLES[path]) in {2, 3}
        for line in EXAMPLES[path]:
            assert f"\n    reconcile {line}\n" in one.get_help(Context(one, **SETTINGS)) + "\n"
            assert parsed(split(re.split(" [<>]", line)[0])).path == f"reconcile {path}"


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "0"}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colour_goes_down_a_pipe_where_the_environment_asks_for_it(
    stage: Stage,
    variables: dict[str, str],
    coloured: bool,  # noqa: FBT001
) -> None:
    assert ("\x1b[" in stage.run("plan", **variables).out) == coloured
