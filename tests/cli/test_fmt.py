"""`fmt` as a user runs it."""

from pathlib import Path

import pytest

from tests.logged_world import LoggedWorld
from tests.stage import SALES, Stage

UNTIDY = f"""\
[models.sales]   # the shop
id='{SALES}'
refresh={{every='6h'}}"""
TIDY = f"""\
[models.sales]   # the shop
id = "{SALES}"
refresh = {{ every = "6h" }}
"""


@pytest.fixture
def bare(tmp_path: Path) -> Stage:
    return Stage(tmp_path, "http://127.0.0.1:1", LoggedWorld([]))


def test_files_are_rewritten_and_named_and_then_left_alone(bare: Stage) -> None:
    path = bare.write(UNTIDY)
    path.chmod(0o640)
    first = bare.run("fmt")
    assert (first.code, first.out) == (0, "reconcile.toml\n")
    assert path.read_text() == TIDY
    assert path.stat().st_mode & 0o777 == 0o640
    assert bare.run("fmt").out == ""


def test_a_check_writes_nothing_and_says_by_its_exit_code(bare: Stage) -> None:
    path = bare.write(UNTIDY)
    assert bare.run("fmt", "--check").code == 1
    assert path.read_text() == UNTIDY
    path.write_text(TIDY)
    assert bare.run("fmt", "--check").code == 0


def test_a_diff_shows_what_would_change(bare: Stage) -> None:
    path = bare.write(UNTIDY)
    told = bare.run("fmt", "--diff")
    assert told.code == 0
    assert f"-id='{SALES}'" in told.out
    assert f'+id = "{SALES}"' in told.out
    assert path.read_text() == UNTIDY


def test_every_file_of_a_directory_is_formatted(bare: Stage) -> None:
    (bare.folder / "live").mkdir()
    bare.write(UNTIDY, "live/a.toml")
    bare.write("[limits]\ncalls=5", "live/b.toml")
    listed = bare.run("fmt", "-f", "live", "--format", "json").json()["files"]
    assert listed == [{"file": f"live/{name}.toml", "changed": True} for name in "ab"]


def test_a_link_stays_a_link_to_the_file_that_is_formatted(bare: Stage) -> None:
    real = bare.write(UNTIDY, "real.toml")
    link = bare.folder / "reconcile.toml"
    link.symlink_to(real)
    assert bare.run("fmt").code == 0
    assert link.is_symlink()
    assert real.read_text() == TIDY


def test_a_desired_state_with_errors_is_refused_as_everywhere(bare: Stage) -> None:
    text = UNTIDY.replace("every", "evrey")
    path = bare.write(text)
    told = bare.run("fmt")
    assert told.code == 1
    assert "error[unknown-key]" in told.err
    assert path.read_text() == text


def test_files_may_be_named_without_an_option_and_stand_for_themselves(bare: Stage) -> None:
    part = bare.write("[models.sales.cache.x]\nevery='1h'", "part.toml")
    told = bare.run("fmt", "part.toml")
    assert (told.code, told.out) == (0, "part.toml\n")
    assert part.read_text() == '[models.sales.cache.x]\nevery = "1h"\n'


def test_standard_input_is_formatted_to_standard_output(bare: Stage) -> None:
    told = bare.run("fmt", "-", stdin=UNTIDY)
    assert (told.code, told.out) == (0, TIDY)
    assert bare.run("fmt", "--check", "-", stdin=UNTIDY).code == 1
    assert bare.run("fmt", "--check", "-", stdin=TIDY).code == 0


def test_what_is_no_toml_is_refused_with_its_place(bare: Stage) -> None:
    told = bare.run("fmt", "-", stdin="[models\n")
    assert (told.code, told.out) == (1, "")
    assert "-:1:8" in told.err


@pytest.mark.parametrize("named", [("-",), ("reconcile.toml",), (".",)])
def test_validate_takes_names_and_standard_input(bare: Stage, named: tuple[str, ...]) -> None:
    bare.write(TIDY)
    assert bare.run("validate", *named, stdin=TIDY).out == "Valid: 1 model, 1 refresh, 0 resets.\n"
