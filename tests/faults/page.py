"""The page that lists every fault with the tests that cover it, made from their markers."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.faults.catalogue import AREAS, FAULTS
from tests.faults.not_applicable import NOT_APPLICABLE

TESTS = Path(__file__).parents[1]
PAGE = Path(__file__).with_name("README.md")

HEAD = """\
# Faults, and the tests that cause them

Made by `python -m tests.faults` from the `fault` markers of the tests. {covered} of {all} rows
have a test, {others} say why there is none.
"""

Covered = Mapping[str, Sequence[tuple[str, str]]]
"""By fault: the files and names of its tests."""


def covered() -> Covered:
    """Find the tests of every fault by reading their source; none of it is run."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for path in sorted(TESTS.rglob("test_*.py")):
        for name, ids in _marked(ast.parse(path.read_text(encoding="utf-8"))):
            for fault in ids:
                found[fault].add((path.relative_to(TESTS).as_posix(), name))
    return {fault: sorted(tests) for fault, tests in found.items()}


def _marked(module: ast.Module) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield each test with the ids in its decorators, its parameters, or its module's marks."""
    shared = [
        fault
        for node in module.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"
        for fault in _ids(node.value)
    ]
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            own = [fault for decorator in node.decorator_list for fault in _ids(decorator)]
            yield node.name, [*own, *shared]


def _ids(node: ast.AST) -> Iterator[str]:
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("mark.fault"):
            for argument in call.args:
                if isinstance(argument, ast.Constant):
                    yield str(argument.value)


def unaccounted(tests: Covered) -> list[str]:
    """List the faults that have neither a test nor a reason, or both, or are in no catalogue."""
    return sorted(
        fault
        for fault in FAULTS.keys() | tests.keys() | NOT_APPLICABLE.keys()
        if fault not in FAULTS or (fault in tests) == (fault in NOT_APPLICABLE)
    )


def page(tests: Covered) -> str:
    """Write the page."""
    lines = [HEAD.format(covered=len(tests), all=len(FAULTS), others=len(NOT_APPLICABLE))]
    for area, title in AREAS.items():
        lines += [f"## {title}", "", "| id | fault | tests |", "|---|---|---|"]
        for fault in sorted(known for known in FAULTS if known.startswith(area)):
            words = FAULTS[fault].replace("|", "\\|")
            named = [f"[{_words(name)}](../{path})" for path, name in tests.get(fault, ())]
            told = "<br>".join(named) or f"none: {NOT_APPLICABLE.get(fault, '')}"
            lines.append(f"| {fault} | `{words}` | {told} |")
        lines.append("")
    return "\n".join(lines)


def _words(name: str) -> str:
    return name.removeprefix("test_").replace("_", " ")
