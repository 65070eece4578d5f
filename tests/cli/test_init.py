"""Starting a file and adding models to one."""

import subprocess
import tomllib
from pathlib import Path

import pytest

from reconcile.cli.configuration import IGNORED
from reconcile.config.load import load
from tests.logged_world import LoggedWorld
from tests.stage import OPS, SALES, Stage, Staging

KEPT = f"""\
# ours
[models.sales]
id = "{SALES}"  # the shop
refresh = {{every='6h'}}

# never touch
[[freeze]]
name = "close"
from = 2026-12-30T00:00:00Z
until = 2027-01-03T00:00:00Z
"""


@pytest.fixture
def bare(tmp_path: Path) -> Stage:
    return Stage(tmp_path, "http://127.0.0.1:1", LoggedWorld([]))


def text_of(stage: Stage) -> str:
    return (stage.folder / "reconcile.toml").read_bytes().decode()


def test_a_started_file_is_formatted_and_its_models_are_due(bare: Stage) -> None:
    told = bare.run("init", "--model", f"sales={SALES}", "--model", f"my ops={OPS}")
    assert (told.code, told.err) == (0, "")
    assert "state/*.lock" in told.out
    assert bare.run("fmt", "--check").code == 0
    items = bare.run("plan", "--format", "json").json()["items"]
    assert {item["address"] for item in items} == {
        "models.sales.refresh",
        'models."my ops".refresh',
    }


def test_a_started_file_without_models_says_how_to_add_one(bare: Stage) -> None:
    told = bare.run("init")
    assert "Next: reconcile init --model NAME=UUID" in told.out
    assert tomllib.loads(text_of(bare))["defaults"] == {"timezone": "UTC"}
    assert bare.run("init", "--model", f"sales={SALES}").code == 0
    assert bare.run("validate").code == 0


def test_the_example_in_a_started_file_is_valid_once_it_is_uncommented(bare: Stage) -> None:
    bare.run("init")
    head, mark, example = text_of(bare).partition("# [models.sales]")
    bare.write(head + "\n".join(line.removeprefix("# ") for line in (mark + example).split("\n")))
    bare.write(text_of(bare).replace("\n#\n", "\n\n"))
    assert bare.run("validate").out == "Valid: 1 model, 1 refresh, 1 reset.\n"


def test_a_file_that_is_there_is_never_replaced(bare: Stage) -> None:
    bare.write(KEPT)
    told = bare.run("init")
    assert told.code == 1
    assert told.err.startswith("error[file-exists]")
    assert text_of(bare) == KEPT


def test_models_are_added_below_the_others_and_nothing_else_changes(bare: Stage) -> None:
    bare.write(KEPT)
    assert bare.run("init", "--model", f"ops={OPS}").code == 0
    added = f'\n[models.ops]\nid = "{OPS}"\n\n[models.ops.refresh]\nevery = "24h"\n'
    head, tail = KEPT.split("\n\n")
    assert text_of(bare) == f"{head}\n{added}\n{tail}"


def test_a_model_that_is_there_is_not_added_again(bare: Stage) -> None:
    bare.write(KEPT)
    assert bare.run("init", "--model", f"sales={SALES}").code == 0
    assert text_of(bare) == KEPT


def test_an_id_in_capitals_is_the_same_id(bare: Stage) -> None:
    bare.write(KEPT.replace(SALES, SALES.upper()))
    told = bare.run("init", "--model", f"sales={SALES.upper()}")
    assert (told.code, told.out) == (0, "reconcile.toml has them already.\n")


def test_a_model_inherits_where_the_defaults_have_a_refresh(bare: Stage) -> None:
    bare.write('[defaults]\nrefresh = { every = "6h" }\n')
    assert bare.run("init", "--model", f"ops={OPS}").code == 0
    assert text_of(bare).endswith("[models.ops.refresh]\n")
    assert bare.run("validate").code == 0


def test_a_model_has_a_time_of_its_own_where_the_defaults_have_none(bare: Stage) -> None:
    bare.write('[defaults]\nrefresh = { mode = "soft" }\n')
    assert bare.run("init", "--model", f"ops={OPS}").code == 0
    assert text_of(bare).endswith('[models.ops.refresh]\nevery = "24h"\n')


ELSEWHERE = f'[models.ops]\nid = "{OPS}"\nrefresh = {{ every = "6h" }}\n'


def test_a_model_that_another_file_of_the_directory_has_is_not_added_again(bare: Stage) -> None:
    bare.write('[state]\nurl = "state.json"\n')
    bare.write(ELSEWHERE, "models.toml")
    told = bare.run("init", "-f", ".", "--model", f"ops={OPS}")
    assert (told.code, told.out) == (0, ". has them already.\n")
    assert bare.run("init", "-f", ".", "--model", f"ops={SALES}").code == 1
    assert bare.run("plan", "-f", ".").code == 0


def test_a_model_is_added_beside_what_needs_another_file_of_the_directory(bare: Stage) -> None:
    bare.write('[models.ops.cache.daily]\nat = "06:00"\n')
    bare.write(f'{ELSEWHERE}[defaults]\nrefresh = {{ every = "1h" }}\n', "models.toml")
    assert bare.run("init", "-f", ".", "--model", f"sales={SALES}").code == 0
    assert text_of(bare).endswith("[models.sales.refresh]\n")
    assert bare.run("validate", "-f", ".").code == 0


