"""Published schemas as a test wants them: closed, so that a key nobody published is noticed."""

from collections.abc import Callable
from typing import Any

from jsonschema import Draft202012Validator

from reconcile.cli.schema import PUBLISHED

_BRANCHES = frozenset({"allOf", "then", "if"})


def validator(name: str) -> Draft202012Validator:
    """Return what checks a document against a published schema, unknown keys refused."""
    return closed_validator(PUBLISHED[name]())


def closed_validator(schema: Any) -> Draft202012Validator:
    """Return the same for any schema."""
    checker = Draft202012Validator.FORMAT_CHECKER
    return Draft202012Validator(_closed(schema), format_checker=checker)


def validating(name: str) -> Callable[[Any], None]:
    """Return a function that raises where a document does not satisfy the schema, closed."""
    return validator(name).validate


def _closed(schema: Any, *, branch: bool = False) -> Any:
    if isinstance(schema, list):
        return [_closed(one, branch=branch) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(one, branch=key in _BRANCHES) for key, one in schema.items()}
    # A branch describes part of an object, whose other keys are known to the whole.
    if "properties" in schema and "additionalProperties" not in schema and not branch:
        closed["unevaluatedProperties"] = False
    return closed
