"""A whole apply in which each system call fails once, from the first touch of the state on.

The default run tries a few points; `--slow` tries all of them: SIGKILL at every call, EIO and
ENOSPC at every call that can have them, a reset connection at every one that speaks to Omni.
"""

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconcile.state.backend import load
from tests.canary import traces
from tests.crash.test_kills import ours
from tests.crash.yard import Yard, opened, work
from tests.forkserver import Forkserver


def can_trace() -> bool:
    """Tell whether there is an strace, and the right to trace: some containers withhold it."""
    if not shutil.which("strace"):
        return False
    tried = ["strace", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "true"]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0


pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not can_trace(), reason="needs strace and the right to trace"),
]

DISK = ("write", "fsync", "rename", "linkat", "link", "unlink", "openat", "ftruncate")
NETWORK = ("sendto", "recvfrom", "connect", "socket")
OTHER = ("flock", "fchmod", "mkdir", "lstat", "epoll_wait")
LIBRARY = re.compile(r"/lib/python|/site-packages/|\.py\b|/__pycache__/")
"""Modules are read on the way, too: a kill there is one between two calls that matter."""
FAULTS = {
    "signal=SIGKILL": (*DISK, *NETWORK, *OTHER),
    "error=EIO": (*DISK, "flock", "fchmod"),
    "error=ENOSPC": DISK,
    "error=ECONNRESET": ("sendto", "recvfrom", "connect"),
}
Point = tuple[str, str, int]

ONE = [sys.executable, "-m", "reconcile", "apply", "--yes"]
EXPECTED = {0, 1, 5, 6, -9, 128 + 9}


@pytest.fixture
def yard() -> Iterator[Yard]:
    with opened() as yard:
        yield yard


@pytest.fixture
def server() -> Iterator[Forkserver]:
    with Forkserver() as server:
        yield server


def traced(yard: Yard, folder: Path, *options: str) -> tuple[int, str, str]:
    """Apply once under strace; return the exit code, all that was said, and the calls made."""
    log = folder / "calls"
    strace = ["strace", "-f", "--seccomp-bpf", "-qq", "-y", "-o", str(log)]
    strace += ["-e", f"trace={','.join(f'?{name}' for name in FAULTS['signal=SIGKILL'])}", *options]
    done = subprocess.run(
        strace + ONE,
        cwd=folder,
        # A fault may hit whatever is written: no file of Python's own, which others would read.
        env={**yard.environment, **ours(), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr, log.read_text()


def points(yard: Yard, folder: Path) -> list[Point]:
    """List each fault at each call: what `-e inject` wants to know of it."""
    yard.lay_out(folder, work(4))
    code, said, log = traced(yard, folder)
    assert code == 0, said
    lines = log.splitlines()
    names = [re.sub(r"^\d+ +", "", line).partition("(")[0] for line in lines]
    first = next(n for n, line in enumerate(lines) if "reconcile.state.json" in line)
    seen, found = Counter[str](), []
    for number, name in enumerate(names):
        seen[name] += 1
        if number >= first and not LIBRARY.search(lines[number]):
            found += [(name, f, seen[name]) for f, names in FAULTS.items() if name in names]
    return found


def require_harmless(yard: Yard, server: Forkserver, folder: Path, point: Point) -> None:
    """Apply with one fault, then without; nothing acknowledged is gone or sent again."""
    name, fault, place = point
    evidence = yard.lay_out(folder, work(4))
    code, said, _ = traced(yard, folder, "-e", f"inject={name}:{fault}:when={place}")
    assert code in EXPECTED, (point, code, said)
    # The pipe by which a thread wakes its loop is read by recvfrom too, and fails on no machine.
    assert "Traceback" not in said or "_read_from_self" in said, (point, said)
    assert not traces(said.encode()), point
    evidence.look()
    load(str(evidence.state))
    for _ in range(3):
        # It would be sent again by itself, but only in a minute.
        for address in evidence.doubted():
            server.run(folder, ("state", "mark", address, "--due"), yard.environment)
        ran = server.run(folder, ("apply", "--yes"), yard.environment)
        evidence.look()
        if not ran.code:
            break
    assert ran.code == 0, (point, ran.out + ran.err)
    evidence.require_true_to(yard.sent())


@pytest.mark.fault("D01", "D03", "P01", "P06")
def test_a_fault_at_some_system_calls_of_an_apply_is_harmless(
    yard: Yard, server: Forkserver, tmp_path: Path
) -> None:
    found = points(yard, tmp_path / "first")
    assert len(found) > 100
    for number, point in enumerate(found[7 :: len(found) // 4]):
        require_harmless(yard, server, tmp_path / str(number), point)


@pytest.mark.slow
@pytest.mark.fault("D01", "D03", "P01", "P06", "S20")
def test_a_fault_at_every_system_call_of_an_apply_is_harmless(
    yard: Yard, server: Forkserver, tmp_path: Path
) -> None:
    found = points(yard, tmp_path / "first")
    violations = []
    for number, point in enumerate(found):
        try:
            require_harmless(yard, server, tmp_path / str(number), point)
        except AssertionError as error:
            violations.append(f"{point}: {error}"[:2_000])
    print(len(found), "points")  # noqa: T201 - the figure; pytest shows it with -s
    assert not violations, "\n".join(violations)
