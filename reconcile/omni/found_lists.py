"""Reads Omni's lists of models and connections, tolerant of every published shape. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from reconcile.model.observed import ObservedConnection, ObservedModel
from reconcile.model.plan import Request
from reconcile.omni.decoding import decode_instant
from reconcile.omni.fields import id_field, records_field, text_field

PAGE_SIZE = 100
"""What clients send [code]; the maximum for models is not documented (omni-api.md 1.6)."""


@dataclass(frozen=True, slots=True)
class ModelPage:
    """One page. `cursor`: where the next one begins; None: this is the last, "": it is not said."""

    models: tuple[ObservedModel, ...]
    cursor: str | None


def models_request(cursor: str | None, *, model_id: str | None = None) -> Request:
    """Build one page of all models, deleted ones and active branches included [SPEC-A/B].

    In order of creation, because refreshes that run meanwhile would reorder the server's own order
    and move models from page to page.
    """
    query = [
        ("pageSize", str(PAGE_SIZE)),
        ("sortField", "createdAt"),
        ("sortDirection", "asc"),
        ("includeDeleted", "true"),
        ("include", "activeBranches"),
    ]
    if model_id is not None:
        query.append(("modelId", model_id))
    if cursor is not None:
        query.append(("cursor", cursor))
    return Request("GET", "/api/v1/models", tuple(query))


def connections_request() -> Request:
    """Build the list of all connections, which is not paged [SPEC-A]."""
    return Request("GET", "/api/v1/connections", (("includeDeleted", "true"),))


def read_models(body: object) -> ModelPage:
    """Read one page of models. Raises UnusableReplyError."""
    records = records_field(body, "records", "models")
    info = body.get("pageInfo") if isinstance(body, dict) else None
    return ModelPage(tuple(map(_model, records)), _cursor(info if isinstance(info, dict) else {}))


def read_connections(body: object) -> tuple[ObservedConnection, ...]:
    """Read the connections. Raises UnusableReplyError."""
    return tuple(
        ObservedConnection(
            connection_id=id_field(fields, "id", "connectionId"),
            name=text_field(fields, "name"),
            dialect=text_field(fields, "dialect"),
            database=text_field(fields, "database"),
            deleted_at=decode_instant(
                fields.get("deletedAt", fields.get("deleted_at")), "deletedAt"
            ),
        )
        for fields in records_field(body, "connections", "records")
    )


def _model(fields: Mapping[str, object]) -> ObservedModel:
    branches = fields.get("branches")
    return ObservedModel(
        model_id=id_field(fields, "id", "modelId"),
        name=text_field(fields, "name"),
        kind=text_field(fields, "modelKind", "model_kind", "kind"),
        connection_id=text_field(fields, "connectionId", "connection_id"),
        base_model_id=text_field(fields, "baseModelId", "base_model_id"),
        deleted_at=decode_instant(fields.get("deletedAt", fields.get("deleted_at")), "deletedAt"),
        # Docs give whole models here, the spec an id and a name (omni-api.md 4, row 19).
        branches=MappingProxyType(
            {
                id_field(branch, "id"): text_field(branch, "name") or ""
                for branch in records_field(branches or [], "branches")
            }
        ),
    )


def _cursor(info: Mapping[str, object]) -> str | None:
    """Return the next cursor; "" where more is promised and no cursor given."""
    more = info.get("hasNextPage", info.get("hasMore"))
    cursor = text_field(info, "nextCursor", "cursor")
    if more is False:
        return None
    return (cursor or "") if more is True else (cursor or None)
