"""Measure the start and the plan: python -m tests.benchmarks [--json] [--rounds N] [--models N,N].

One table, every figure a ratio to a floor measured in the same run. Nothing here fails: goals are
shown beside what was reached.
"""

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.bench_plan import GOALS, bench_plan
from tests.benchmarks.bench_start import bench_start
from tests.benchmarks.processes import Ratio


def main() -> None:
    """Run the benchmarks and print them."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--rounds", type=int, default=7, help="runs of each (default: 7)")
    parser.add_argument("--models", default="100,1000,10000", help=f"sizes, of {list(GOALS)}")
    options = parser.parse_args()
    sizes = tuple(int(size) for size in options.models.split(",") if size)
    with TemporaryDirectory() as directory:
        ratios = [
            *bench_start(options.rounds),
            *bench_plan(Path(directory), sizes, options.rounds),
        ]
    if options.json:
        sys.stdout.write(json.dumps([asdict(ratio) for ratio in ratios], indent=2) + "\n")
        return
    sys.stdout.write(table(ratios))


def table(ratios: Iterable[Ratio]) -> str:
    """Lay the ratios out, one a line."""
    head = f"{'what':34} {'CPU ms':>9} {'x floor':>8} {'goal':>7} {'wall x':>7} {'MiB':>6}  floor\n"
    return head + "".join(
        f"{r.what:34} {r.cpu_ms:9,.1f} {r.ratio:8.2f} {f'<= {r.goal}':>7} {r.wall_ratio:7.2f} "
        f"{r.peak_mib:6.0f}  {r.floor}\n"
        for r in ratios
    )


if __name__ == "__main__":
    main()
