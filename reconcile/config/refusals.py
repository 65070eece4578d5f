"""Checks one file's shape, and understands what it can of a file that is not right."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from pydantic_core import ErrorDetails, ValidationError

from reconcile.config.problems import MOST_PROBLEMS, KeyPath, Problems, Where
from reconcile.config.refusal_words import EXPECTED, word_refusal
from reconcile.config.shape.checking import check
from reconcile.config.shape.file import Document
from reconcile.model.noun import noun

_STAND_INS: Mapping[str, Mapping[str, object]] = {
    "freeze": {"name": "not understood", "allow": ["00:00-24:00"]},
    "select": {"name": "not understood"},
}
"""What takes the place of an element that was refused, so that those after it keep their numbers.

Only these arrays of tables exist.
"""


@noun(frozen=True, slots=True)
class Shaped:
    """What could be understood of one file.

    `removed` are the paths that could not be, `broken` those and the tables they were in.
    `complete` is False if another file could not be parsed, which may hold what is absent here.
    """

    source: int
    document: Document
    removed: frozenset[KeyPath] = frozenset()
    broken: frozenset[KeyPath] = frozenset()
    complete: bool = True

    def is_whole(self, *path: str | int) -> bool:
        """Tell whether nothing was removed from that table, so that what lacks is really absent."""
        return self.complete and not (self.broken and path in self.broken)


def check_shape(
    source: int, raw: dict[str, Any], problems: Problems, *, complete: bool = True
) -> Shaped:
    """Check the shape of a parsed file, and keep every problem with it.

    What is refused is taken out of `raw` and the rest understood, so that the mistakes in it are
    found in the same run.
    """
    try:
        return Shaped(source, check(Document, raw), complete=complete)
    except ValidationError as refused:
        by_path = errors_by_path(raw, refused)
    for path, found in islice(by_path.items(), MOST_PROBLEMS):
        word_refusal(Where(source, path), _lookup(raw, path), found, problems)
    if len(by_path) > MOST_PROBLEMS:
        # So much is wrong that what is left of the file would only mislead.
        problems.left_out += len(by_path) - MOST_PROBLEMS
        return Shaped(source, Document(), frozenset([()]), frozenset([()]))
    document, removed = _understand_rest(raw, by_path)
    broken = removed | {path[:-1] for path in removed}
    return Shaped(source, document, removed, broken, complete)


def _understand_rest(
    raw: dict[str, Any], by_path: dict[KeyPath, list[ErrorDetails]]
) -> tuple[Document, frozenset[KeyPath]]:
    """Take refused keys out until what is left is whole: a table may need what it lost."""
    removed = set[KeyPath]()
    while True:
        refused_now = {_removable(path, found) for path, found in by_path.items()}
        for path in sorted(refused_now, key=len, reverse=True):
            _remove(raw, path)
        removed |= refused_now
        try:
            return check(Document, raw), frozenset(removed)
        except ValidationError as refused:
            by_path = errors_by_path(raw, refused)


def errors_by_path(
    raw: dict[str, Any], refused: ValidationError
) -> dict[KeyPath, list[ErrorDetails]]:
    """Sort what pydantic refused by the path of the value in the file."""
    found: dict[KeyPath, list[ErrorDetails]] = {}
    for error in refused.errors(include_url=False, include_input=False):
        found.setdefault(_path_in(raw, error), []).append(error)
    # An array of the wrong things fails as "not text" too; the element is the better place.
    inside = {path[:-1] for path in found if path and isinstance(path[-1], int)}
    return {
        path: several
        for path, several in found.items()
        if path not in inside or several[0]["type"] not in EXPECTED
    }


def _path_in(raw: dict[str, Any], error: ErrorDetails) -> KeyPath:
    """Leave out of pydantic's path what names a branch of a union and not a key."""
    path: KeyPath = ()
    node: Any = raw
    for part in error["loc"]:
        is_key = isinstance(node, dict) and part in node
        if is_key or (isinstance(node, list) and isinstance(part, int)):
            path = (*path, part)
            node = node[part]
    if error["type"] == "missing":
        return (*path, error["loc"][-1])
    return path


def _lookup(raw: Any, path: KeyPath) -> Any:
    node: Any = raw
    for part in path:
        if isinstance(node, dict) and part not in node:
            return None
        node = node[part]
    return node


def _removable(path: KeyPath, errors: list[ErrorDetails]) -> KeyPath:
    """Choose what to take out: whole keys and whole tables, never one element of a list."""
    if errors[0]["type"] == "missing":
        path = path[:-1]
    if path[:1] in {(name,) for name in _STAND_INS}:
        return path[:2]
    first_number = next((n for n, part in enumerate(path) if isinstance(part, int)), len(path))
    return path[:first_number]


def _remove(raw: Any, path: KeyPath) -> None:
    node: Any = _lookup(raw, path[:-1])
    if isinstance(node, list):
        node[int(path[-1])] = dict(_STAND_INS[str(path[0])])
    elif node is not None:
        node.pop(path[-1], None)
