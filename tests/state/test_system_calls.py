import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from reconcile.state.backend import load
from tests.state.acts import fold

pytestmark = [
    pytest.mark.long,
    pytest.mark.needs_root,
    pytest.mark.skipif(not shutil.which("strace"), reason="needs strace"),
]

Points = list[tuple[str, int]]

FAILING = (
    "write",
    "fsync",
    "rename",
    "linkat",
    "link",
    "unlink",
    "openat",
    "ftruncate",
    "pwrite64",
)
CALLS = (*FAILING, "renameat", "renameat2", "unlinkat", "mkdir", "flock", "fchmod", "close")


def run(state: Path, *options: str) -> tuple[str, str]:
    """Run the worker under strace; return what it said and the system calls it made."""
    log = state.with_name("calls")
    traced = ["strace", "-f", "--seccomp-bpf", "-qq", "-y", "-o", str(log)]
    traced += ["-e", f"trace={','.join(f'?{call}' for call in CALLS)}", *options]
    worker = [sys.executable, "-m", "tests.state.worker", str(state / "prod.json")]
    said = subprocess.run(traced + worker, capture_output=True, text=True, check=False)
    assert "Traceback" not in said.stderr, said.stderr
    return said.stdout, log.read_text()


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> Points:
    """List every system call from the first touch of the state: its name, and which it is."""
    state = tmp_path_factory.mktemp("points") / "first"
    _, log = run(state)
    names = [re.sub(r"^\d+ +", "", line).partition("(")[0] for line in log.splitlines()]
    first = next(place for place, line in enumerate(log.splitlines()) if str(state) in line)
    seen, found = Counter[str](), []
    for place, name in enumerate(names):
        seen[name] += 1
        if place >= first:
            found.append((name, seen[name]))
    return found


def check(state: Path, said: str) -> None:
    """Whatever failed: nothing acknowledged is gone, and what is there is true."""
    acknowledged = max([0, *(int(word) for word in said.split() if word.isdigit())])
    loaded = load(str(state / "prod.json"))
    recorded = loaded.recorded
    assert "journal-missing" not in [found.code for found in loaded.warnings]
    assert recorded.sequence >= acknowledged
    assert recorded.items == fold(recorded.sequence).items


@pytest.mark.fault("D06")
def test_every_write_is_on_the_disk_before_it_is_built_upon(tmp_path: Path) -> None:
    _, log = run(tmp_path / "state")
    lines = [line for line in log.splitlines() if str(tmp_path) in line or "write(1" in line]
    steps = []
    for line in lines:
        for step, mark in (
            ("line", r"write\(\d+<\S+\.journal(\.tmp-\w+)?>"),
            ("line-sync", r"fsync\(\d+<\S+\.journal(\.tmp-\w+)?>"),
            ("said", r"write\(1<"),
            ("new-sync", r"fsync\(\d+<\S+prod\.json\.tmp-"),
            ("renamed", r"rename\w*\(.*prod\.json\"\)?"),
            ("directory-sync", r"fsync\(\d+<\S+/state>"),
            ("emptied", r"unlink\w*\(.*journal\""),
        ):
            if re.search(mark, line) and not (step == "renamed" and ".prev" in line):
                steps.append(step)
    told = "line line-sync said " * 3
    saved = "new-sync renamed directory-sync"
    assert told + saved in " ".join(steps)
    assert steps.index("emptied") > steps.index("renamed")


@pytest.mark.fault("D01", "D03", "P01")
@pytest.mark.parametrize("fault", ["signal=SIGKILL", "error=EIO"])
def test_a_fault_at_any_fsync_or_rename_costs_nothing_acknowledged(
    tmp_path: Path, points: Points, fault: str
) -> None:
    chosen = [point for point in points if point[0] in {"fsync", "rename"}]
    for name, place in chosen[::6]:
        state = tmp_path / f"{name}-{place}"
        said, _ = run(state, "-e", f"inject={name}:{fault}:when={place}")
        check(state, said)


@pytest.mark.slow
@pytest.mark.fault("D01", "D03", "D04", "D05", "P01", "P06", "S20")
@pytest.mark.parametrize("fault", ["signal=SIGKILL", "error=EIO", "error=ENOSPC", "error=EROFS"])
def test_a_fault_at_any_system_call_costs_nothing_acknowledged(
    tmp_path: Path, points: Points, fault: str
) -> None:
    for name, place in points:
        if name in FAILING or "SIGKILL" in fault:
            state = tmp_path / f"{name}-{place}"
            said, _ = run(state, "-e", f"inject={name}:{fault}:when={place}")
            check(state, said)


@pytest.mark.fault("D05")
def test_a_write_that_takes_nothing_at_first_is_carried_on(tmp_path: Path, points: Points) -> None:
    places = [place for name, place in points if name == "write"]
    for place in places[:2]:
        state = tmp_path / str(place)
        said, _ = run(state, "-e", f"inject=write:retval=0:when={place}")
        assert said.endswith("5\nend\n")
        check(state, said)
