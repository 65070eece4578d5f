"""`-f` given again: files and directories are one desired state, for every command."""

import subprocess
from pathlib import Path

import pytest

from reconcile.config.load import load
from reconcile.review.git import load_version
from tests.logged_world import LoggedWorld
from tests.stage import OPS, SALES, Stage, Staging

ONE = f'[state]\nurl = "state.json"\n\n[models.sales]\nid = "{SALES}"\nrefresh.every = "6h"\n'
OTHER = f'[models.ops]\nid = "{OPS}"\nrefresh.every = "6h"\n'
BOTH = ("-f", "a.toml", "-f", "b.toml")
BOTH_REFRESHES = {"models.sales.refresh", "models.ops.refresh"}


@pytest.fixture
def two(tmp_path: Path) -> Stage:
    stage = Stage(tmp_path, "http://127.0.0.1:1", LoggedWorld([]))
    stage.write(ONE, "a.toml")
    stage.write(OTHER, "b.toml")
    return stage


# G7
@pytest.mark.parametrize(
    "command", ["validate", "plan", "show", "forecast", "rehearse", "why models.ops.refresh"]
)
def test_two_files_are_one_desired_state(two: Stage, command: str) -> None:
    done = two.run(*command.split(), *BOTH, "--format", "json")
    assert done.code == 0, done.err
    assert "models.ops" in done.out or done.json()["models"] == 2


# G7
def test_two_files_are_applied_together_and_recorded_in_one_state(staged: Staging) -> None:
    stage = staged(ONE + OTHER)
    stage.write(ONE, "a.toml")
    stage.write(OTHER, "b.toml")
    assert stage.run("apply", "--yes", *BOTH).code == 0
    listed = stage.run("state", "list", *BOTH, "--format", "json").json()["items"]
    assert {item["address"] for item in listed} == BOTH_REFRESHES
    assert stage.run("plan", *BOTH, "--detailed-exitcode").code == 0


# G7
def test_a_controller_reconciles_two_files(staged: Staging) -> None:
    stage = staged(ONE + OTHER)
    stage.write(ONE, "a.toml")
    stage.write(OTHER, "b.toml")
    assert stage.run("run", "--once", *BOTH).code == 0
    assert len(stage.calls()) == 2


# G7
def test_a_name_in_two_files_is_an_error_that_shows_both_places(two: Stage) -> None:
    two.write(OTHER.replace("6h", "3h"), "c.toml")
    done = two.run("plan", *BOTH, "-f", "c.toml")
    assert (done.code, done.out) == (1, "")
    assert "declared-twice" in done.err
    assert " --> b.toml:1:1" in done.err
    assert " --> c.toml:1:1" in done.err


# G7
def test_a_directory_and_a_file_mix_and_the_same_file_twice_is_once(two: Stage) -> None:
    (two.folder / "more").mkdir()
    two.write(OTHER, "more/ops.toml")
    more = (two.folder / "more", two.folder / "more" / "ops.toml", two.folder / "a.toml")
    assert {item.address for item in load(more).desired.items} == BOTH_REFRESHES
    done = two.run("plan", "-f", "a.toml", "-f", "more", "-f", "./a.toml", "-f", "more/ops.toml")
    assert done.code == 0, done.err


# G7
def test_every_file_that_is_not_there_is_named(two: Stage) -> None:
    done = two.run("plan", "-f", "a.toml", "-f", "no.toml", "-f", "nor.toml")
    assert (done.code, " --> no.toml" in done.err, " --> nor.toml" in done.err) == (1, True, True)


# G7
def test_two_files_are_formatted(two: Stage) -> None:
    two.write(OTHER.replace(" = ", "="), "b.toml")
    two.write(ONE.replace(" = ", "="), "a.toml")
    assert two.run("fmt", *BOTH).out == "a.toml\nb.toml\n"


# G7
def test_two_files_are_compared_with_a_revision_that_had_one_of_them(two: Stage) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@localhost"]
    for arguments in (["init", "-q"], ["add", "a.toml"], ["commit", "-q", "-m", "One"]):
        subprocess.run([*git, *arguments], cwd=two.folder, check=True)
    before = load_version("HEAD", (two.folder / "a.toml", two.folder / "b.toml"))[0]
    assert [item.address for item in before.items] == ["models.sales.refresh"]
    assert "1 added" in two.run("plan", *BOTH, "--against", "HEAD").out


# G7
def test_how_to_apply_a_plan_of_two_files_names_both(two: Stage) -> None:
    told = two.run("plan", *BOTH, "--format", "markdown").out
    assert "reconcile apply --file a.toml --file b.toml" in told


# G7
@pytest.mark.parametrize("command", ["init", "fleet status"])
def test_where_only_one_file_makes_sense_a_second_is_refused(two: Stage, command: str) -> None:
    done = two.run(*command.split(), *BOTH)
    assert (done.code, "bad-usage" in done.err) == (1, True)
