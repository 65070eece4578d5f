"""Has the core of pydantic check tables, without pydantic itself.

Importing all of pydantic takes as long as planning a thousand models. What it makes of annotations
is made here for the dozen kinds of them that tables have; a test holds the two to be the same.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from datetime import datetime
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic_core import CoreSchema, SchemaValidator, core_schema

from reconcile.config.shape.table import Table
from reconcile.config.shape.words import Checked

TableT = TypeVar("TableT", bound=Table)

_PLAIN: Mapping[object, Callable[[], CoreSchema]] = {
    str: core_schema.str_schema,
    bool: core_schema.bool_schema,
    int: core_schema.int_schema,
    float: core_schema.float_schema,
    datetime: core_schema.datetime_schema,
}


_validators: dict[type[Table], SchemaValidator] = {}


def check(shape: type[TableT], raw: Mapping[str, Any]) -> TableT:
    """Return the table that parsed TOML holds. Raises pydantic_core's `ValidationError`."""
    validator = _validators.get(shape)
    if validator is None:
        validator = _validators[shape] = SchemaValidator(table_schema(shape))
    table: TableT = validator.validate_python(raw)
    return table


def table_schema(shape: type[Table]) -> CoreSchema:
    """Return the core schema of a table.

    The table itself is not strict, for that would take nothing but an instance; its keys are.
    """
    keys = [_key_schema(key) for key in fields(shape)]
    return core_schema.dataclass_schema(
        shape,
        core_schema.dataclass_args_schema(shape.__name__, keys),
        [key.name for key in fields(shape)],
        strict=False,
        config=core_schema.CoreConfig(extra_fields_behavior="forbid", strict=True),
    )


def _key_schema(key: Field[Any]) -> core_schema.DataclassField:
    schema = _schema(key.type)
    if key.default is not MISSING:
        schema = core_schema.with_default_schema(schema, default=key.default)
    alias = key.metadata.get("alias")
    return core_schema.dataclass_field(key.name, schema, validation_alias=alias)


def _schema(annotation: Any) -> CoreSchema:
    if plain := _PLAIN.get(annotation):
        return plain()
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin in {Union, UnionType}:
        return _union_schema(parts)
    if origin is Annotated:
        return _with_rules(_schema(parts[0]), parts[1:])
    if origin is Literal:
        return core_schema.literal_schema(list(parts))
    if origin is tuple:
        return core_schema.tuple_schema([_schema(parts[0])], variadic_item_index=0)
    if origin is dict:
        return core_schema.dict_schema(_schema(parts[0]), _schema(parts[1]))
    return table_schema(annotation)


def _union_schema(parts: tuple[Any, ...]) -> CoreSchema:
    choices: list[Any] = [_schema(part) for part in parts if part is not NoneType]
    schema = choices[0] if len(choices) == 1 else core_schema.union_schema(choices)
    return core_schema.nullable_schema(schema) if NoneType in parts else schema


def _with_rules(schema: CoreSchema, marks: tuple[object, ...]) -> CoreSchema:
    for mark in marks:
        if isinstance(mark, Checked):
            schema = {**schema, **mark.rules}
    return schema
