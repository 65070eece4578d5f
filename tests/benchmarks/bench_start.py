"""What a command costs that does nothing yet, in starts of a bare interpreter."""

from tests.benchmarks.processes import PASS, TOOL, Ratio, compare, measure

GOAL = 3.0
STARTS = (("--version",), ("--help",), ("plan", "--help"), ("completion", "bash"))


def bench_start(rounds: int) -> list[Ratio]:
    """Measure every start against `python -I -c pass`."""
    commands = {"pass": PASS} | {" ".join(start): (*TOOL, *start) for start in STARTS}
    costs = measure(commands, rounds)
    floor = "python -I -c pass", costs.pop("pass")
    return [compare(what, cost, floor, GOAL) for what, cost in costs.items()]
