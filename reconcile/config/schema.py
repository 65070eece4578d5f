"""The JSON Schemas of what people write, for editors and reviewers."""

from inspect import cleandoc
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from reconcile.config.tables import Document, FleetDocument, Table

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _TomlSchema(GenerateJsonSchema):
    """TOML has no null: a key that may be absent is not one that may be null."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        """Describe a table by what its class says, as pydantic itself does from 2.13 on."""
        published = super().dataclass_schema(schema)
        if "$ref" not in published:
            published.setdefault("description", cleandoc(schema["cls"].__doc__ or ""))
        return published

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - its signature
        """Leave titles out: a key's name is title enough."""
        return False


def schema() -> dict[str, Any]:
    """Return the schema of one file, JSON Schema draft 2020-12.

    It says what one file can say about itself: that a cadence may be inherited, and that another
    file of the directory may hold a model's id, it leaves to `load`.
    """
    return _published(Document, "Desired state of reconcile")


def fleet_schema() -> dict[str, Any]:
    """Return the schema of `fleet.toml`, JSON Schema draft 2020-12."""
    return _published(FleetDocument, "Fleet of reconcile")


def _published(shape: type[Table], title: str) -> dict[str, Any]:
    document = TypeAdapter(shape).json_schema(by_alias=True, schema_generator=_TomlSchema)
    return {"$schema": DIALECT, **document, "title": title}
