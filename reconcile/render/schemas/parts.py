"""What the schemas have in common: instants, addresses, reasons, and how an object is spelled."""

from collections.abc import Iterable, Mapping
from typing import get_args

from reconcile.model.plan import LimitName
from reconcile.render.reason_json import reason_kinds

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, object]

TEXT: Schema = {"type": "string"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
FLAG: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
ATTEMPT: Schema = {
    "type": "integer",
    "minimum": 1,
    "description": "counts the calls for one slot; those before it were never seen to end",
}
COUNT_OR_NULL: Schema = {"type": ["integer", "null"], "minimum": 0}
SECONDS: Schema = {"type": "number", "minimum": 0}
SECONDS_OR_NULL: Schema = {"type": ["number", "null"], "minimum": 0}
INSTANT: Schema = {"type": "string", "format": "date-time", "pattern": "Z$"}
INSTANT_OR_NULL: Schema = {"type": ["string", "null"], "format": "date-time", "pattern": "Z$"}
ADDRESS: Schema = {"type": "string", "pattern": "^(models|connections)\\."}
ITEM_ADDRESS: Schema = {"type": "string", "pattern": "^models\\."}
SCHEDULE_ADDRESS: Schema = {"type": "string", "pattern": "^connections\\."}
CODE: Schema = {"type": "string", "pattern": "^[a-z0-9-]+$"}
WALL: Schema = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T[\d:.]+$"}
CARRIER: Schema = {
    "model_id": TEXT,
    "group": {**TEXT, "description": "the refreshes that the call stood for"},
}
"""Keys of the model whose id carried a call for others too."""
BECAUSE: Schema = {"$ref": "#/$defs/because"}

VERDICTS = ("idle", "done", "partly", "stopped", "blocked", "locked", "failed")
"""What a cycle of a controller or of a fleet comes to."""

_UNITS = "Instants are RFC 3339 in UTC; what ends in _s is in seconds."
_GROWTH = "Within a format version keys may be added: ignore what you do not know."


def blocking() -> Schema:
    """Return the shape of a limit that blocks a plan."""
    return record(
        {
            "limit": one_of(get_args(LimitName)),
            "allowed": NUMBER,
            "planned": NUMBER,
            "waiver": {**TEXT, "pattern": "^--allow "},
        }
    )


def document(
    title: str,
    printed_by: str,
    version: int,
    properties: Schema,
    definitions: Mapping[str, Schema] | None = None,
    optional: Schema | None = None,
) -> Schema:
    """Return the schema of a whole document with its `format_version`.

    `printed_by`: the command, without the name of the program.
    """
    whole = record({"format_version": {"const": version}, **properties}, optional)
    return headed(title, f"What `reconcile {printed_by}` prints.", whole, definitions)


def headed(
    title: str,
    what: str,
    whole: Schema,
    definitions: Mapping[str, Schema] | None = None,
    *,
    grows: bool = True,
) -> Schema:
    """Return a schema with its dialect, its title, and how what it describes is to be read."""
    description = f"{what} {_UNITS} {_GROWTH}" if grows else f"{what} {_UNITS}"
    head: Schema = {
        "$schema": DIALECT,
        "title": f"reconcile {title}",
        "description": description,
    }
    return head | whole | ({"$defs": dict(definitions)} if definitions else {})


def told(schema: Schema, meaning: str) -> Schema:
    """Return a schema that says what its value means, where the key alone does not."""
    return {**schema, "description": meaning}


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


def by_word(key: str, own: Mapping[str, Schema]) -> list[Schema]:
    """Return the `allOf` of an object that has more keys, by which word stands under `key`."""
    return [
        {"if": {"properties": {key: {"const": word}}}, "then": schema}
        for word, schema in own.items()
    ]


def moves() -> Schema:
    """Return the schema of the records that a rename moves, all at once."""
    return {**listed(record({"from": ADDRESS, "to": ADDRESS})), "minItems": 1}


def because() -> Schema:
    """Return the schema of a reason: its kind, and facts that depend on it."""
    return {**record({"kind": one_of(reason_kinds())}), "additionalProperties": True}


def request() -> Schema:
    """Return the schema of a request as a plan shows it."""
    value: Schema = {"oneOf": [TEXT, listed(TEXT)]}
    return record(
        {
            "method": TEXT,
            "path": {"type": "string", "pattern": "^/"},
            "query": table(value),
            "body": _body(),
        }
    )


def sent() -> Schema:
    """Return the schema of a request as the journal has it: its parameters in their order."""
    pair: Schema = {"type": "array", "items": TEXT, "minItems": 2, "maxItems": 2}
    return record({"method": TEXT, "path": TEXT, "query": listed(pair), "body": _body()})


def _body() -> Schema:
    value: Schema = {"type": ["string", "boolean", "null"]}
    return {"type": ["object", "null"], "additionalProperties": value}


RIDING: Schema = record({"address": ADDRESS, "along_with": ADDRESS, "runs": COUNT, "alone": COUNT})
"""What is said of an item that runs more often than its cadence alone would."""
