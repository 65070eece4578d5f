"""What a plan costs, in readings of the same two files by the standard library."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from reconcile.config.loading import load
from reconcile.model.recorded import Record, Recorded
from reconcile.planning.declaration import declaration
from reconcile.state.saving import encode_state
from tests.benchmarks.processes import FLOOR, TOOL, Ratio, compare, measure

GOALS = {100: 4.0, 1_000: 2.0, 10_000: 0.8, 100_000: 0.6}
NOW = datetime(2026, 11, 22, 20, tzinfo=UTC)
LATER = NOW + timedelta(days=2)
HEAD = """\
[state]
url = "state.json"
[defaults]
timezone = "America/New_York"
"""
MODEL = """\
[models.m{number}]
id = "00000000-0000-4000-8000-{number:012d}"
connection = "c{connection}"
[models.m{number}.refresh]
every = "{hours}h"
mode = "soft"
tables = ["analytics.orders", "analytics.t{table}"]
timeout = "20m"
[models.m{number}.cache.daily]
at = "0{hour}:{ten}0"
days = "mon-fri"
after = "models.m{number}.refresh"
[models.m{number}.cache.hourly]
cron = "{minute} * * * *"
"""


def bench_plan(directory: Path, sizes: tuple[int, ...], rounds: int) -> Iterator[Ratio]:
    """Measure a plan of each number of models, three items each, and commands that read as much.

    `nothing due` is the plan most often seen, `all due` the one after two days without a run.
    """
    for size in sizes:
        file = write(directory / str(size), size)
        given = ("-f", str(file))
        commands = {
            "F": (*FLOOR, str(file), str(file.with_name("state.json"))),
            "plan, nothing due": (*TOOL, "plan", *given, "--at", NOW.isoformat()),
            "plan, all due": (*TOOL, "plan", *given, "--at", LATER.isoformat()),
            "validate": (*TOOL, "validate", *given),
            "show": (*TOOL, "show", *given),
            "state list": (*TOOL, "state", "list", *given),
        }
        costs = measure(commands, rounds)
        floor = f"F({size:,})", costs.pop("F")
        for what, cost in costs.items():
            yield compare(f"{what}, {size:,} models", cost, floor, GOALS[size])


def write(directory: Path, size: int) -> Path:
    """Write a desired state and a state in which all of it is settled at `NOW`."""
    directory.mkdir()
    file = directory / "reconcile.toml"
    models = (
        MODEL.format(
            number=number,
            connection=number % 50,
            hours=1 + number % 12,
            table=number % 7,
            hour=number % 10,
            ten=number % 6,
            minute=number % 60,
        )
        for number in range(size)
    )
    file.write_text(HEAD + "".join(models))
    items = {
        item.address: Record(
            declared=declaration(item),
            since=NOW - timedelta(days=30),
            covered_slot=NOW,
            last_success=NOW,
            stamp=None if item.address.endswith(".refresh") else NOW,
            completed_at=NOW,
            durations_s=(30.0, 31.0),
        )
        for item in load(file).desired.items
    }
    recorded = Recorded(lineage="benchmark", serial=1, items=MappingProxyType(items))
    (directory / "state.json").write_bytes(encode_state(recorded))
    return file
