"""Small git repositories that hold desired states, and what loading them at a revision gives."""

import os
import subprocess
from pathlib import Path

import pytest

from reconcile.errors import ReconcileError
from reconcile.model.desired import Desired
from reconcile.review.git import load_version

MODEL = (
    '[models.{0}]\nid = "00000000-0000-4000-8000-00000000000{1}"\nrefresh = {{ every = "6h" }}\n'
)
SALES, OPS = MODEL.format("sales", 1), MODEL.format("ops", 2)


def run_git(folder: Path, *arguments: str) -> str:
    identity = {"GIT_AUTHOR_NAME": "n", "GIT_AUTHOR_EMAIL": "e@example.org"}
    committer = {"GIT_COMMITTER_NAME": "n", "GIT_COMMITTER_EMAIL": "e@example.org"}
    kept = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-c", "init.defaultBranch=main", "-C", str(folder), *arguments]
    done = subprocess.run(
        command, env=kept | identity | committer, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def repository(parent: Path) -> Path:
    folder = parent / "repository"
    folder.mkdir()
    run_git(folder, "init", "-q")
    return folder


def commit(folder: Path, **files: str) -> str:
    """Commit files by their path, in which a double underscore stands for a slash."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    run_git(folder, "add", "-A")
    run_git(folder, "commit", "-qm", "change", "--allow-empty")
    return run_git(folder, "rev-parse", "HEAD")


def models(desired: Desired) -> list[str]:
    return [item.model for item in desired.items]


def refused(against: str, location: Path) -> str:
    with pytest.raises(ReconcileError) as caught:
        load_version(against, location)
    return caught.value.diagnostics[0].code
