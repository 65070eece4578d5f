"""What the tool prints as JSON, run as a process, against the schemas that it publishes itself."""

import json

import pytest

from tests.render.schemas import validating
from tests.stage import SALES, Stage, Staging

FILE = f"""
[defaults]
timezone = "America/New_York"
[models.sales]
id = "{SALES}"
refresh = {{ every = "6h" }}
[models.sales.cache.daily]
at = "02:30"
after = "models.sales.refresh"
"""
OTHER = FILE.replace("6h", "2h") + 'pause = { reason = "moving" }\n'

RUNS: dict[str, list[tuple[str, ...]]] = {
    "plan": [("plan",), ("plan", "--against", "./other.toml", "--horizon", "2d")],
    "saved": [("show", "saved.json"), ("show", "-f", "other.toml", "saved.json")],
    "difference": [("plan", "diff", "before.json", "after.json")],
    "forecast": [("forecast", "--for", "2d")],
    "signal": [("signal", "--list")],
    "why": [("why", "models.sales.refresh"), ("why", "models.sales.cache.daily")],
    "simulation": [("simulate", "--from", "2026-10-31T00:00Z", "--for", "3d")],
    "summary": [("apply", "--yes"), ("rehearse",)],
}
EVERY: list[tuple[str, tuple[str, ...]]] = [
    (name, run) for name, runs in RUNS.items() for run in runs
]


def put(stage: Stage) -> None:
    stage.write(OTHER, "other.toml")
    stage.run("plan", "--out", "saved.json")
    for name, file in (("before", "reconcile.toml"), ("after", "other.toml")):
        stage.write(stage.run("plan", "-f", file, "--format", "json").out, f"{name}.json")


@pytest.mark.parametrize(("name", "run"), EVERY, ids=[" ".join(run) for _, run in EVERY])
def test_what_is_printed_satisfies_what_is_published(
    staged: Staging, name: str, run: tuple[str, ...]
) -> None:
    stage = staged(FILE)
    put(stage)
    ended = stage.run(*run, "--format", "json")
    assert ended.code == 0, ended.err
    validating(name)(ended.json())


@pytest.mark.parametrize("run", [("apply", "--yes"), ("rehearse",)])
def test_a_summary_is_printed_also_where_nothing_is_due(
    staged: Staging, run: tuple[str, ...]
) -> None:
    stage = staged(FILE)
    stage.run("apply", "--yes")
    summary = stage.run(*run, "--format", "json").json()
    validating("summary")(summary)
    assert summary["results"] == []


@pytest.mark.parametrize("faults", ["", "reset:422", "refresh:fail", "reset:lost"])
def test_every_event_and_the_summary_satisfy_their_schemas(staged: Staging, faults: str) -> None:
    stage = staged(FILE, faults=faults)
    ended = stage.run("apply", "--yes", "--events", "events.jsonl", "--format", "json")
    validating("summary")(ended.json())
    for line in (stage.folder / "events.jsonl").read_text().splitlines():
        validating("event")(json.loads(line))


@pytest.mark.parametrize(
    "run", [("plan", "-f", "none.toml"), ("validate",), ("why", "models.sals.refresh"), ("plann",)]
)
def test_errors_satisfy_the_schema_of_diagnostics(staged: Staging, run: tuple[str, ...]) -> None:
    stage = staged(FILE)
    if run == ("validate",):
        stage.write(FILE + "everry = 3\n[models.ops]\n")
    ended = stage.run(*run, "--format", "json")
    assert ended.code == 1
    validating("diagnostics")(json.loads(ended.err))


@pytest.mark.parametrize("name", [*RUNS, "comparison", "event", "diagnostics", "state", "log"])
def test_schema_prints_each_by_name(staged: Staging, name: str) -> None:
    printed = staged(FILE).run("schema", name).json()
    assert printed["$schema"].endswith("2020-12/schema")
    assert printed["title"].startswith("reconcile ")


def test_the_schema_of_the_file_is_what_is_printed_without_a_name(staged: Staging) -> None:
    stage = staged(FILE)
    assert stage.run("schema").out == stage.run("schema", "file").out
