"""Earlier versions, read from real repositories."""

from pathlib import Path

import pytest

from reconcile.config.load import load
from reconcile.errors import ReconcileError
from reconcile.review.git import load_version
from tests.config.repositories import OPS, SALES, commit, models, refused, repository, run_git

TRAP = '#!/bin/sh\ntouch "$(dirname "$0")/../../sprung"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return repository(tmp_path)


@pytest.mark.parametrize("ref", ["HEAD~1", "main~1", "release", "v1"])
def test_a_file_is_read_as_of_a_branch_a_tag_or_a_commit(folder: Path, ref: str) -> None:
    first = commit(folder, a=SALES)
    run_git(folder, "tag", "-am", "one", "v1")
    run_git(folder, "branch", "release")
    commit(folder, a=OPS)
    assert models(load_version(ref, folder / "a.toml")[0]) == ["sales"]
    assert models(load_version(first, folder / "a.toml")[0]) == ["sales"]
    assert models(load(folder / "a.toml").desired) == ["ops"]


def parted(folder: Path) -> None:
    """Let a branch and main each gain a commit of its own."""
    commit(folder, a=SALES)
    run_git(folder, "checkout", "-q", "-b", "change")
    commit(folder, a=SALES + OPS)
    run_git(folder, "checkout", "-q", "main")
    commit(folder, a=OPS)
    run_git(folder, "checkout", "-q", "change")


def test_three_dots_are_where_head_parted_from_the_revision(folder: Path) -> None:
    parted(folder)
    assert models(load_version("main", folder / "a.toml")[0]) == ["ops"]
    assert models(load_version("main...", folder / "a.toml")[0]) == ["sales"]


def test_three_dots_after_a_merge_are_what_was_merged(folder: Path) -> None:
    parted(folder)
    run_git(folder, "merge", "-q", "-s", "ours", "main")
    assert models(load_version("main...", folder / "a.toml")[0]) == ["ops"]


def test_a_commit_that_a_shallow_clone_lacks_is_fetched_by_deepening_it(folder: Path) -> None:
    commit(folder, a=SALES)
    commit(folder, a=OPS)
    clone = folder.parent / "clone"
    run_git(folder, "clone", "-q", "--depth", "1", f"file://{folder}", str(clone))
    with pytest.raises(ReconcileError) as caught:
        load_version("HEAD~1", clone / "a.toml")
    assert caught.value.diagnostics[0].hint == "git fetch --unshallow origin"


def test_histories_without_a_commit_in_common_are_told_apart(folder: Path) -> None:
    commit(folder, a=SALES)
    run_git(folder, "checkout", "-q", "--orphan", "other")
    commit(folder, a=OPS)
    assert refused("main...", folder / "a.toml") == "no-merge-base"


@pytest.mark.parametrize("ref", ["...", "none...", "main...change", "-x...", "main....."])
def test_dots_elsewhere_name_nothing(folder: Path, ref: str) -> None:
    parted(folder)
    assert refused(ref, folder / "a.toml") in {"unknown-ref", "bad-ref"}


def test_nothing_is_checked_out(folder: Path) -> None:
    commit(folder, a=SALES)
    (folder / "a.toml").write_text(OPS, encoding="utf-8")
    before = run_git(folder, "status", "--porcelain")
    load_version("HEAD", folder / "a.toml")
    assert run_git(folder, "status", "--porcelain") == before
    assert (folder / "a.toml").read_text(encoding="utf-8") == OPS


def test_a_path_in_a_subdirectory_is_found_from_anywhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(folder, jobs__prod__a=SALES, a=OPS)
    monkeypatch.chdir(folder / "jobs")
    assert models(load_version("HEAD", Path("prod/a.toml"))[0]) == ["sales"]
    assert models(load_version("HEAD", "../a.toml")[0]) == ["ops"]


