"""Whole processes, measured in turn so that what else the machine does falls on all alike."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

TOOL = (sys.executable, "-I", "-c", "from reconcile.cli.entry import entry; entry()")
"""What the installed script runs. -I keeps the environment's own switches out, and so bytecode in:
where PYTHONDONTWRITEBYTECODE is set, a checkout would be compiled anew at every start."""

PASS = (sys.executable, "-I", "-c", "pass")
_READ = """\
import json, sys, tomllib
with open(sys.argv[1], "rb") as desired, open(sys.argv[2], "rb") as state:
    tomllib.load(desired), json.load(state)
"""
FLOOR = (sys.executable, "-I", "-c", _READ)
"""F: reading the same two files with the standard library, and nothing else."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Medians over the rounds. `cpu_s` is what a busy machine distorts least.

    `peak_mib` is never under what the measuring process holds itself, as the kernel counts it.
    """

    wall_s: float
    cpu_s: float
    peak_mib: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """One line of the table: a cost as a multiple of a floor taken in the same run."""

    what: str
    floor: str
    goal: float
    ratio: float
    cpu_ms: float
    wall_ratio: float
    peak_mib: float


def measure(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, Cost]:
    """Run every command once a round, in the same order each time, after one round unmeasured."""
    taken: dict[str, list[Cost]] = {name: [] for name in commands}
    with TemporaryDirectory() as directory:
        for number in range(rounds + 1):
            for name, command in commands.items():
                cost = _run(command, Path(directory))
                if number:
                    taken[name].append(cost)
    return {name: _median(costs) for name, costs in taken.items()}


def compare(what: str, cost: Cost, floor: tuple[str, Cost], goal: float) -> Ratio:
    """Express a cost in its floor."""
    name, least = floor
    return Ratio(
        what=what,
        floor=name,
        goal=goal,
        ratio=round(cost.cpu_s / least.cpu_s, 2),
        cpu_ms=round(cost.cpu_s * 1000, 1),
        wall_ratio=round(cost.wall_s / least.wall_s, 2),
        peak_mib=round(cost.peak_mib, 1),
    )


def _run(command: Sequence[str], directory: Path) -> Cost:
    with (directory / "output").open("wb") as output:
        began_s = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - began_s
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit((directory / "output").read_text(errors="replace"))
    return Cost(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        median(cost.wall_s for cost in costs),
        median(cost.cpu_s for cost in costs),
        median(cost.peak_mib for cost in costs),
    )
