"""Published schemas as a test wants them: closed, so that a key nobody published is noticed."""

from collections.abc import Callable
from typing import Any

from jsonschema import Draft202012Validator

from reconcile.render.schemas.published import PUBLISHED

_BRANCHES = frozenset({"allOf", "then", "if"})


def validator(name: str) -> Draft202012Validator:
    """Return what checks a document against a published schema, unknown keys refused."""
    schema = PUBLISHED[name]()
    checker = Draft202012Validator.FORMAT_CHECKER
    return Draft202012Validator(_closed(schema), format_checker=checker)


def validating(name: str) -> Callable[[Any], None]:
    """Return a function that raises where a document does not satisfy the schema, closed."""
    return validator(name).validate


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    # A branch describes part of an object, whose other keys are known to the whole.
    closed = {key: one if key in _BRANCHES else _closed(one) for key, one in schema.items()}
    if "properties" in schema and "additionalProperties" not in schema:
        closed["unevaluatedProperties"] = False
    return closed
