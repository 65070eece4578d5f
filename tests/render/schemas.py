"""Published schemas as a test wants them: closed, so that a key nobody published is noticed."""

from collections.abc import Callable
from typing import Any, get_args

from jsonschema import Draft202012Validator

from reconcile.cli.explain import schema
from reconcile.model.journal import Entry

ENTRIES = {str(kind.__struct_config__.tag) for kind in get_args(Entry)}
"""What each entry is called in the journal."""
_BRANCHES = frozenset({"allOf", "then", "if"})


def validator(name: str) -> Draft202012Validator:
    """Return what checks a document against a published schema, unknown keys refused."""
    return closed_validator(schema(name))


def closed_validator(published: Any) -> Draft202012Validator:
    """Return the same for any schema."""
    checker = Draft202012Validator.FORMAT_CHECKER
    return Draft202012Validator(_closed(published), format_checker=checker)


def validating(name: str) -> Callable[[Any], None]:
    """Return a function that raises where a document does not satisfy the schema, closed."""
    return validator(name).validate


def words(name: str, key: str) -> set[str]:
    """Return all that can stand under a key by which documents of one schema are told apart."""
    shapes: Any = schema(name)["$defs"]
    known = (shape.get("properties", {}).get(key, {}) for shape in shapes.values())
    return {word for one in known for word in one.get("enum", ())}


def _closed(published: Any, *, branch: bool = False) -> Any:
    if isinstance(published, list):
        return [_closed(one, branch=branch) for one in published]
    if not isinstance(published, dict):
        return published
    closed = {key: _closed(one, branch=key in _BRANCHES) for key, one in published.items()}
    # A branch describes part of an object, whose other keys are known to the whole.
    if "properties" in published and "additionalProperties" not in published and not branch:
        closed["unevaluatedProperties"] = False
    return closed