def test_a_new_file_beside_others_holds_only_what_is_added(bare: Stage) -> None:
    bare.write(f"[omni]\n[state]\nurl = 's.json'\n[limits]\ncalls = 9\n{ELSEWHERE}", "all.toml")
    there = bare.run("init", "-f", ".", "--model", f"ops={OPS}")
    assert (there.code, there.out) == (0, ". has them already.\n")
    told = bare.run("init", "-f", ".", "--model", f"sales={SALES}")
    assert told.out.startswith("Created reconcile.toml with 1 model.")
    added = f'[models.sales]\nid = "{SALES}"\n\n[models.sales.refresh]\nevery = "24h"\n'
    assert text_of(bare) == added
    assert bare.run("validate", "-f", ".").code == bare.run("fmt", "--check").code == 0


def test_nothing_is_started_beside_what_is_there(bare: Stage) -> None:
    bare.write(ELSEWHERE, "models.toml")
    refused = bare.run("init", "-f", ".")
    assert (refused.code, "error[file-exists]" in refused.err) == (1, True)
    assert not (bare.folder / "reconcile.toml").exists()
    assert bare.run("init", "-f", ".", "--state", "mine.json").code == 0
    assert text_of(bare) == '[state]\nurl = "mine.json"\n'


@pytest.mark.parametrize("command", [("init",), ("import", "*")])
def test_a_name_with_a_slash_at_its_end_is_a_folder(bare: Stage, command: tuple[str, ...]) -> None:
    told = bare.run(*command, "-f", "live/")
    assert (told.code, "there is no such folder: live/" in told.err) == (1, True)
    assert not (bare.folder / "live").exists()


def test_line_ends_are_kept(bare: Stage) -> None:
    (bare.folder / "reconcile.toml").write_bytes(KEPT.replace("\n", "\r\n").encode())
    assert bare.run("init", "--model", f"ops={OPS}").code == 0
    assert text_of(bare).count("\n") == text_of(bare).count("\r\n") > 10


@pytest.mark.parametrize(
    ("pair", "code"),
    [
        ("sales", "bad-model"),
        ("sales=no-uuid", "bad-model"),
        (f"sales={OPS}", "bad-model"),
        (f"a\u202eb={OPS}", "bad-name"),
    ],
)
def test_what_cannot_be_added_changes_nothing(bare: Stage, pair: str, code: str) -> None:
    bare.write(KEPT)
    told = bare.run("init", "--model", pair)
    assert told.code == 1
    assert f"error[{code}]" in told.err
    assert text_of(bare) == KEPT


def test_models_written_inline_are_refused_not_broken(bare: Stage) -> None:
    inline = f'models = {{ sales = {{ id = "{SALES}", refresh = {{ every = "6h" }} }} }}\n'
    bare.write(inline)
    told = bare.run("init", "--model", f"ops={OPS}")
    assert (told.code, text_of(bare)) == (1, inline)
    assert told.err.startswith("error[declared-twice]")


def test_what_is_not_to_be_committed_is_added_once_to_what_is_there(bare: Stage) -> None:
    (bare.folder / ".gitignore").write_text("mine")
    assert "gitignore" not in bare.run("init", "--gitignore").out
    kept = (bare.folder / ".gitignore").read_text()
    assert kept.startswith("mine\nstate/*.lock\n")
    assert bare.run("init", "--gitignore").code == 0
    assert (bare.folder / ".gitignore").read_text() == kept


@pytest.mark.parametrize(
    "file", ['[state]\nurl = "other/prod.json"\n', '[state]\nurl = "a [b]/c.json"\n', "", None]
)
def test_git_leaves_out_what_lies_beside_the_state_and_nothing_else(
    bare: Stage, file: str | None
) -> None:
    subprocess.run(["git", "init", "-q", "."], cwd=bare.folder, check=True)
    if file is not None:
        bare.write(file)
    advised = bare.run("init").out if file is None else ""
    assert bare.run("init", "--gitignore").code == 0
    lines = (bare.folder / ".gitignore").read_text().splitlines()
    assert file is not None or all(f"  {line}\n" in advised for line in lines)
    state = load(bare.folder / "reconcile.toml").desired.state_url
    beside = {f"{state}{ending.removeprefix('*').replace('*', '1a')}" for ending in IGNORED}
    asked = ["git", "check-ignore", *beside, state, f"{state}.journal", "uv.lock"]
    told = subprocess.run(asked, cwd=bare.folder, capture_output=True, text=True, check=True)
    assert {line.strip('"') for line in told.stdout.splitlines()} == beside


def test_a_state_elsewhere_leaves_nothing_for_git_to_leave_out(bare: Stage) -> None:
    bare.write('[state]\nurl = "s3://bucket/prod.json"\n')
    assert "left as it is" in bare.run("init", "--gitignore").out
    assert not (bare.folder / ".gitignore").exists()


COMMANDS = [
    *("validate", "plan", "show", "fmt", "forecast", "state list", "plan --format html"),
    *("plan --format markdown", "show --format html", "show --json", "plan --json"),
    *("apply --yes", "simulate --for 1d", "rehearse", "plan --against ./reconcile.toml"),
    *("state history", "plan --out p"),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_a_file_that_was_only_started(staged: Staging, command: str) -> None:
    stage = staged("")
    (stage.folder / "reconcile.toml").unlink()
    stage.run("init")
    told = stage.run(*command.split())
    assert told.code == 0, told.err
    assert "error[" not in told.err
