"""Versions that cannot be read, and revisions nobody should hand to git."""

from pathlib import Path

import pytest

from tests.config.repositories import SALES, commit, refused, repository, run_git


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return repository(tmp_path)


@pytest.mark.parametrize(
    "ref",
    ["-x", "--upload-pack=touch sprung", "", "a\nb", "HEAD:a", ":/change", "a\0b", "\x1b"],
)
def test_a_hostile_revision_never_reaches_git(folder: Path, ref: str) -> None:
    commit(folder, a=SALES)
    assert refused(ref, folder / "a.toml") == "bad-ref"
    assert not (folder / "sprung").exists()


@pytest.mark.parametrize(
    "ref", ["nope", "HEAD~9", "$(touch sprung)", "a b", "deadbeef" * 5, "v1^{tree}"]
)
def test_a_revision_that_names_no_commit_is_unknown(folder: Path, ref: str) -> None:
    commit(folder, a=SALES)
    run_git(folder, "tag", "v1")
    assert refused(ref, folder / "a.toml") == "unknown-ref"


def test_a_file_cannot_stand_in_for_a_branch(folder: Path) -> None:
    commit(folder, a=SALES)
    (folder / "origin").mkdir()
    (folder / "origin" / "main").write_text(SALES, encoding="utf-8")
    assert refused("origin/main", folder / "a.toml") == "unknown-ref"


@pytest.mark.fault("Z20")
@pytest.mark.parametrize("at", ["link.toml", "."])
def test_a_symbolic_link_in_a_commit_is_not_followed(folder: Path, at: str) -> None:
    secret = folder.parent / "secret.toml"
    secret.write_text(SALES, encoding="utf-8")
    (folder / "link.toml").symlink_to(secret)
    commit(folder)
    assert refused("HEAD", folder / at) == "not-a-file-in-ref"


def test_a_folder_that_is_no_repository_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(SALES, encoding="utf-8")
    assert refused("HEAD", tmp_path / "a.toml") == "not-a-repository"


def test_without_git_there_is_a_way_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(folder, a=SALES)
    monkeypatch.setenv("PATH", str(folder))
    assert refused("HEAD", folder / "a.toml") == "no-git"
