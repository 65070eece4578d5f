"""Applies that are killed at random instants, again and again, until their work is done.

Real processes show that nothing hangs on how a run is started; forks of a process that has
imported everything execute the same `main` against the same server, ten times as often. The long
run makes 10,000 kills; `KILLS=1000 pytest --slow tests/crash/test_kills.py` makes another number,
PROCESSES=30 so many of real processes.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import perf_counter

import pytest

from reconcile.state.backend import load
from tests.crash.evidence import Evidence
from tests.crash.yard import AT_ONCE, LATER, Yard, opened, work
from tests.forkserver import Forkserver
from tests.state.acts import dice

pytestmark = pytest.mark.long

APPLY = ("apply", "--yes")
KILLED = -9

Run = Callable[[Path, float | None], tuple[int, str]]
"""Applies in a folder, kills after so many seconds, if not None; returns code and words."""


@dataclass
class Tally:
    kills: int = 0
    rounds: int = 0
    calls: int = 0
    in_doubt: int = 0
    repeated: int = 0


def play(yard: Yard, evidence: Evidence, run: Run, instants: Iterator[float], tally: Tally) -> None:
    """Apply one file, killed at these instants until a run gets through; check after each."""
    folder = evidence.state.parent
    code = KILLED
    while code == KILLED:
        code, said = run(folder, next(instants))
        tally.kills += code == KILLED
        evidence.look()
        load(str(evidence.state))
    assert code == 0, said
    tally.repeated += evidence.require_true_to(yard.sent())
    tally.calls += yard.sent().total()
    tally.in_doubt += evidence.in_doubt().total()
    tally.rounds += 1


@pytest.fixture
def yard() -> Iterator[Yard]:
    with opened() as yard:
        yield yard


def spread(random: Random, shortest_s: float, longest_s: float) -> Iterator[float]:
    while True:
        yield random.uniform(shortest_s, longest_s)


def forked(yard: Yard, tmp_path: Path, kills: int) -> Tally:
    random, tally = dice(kills), Tally()
    with Forkserver() as server:

        def run(folder: Path, kill_after_s: float | None) -> tuple[int, str]:
            ran = server.run(folder, APPLY, yard.environment, kill_after_s=kill_after_s)
            return ran.code, ran.out + ran.err

        for name in ("cold", "warm"):
            yard.lay_out(tmp_path / name, work(14))
            whole = server.run(tmp_path / name, APPLY, yard.environment)
            assert whole.code == 0
        while tally.kills < kills:
            folder = tmp_path / f"round-{tally.rounds}"
            evidence = yard.lay_out(folder, work(14), job=random.choice([AT_ONCE, AT_ONCE, LATER]))
            play(yard, evidence, run, spread(random, whole.took_s / 4, 2 * whole.took_s), tally)
            planned = server.run(folder, ("plan", "--detailed-exitcode"), yard.environment)
            assert planned.code == 0, "an apply that got through left work to do"
    return tally


@pytest.mark.fault("P01", "A14", "S16", "S25")
def test_kills_lose_no_acknowledged_call_and_repeat_none(yard: Yard, tmp_path: Path) -> None:
    assert forked(yard, tmp_path, kills=20).kills >= 20


@pytest.mark.slow
@pytest.mark.fault("P01", "A14", "S16", "S25")
def test_ten_thousand_kills_lose_no_acknowledged_call(yard: Yard, tmp_path: Path) -> None:
    tally = forked(yard, tmp_path, kills=int(os.environ.get("KILLS", "10000")))
    print(tally)  # noqa: T201 - the figures; pytest shows them with -s


@pytest.mark.fault("P01")
def test_killed_processes_lose_no_acknowledged_call(yard: Yard, tmp_path: Path) -> None:
    random, tally = dice(1), Tally()

    def run(folder: Path, kill_after_s: float | None) -> tuple[int, str]:
        command = [sys.executable, "-m", "reconcile", *APPLY]
        with (folder / "output").open("wb") as output:
            process = subprocess.Popen(
                command, cwd=folder, env={**yard.environment, **ours()}, stdout=output,
                stderr=output, stdin=subprocess.DEVNULL,
            )  # fmt: skip
            try:
                code = process.wait(kill_after_s)
            except subprocess.TimeoutExpired:
                process.kill()
                code = process.wait()
        return code, (folder / "output").read_text()

    for name in ("cold", "warm"):
        yard.lay_out(tmp_path / name, work(14))
        begun = perf_counter()
        code, said = run(tmp_path / name, None)
        assert code == 0, said
    whole_s = perf_counter() - begun
    while tally.kills < int(os.environ.get("PROCESSES", "8")):
        evidence = yard.lay_out(tmp_path / str(tally.rounds), work(14))
        play(yard, evidence, run, spread(random, whole_s / 3, 1.5 * whole_s), tally)


def ours() -> dict[str, str]:
    """Let processes in other folders find the package under test."""
    return {"PYTHONPATH": str(Path(__file__).parents[2])}
