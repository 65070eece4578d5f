"""The layout is what ARCHITECTURE.md says, and the contracts that hold it would notice a breach."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from tests.project import sources
from tests.project.shape import shape
from tests.project.sources import PACKAGE, ROOT

TEMPLATES = sorted(PACKAGE.rglob("*.html"))
LONGEST_FUNCTION, LONGEST_ARCHITECTURE = 60, 120

BREACHES = {
    "planning reads the clock": ("planning/budget.py", "import reconcile.clock"),
    "model knows planning": ("model/plan.py", "import reconcile.planning.budget"),
    "state knows config": ("state/lock.py", "import reconcile.config.load"),
    "render knows planning": ("render/plan.py", "import reconcile.planning.budget"),
    "applying knows cli": ("applying/execute.py", "import reconcile.cli.main"),
    "the terminal knows a command": ("terminal/inputs.py", "import reconcile.cli.plan"),
    "planning knows an extra": ("planning/ahead.py", "import reconcile.forecast.why"),
    "the terminal knows an extra": ("terminal/progress.py", "import reconcile.live.look"),
    "one extra knows another": ("review/text.py", "import reconcile.forecast.text"),
    "a review knows the sandbox": ("review/command.py", "import reconcile.sandbox.world"),
    "a simulation serves": ("simulation/virtual.py", "import reconcile.sandbox.command"),
    "a controller knows live looks": ("controller/loop.py", "import reconcile.live.look"),
    "a fleet knows simulations": ("fleet/worker.py", "import reconcile.simulation.simulate"),
    "sandbox knows the command line": ("sandbox/world.py", "import reconcile.cli.main"),
    "planning speaks HTTP": ("planning/budget.py", "import httpx"),
    "render parses TOML": ("render/plan.py", "import tomlkit"),
    "the terminal makes spans itself": ("terminal/console.py", "import opentelemetry.trace"),
    "state explains differences": ("state/lock.py", "import deepdiff"),
    "planning explains differences elsewhere": ("planning/plan.py", "import deepdiff"),
    "state knows click": ("state/lock.py", "import click"),
    "a command of the core knows an extra": ("cli/configuration.py", "import reconcile.live.look"),
    "a review serves": ("review/command.py", "import starlette"),
    "the terminal reads with pydantic": ("terminal/inputs.py", "import pydantic"),
    "the controller knows the queue": ("controller/loop.py", "import procrastinate"),
    "a comment asks the planner": ("review/markdown.py", "import reconcile.planning.plan"),
    "a page reads a plan": ("review/page.py", "import reconcile.model.plan"),
    "a text reads the record": ("render/plan.py", "import reconcile.model.recorded"),
    "a lease knows object stores": ("state/remote/lease.py", "import obstore"),
    "a fleet speaks to PostgreSQL itself": ("fleet/worker.py", "import psycopg"),
    "a review has templates of its own kind": ("review/page.py", "import jinja2"),
    "a controller makes metrics itself": ("controller/metrics.py", "import prometheus_client"),
}


def linted(folder: Path) -> subprocess.CompletedProcess[str]:
    linter = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [linter, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, tmp_path / "reconcile", ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contracts_hold(copy: Path) -> None:
    assert linted(copy).returncode == 0


def test_every_planted_breach_is_noticed(copy: Path) -> None:
    edges = {}
    for breach, (name, line) in BREACHES.items():
        file = copy / "reconcile" / name
        file.write_text(f"{file.read_text()}\n{line}\n")
        importer = f"reconcile.{name.removesuffix('.py').replace('/', '.')}"
        imported = line.removeprefix("import ")
        # Of another package only the name at its top is in the graph.
        known = imported if imported.startswith("reconcile.") else imported.partition(".")[0]
        edges[breach] = f" {importer} -> {known} (l."
    told = linted(copy).stdout
    assert [breach for breach, edge in edges.items() if edge not in told] == []


def test_templates_and_metrics_are_loaded_by_nothing_that_makes_neither() -> None:
    rooms = ("cli.plan", "cli.apply", "cli.explain", "controller.command", "fleet.command")
    code = f"import sys, {', '.join(f'reconcile.{room}' for room in rooms)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert loaded & {"jinja2", "markupsafe", "prometheus_client"} == set()
    assert "reconcile.fleet.text" in loaded


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_templates_lay_out_and_decide_nothing(path: Path) -> None:
    parsed = Environment(autoescape=True).parse(path.read_text())
    assert {it.name for it in parsed.find_all(nodes.Filter)} <= {"breakable", "prose"}
    assert {it.name for it in parsed.find_all(nodes.Test)} <= {"string"}
    assert not list(parsed.find_all((nodes.Compare, nodes.BinExpr)))
    ours = {it.name for it in parsed.find_all(nodes.Macro)}
    ours |= {it.target for it in parsed.find_all(nodes.Import)}
    for call in parsed.find_all(nodes.Call):
        (called, *_) = call.find_all(nodes.Name)
        assert called.name in ours, "templates call macros, and no value of a page"


def nodes_of_source() -> Iterator[tuple[Path, ast.AST]]:
    for path, found in sources.nodes().items():
        yield from ((path, node) for node in found)


def test_functions_are_short() -> None:
    for path, node in nodes_of_source():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= LONGEST_FUNCTION, (path, node.name)


@pytest.mark.fault("Z27")
def test_nothing_is_evaluated_unpickled_or_asserted() -> None:
    refused = {"eval", "exec", "print", "compile", "__import__"}
    for path, node in nodes_of_source():
        assert not isinstance(node, ast.Assert), path
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in refused, path


def test_one_name_stands_for_one_thing_and_no_modules_import_each_other() -> None:
    told = shape(PACKAGE)
    counted = ("basenames twice", "modules in -ing", "public class names", "import circle")
    found = {what: said for what, said in told.items() if what.startswith(counted)}
    assert len(found) == len(counted)
    assert {said.strip() for said in found.values()} == {"0:"}, found


def test_every_room_is_described_in_few_lines() -> None:
    text = (PACKAGE / "ARCHITECTURE.md").read_text()
    rooms = {path.stem for path in PACKAGE.iterdir() if path.is_dir() or path.suffix == ".py"}
    described = set(re.findall(r"^(?:- )?\*\*(\w+)\*\* — ", text, re.MULTILINE))
    assert described == {room for room in rooms if not room.startswith("__")}
    assert len(text.splitlines()) <= LONGEST_ARCHITECTURE


def test_every_dependency_has_its_reason() -> None:
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = metadata["optional-dependencies"].values()
    declared = [*metadata["dependencies"], *(part for extra in extras for part in extra)]
    decisions = (PACKAGE / "DECISIONS.md").read_text()
    for requirement in declared:
        name = re.split(r"[\[<>=]", requirement)[0]
        assert re.search(rf"^\|.*\b{name}\b.*\|", decisions, re.MULTILINE), name


def test_nothing_else_lies_at_the_top() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    tops = {line.split("/")[0] for line in tracked.stdout.splitlines()}
    allowed = {"pyproject.toml", "README.md", "LICENSE", "reconcile", "examples", "state", "tests"}
    assert {top for top in tops if not top.startswith(".")} <= allowed
