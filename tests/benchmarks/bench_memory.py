"""What memory an apply of 10,000 due items and a simulation of 90 days take."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.figures import Figure
from tests.benchmarks.installed import Environment
from tests.benchmarks.processes import Measured, measure, run
from tests.benchmarks.written import ITEMS_A_MODEL, LATER, write

_ITEMS = 10_000


def bench_applied(installed: Environment, directory: Path) -> Iterator[Figure]:
    """Apply 10,000 due items once, at 10,000 requests a minute, to a server in another process."""
    file = write(directory / "applied", -(-_ITEMS // ITEMS_A_MODEL))
    given = ("-f", str(file))
    plan = run(Measured(installed.tool("plan", *given, "--at", LATER.isoformat())), directory)
    with _served(installed, file) as environment:
        allow = ("--allow", "share=1", "--allow", f"calls={_ITEMS}")
        apply = Measured(installed.tool("apply", "--yes", *given, *allow))
        applied = run(apply, directory, {**environment, "XDG_CACHE_HOME": str(directory)})
    yield Figure(
        what=f"peak of an apply of {_ITEMS:,} due items",
        value=round(applied.peak_mib / plan.peak_mib, 2),
        unit="x",
        goal=2.0,
        against=f"plan of the same, {plan.peak_mib:.0f} MiB",
        cpu_ms=round(applied.cpu_s * 1000, 1),
        peak_mib=round(applied.peak_mib, 1),
    )


def bench_simulate(installed: Environment, directory: Path) -> Iterator[Figure]:
    """Simulate 10 days of 1,000 models, and 90 of 30: memory must not grow with time."""
    many = write(directory / "simulated-many", 1_000)
    command = installed.tool("simulate", "-f", str(many), "--for", "10d")
    cost = measure({"": Measured(command)}, 3)[""]
    yield Figure(
        what="10 simulated days of 1,000 sparse models",
        value=round(cost.cpu_s, 2),
        unit="s",
        goal=4.0,
        against="CPU, start included",
        peak_mib=round(cost.peak_mib, 1),
    )
    file = write(directory / "simulated", 30)
    costs = {
        days: run(
            Measured(installed.tool("simulate", "-f", str(file), "--for", f"{days}d")), directory
        )
        for days in (10, 90)
    }
    yield Figure(
        what="peak of 90 simulated days",
        value=round(costs[90].peak_mib / costs[10].peak_mib, 2),
        unit="x",
        goal=1.1,
        against="10 days",
        cpu_ms=round(costs[90].cpu_s * 1000, 1),
        peak_mib=round(costs[90].peak_mib, 1),
    )


@contextmanager
def _served(installed: Environment, file: Path) -> Iterator[dict[str, str]]:
    """Serve what a file declares; gives the environment that reaches the server."""
    command = installed.tool("sandbox", "-f", str(file), "--port", "0")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            said = [server.stdout.readline() for _ in range(3)] if server.stdout else []
            words = said[1].split()[1:]
            yield {**os.environ, **dict(word.split("=", 1) for word in words)}
        finally:
            server.send_signal(signal.SIGINT)
