"""Whole processes, measured in turn so that what else the machine does falls on all alike."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from msgspec import Struct

from tests.benchmarks.figures import Figure

_LAUNCH = """\
import os, sys, time
began_s = time.perf_counter()
child = os.fork()
if not child:
    output = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1), os.dup2(output, 2)
    os.execv(sys.argv[2], sys.argv[2:])
_, status, used = os.wait4(child, 0)
wall_s = time.perf_counter() - began_s
code = os.waitstatus_to_exitcode(status)
print(wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss, code)
"""
"""Starts a command from a small process: the kernel counts what the one that forks holds itself as
memory of the child, and this one holds the files of 100,000 models."""


class Cost(Struct, frozen=True):
    """Medians over the rounds. `cpu_s` is what a busy machine distorts least."""

    wall_s: float
    cpu_s: float
    peak_mib: float


class Measured(Struct, frozen=True):
    """A command, and the exit code it is to end with."""

    command: Sequence[str]
    code: int = 0


def measure(commands: Mapping[str, Measured], rounds: int) -> dict[str, Cost]:
    """Run every command once a round, in the same order each time, after one round unmeasured."""
    taken: dict[str, list[Cost]] = {name: [] for name in commands}
    with TemporaryDirectory() as directory:
        for number in range(rounds + 1):
            for name, measured in commands.items():
                cost = run(measured, Path(directory))
                if number:
                    taken[name].append(cost)
    return {name: _median(costs) for name, costs in taken.items()}


def compare(what: str, cost: Cost, floor: tuple[str, Cost], goal: float | None) -> Figure:
    """Express the CPU time of a cost in that of its floor."""
    name, least = floor
    return Figure(
        what=what,
        value=round(cost.cpu_s / least.cpu_s, 3),
        unit="x",
        against=name,
        goal=goal,
        cpu_ms=round(cost.cpu_s * 1000, 1),
        peak_mib=round(cost.peak_mib, 1),
    )


def run(measured: Measured, directory: Path, environment: Mapping[str, str] | None = None) -> Cost:
    """Run a command once. Ends the benchmark with the command's output if it does not end well."""
    output = directory / "output"
    launcher = (sys.executable, "-I", "-S", "-c", _LAUNCH, str(output))
    done = subprocess.run(
        (*launcher, *measured.command), check=True, stdout=subprocess.PIPE, env=environment
    )
    wall_s, cpu_s, peak_kib, code = map(float, done.stdout.split())
    if code != measured.code:
        raise SystemExit(output.read_text(errors="replace"))
    return Cost(wall_s, cpu_s, peak_kib / 1024)


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        median(cost.wall_s for cost in costs),
        median(cost.cpu_s for cost in costs),
        median(cost.peak_mib for cost in costs),
    )
