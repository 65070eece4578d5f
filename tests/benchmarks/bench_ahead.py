"""What looking ahead costs beside the plan it begins with: for reviewers, pages and pipelines."""

from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.figures import Figure
from tests.benchmarks.installed import Environment
from tests.benchmarks.processes import Cost, Measured, compare, measure
from tests.benchmarks.written import NOW, write, write_changed, write_seconds

_PLAN, _FORECAST = "plan", "forecast"
_JSON, _DAYS = "forecast --format json", "forecast --format ics"
_REVIEWS = {"markdown": 1.6, "html": 2.0, "against": 2.0}
_FORECASTS = {("sparse", 10_000): 2.0, ("dense", 1_000): 3.0, ("dense", 10_000): 3.0}
_MEMORY = 1.5
_EVERY_SECOND_S = 0.5
_SIZES = (1_000, 10_000)


def bench_review(installed: Environment, directory: Path, rounds: int) -> Iterator[Figure]:
    """Measure a comment, a page, and a comparison with seventeen lines changed."""
    for file, name in _files(directory / "review"):
        plan = ("plan", "-f", str(file), "--at", NOW.isoformat())
        commands = {
            _PLAN: plan,
            "markdown": (*plan, "--format", "markdown"),
            "html": (*plan, "--format", "html"),
            "against": (*plan, "--against", str(write_changed(file))),
        }
        costs = _measured(installed, commands, rounds)
        for what, goal in _REVIEWS.items():
            yield compare(f"{what}, {name}", costs[what], ("text plan", costs[_PLAN]), goal)


def bench_forecast(installed: Environment, directory: Path, rounds: int) -> Iterator[Figure]:
    """Measure forecasts of a week, as text, JSON and calendar; every second of it is the last."""
    for file, name in _files(directory / "forecast"):
        given = ("-f", str(file), "--at", NOW.isoformat())
        commands = {
            _PLAN: ("plan", *given),
            _FORECAST: ("forecast", *given),
            _JSON: ("forecast", *given, "--format", "json"),
            _DAYS: ("forecast", *given, "--format", "ics"),
        }
        costs = _measured(installed, commands, rounds)
        shape, _, size = name.partition(" ")
        goal = _FORECASTS.get((shape, int(size.replace(",", ""))))
        yield compare(f"forecast, {name}", costs[_FORECAST], ("text plan", costs[_PLAN]), goal)
        yield Figure(
            what=f"peak of it, {name}",
            value=round(costs[_FORECAST].peak_mib / costs[_PLAN].peak_mib, 2),
            unit="x",
            goal=_MEMORY,
            against=f"text plan, {costs[_PLAN].peak_mib:.0f} MiB",
        )
        for what in (_JSON, _DAYS):
            yield compare(f"{what}, {name}", costs[what], ("its text", costs[_FORECAST]), 2.0)
    file = write_seconds(directory / "seconds")
    seconds = _measured(installed, {"": ("forecast", "-f", str(file))}, rounds)[""]
    yield Figure(
        what='forecast of one item, every = "1s"',
        value=round(seconds.cpu_s, 2),
        unit="s",
        goal=_EVERY_SECOND_S,
        against="CPU, start included",
        peak_mib=round(seconds.peak_mib, 1),
    )


def _files(directory: Path) -> Iterator[tuple[Path, str]]:
    directory.mkdir()
    for shape in ("sparse", "dense"):
        for size in _SIZES:
            file = write(directory / f"{shape}-{size}", size, dense=shape == "dense")
            yield file, f"{shape} {size:,}"


def _measured(
    installed: Environment, commands: dict[str, tuple[str, ...]], rounds: int
) -> dict[str, Cost]:
    tools = {name: Measured(installed.tool(*command)) for name, command in commands.items()}
    return measure(tools, rounds)
