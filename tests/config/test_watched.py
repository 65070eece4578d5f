"""Where the files of `when_changed` may be: what a pull request names is hashed into its plan."""

import hashlib
import os
from pathlib import Path

import pytest

from reconcile.config.load import load_text
from reconcile.errors import ReconcileError
from reconcile.model.desired import WhenChanged
from tests.config.given import sales
from tests.logged_world import LoggedWorld
from tests.stage import Stage

SECRET = "root:$y$not-to-be-hashed"  # noqa: S105 - it guards nothing


def watch(folder: Path, path: str) -> WhenChanged:
    desired = load_text(sales(f"when_changed = ['{path}']"), "a.toml", folder).desired
    cadence = desired.items[0].timing.cadence
    assert isinstance(cadence, WhenChanged)
    return cadence


def refusal(folder: Path, path: str) -> str:
    with pytest.raises(ReconcileError) as caught:
        watch(folder, path)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "watched-file-outside"
    return f"{diagnostic.detail} {diagnostic.hint}"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a repository with a folder in it, beside a file that is not its own."""
    (tmp_path / "shadow").write_text(SECRET)
    folder = tmp_path / "repository" / "omni"
    folder.mkdir(parents=True)
    (folder.parent / ".git").mkdir()
    (folder.parent / "loaded").write_text("1")
    return folder


def test_a_pattern_is_warned_of_where_a_file_of_that_name_is_waited_for(project: Path) -> None:
    (project / "[eu].json").touch()
    names = '["a*.json", "b.json", "[eu].json"]'
    told = load_text(sales(f'when_changed = {names}\nmissing = "wait"'), "a.toml", project).warnings
    assert [(one.code, '"a*.json"' in one.detail) for one in told] == [
        ("watched-file-missing", True)
    ]


def test_a_path_that_leads_out_of_the_repository_is_not_read(project: Path) -> None:
    # H5
    (project / "link").symlink_to(project.parents[1] / "shadow")
    (project / "folder").symlink_to(project.parents[1])
    outside = str(project.parents[1] / "shadow")
    for path in ("/etc/shadow", outside, "../../shadow", "link", "folder/shadow", "folder/gone"):
        assert f"below {project.parent}." in refusal(project, path)


def test_a_path_within_the_repository_is_read_from_any_of_its_folders(project: Path) -> None:
    # H5
    (project / "link").symlink_to("../loaded")
    for path in ("../loaded", "link", str(project.parent / "loaded"), "../../repository/loaded"):
        assert watch(project, path).content


def test_outside_a_repository_paths_stay_within_the_folder_of_the_file(project: Path) -> None:
    # H5
    (project.parent / ".git").rmdir()
    assert "the folder of this file" in refusal(project, "../loaded")
    (project / "loaded").write_text("1")
    assert watch(project, "loaded").content


def test_a_repository_that_is_reached_by_a_link_is_the_same_one(project: Path) -> None:
    # H5
    (project.parents[1] / "alias").symlink_to(project.parent)
    assert watch(project.parents[1] / "alias" / "omni", "../loaded").content


def test_a_file_that_is_waited_for_stays_within_too(project: Path) -> None:
    # H5
    text = sales('when_changed = ["../../gone"]\nmissing = "wait"')
    with pytest.raises(ReconcileError) as caught:
        load_text(text, "a.toml", project)
    assert caught.value.diagnostics[0].code == "watched-file-outside"


def test_no_plan_shows_the_hash_of_a_file_outside(project: Path) -> None:
    # H5
    shadow = project.parents[1] / "shadow"
    stage = Stage(project, "http://127.0.0.1:1", LoggedWorld([]), {"HOME": str(project)})
    stage.write(sales(f"when_changed = ['{os.path.relpath(shadow, project)}']"))
    ended = stage.run("plan", "--format", "json")
    assert ended.code == 1
    assert "watched-file-outside" in ended.out + ended.err
    assert hashlib.sha256(SECRET.encode()).hexdigest() not in ended.out + ended.err
