"""`plan --against` and `plan diff`, as processes that have no credential and may open no socket."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconcile.cli.explain import schema
from tests.config.repositories import commit, repository
from tests.forkserver import forkserver
from tests.stage import Ended

AT = ("--at", "2026-10-30T12:00:00Z")
MODEL = '[models.sales]\nid = "00000000-0000-4000-8000-000000000001"\n[models.sales.refresh]\n'
SLOW, FAST = (f'{MODEL}every = "{interval}"\n' for interval in ("6h", "1h"))

Run = Callable[..., Ended]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Commit a slow refresh, and leave a fast one in the work tree."""
    folder = repository(tmp_path)
    commit(folder, reconcile=SLOW)
    (folder / "reconcile.toml").write_text(FAST, encoding="utf-8")
    (tmp_path / "sitecustomize.py").write_text("import tests.no_sockets\n", encoding="utf-8")
    return folder


@pytest.fixture
def run(folder: Path) -> Run:
    def run(*arguments: str) -> Ended:
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
        ran = forkserver().run(folder, ("plan", *arguments), environment, sockets=False)
        return Ended(ran.code, ran.out, ran.err)

    return run


@pytest.fixture
def run_from_start(folder: Path) -> Run:
    """Watch the imports, too."""
    source = Path(__file__).parents[2]

    def run(*arguments: str, **variables: str) -> Ended:
        done = subprocess.run(
            [sys.executable, "-m", "reconcile", "plan", *arguments],
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "PYTHONPATH": f"{folder.parent}:{source}",
                **variables,
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


def saved(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return name


def test_a_pull_request_is_compared_without_a_token_a_socket_or_a_state(
    run_from_start: Run,
) -> None:
    ended = run_from_start("--against", "HEAD", *AT)
    assert (ended.code, ended.err) == (0, "")
    assert "models.sales.refresh  every 6h -> 1h" in ended.out
    assert "runs 4 -> 24 a day" in ended.out
    assert "calls are due" not in ended.out


def test_verbose_adds_the_plan_after_the_comparison(run: Run) -> None:
    out = run("--against", "HEAD", "-v", *AT).out
    assert out.index("Against HEAD") < out.index("1 call is due")


def test_json_is_the_plan_with_one_key_more(run: Run) -> None:
    with_key = run("--against", "HEAD", "--format", "json", *AT).json()
    told = with_key.pop("against")
    assert with_key == run("--format", "json", *AT).json()
    assert (told["format_version"], told["reference"], told["changes"]) == (1, "HEAD", True)
    assert told["before"]["calls_per_day"] == [3, 4, 4, 4, 4, 4, 4]
    Draft202012Validator(schema("plan")).validate(with_key | {"against": told})


@pytest.mark.parametrize(("flags", "code"), [(["HEAD"], 0), (["HEAD", "--detailed-exitcode"], 2)])
def test_the_exit_code_tells_of_changes_only_if_asked(
    run: Run, flags: list[str], code: int
) -> None:
    assert run("--against", *flags, *AT).code == code


def test_no_change_has_exit_code_0_even_in_detail(run: Run, folder: Path) -> None:
    (folder / "reconcile.toml").write_text(SLOW, encoding="utf-8")
    ended = run("--against", "HEAD", "--detailed-exitcode", *AT)
    assert (ended.code, ended.out.count("\n")) == (0, 1)


def test_the_same_bytes_come_out_whatever_the_hash_seed(run_from_start: Run, folder: Path) -> None:
    more = "".join(
        f'[models.m{n}]\nid = "00000000-0000-4000-8000-{n:012d}"\nconnection = "w{n % 2}"\n'
        f'refresh = {{ every = "6h", mode = "soft", tables = ["a.x{n}", "a.y", "b.z", "c.t"] }}\n'
        for n in range(2, 8)
    )
    old = saved(folder, "old.toml", more.replace('"6h"', '"5h"').replace('"a.y", ', ""))
    (folder / "reconcile.toml").write_text(FAST + more, encoding="utf-8")
    outputs = {
        run_from_start("--against", old, "--format", form, *AT, PYTHONHASHSEED=seed).out
        for seed in ("0", "1", "2")
        for form in ("json",)
    }
    assert len(outputs) == 1
    assert len(next(iter(outputs))) > 1000


def test_what_cannot_be_compared_with_is_a_plain_error(run: Run) -> None:
    for against, code in (("nope", "unknown-ref"), ("--", "bad-ref"), ("./nope", "file-not-found")):
        ended = run(f"--against={against}", *AT)
        assert (ended.code, ended.out) == (1, "")
        assert f"error[{code}]" in ended.err


def test_a_new_place_for_the_state_is_told_with_how_to_take_it_there(
    run: Run, folder: Path
) -> None:
    (folder / "reconcile.toml").write_text(f'[state]\nurl = "new.json"\n{SLOW}', encoding="utf-8")
    for form in ("text", "markdown"):
        told = run("--against", "HEAD", *AT, "--format", form).out.replace("`", "")
        told = " ".join(told.split())
        assert "nothing is recorded at the new place" in told
        assert f"state migrate {folder}/reconcile.state.json {folder}/new.json" in told


@pytest.mark.parametrize("horizon", ["soon", "0h", "93d"])
def test_a_horizon_is_a_duration_of_some_length(run: Run, horizon: str) -> None:
    ended = run("--against", "HEAD", "--horizon", horizon)
    assert (ended.code, "error[bad-duration]" in ended.err) == (1, True)


def test_what_was_approved_is_compared_with_what_is_planned_later(run: Run, folder: Path) -> None:
    first = saved(folder, "a.json", run("--format", "json").out)
    document: dict[str, Any] = json.loads((folder / first).read_text(encoding="utf-8"))
    document["actions"][0]["request"]["query"]["hard_refresh"] = "false"
    second = saved(folder, "b.json", json.dumps(document | {"digest": "sha256:0"}))
    ended = run("diff", first, second)
    assert (
        "changed  models.sales.refresh  query hard_refresh=true -> hard_refresh=false" in ended.out
    )
    assert run("diff", first, second, "--detailed-exitcode").code == 2
    assert run("diff", first, first, "--detailed-exitcode").code == 0
    told = run("diff", first, second, "--format", "json").json()
    assert [call["address"] for call in told["calls"]] == ["models.sales.refresh"]


def test_a_saved_plan_is_compared_with_a_printed_one(run: Run, folder: Path) -> None:
    printed = saved(folder, "a.json", run("--format", "json").out)
    run("--out", "saved.json")
    assert run("diff", "saved.json", printed).out.startswith("The same calls · 1 unchanged\n")


@pytest.mark.parametrize(
    "words", [["diff"], ["diff", "a"], ["what"], ["diff", "a", "b", "--against", "HEAD"]]
)
def test_diff_takes_two_files_and_nothing_else(run: Run, words: list[str]) -> None:
    ended = run(*words)
    assert (ended.code, "error[bad-usage]" in ended.err) == (1, True)


@pytest.mark.parametrize("form", ["text", "json", "markdown", "html"])
def test_a_change_that_brings_the_file_adds_all_of_it_and_says_so(
    run: Run, folder: Path, form: str
) -> None:
    (folder / "new.toml").write_text(f'[state]\nurl = "new.json"\n{SLOW}', encoding="utf-8")
    ended = run("-f", "new.toml", "--against", "HEAD...", "--format", form, *AT)
    assert (ended.code, ended.err) == (0, "")
    told = re.sub("</?wbr>|`", "", ended.out)
    assert "HEAD has no new.toml, so it declares nothing there" in told
    assert ('"kind": "added"' if form == "json" else "1 added") in told
    assert "state migrate" not in told


def test_items_that_move_to_a_file_of_their_own_are_not_called_added(
    run: Run, folder: Path
) -> None:
    (folder / "new.toml").write_text(SLOW, encoding="utf-8")
    (folder / "reconcile.toml").write_text("", encoding="utf-8")
    told = run("-f", "reconcile.toml", "-f", "new.toml", "--against", "HEAD", *AT).out
    assert "nothing changes · 1 unchanged" in told
    assert "HEAD has no new.toml, so it declares nothing there." in told


def test_a_change_that_brings_a_folder_moves_no_state(run: Run, folder: Path) -> None:
    (folder / "jobs").mkdir()
    (folder / "reconcile.toml").rename(folder / "jobs" / "a.toml")
    told = run("-f", "jobs", "--against", "HEAD", *AT).out
    assert "1 added" in told
    assert "state migrate" not in told


def test_a_comment_names_the_commit_it_compares_with(run: Run, folder: Path) -> None:
    asked = ["git", "-C", str(folder), "rev-parse", "--short=7", "HEAD"]
    head = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    told = run("--against", "HEAD...", "--format", "markdown", *AT).out
    assert f"- against `HEAD` at `{head}` ·" in told
    assert "27 -> 167 calls a week (+519 %)" in told
