"""What a command costs that does nothing yet, in starts of a bare interpreter."""

from collections.abc import Iterator

from tests.benchmarks.figures import Figure
from tests.benchmarks.installed import Environment
from tests.benchmarks.processes import Measured, compare, measure

STARTS = (("--version",), ("--help",), ("plan", "--help"), ("completion", "bash"))


def bench_start(installed: Environment, rounds: int) -> Iterator[Figure]:
    """Measure every start against `python -I -c pass`. No goal: see the plan of ten models."""
    commands = {"pass": Measured(installed.nothing())}
    commands |= {" ".join(start): Measured(installed.tool(*start)) for start in STARTS}
    costs = measure(commands, rounds)
    floor = "python -I -c pass", costs.pop("pass")
    for what, cost in costs.items():
        yield compare(what, cost, floor, None)
