"""A fleet on one machine: how late calls are, and what the workers cost.

python -m tests.benchmarks.bench_fleet [--instances N] [--models N] [--workers N] [--minutes N]

Every instance resets a cache of each model every five minutes, a fifth of the instances at the same
full minute; `--cron "* * * * *"` makes all of them due at once, every minute. Omni, the database
and the workers share the machine, and states are in the database. Needs Debian's postgresql.
"""

import argparse
import json
import os
import resource
import signal
import sys
import time
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from reconcile.clock import wall_clock
from reconcile.config.load import load_text
from reconcile.sandbox.command import running
from reconcile.sandbox.instance import Settings, seeds_of
from tests.fleet.yard import Yard, tokens
from tests.logged_world import LoggedWorld
from tests.postgres import running_postgres

_MIB = 1 << 20
_REST_S = 3
_LONGEST_UNREST_S = 120


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_fleet")
    parser.add_argument("--instances", type=int, default=500)
    parser.add_argument("--models", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--minutes", type=int, default=3)
    parser.add_argument("--cron", default="", help="cadence; by default spread over the minutes")
    options = parser.parse_args()
    with TemporaryDirectory() as folder, TemporaryDirectory() as secrets:
        figures = measure(options, Path(folder), Path(secrets))
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


def measure(options: argparse.Namespace, folder: Path, secrets: Path) -> dict[str, object]:
    """Run the fleet for so many minutes after the first calls are through, from rest to rest."""
    bodies = {
        f"i{number:04d}": "".join(_model(number, model, options) for model in range(options.models))
        for number in range(options.instances)
    }
    text = '[state]\nurl = "unused.json"\n' + "\n".join(bodies.values())
    world = LoggedWorld(
        seeds_of(load_text(text, "all.toml", folder).desired),
        settings=Settings(requests_per_minute=60),
        tokens=tokens(tuple(bodies)),
    )
    with running_postgres() as postgres, running(world, clock=wall_clock) as base_url:
        yard = Yard(folder, postgres.url, base_url, world, secrets)
        yard.declare(bodies, state="{database}#{name}")
        try:
            for _ in range(options.workers):
                yard.start_worker()
            first = options.instances * options.models
            yard.wait_until(lambda: len(yard.posts()) >= first, timeout_s=600)
            _rest(yard)
            began, spent_s = wall_clock(), _cpu_s(yard)
            time.sleep(options.minutes * 60)
            _rest(yard)
            spent_s = _cpu_s(yard) - spent_s
            peaks = [_peak_mib(worker.pid) for worker in yard.workers]
        finally:
            for worker in yard.workers:
                worker.send_signal(signal.SIGTERM)
                worker.wait(timeout=30)
    sent = _sent(yard, began)
    runs = len({(name, slot) for name, slot, _ in sent})
    late = sorted(lateness_s for _, _, lateness_s in sent)
    cpu = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "instances": options.instances,
        "calls": len(late),
        "runs": runs,
        "slots_skipped": _skipped(sent),
        "worker_cpu_ms_a_run": round(spent_s * 1000 / runs, 1),
        "late_s_median": round(late[len(late) // 2], 2),
        "late_s_p99": round(late[int(len(late) * 0.99)], 2),
        "late_s_most": round(late[-1], 2),
        "refused_429": sum(exchange.status == 429 for exchange in world.log),
        "worker_peak_mib": [round(peak) for peak in peaks],
        "cpu_s_of_all_children": round(cpu.ru_utime + cpu.ru_stime, 1),
        "cores": os.cpu_count(),
    }


def _rest(yard: Yard) -> None:
    """Wait for a pause, so that no run is cut in two; a fleet without one is not awaited."""
    for _ in range(_LONGEST_UNREST_S // _REST_S):
        before = len(yard.world.log)
        time.sleep(_REST_S)
        if len(yard.world.log) == before:
            return


def _model(instance: int, model: int, options: argparse.Namespace) -> str:
    number = instance * options.models + model
    cron = options.cron or f"{instance % 5}-59/5 * * * *"
    return (
        f'[models.m{number}]\nid = "00000000-0000-4000-8000-{number:012d}"\n'
        f'[models.m{number}.cache.daily]\ncron = "{cron}"\n'
    )


def _sent(yard: Yard, began: datetime) -> list[tuple[str, datetime, float]]:
    """List instance, slot and lateness in seconds of each call for a slot since `began`."""
    sent = []
    for exchange in yard.posts():
        slot = datetime.fromisoformat(json.loads(exchange.call.body)["resetAt"])
        if slot > began:
            sent.append((exchange.token_name or "", slot, (exchange.at - slot).total_seconds()))
    return sent


def _skipped(sent: list[tuple[str, datetime, float]]) -> int:
    """Count slots that an instance did not have, between two that it had and all others had."""
    slots: dict[str, set[datetime]] = {}
    for name, slot, _ in sent:
        slots.setdefault(name, set()).add(slot)
    newest = min((max(own) for own in slots.values()), default=None)
    due = {slot for own in slots.values() for slot in own if newest and slot <= newest}
    return sum(len(due - own) for own in slots.values())


def _cpu_s(yard: Yard) -> float:
    """Return what the workers have used of any core."""
    ticks = 0
    for worker in yard.workers:
        fields = Path(f"/proc/{worker.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024 / _MIB


if __name__ == "__main__":
    main()
