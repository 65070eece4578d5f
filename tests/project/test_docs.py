"""The documents are those of this code: what can be made from it is, and is up to date."""

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

import reconcile
from reconcile.cli.explain import Key, all_keys, explanations, find_keys
from reconcile.cli.main import TABLE, command_line
from reconcile.config.load import load_text
from reconcile.errors import EXIT_CODES, MESSAGES, ReconcileError
from tests.command_line import parsed
from tests.logged_world import LoggedWorld
from tests.stage import Stage

DOCS = Path(reconcile.__file__).with_name("docs")
PAGES = sorted(DOCS.glob("*.md"))
SAME = {"defaults.refresh": "refresh", "select.refresh": "refresh"}
SAME |= {"defaults.cache": "cache.NAME", "select.cache.NAME": "cache.NAME"}
MADE = "Made from the code: `pytest tests/project/test_docs.py --update-snapshots`.\n"


def keys() -> Iterator[str]:
    yield "# Keys: everything a file can say\n\n"
    yield "What a key takes, what it is where it is left out, and an example. Where a cell says "
    yield "*else*, that key is looked at next. NAME is a name of your own, or a policy's in Omni. "
    yield f"`reconcile explain KEY` shows one of them. {MADE}"
    sections: dict[str, list[Key]] = {}
    for key in sorted(all_keys(), key=lambda key: key.path[0] != "models" and key.header != ""):
        sections.setdefault(key.header, []).append(key)
    for header, group in sections.items():
        place = header.strip("[]")
        if place in SAME:
            yield f"\n## {header}\n\nThe keys of `[models.NAME.{SAME[place]}]`.\n"
        elif not place.startswith(tuple(f"{place}." for place in SAME)):
            yield f"\n## {header or 'The file'}\n\n"
            yield "| key | takes | left out | |\n|---|---|---|---|\n"
            yield from map(row, group)


def row(key: Key) -> str:
    left_out = [f"*else* `{other}`" for other in key.inherits]
    left_out += [f"`{key.default}`"] if key.default else []
    meaning = key.meaning + (f" `{key.example}`" if key.example else "")
    cells = (f"`{key.path[-1]}`", key.takes, ", ".join(left_out), meaning)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def commands() -> Iterator[str]:
    yield f"# Commands\n\nAs `reconcile COMMAND --help` prints them. {MADE}"
    for heading, names in TABLE.items():
        yield f"\n## {heading}\n"
        for name in names:
            settings = {**command_line.context_settings, "terminal_width": 100}
            context = click.Context(command_line, info_name="reconcile", **settings)
            command = command_line.get_command(context, name)
            assert command is not None
            yield from usage(command, click.Context(command, context, name, terminal_width=100))


