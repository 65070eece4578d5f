"""How large the package is and how it is cut: `python -m tests.project.shape [FOLDER]`."""

import ast
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from tests.project.sources import PACKAGE, nodes, trees

SAME_CONCEPT = frozenset(("__init__", "command", "drift", "mend", "observed", "page", "plan"))
SAME_CONCEPT |= {"schedules", "session", "text", "apply", "fleet", "journal", "saved", "forecast"}
SAME_CONCEPT |= {"errors", "load", "progress", "schema", "web", "documents", "metrics", "outline"}
"""Basenames that name one concept in several rooms."""
CORE = frozenset(("applying", "config", "model", "omni", "planning", "render", "state", "terminal"))
CORE |= {"clock", "errors", "metrics", "tracing"}
NOUNS_OF_THE_FIELD = frozenset(("planning", "applying", "tracing", "pacing", "timings", "standing"))


def shape(package: Path) -> dict[str, str]:
    """Return the figures of a package by what they say."""
    parsed = {package / path: tree for path, tree in trees(package).items()}
    files = list(parsed)
    lines = {path: path.read_text().splitlines() for path in files}
    written = sorted(len(lines[path]) for path in files if path.stem != "__init__")
    every = sum(map(len, lines.values()))
    imported = {package / path: _imports(found) for path, found in nodes(package).items()}
    imports = sum(
        (node.end_lineno or node.lineno) - node.lineno + 1
        for found in imported.values()
        for node in found
    )
    graph = {_module(path, package): set(_imported(imported[path])) for path in files}
    modules = {_module(path, package) for path in files if parsed[path].body[1:]} - {""}
    importers = Counter(
        target for source, targets in graph.items() for target in targets - {source}
    )
    alone = sorted(name for name in modules if importers[name] == 1)
    inner = sum(name.partition(".")[0] in CORE for name in alone)
    stems = Counter(path.stem for path in files)
    classes = defaultdict(set)
    for path, tree in parsed.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                classes[node.name].add(path)
    doubled = sorted(
        name for name, count in stems.items() if count > 1 and name not in SAME_CONCEPT
    )
    verbs = sorted({path.stem for path in files if path.stem.endswith("ing")} - NOUNS_OF_THE_FIELD)
    twice = sorted(name for name, places in classes.items() if len(places) > 1)
    ring = circle(graph)
    return {
        "Python files": f"{len(files)} (of them __init__: {stems['__init__']})",
        "lines": f"{every:,}",
        "median file / p90 / longest": f"{statistics.median(written):.0f} / "
        f"{written[int(len(written) * 0.9)]} / {written[-1]}",
        "import lines": f"{imports:,} ({imports / every:.1%})",
        "modules with one importer": f"{len(alone)} ({inner} outside commands and extras): "
        + " ".join(alone),
        "basenames twice, not one concept": f"{len(doubled)}: {' '.join(doubled)}",
        "modules in -ing that are no noun": f"{len(verbs)}: {' '.join(verbs)}",
        "public class names twice": f"{len(twice)}: {' '.join(twice)}",
        "import circle, lazy ones counted": f"{len(ring)}: {' '.join(ring)}",
    }


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Return modules that import each other in a ring, from one of them back to it."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        ring: list[str] = error.args[1]
        return ring
    return []


def _module(path: Path, package: Path) -> str:
    parts = path.relative_to(package).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def _imports(found: Iterable[ast.AST]) -> list[ast.Import | ast.ImportFrom]:
    return [node for node in found if isinstance(node, ast.Import | ast.ImportFrom)]


def _imported(found: Iterable[ast.Import | ast.ImportFrom]) -> Iterator[str]:
    for node in found:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("reconcile"):
            base = (node.module or "").removeprefix("reconcile").removeprefix(".")
            yield base
            yield from (f"{base}.{name.name}".lstrip(".") for name in node.names)


if __name__ == "__main__":
    for what, figure in shape(Path(sys.argv[1]) if sys.argv[1:] else PACKAGE).items():
        sys.stdout.write(f"{what:36} {figure}\n")
