"""Applies of throwaway runners: processes, an empty disk each, and one remote state."""

import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep

import pytest

from reconcile.state.backend import load
from tests.patience import wait_until
from tests.stage import Stage, Staging

MODEL = """
[models.m{number}]
id = "00000000-0000-4000-8000-{number:012d}"
connection = "c{number}"
refresh = {{ every = "6h", mode = "soft" }}
cache.daily.at = "00:00"
"""
MODELS = 8

pytestmark = pytest.mark.servers


def fleeting(staging: Staging, url: str) -> Stage:
    """Stage eight models, each on a connection of its own, whose calls are spread over seconds."""
    head = f'[state]\nurl = "{url}"\nlock_ttl = "5s"\n\n[omni]\nrequests_per_minute = 240\n'
    text = head + "".join(MODEL.format(number=number) for number in range(MODELS))
    stage = staging(text, job_s=0.3, limit=240)
    stage.environment |= server_environment()
    return stage


def server_environment() -> dict[str, str]:
    names = ("AWS_", "AZUR", "PG")
    return {name: value for name, value in os.environ.items() if name.startswith(names)}


@contextmanager
def applying(stage: Stage) -> Iterator[subprocess.Popen[str]]:
    """Apply as a process, and see it through its first few calls."""
    process = stage.start("apply", "--yes")
    try:
        wait_until(lambda: len(stage.calls()) >= 4 or process.poll() is not None)
        assert len(stage.calls()) >= 4, process.communicate()
        yield process
    finally:
        process.kill()
        process.communicate()


def another_runner(stage: Stage, folder: Path) -> Stage:
    """Return a runner with nothing on its disk but the file."""
    folder.mkdir()
    (folder / "reconcile.toml").write_text((stage.folder / "reconcile.toml").read_text())
    return Stage(folder, stage.base_url, stage.world, stage.environment)


def sent_again(stage: Stage) -> int:
    times = Counter((exchange.call.path, exchange.call.body) for exchange in stage.calls())
    return sum(count - 1 for count in times.values())


def in_doubt(url: str) -> int:
    pending = (record.pending for record in load(url).recorded.items.values())
    return len({p.operation for p in pending if p is not None and not p.accepted})


@pytest.mark.fault("P01", "L02")
def test_a_killed_runner_is_carried_on_from_an_empty_disk(
    staged: Staging, url: str, tmp_path: Path
) -> None:
    stage = fleeting(staged, url)
    with applying(stage) as killed:
        killed.kill()
        killed.communicate()
    doubts = in_doubt(url)
    successor = another_runner(stage, tmp_path / "second")
    ended = successor.run("apply", "--yes")
    assert (ended.code, "cut short" in ended.err) == (0, True), ended
    assert sent_again(stage) <= doubts
    assert successor.run("plan", "--detailed-exitcode").code == 0
    assert len(load(url).recorded.items) == 2 * MODELS


@pytest.mark.fault("L14", "X05", "X06")
def test_a_runner_that_was_stopped_for_too_long_sends_and_writes_nothing_more(
    staged: Staging, url: str, tmp_path: Path
) -> None:
    stage = fleeting(staged, url)
    with applying(stage) as zombie:
        sleep(0.1)
        zombie.send_signal(signal.SIGSTOP)
        ended = another_runner(stage, tmp_path / "second").run("apply", "--yes")
        assert ended.code == 0, ended
        before = (len(stage.calls()), load(url).recorded)
        zombie.send_signal(signal.SIGCONT)
        _, told = zombie.communicate(timeout=60)
    assert zombie.returncode not in {0, -signal.SIGKILL}
    assert "lock" in told or "not written" in told or "written down" in told
    assert (len(stage.calls()), load(url).recorded) == before