def usage(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"\n### {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for name, verb in command.commands.items():
            yield from usage(verb, click.Context(verb, context, name, terminal_width=100))


def messages() -> Iterator[str]:
    """Make all but the explanations: those have their one place in this document."""
    yield "# Messages and exit codes\n\n`reconcile explain CODE` shows one of them. The "
    yield f"explanations are written here, all else is in the code. {MADE}"
    yield "\n## Exit codes\n\n| code | meaning |\n|--:|---|\n"
    yield from (f"| {int(code)} | {words} |\n" for code, words in EXIT_CODES.items())
    yield "\n## Codes of messages\n"
    for code, explained in sorted(MESSAGES.items()):
        yield f"\n**{code}**: {explained.headline}. {explanations()[code]}\n"


@pytest.mark.parametrize("make", [keys, commands, messages], ids=lambda make: make.__name__)
def test_a_reference_is_what_the_code_says(
    make: Callable[[], Iterator[str]], request: pytest.FixtureRequest
) -> None:
    file, text = DOCS / f"{make.__name__}.md", "".join(make())
    if request.config.getoption("--update-snapshots"):
        file.write_text(text)
    assert file.read_text() == text, "see --update-snapshots"


INCOMPLETE = {
    "after-not-declared",
    "bad-freeze",
    "bad-webhook",
    "connection-without-id",
    "days-need-at",
    "filters-need-soft",
    "lock-missing",
    "missing-key",
    "model-without-id",
    "no-cadence",
    "schedule-without-time",
    "select-without-items",
    "watched-file-missing",
}
"""What is said of a file that holds one key alone."""


@pytest.mark.parametrize("key", [key for key in all_keys() if key.example], ids=lambda it: it.name)
def test_every_example_is_taken_where_it_stands(key: Key) -> None:
    above = '[[select]]\nname = "Sales*"\n' if key.header.startswith("[select") else ""
    text = f"{above}{key.header}\n{key.example}\n"
    try:
        load_text(text, "reconcile.toml")
    except ReconcileError as error:
        codes = {one.code for one in error.diagnostics if one.severity == "error"}
        assert codes <= INCOMPLETE


def test_every_document_is_offered_by_its_title(tmp_path: Path) -> None:
    bare = Stage(tmp_path, "http://127.0.0.1:1", LoggedWorld([]))
    listed = bare.run("docs")
    assert [line.split()[0] for line in listed.out.splitlines()[:-2]] == [it.stem for it in PAGES]
    assert bare.run("docs", "tutorial").out == (DOCS / "tutorial.md").read_text()
    assert bare.run("docs", "--format", "json").json()["topics"]["install"] == "Install"
    assert "hint: reconcile docs runbook" in bare.run("docs", "runbok").err


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_what_a_document_tells_to_run_exists(path: Path) -> None:
    text = path.read_text()
    blocks = re.findall(r"```(?:sh|console)\n(.*?)```", text, re.DOTALL)
    lines = [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    inline = re.findall(r"`(reconcile [a-z][^`]*)`", prose)
    for line in [*(line for line in lines if line.startswith("reconcile ")), *inline]:
        command = re.split(r" && | #|>", line)[0]
        if not re.search(r"\bCOMMAND\b", command):
            assert parsed(shlex.split(command)[1:]).path


def test_topics_that_a_document_names_exist() -> None:
    text = "".join(path.read_text() for path in [*PAGES, DOCS.parents[1] / "README.md"])
    named = {*re.findall(r"reconcile docs (\w+)", text), *re.findall(r"docs/(\w+)\.md", text)}
    assert named <= {path.stem for path in PAGES}


def test_a_key_is_found_by_its_whole_path_and_by_its_end() -> None:
    assert [key.name for key in find_keys("models.sales.refresh.every")] == [
        "models.NAME.refresh.every"
    ]
    assert {key.path[2] for key in find_keys("hold_after")} == {"refresh", "cache"}
    assert [key for key in all_keys() if key not in find_keys(key.name)] == []


def test_a_key_is_found_by_the_header_of_its_table_and_in_the_file_of_a_fleet() -> None:
    assert find_keys("[[freeze]]") == find_keys("freeze") != ()
    assert find_keys("[models.sales.refresh]") == find_keys("models.sales.refresh") != ()
    assert {key.header for key in find_keys("models.sales.cache.daily")} == {
        "[models.NAME.cache.NAME]"
    }
    assert [key.name for key in find_keys("look_every")] == ["fleet.look_every"]
    assert [key.name for key in find_keys("instances.acme.state")] == ["instances.NAME.state"]


def test_a_key_is_explained_as_a_person_and_as_a_program_ask(tmp_path: Path) -> None:
    bare = Stage(tmp_path, "http://127.0.0.1:1", LoggedWorld([]))
    told = bare.run("explain", "models.sales.refresh.timeout").out
    assert told.startswith("models.NAME.refresh.timeout\n")
    assert "  else     defaults.refresh.timeout, then defaults.timeout\n" in told
    (key,) = bare.run("explain", "omni.base_url", "--format", "json").json()["keys"].values()
    assert (key["takes"], key["default"]) == ("text", None)
    assert "hint: reconcile explain every" in bare.run("explain", "evry").err
