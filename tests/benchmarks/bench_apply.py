"""What a call costs an apply, and what is made of the budget, counted where the calls arrive."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec import Struct

from reconcile.planning.budget import WINDOW_S
from tests.benchmarks import counting
from tests.benchmarks.figures import Figure
from tests.benchmarks.installed import Environment
from tests.benchmarks.processes import Cost, Measured, run
from tests.benchmarks.written import write_resets

_FAST, _SLOW = 10_000, 600
_SIZES = (500, 2_000, 4_000)


class _Served(Struct, frozen=True):
    costs: tuple[Cost, ...]
    arrived: list[float]
    load: float

    def makespan(self, limit: int) -> float:
        """Express how long it took in the time that so many calls take at the limit."""
        return (self.arrived[-1] - self.arrived[0]) / (len(self.arrived) / limit * WINDOW_S)

    def busiest(self) -> int:
        """Return the most that came in any minute."""
        first = most = 0
        for number, at_s in enumerate(self.arrived, 1):
            while self.arrived[first] <= at_s - WINDOW_S:
                first += 1
            most = max(most, number - first)
        return most


def bench_apply(installed: Environment, folder: Path) -> Iterator[Figure]:
    """Apply 500 to 4,000 resets at 10,000 a minute: what each costs must not grow with them."""
    served = {size: _apply(installed, folder / f"resets-{size}", size, _FAST) for size in _SIZES}
    for size, one in served.items():
        yield Figure(
            what=f"CPU a call of {size:,}",
            value=round(one.costs[0].cpu_s / size * 1000, 2),
            unit="ms",
            goal=2.0,
            against=f"at {_FAST:,} a minute, start included; load {one.load:.1f}",
            peak_mib=round(one.costs[0].peak_mib, 1),
        )
    least, *_, most = (one.costs[0].cpu_s / size for size, one in served.items())
    yield Figure(
        what="growth of it",
        value=round(most / least, 2),
        unit="x",
        goal=1.1,
        against=f"a call of {_SIZES[0]:,}",
    )
    yield Figure(
        what="makespan of 2,000 calls",
        value=round(served[2_000].makespan(_FAST), 3),
        unit="x",
        goal=1.05,
        against=f"N/R at {_FAST:,} a minute; load {served[2_000].load:.1f}",
    )


def bench_arrivals(installed: Environment, folder: Path) -> Iterator[Figure]:
    """Apply 600 resets at 600 a minute, by one process and by three that use one key."""
    for processes in (1, 3):
        size = _SLOW // processes
        one = _apply(installed, folder / f"paced-{processes}", size, _SLOW, processes)
        by = "1 process" if processes == 1 else f"{processes} processes"
        told = f"by {by}, where they arrive; load {one.load:.1f}"
        yield Figure(
            what=f"{_SLOW} calls at {_SLOW} a minute",
            value=round(one.makespan(_SLOW), 3),
            unit="x",
            goal=1.015,
            against=f"N/R, {told}",
        )
        most = float(one.busiest())
        yield Figure(what="busiest minute", value=most, unit="", goal=_SLOW, against=told)


def _apply(
    installed: Environment, folder: Path, size: int, limit: int, processes: int = 1
) -> _Served:
    folder.mkdir()
    port, arrivals = folder / "port", folder / "arrivals"
    command = (sys.executable, counting.__file__, str(port), str(arrivals))
    with subprocess.Popen(command) as server:
        try:
            while not (port.exists() and port.read_text().endswith("\n")):
                time.sleep(0.02)
            costs = _applied(installed, folder, size, limit, processes)
        finally:
            server.terminate()
    return _Served(costs, sorted(json.loads(arrivals.read_text())), os.getloadavg()[0])


def _applied(
    installed: Environment, folder: Path, size: int, limit: int, processes: int
) -> tuple[Cost, ...]:
    environment = {
        **os.environ,
        "OMNI_BASE_URL": f"http://127.0.0.1:{(folder / 'port').read_text().strip()}",
        "OMNI_API_KEY": "omni_osk_0123456789abcdef",
        "XDG_CACHE_HOME": str(folder),
    }
    files = [
        write_resets(folder / str(number), size, first=number * size, limit=limit)
        for number in range(processes)
    ]
    allow = ("--allow", f"calls={size}", "--allow", "share=1", "--no-preflight")

    def apply(file: Path) -> Cost:
        command = installed.tool("apply", "--yes", "-f", str(file), *allow)
        return run(Measured(command), file.parent, environment)

    with ThreadPoolExecutor(processes) as together:
        return tuple(together.map(apply, files))
