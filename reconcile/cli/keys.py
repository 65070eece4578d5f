"""Every key of the file: what it means, what it takes, and what it is where it is left out.

All of it is read from the published schema, so that nothing is said twice.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from msgspec import Struct

from reconcile.config.tables import file_schema
from reconcile.config.values import (
    DAYS_PATTERN,
    DURATION_PATTERN,
    INSTANT_PATTERN,
    TIME_PATTERN,
    UUID_PATTERN,
    WINDOW_PATTERN,
)

NAME = "NAME"
"""Stands in a path for a name of the writer's own."""

_Schema = Mapping[str, Any]

_PATTERNS = {
    DAYS_PATTERN: "days",
    DURATION_PATTERN: "duration",
    INSTANT_PATTERN: "instant in quotes",
    TIME_PATTERN: "time of day",
    UUID_PATTERN: "UUID",
    WINDOW_PATTERN: "window of time",
}
_TYPES = {"integer": "whole number", "number": "number", "boolean": "true or false"}
_ITEMS = ("refresh", "cache")


class Key(Struct, frozen=True):
    """One key. `path`: from the top of the file; `header`: the table it stands in, as TOML."""

    path: tuple[str, ...]
    header: str
    meaning: str
    takes: str
    default: str | None
    inherits: tuple[str, ...]
    example: str | None

    @property
    def name(self) -> str:
        """The path with its dots."""
        return ".".join(self.path)


@cache
def all_keys() -> tuple[Key, ...]:
    """Return all keys, tables before what is in them, in the order of the schema."""
    schema = file_schema()
    return tuple(_walk(schema, schema["$defs"], (), ""))


def find_keys(asked: str) -> tuple[Key, ...]:
    """Return the keys of a path as a file spells it, or else those whose path ends like that."""
    words = tuple(asked.split("."))
    exact = tuple(key for key in all_keys() if _is(key.path, words))
    ending = tuple(key for key in all_keys() if _is(key.path[-len(words) :], words))
    # What is inherited is the same key again.
    return exact or tuple(key for key in ending if key.path[0] == "models") or ending


def _is(path: tuple[str, ...], words: tuple[str, ...]) -> bool:
    return len(path) == len(words) and all(
        part in {NAME, word} for part, word in zip(path, words, strict=True)
    )


def _walk(
    table: _Schema, tables: Mapping[str, _Schema], path: tuple[str, ...], header: str
) -> Iterator[Key]:
    required = table.get("required", ())
    for word, schema in table["properties"].items():
        here = (*path, word)
        default = "required" if word in required else _default(schema)
        inherits = tuple(_inherited(here, tables))
        example = next((f"{word} = {_toml(it)}" for it in schema.get("examples", ())), None)
        takes = _takes(schema)
        yield Key(here, header, schema["description"], takes, default, inherits, example)
        yield from _below(schema, tables, here)


def _below(schema: _Schema, tables: Mapping[str, _Schema], here: tuple[str, ...]) -> Iterator[Key]:
    """Yield the keys of the tables that a key holds: itself one, or several by name or number."""
    if "$ref" in schema:
        yield from _walk(_named(schema, tables), tables, here, f"[{'.'.join(here)}]")
    elif "$ref" in (several := schema.get("additionalProperties") or {}):
        named = (*here, NAME)
        yield from _walk(_named(several, tables), tables, named, f"[{'.'.join(named)}]")
    elif "$ref" in (element := schema.get("items") or {}):
        yield from _walk(_named(element, tables), tables, here, f"[[{'.'.join(here)}]]")


def _named(schema: _Schema, tables: Mapping[str, _Schema]) -> _Schema:
    return tables[schema["$ref"].rpartition("/")[2]]


def _inherited(path: tuple[str, ...], tables: Mapping[str, _Schema]) -> Iterator[str]:
    """Yield where a key of an item is looked for next, the nearest first."""
    owner = next((part for part in path if part in _ITEMS), None)
    if owner is None or path[0] == "defaults" or path[-1] in (*_ITEMS, NAME):
        return
    word = path[-1]
    if word == "timezone" and path[0] == "models":
        yield f"models.{NAME}.timezone"
    if path[-2] in (owner, NAME):
        yield f"defaults.{owner}.{word}"
        if word in tables["DefaultsTable"]["properties"]:
            yield f"defaults.{word}"


def _default(schema: _Schema) -> str | None:
    return _toml(schema["default"]) if "default" in schema else None


def _takes(schema: _Schema) -> str:
    if "$ref" in schema:
        return "table"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_takes(part) for part in schema["anyOf"]))
    if "enum" in schema:
        return " or ".join(map(json.dumps, schema["enum"]))
    match schema.get("type"):
        case "array":
            element = schema["items"]
            return "array of tables" if "$ref" in element else f"array of {_takes(element)}"
        case "object":
            return "tables by name"
        case "string" if schema.get("format") == "date-time":
            return "instant"
        case "string":
            return _PATTERNS.get(schema.get("pattern", ""), "text")
        case kind:
            return _TYPES[str(kind)] + _bounds(schema)


def _bounds(schema: _Schema) -> str:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum")
    return f", {low:,} to {high:,}" if low is not None and high is not None else ""


def _toml(value: object) -> str:
    """Spell a value of an example as a file does; instants stand in quotes in both."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(it)}" for key, it in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)
