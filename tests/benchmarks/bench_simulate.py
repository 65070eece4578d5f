"""How long 90 simulated days take, and how many requests a second: run by hand.

python -m tests.benchmarks.bench_simulate [MODELS] [CONNECTIONS] [DAYS]
"""

import sys
import time as clock
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta

from reconcile.model.address import refresh_address
from reconcile.model.desired import AfterRefresh, At, Desired, Every, Item
from reconcile.model.struct import replace
from reconcile.simulation.simulate import simulate
from reconcile.simulation.tally import Scenario
from tests.planning.making import desired, refresh, reset
from tests.simulation.playing import NOTHING

START = datetime(2026, 9, 1, tzinfo=UTC)
DEFAULTS = (100, 20, 90)
SIX = (time(6),)


def files(models: int, connections: int) -> Desired:
    """Six-hourly refreshes, a daily reset of each model, and for every other an `after`."""
    return desired(*(item for n in range(models) for item in _items(n, connections)))


def _items(number: int, connections: int) -> Iterable[Item]:
    name = f"model{number:04d}"
    model_id = f"00000000-0000-4000-8000-{number:012d}"
    first = refresh(name, Every(timedelta(hours=6)), connection=f"warehouse{number % connections}")
    yield replace(first, model_id=model_id)
    daily = reset(name, At(SIX), zone="America/New_York")
    yield replace(daily, model_id=model_id)
    if number % 2:
        hourly = reset(name, AfterRefresh(refresh_address(name)), policy="hourly")
        yield replace(hourly, model_id=model_id)


def main() -> None:
    """Print one line a scenario."""
    given = [int(text) for text in sys.argv[1:4]]
    models, connections, days = [*given, *DEFAULTS[len(given) :]]
    for lateness, fails in (("none", 0.0), ("github", 0.02)):
        scenario = Scenario(
            start=START,
            until=START + timedelta(days=days),
            runner="*/15 * * * *",
            zone="UTC",
            lateness=lateness,
            fail_share=fails,
            seed=1,
        )
        began_s, cpu_s = clock.perf_counter(), clock.process_time()
        simulated = simulate(files(models, connections), NOTHING, scenario)
        took_s, used_s = clock.perf_counter() - began_s, clock.process_time() - cpu_s
        counts = simulated.requests
        requests = counts.refreshes + counts.resets + counts.polls
        sys.stdout.write(
            f"{lateness:8} {days} d of {models} models on {connections} connections: "
            f"{took_s:.1f} s ({used_s:.1f} s of CPU), {simulated.ticks.scheduled:,} ticks, "
            f"{requests:,} requests, {requests / took_s:,.0f} requests/s\n"
        )


if __name__ == "__main__":
    main()
