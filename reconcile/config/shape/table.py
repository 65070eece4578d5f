"""What a table of the file is made of. pydantic publishes these classes and is not imported here.

They are plain nouns: `checking` has the core of pydantic check them, `published` has pydantic
describe them. What it is to know beside the types stands where it looks: in a field's metadata.
"""

from collections.abc import Mapping
from dataclasses import field, fields
from typing import Any, ClassVar

from reconcile.model.noun import noun

JsonSchema = Mapping[str, Any]


@noun(frozen=True, slots=False, kw_only=True)
class Table:
    """Any table: unknown keys are errors, and nothing is converted. None is an absent key."""

    __pydantic_config__: ClassVar[JsonSchema] = {"extra": "forbid", "strict": True}


def publishing(extra: JsonSchema) -> JsonSchema:
    """Add to a table's published schema what its keys do not say one by one."""
    return {**Table.__pydantic_config__, "json_schema_extra": extra}


def key(description: str, *examples: object, default: object = None) -> Any:
    """Describe an optional key; its default is stated in the schema, and applied in `lowering`."""
    extra = {} if default is None else {"default": default}
    told = list(examples) or list(extra.values()) or None
    return field(default=None, metadata=_told(description, told, extra))


def required(description: str, *examples: object, **extra: object) -> Any:
    """Describe a key that has to be there; `extra` is of JSON Schema."""
    return field(metadata=_told(description, list(examples), extra))


def spelled(name: str, description: str, example: str) -> Any:
    """Describe an optional key whose name in the file is a word of Python's own."""
    return field(default=None, metadata=_told(description, [example], {}) | {"alias": name})


def key_names(shape: type[Table]) -> tuple[str, ...]:
    """Return the keys of a table as they are spelled in a file."""
    return tuple(key.metadata.get("alias", key.name) for key in fields(shape))


def one_of_at_most(*cadences: str) -> dict[str, Any]:
    """Allow at most one of these keys: a table that has none may inherit one."""
    alternatives = [{"required": [cadence]} for cadence in cadences]
    return {"oneOf": [*alternatives, {"not": {"anyOf": alternatives}}]}


def never_beside(*keys: str) -> dict[str, Any]:
    """Refuse a key that makes no sense beside any of these."""
    return {"not": {"anyOf": [{"required": [other]} for other in keys]}}


def _told(
    description: str, examples: list[object] | None, extra: Mapping[str, object]
) -> dict[str, object]:
    return {"description": description, "examples": examples, "json_schema_extra": dict(extra)}
