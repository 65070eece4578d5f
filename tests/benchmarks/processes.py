"""Whole processes, measured in turn so that what else the machine does falls on all alike."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.benchmarks.figures import Figure

MIB = 1024


@dataclass(frozen=True, slots=True)
class Cost:
    """Medians over the rounds. `cpu_s` is what a busy machine distorts least.

    `peak_mib` is never under what the measuring process holds itself, as the kernel counts it.
    """

    wall_s: float
    cpu_s: float
    peak_mib: float


@dataclass(frozen=True, slots=True)
class Measured:
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
    with (directory / "output").open("wb") as output:
        began_s = time.perf_counter()
        process = subprocess.Popen(measured.command, stdout=output, stderr=output, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - began_s
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != measured.code:
        raise SystemExit((directory / "output").read_text(errors="replace"))
    return Cost(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / MIB)


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        median(cost.wall_s for cost in costs),
        median(cost.cpu_s for cost in costs),
        median(cost.peak_mib for cost in costs),
    )
