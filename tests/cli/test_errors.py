"""Mistakes as a user, a program and GitHub Actions are told of them."""

import json
from pathlib import Path

import pytest

from tests.logged_world import LoggedWorld
from tests.stage import SALES, Stage

GOOD = f'[models.sales]\nid = "{SALES}"\nrefresh = {{ every = "6h" }}\n'
BAD = '[models.ops]\nid = "no-uuid"\n\n[models.ops.refresh]\nevrey = "6h"\n'


@pytest.fixture
def bare(tmp_path: Path) -> Stage:
    return Stage(tmp_path, "http://127.0.0.1:1", LoggedWorld([]))


@pytest.fixture
def folder(bare: Stage) -> Stage:
    (bare.folder / "live").mkdir()
    bare.write(GOOD, "live/a.toml")
    bare.write(BAD, "live/b.toml")
    return bare


@pytest.mark.parametrize("format_", ["text", "github"])
def test_a_mistake_in_a_directory_is_annotated_in_its_own_file_and_line(
    folder: Stage, format_: str
) -> None:
    told = folder.run("plan", "-f", "live", "--format", format_, GITHUB_ACTIONS="true")
    annotations = [line for line in told.err.splitlines() if line.startswith("::")]
    assert (told.code, told.out) == (1, "")
    assert annotations[0].startswith("::error file=live/b.toml,line=2,col=6,title=not-a-uuid%3A")
    assert any(line.startswith("::error file=live/b.toml,line=5,") for line in annotations)


def test_annotations_name_files_from_the_root_of_the_checkout(folder: Stage) -> None:
    root = str(folder.folder.parent)
    told = folder.run("validate", "-f", "live", GITHUB_ACTIONS="true", GITHUB_WORKSPACE=root)
    assert f"::error file={folder.folder.name}/live/b.toml,line=2" in told.err


@pytest.mark.parametrize("runner", ["", "true"])
def test_errors_are_json_on_standard_error_with_the_file_they_are_in(
    folder: Stage, runner: str
) -> None:
    told = folder.run("validate", "-f", "live", "--format", "json", GITHUB_ACTIONS=runner)
    diagnostics = json.loads(told.err)["diagnostics"]
    assert {place["file"] for d in diagnostics for place in d["places"]} == {"live/b.toml"}
    assert {place["line"] for d in diagnostics for place in d["places"]} == {2, 5}


@pytest.mark.parametrize(
    "arguments", [["plna"], ["plan", "--frm"], ["explain", "--format", "xml"], ["state", "lst"]]
)
def test_a_mistake_in_usage_is_an_error_and_never_says_that_calls_are_due(
    bare: Stage, arguments: list[str]
) -> None:
    told = bare.run(*arguments)
    assert (told.code, told.out) == (1, "")
    assert told.err.startswith("error[bad-usage]:")


def test_a_misspelt_command_gets_the_nearest(bare: Stage) -> None:
    assert "Did you mean plan?" in bare.run("plna").err


@pytest.mark.parametrize(
    ("arguments", "headline"),
    [
        ("plan --aganst main", "reconcile plan: No such option '--aganst'"),
        ("plna", "reconcile: No such command 'plna'"),
        ("state lst", "reconcile state: No such command 'lst'"),
        ("why", "reconcile why: Missing argument 'ADDRESS'"),
        ("apply --lock-timeout ten", "reconcile apply: Invalid value for '--lock-timeout'"),
        ("plan -f nope.toml", "no such file: nope.toml"),
    ],
)
def test_a_headline_names_what_was_wrong_with_the_command(
    bare: Stage, arguments: str, headline: str
) -> None:
    assert bare.run(*arguments.split()).err.partition("]: ")[2].startswith(headline)


def test_a_mistake_in_usage_is_json_where_json_was_asked_for(bare: Stage) -> None:
    told = bare.run("plan", "--frm", "--format", "json")
    assert json.loads(told.err)["diagnostics"][0]["code"] == "bad-usage"


IDLE_FREEZE = '[[freeze]]\nname = "x"\nallow = "01:00-05:00"\nmatch = ["models.nobody.*"]\n'


def test_warnings_and_the_error_after_them_are_one_document(bare: Stage) -> None:
    bare.write(f"{GOOD}{IDLE_FREEZE}")
    told = bare.run("plan", "--live", "--json", OMNI_API_KEY="")
    codes = [one["code"] for one in json.loads(told.err)["diagnostics"]]
    assert codes == ["freeze-matches-nothing", "half-a-credential"]


def test_a_command_that_stays_tells_a_document_a_line(bare: Stage) -> None:
    told = bare.run("run", "--once", "--json", "-f", "nope.toml")
    (line,) = told.err.splitlines()
    assert json.loads(line)["diagnostics"][0]["code"] == "file-not-found"


def test_nothing_outside_of_actions_looks_like_a_command_to_it(folder: Stage) -> None:
    assert "::" not in folder.run("validate", "-f", "live").err
