"""A repository on disk that has copied an example, and an Omni to apply it to."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from reconcile.clock import wall_clock
from reconcile.config.load import load_text
from reconcile.sandbox.command import running
from reconcile.sandbox.faults import parse_faults
from reconcile.sandbox.instance import JobDurations, Settings, seeds_of
from tests.examples.reading import EXAMPLES
from tests.examples.runner import Runner, git
from tests.logged_world import LoggedWorld

DESIRED = """
[models.sales]
id = "bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed"
refresh = { every = "6h", mode = "soft" }
cache.daily.at = "06:00"
"""
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@dataclass
class Hosted:
    """A bare repository, as a forge hosts it, and the Omni instance its file speaks of."""

    bare: Path
    work: Path
    runner: Runner
    world: LoggedWorld
    base_url: str

    def clone(self, name: str) -> Path:
        """Check out main as a job does, every branch fetched."""
        folder = self.work.parent / name
        git(self.work, "clone", "--quiet", str(self.bare), str(folder))
        return folder

    def commit(self, text: str, message: str) -> None:
        (self.work / "reconcile.toml").write_text(text)
        git(self.work, "add", "--all")
        git(self.work, "commit", "--quiet", "--message", message)

    def state(self) -> str:
        return git(self.bare, "show", "reconcile-state:prod.json")

    def sent(self) -> int:
        return sum(entry.call.method == "POST" and entry.status < 300 for entry in self.world.log)


Hosting = Callable[..., Hosted]


@pytest.fixture
def hosted(tmp_path: Path) -> Iterator[Hosting]:
    with ExitStack() as stack:

        def host(example: str, scripts: str, faults: str = "") -> Hosted:
            bare, work = tmp_path / "hosted.git", tmp_path / "work"
            git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
            git(tmp_path, "clone", "--quiet", str(bare), str(work))
            git(work, "checkout", "--quiet", "-B", "main")
            shutil.copytree(EXAMPLES / example / "steps", work / scripts)
            seeds = seeds_of(load_text(DESIRED, "reconcile.toml", tmp_path).desired)
            brief = timedelta(seconds=0.2)
            settings = Settings(job_durations=JobDurations(brief, brief))
            world = LoggedWorld(seeds, settings=settings, faults=parse_faults(faults))
            base_url = stack.enter_context(running(world, clock=wall_clock))
            made = Hosted(bare, work, Runner(tmp_path / "home"), world, base_url)
            made.commit(DESIRED, "Declare")
            git(work, "push", "--quiet", "origin", "main")
            git(work, "hash-object", "-w", "-t", "tree", "/dev/null")
            begun = git(work, "commit-tree", EMPTY_TREE, "-m", "Begin the state")
            git(work, "push", "--quiet", "origin", f"{begun}:refs/heads/reconcile-state")
            return made

        yield host
