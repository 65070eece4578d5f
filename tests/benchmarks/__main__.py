"""Measure the tool: python -m tests.benchmarks [GROUP ...].

Builds a wheel and installs it into a temporary environment; whole processes run from there. Ratios
are of CPU time, medians of rounds in which the commands take turns, so that what else the machine
does falls on all alike. A figure that misses its goal is marked; nothing fails.
"""

import argparse
import os
import platform
import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.bench_ahead import bench_forecast, bench_review
from tests.benchmarks.bench_apply import bench_apply, bench_arrivals
from tests.benchmarks.bench_budget import bench_limiter, bench_requests
from tests.benchmarks.bench_memory import bench_applied, bench_simulate
from tests.benchmarks.bench_plan import bench_octodns, bench_plan
from tests.benchmarks.bench_slots import bench_slots
from tests.benchmarks.bench_start import bench_start
from tests.benchmarks.bench_state import bench_state
from tests.benchmarks.figures import HEAD, Figure, as_json, line
from tests.benchmarks.installed import Environment, install, install_wheel


class _Run:
    """One run: its options, and what the groups share, made when first wanted."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self.folder = folder
        self.rounds: int = options.rounds
        self.sizes = tuple(int(size) for size in options.models.split(",") if size)

    @cached_property
    def installed(self) -> Environment:
        return install_wheel(self.folder)

    @cached_property
    def octodns(self) -> Environment:
        return install(self.folder / "octodns", "octodns==1.22.0")


_GROUPS: dict[str, tuple[str, Callable[[_Run], Iterator[Figure]]]] = {
    "start": (
        "--version, --help and completion against a bare interpreter",
        lambda run: bench_start(run.installed, run.rounds),
    ),
    "plan": (
        "plan and the commands that read as much, against F: reading both files and no more",
        lambda run: bench_plan(run.installed, run.folder, run.sizes, run.rounds),
    ),
    "review": (
        "a comment, a page and a comparison beside the text plan; takes minutes",
        lambda run: bench_review(run.installed, run.folder, min(run.rounds, 3)),
    ),
    "forecast": (
        "forecasts of a week as text, JSON and calendar; takes minutes",
        lambda run: bench_forecast(run.installed, run.folder, min(run.rounds, 3)),
    ),
    "octodns": (
        "plan against octoDNS's plan of as many records; installs octoDNS from PyPI",
        lambda run: bench_octodns(run.installed, run.octodns, run.folder, run.rounds),
    ),
    "state": ("what remembering a call costs", lambda run: bench_state(run.folder)),
    "apply": (
        "CPU a call and makespan of applies at 10,000 calls a minute; takes two minutes",
        lambda run: bench_apply(run.installed, run.folder),
    ),
    "limiter": (
        "what is made of the budget, on virtual time and where calls arrive; takes three minutes",
        lambda run: chain(bench_limiter(), bench_arrivals(run.installed, run.folder)),
    ),
    "requests": ("requests a job, the load forecast", lambda _: bench_requests()),
    "slots": ("slot arithmetic", lambda run: bench_slots(run.rounds)),
    "memory": (
        "memory of an apply of 10,000 due items; takes a minute or two",
        lambda run: bench_applied(run.installed, run.folder),
    ),
    "simulate": (
        "10 simulated days of 1,000 models, and memory of 90",
        lambda run: bench_simulate(run.installed, run.folder),
    ),
}


def main() -> None:
    """Run the benchmarks and print them."""
    groups = "\n".join(f"  {name:10} {told}" for name, (told, _) in _GROUPS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        epilog=f"groups:\n{groups}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("groups", nargs="*", metavar="GROUP", help="which of them; all by default")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--rounds", type=int, default=7, help="runs of each (default: 7)")
    parser.add_argument(
        "--models", default="100,1000,10000", help="sizes of plan; 100000 has goals of its own"
    )
    options = parser.parse_args()
    if unknown := set(options.groups) - _GROUPS.keys():
        parser.error(f"no such group: {', '.join(sorted(unknown))}")
    with TemporaryDirectory() as folder:
        run = _Run(Path(folder), options)
        chosen = [bench for name, (_, bench) in _GROUPS.items() if name in options.groups]
        benches = chosen or [bench for _, bench in _GROUPS.values()]
        figures = (figure for bench in benches for figure in bench(run))
        loads = [os.getloadavg()[0]]
        if options.json:
            sys.stdout.write(as_json(figures))
            return
        sys.stdout.write(HEAD)
        for figure in figures:
            sys.stdout.write(line(figure))
            sys.stdout.flush()
            loads.append(os.getloadavg()[0])
        python, cores = platform.python_version(), os.cpu_count()
        told = f"{min(loads):.1f} to {max(loads):.1f}"
        sys.stdout.write(f"CPython {python}, {cores} cores, load of the machine {told}\n")


if __name__ == "__main__":
    main()
