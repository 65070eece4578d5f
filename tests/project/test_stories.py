"""The story of a command is short: the files of which a function runs, in the order they come."""

import json
import os
import subprocess
import sys
from pathlib import Path

from reconcile.clock import wall_clock
from reconcile.config.load import load_text
from reconcile.sandbox.command import running
from reconcile.sandbox.instance import Role, seeds_of
from tests.canary import canary_tokens
from tests.logged_world import LoggedWorld
from tests.stage import SALES, Stage

ROOT = Path(__file__).parents[2]
MOST = {"plan": 37, "apply": 54, "bad key": 20}
"""Files that a story may run through."""
RUN = """
import json, os, sys, threading
from reconcile.cli.main import entry
home = os.path.dirname(sys.modules["reconcile"].__file__) + os.sep
told = {}
def seen(frame, event, _):
    code = frame.f_code  # 1: a function; no module and no class body
    if event == "call" and code.co_flags & 1 and code.co_filename.startswith(home):
        if not code.co_name.startswith("<"):
            told.setdefault(code.co_filename.removeprefix(home), code.co_name)
end = os._exit
def ended(code):
    sys.setprofile(None)
    with open(os.environ["STORY"], "w") as file:
        json.dump(list(told), file)
    end(code)
os._exit = ended
threading.setprofile(seen)
sys.setprofile(seen)
entry()
"""


def story(folder: Path, *arguments: str, environment: dict[str, str] | None = None) -> list[str]:
    variables = {**os.environ, **(environment or {}), "STORY": str(folder / "story.json")}
    subprocess.run(
        [sys.executable, "-c", RUN, *arguments],
        cwd=folder,
        env=variables,
        capture_output=True,
        check=False,
        timeout=60,
    )
    files: list[str] = json.loads((folder / "story.json").read_text())
    return files


def is_short(name: str, files: list[str]) -> bool:
    sys.stdout.write(f"{name}: {len(files)} files\n  " + "\n  ".join(files) + "\n")
    return 0 < len(files) <= MOST[name]


def test_a_plan_is_followed_through_few_files(tmp_path: Path) -> None:
    assert is_short("plan", story(tmp_path, "plan", "-f", str(ROOT / "examples" / "quickstart")))


def test_a_bad_key_is_followed_through_few_files(tmp_path: Path) -> None:
    (tmp_path / "reconcile.toml").write_text(f'[models.s]\nid = "{SALES}"\nrefresh.evry = "6h"\n')
    assert is_short("bad key", story(tmp_path, "plan"))


def test_an_applied_refresh_is_followed_through_few_files(tmp_path: Path) -> None:
    text = f'[models.sales]\nid = "{SALES}"\nrefresh.every = "6h"\n'
    seeds = seeds_of(load_text(text, "reconcile.toml", tmp_path).desired)
    world = LoggedWorld(seeds, tokens=canary_tokens(Role.CONNECTION_ADMIN))
    with running(world, clock=wall_clock) as base_url:
        stage = Stage(tmp_path, base_url, world)
        stage.write(text)
        files = story(tmp_path, "apply", "--yes", environment=stage.variables())
    assert is_short("apply", files)
