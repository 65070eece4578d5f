"""Tables are checked by the core of pydantic alone, and as pydantic would have it do."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from reconcile.config.tables import (
    Document,
    FleetDocument,
    LockDocument,
    Table,
    check,
    table_schema,
)

UNCHECKED = {
    "metadata", "ref", "serialization", "serialization_alias",
    "title", "frozen", "slots", "post_init", "computed_fields", "init", "collect_init_only",
    "microseconds_precision",
}  # fmt: skip
"""What pydantic adds for other purposes than a check, or to say what holds without being said."""


@pytest.mark.parametrize("shape", [Document, FleetDocument, LockDocument])
def test_a_table_is_checked_as_pydantic_would_check_it(shape: type[Table]) -> None:
    pydantics = _plain(TypeAdapter(shape).core_schema, {})
    assert _plain(table_schema(shape), {}) == pydantics


def test_a_table_becomes_an_instance_with_all_its_keys() -> None:
    document = check(Document, {"models": {"sales": {"refresh": {"every": "6h"}}}})
    assert document.models is not None
    assert document.models["sales"].refresh is not None
    assert document.models["sales"].refresh.every == "6h"
    assert document.models["sales"].timezone is None


def _plain(node: Any, known: dict[str, Any]) -> Any:
    """Put definitions where they are referred to, and leave out what is not checked."""
    if isinstance(node, list | tuple):
        return [_plain(part, known) for part in node]
    if not isinstance(node, dict):
        return node
    if node.get("type") == "definitions":
        known = known | {each["ref"]: each for each in node["definitions"]}
        return _plain(node["schema"], known)
    if node.get("type") == "definition-ref":
        return _plain(known[node["schema_ref"]], known)
    kept = {key: _plain(value, known) for key, value in node.items() if key not in UNCHECKED}
    return kept | {"strict": False} if kept.get("type") == "dataclass" else kept
