"""Documents made wrong in one place each, to see whether a schema notices."""

from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import Any

from jsonschema import Draft202012Validator

FREE = frozenset({"declared", "codes", "exit_codes", "cycles"})
"""Keys of objects whose own keys are data."""

_NONSENSE = [{"nonsense": None}]
"""No list of it, no object and no scalar is ever right."""

Path = tuple[str | int, ...]


def unnoticed(validator: Draft202012Validator, document: Any) -> list[str]:
    """Return the places where a wrong document satisfies the schema as well as the right one."""
    validator.validate(document)
    wrong = ((place, change) for place, change in _changes(document))
    return [place for place, changed in wrong if validator.is_valid(changed)]


def _changes(document: Any) -> Iterator[tuple[str, Any]]:
    for path in _paths(document, ()):
        told = "/".join(map(str, path))
        yield f"{told} is nonsense", _with(document, path, _NONSENSE)
        if isinstance(path[-1], str) and "." not in path[-1]:  # or it is an address, and data
            yield f"{told} is misspelt", _renamed(document, path)


def _paths(value: Any, at: Path) -> Iterator[Path]:
    if at:
        yield at
    for key, part in () if at and at[-1] in FREE else _inside(value):
        yield from _paths(part, (*at, key))


def _inside(value: Any) -> Iterable[tuple[str | int, Any]]:
    if isinstance(value, dict):
        return value.items()
    # The first few of a list are as good as all of it.
    return enumerate(value[:3]) if isinstance(value, list) else ()


def _with(document: Any, path: Path, value: Any) -> Any:
    changed, parent = _parent(document, path)
    parent[path[-1]] = value
    return changed


def _renamed(document: Any, path: Path) -> Any:
    changed, parent = _parent(document, path)
    parent[f"{path[-1]}s"] = parent.pop(path[-1])
    return changed


def _parent(document: Any, path: Path) -> tuple[Any, Any]:
    changed = parent = deepcopy(document)
    for key in path[:-1]:
        parent = parent[key]
    return changed, parent