@pytest.mark.parametrize("at", ["jobs", "."])
def test_a_directory_is_one_desired_state(folder: Path, at: str) -> None:
    prefix = "" if at == "." else f"{at}__"
    commit(folder, **{f"{prefix}a": SALES, f"{prefix}b": OPS, f"{prefix}below__c": "bad"})
    (folder / at / "b.toml").unlink()
    loaded, _ = load_version("HEAD", folder / at)
    assert models(loaded) == ["ops", "sales"]
    assert loaded.state_url == str(folder / at / "reconcile.state.json")


def test_mistakes_of_an_earlier_version_say_which_version(folder: Path) -> None:
    commit(folder, jobs__a="nonsense = 1\n")
    with pytest.raises(ReconcileError) as caught:
        load_version("HEAD", folder / "jobs" / "a.toml")
    assert caught.value.diagnostics[0].places[0].file == "HEAD:jobs/a.toml"


@pytest.mark.parametrize(
    ("at", "lacking"),
    [("new.toml", "new.toml"), ("jobs", "jobs/*.toml"), ("empty", "empty/*.toml")],
)
def test_a_revision_that_holds_nothing_there_declared_nothing(
    folder: Path, at: str, lacking: str
) -> None:
    (folder / "empty").mkdir()
    (folder / "empty" / "notes.txt").write_text("x", encoding="utf-8")
    commit(folder, a=SALES)
    (folder / "jobs").mkdir()
    (folder / "new.toml").write_text(OPS, encoding="utf-8")
    assert load_version("HEAD", folder / at)[1] == (str(folder / lacking),)
    assert models(load_version("HEAD", folder / at)[0]) == []


def test_files_watched_by_an_earlier_version_need_not_exist(folder: Path) -> None:
    commit(folder, a=SALES.replace('every = "6h"', 'when_changed = ["gone.sql"]'))
    assert models(load_version("HEAD", folder / "a.toml")[0]) == ["sales"]


def test_variables_of_a_hook_do_not_lead_elsewhere(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(folder, a=SALES)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_PAGER", "touch sprung")
    assert models(load_version("HEAD", folder / "a.toml")[0]) == ["sales"]


def test_neither_a_hook_nor_a_filter_of_the_repository_runs(folder: Path) -> None:
    commit(folder, a=SALES)
    trap = folder / ".git" / "hooks" / "trap"
    trap.write_text(TRAP, encoding="utf-8")
    trap.chmod(0o755)
    (folder / ".gitattributes").write_text("* filter=x diff=x\n", encoding="utf-8")
    for key in ("core.pager", "core.fsmonitor", "filter.x.smudge", "diff.x.textconv"):
        run_git(folder, "config", key, str(trap))
    load_version("HEAD", folder / "a.toml")
    assert not (folder / "sprung").exists()


def test_a_partial_clone_is_not_completed_over_the_network(folder: Path, tmp_path: Path) -> None:
    commit(folder, a=SALES)
    commit(folder, a=OPS)
    run_git(folder, "config", "uploadpack.allowFilter", "true")
    origin = f"file://{folder}"
    run_git(tmp_path, "clone", "-q", "--filter=blob:none", origin, "partial")
    assert refused("HEAD~1", tmp_path / "partial" / "a.toml") == "git-failed"


def test_what_is_spelled_like_a_file_is_one(folder: Path) -> None:
    commit(folder, a=SALES)
    old = folder.parent / "old.toml"
    old.write_text(OPS, encoding="utf-8")
    loaded, _ = load_version(str(old), folder / "a.toml")
    assert models(loaded) == ["ops"]
    assert loaded.state_url == load(folder / "a.toml").desired.state_url


@pytest.mark.parametrize("against", ["./gone.toml", "gone.toml", "/nonexistent/x"])
def test_a_file_that_does_not_exist_is_not_looked_for_in_git(folder: Path, against: str) -> None:
    commit(folder, a=SALES)
    assert refused(against, folder / "a.toml") == "file-not-found"
