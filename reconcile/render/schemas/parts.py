"""What the schemas have in common: instants, addresses, reasons, and how an object is spelled."""

from collections.abc import Iterable, Mapping

from reconcile.render.reason_json import reason_kinds

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, object]

TEXT: Schema = {"type": "string"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
FLAG: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
COUNT_OR_NULL: Schema = {"type": ["integer", "null"], "minimum": 0}
SECONDS: Schema = {"type": "number", "minimum": 0}
SECONDS_OR_NULL: Schema = {"type": ["number", "null"], "minimum": 0}
INSTANT: Schema = {"type": "string", "format": "date-time", "pattern": "Z$"}
INSTANT_OR_NULL: Schema = {"type": ["string", "null"], "format": "date-time", "pattern": "Z$"}
ADDRESS: Schema = {"type": "string", "pattern": "^(models|connections)\\."}
BECAUSE: Schema = {"$ref": "#/$defs/because"}


def document(
    title: str,
    version: int,
    properties: Schema,
    definitions: Mapping[str, Schema],
    optional: Schema | None = None,
) -> Schema:
    """Return the schema of a whole document, with its dialect and its `format_version`."""
    whole = record({"format_version": {"const": version}, **properties}, optional)
    schema: Schema = {"$schema": DIALECT, "title": f"reconcile {title}", **whole}
    return schema | ({"$defs": dict(definitions)} if definitions else {})


def record(properties: Schema, optional: Schema | None = None) -> Schema:
    """Return the schema of an object that has all of `properties`, and perhaps the others."""
    known = properties | (optional or {})
    return {"type": "object", "required": list(properties), "properties": known}


def listed(items: Schema) -> Schema:
    """Return the schema of an array."""
    return {"type": "array", "items": items}


def table(values: Schema) -> Schema:
    """Return the schema of an object whose keys are names."""
    return {"type": "object", "additionalProperties": values}


def one_of(words: Iterable[str]) -> Schema:
    """Return the schema of a closed list of words."""
    return {"enum": list(words)}


def or_null(schema: Schema) -> Schema:
    """Return the schema of a value that may be absent."""
    return {"oneOf": [schema, {"type": "null"}]}


def both(schema: Schema) -> Schema:
    """Return the schema of a value before and after."""
    return record({"before": schema, "after": schema})


def because() -> Schema:
    """Return the schema of a reason: its kind, and facts that depend on it."""
    return {**record({"kind": one_of(reason_kinds())}), "additionalProperties": True}


def request() -> Schema:
    """Return the schema of a request as a plan shows it."""
    value: Schema = {"oneOf": [TEXT, listed(TEXT)]}
    value_sent: Schema = {"type": ["string", "boolean", "null"]}
    return record(
        {
            "method": TEXT,
            "path": {"type": "string", "pattern": "^/"},
            "query": table(value),
            "body": {"type": ["object", "null"], "additionalProperties": value_sent},
        }
    )
