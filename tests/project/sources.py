"""The source of the package, parsed once for all tests that read it."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "reconcile"


@cache
def trees(package: Path = PACKAGE) -> dict[Path, ast.Module]:
    """Return the syntax tree of each module of a package, by its path there."""
    return {
        path.relative_to(package): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(package.rglob("*.py"))
    }


@cache
def nodes(package: Path = PACKAGE) -> dict[Path, tuple[ast.AST, ...]]:
    """Return every node of each tree: to walk them takes longer than to parse them."""
    return {path: tuple(ast.walk(tree)) for path, tree in trees(package).items()}
