"""What a plan costs: in bare readings of the same two files, and in plans of octoDNS's."""

from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import lean
from tests.benchmarks.figures import Figure
from tests.benchmarks.installed import Environment
from tests.benchmarks.processes import Cost, Measured, compare, measure
from tests.benchmarks.written import (
    LATER,
    NOW,
    write,
    write_edited,
    write_mistaken,
    write_zones,
)

GOALS = {1_000: 2.0, 10_000: 0.8, 100_000: 0.6}
LEAN_GOALS = {10_000: 2.0}
AS_JSON = 1.8
JSON_MIB = 200.0
OCTODNS_GOALS = {10: 1.25, 100: 0.9, 10_000: 0.12}
MOST_MIB = 1536.0
GROWTH = 11.0
ALL = 1.3
OTHERS = {10_000: 1.0}
MISTAKE = 2.0
IDLE, EDITED, DUE = "plan, nothing due", "plan, all edited", "plan, all due"
DENSE = "plan, dense, nothing due"
JSON = "plan --format json, all due"
PRESENT = "plan, at present"
AT_PRESENT = ("show", "state list", "why")
"""Commands that have no instant but the present one: a plan of that is what they may cost."""


def bench_plan(
    installed: Environment, directory: Path, sizes: tuple[int, ...], rounds: int
) -> Iterator[Figure]:
    """Measure a plan of each number of models, three items each, and commands that read as much.

    `nothing due` is the plan most often seen, `all edited` the one after a new default, `all due`
    the one after two days without a run.
    """
    idle: dict[int, Cost] = {}
    for size in sizes:
        file = write(directory / str(size), size)
        dense = write(directory / f"dense-{size}", size, dense=True)
        few = rounds if size < 100_000 else min(rounds, 3)
        costs = measure(_commands(installed, file, dense), few)
        floor = f"F({size:,})", costs.pop("F")
        prototype = "the lean prototype", costs.pop("lean")
        idle[size] = costs[IDLE]
        mistake, as_json = costs.pop("validate, a mistake"), costs.pop(JSON)
        yield compare(f"{IDLE}, {size:,} models", costs[IDLE], floor, GOALS.get(size))
        yield compare(f"{IDLE}, {size:,} models", costs[IDLE], prototype, LEAN_GOALS.get(size))
        at_10_000 = size == 10_000
        yield compare(f"{JSON}, {size:,} models", as_json, floor, AS_JSON if at_10_000 else None)
        if at_10_000:
            yield Figure(what="peak of it", value=as_json.peak_mib, unit="MiB", goal=JSON_MIB)
        plan, present = ("that plan", costs.pop(IDLE)), (PRESENT, costs.pop(PRESENT))
        for what, cost in costs.items():
            goal = ALL if what in {EDITED, DUE, DENSE} else OTHERS.get(size)
            beside = present if what in AT_PRESENT else plan
            yield compare(f"{what}, {size:,} models", cost, beside, goal)
        yield compare(f"place of a mistake, {size:,} models", mistake, plan, MISTAKE)
    if {10_000, 100_000} <= idle.keys():
        small = f"{IDLE}, 10,000", idle[10_000]
        yield compare("growth of a plan to 100,000", idle[100_000], small, GROWTH)
        peak = idle[100_000].peak_mib
        yield Figure(what="peak of a plan of 100,000", value=peak, unit="MiB", goal=MOST_MIB)


def bench_octodns(
    installed: Environment, octodns: Environment, directory: Path, rounds: int
) -> Iterator[Figure]:
    """Measure plans of models against octoDNS's of as many records, twelve values each."""
    for size, goal in OCTODNS_GOALS.items():
        file = write(directory / f"beside-{size}", size)
        zones = write_zones(directory / f"zones-{size}", size)
        sync = octodns.python(str(octodns.folder / "bin" / "octodns-sync"))
        commands = {
            "octodns": Measured((*sync, "--config-file", str(zones), "--force")),
            "plan": Measured(installed.tool("plan", "-f", str(file), "--at", NOW.isoformat())),
        }
        costs = measure(commands, rounds)
        floor = f"octoDNS's plan of {size:,} records", costs["octodns"]
        yield compare(f"{IDLE}, {size:,} models", costs["plan"], floor, goal)


def _commands(installed: Environment, file: Path, dense: Path) -> dict[str, Measured]:
    given, state = ("-f", str(file)), file.with_name("state.json")

    def tool(*arguments: str) -> Measured:
        return Measured(installed.tool(*arguments, *given))

    edited = ("plan", "-f", str(write_edited(file)), "--at", NOW.isoformat())
    mistaken = ("validate", "-f", str(write_mistaken(file)))
    return {
        "F": Measured(installed.floor(file, state)),
        "lean": Measured(installed.python(lean.__file__, str(file), str(state), NOW.isoformat())),
        IDLE: tool("plan", "--at", NOW.isoformat()),
        EDITED: Measured(installed.tool(*edited)),
        DENSE: Measured(installed.tool("plan", "-f", str(dense), "--at", NOW.isoformat())),
        DUE: tool("plan", "--at", LATER.isoformat()),
        JSON: tool("plan", "--at", LATER.isoformat(), "--json"),
        PRESENT: tool("plan"),
        "validate": tool("validate"),
        "show": tool("show"),
        "state list": tool("state", "list"),
        "why": tool("why", "models.m7.refresh"),
        "validate, a mistake": Measured(installed.tool(*mistaken), code=1),
    }
