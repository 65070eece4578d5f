"""The rules of the list of models, which is paged."""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

from reconcile.sandbox.asking import Asked
from reconcile.sandbox.exchange import Json, Reply, bad_request
from reconcile.sandbox.instance import Instance, Model, ModelKind
from reconcile.sandbox.reading import Query
from reconcile.sandbox.resetting import spell_instant

PAGE_SIZE = 20
MOST_PAGE_SIZE = 100
_SORT_KEYS: Mapping[str, Callable[[Model], str]] = MappingProxyType(
    {
        "name": lambda model: model.name,
        "modelKind": lambda model: model.kind.value,
        "connectionId": lambda model: model.connection_id,
        "baseModelId": lambda model: model.base_id or "",
        "createdAt": lambda model: spell_instant(model.created_at),
        "updatedAt": lambda model: spell_instant(model.updated_at),
    }
)
SORT_FIELDS = tuple(_SORT_KEYS)
SORT_DIRECTIONS = ("asc", "desc")
TRUTH_WORDS = ("0", "1", "true", "false")


def list_models(instance: Instance, asked: Asked, now: datetime) -> Reply:  # noqa: ARG001 -- a rule
    """List models page by page, newest update first unless told otherwise [DOC:list-models]."""
    query = Query(asked.query)
    page_size = query.number("pageSize", default=PAGE_SIZE, most=MOST_PAGE_SIZE)
    start = _decode_cursor(query.text("cursor"))
    branches = query.choice("include", ("activeBranches",)) is not None
    found = _sorted(_selected(instance, query), query)
    page = found[start : start + page_size]
    more = start + page_size < len(found)
    next_cursor = _encode_cursor(start + page_size) if more else None
    body: dict[str, Json] = {
        "pageInfo": {
            "hasNextPage": more,
            "nextCursor": next_cursor,
            "pageSize": page_size,
            "totalRecords": len(found),
        },
        "records": [_model_body(instance, model, branches=branches) for model in page],
    }
    return Reply(200, body)


def _selected(instance: Instance, query: Query) -> list[Model]:
    deleted = query.choice("includeDeleted", TRUTH_WORDS) in {"1", "true"}
    wanted = {
        "id": query.uuid("modelId"),
        "connection_id": query.uuid("connectionId"),
        "base_id": query.uuid("baseModelId"),
        "kind": query.choice("modelKind", tuple(ModelKind)),
        "name": query.text("name") or None,
    }
    return [
        model
        for model in instance.models.values()
        if (deleted or model.deleted_at is None)
        and all(value is None or getattr(model, key) == value for key, value in wanted.items())
    ]


def _sorted(models: Iterable[Model], query: Query) -> list[Model]:
    field = query.choice("sortField", SORT_FIELDS) or "updatedAt"
    descending = (query.choice("sortDirection", SORT_DIRECTIONS) or "desc") == "desc"
    key = _SORT_KEYS[field]
    return sorted(models, key=lambda model: (key(model), model.id), reverse=descending)


def _model_body(instance: Instance, model: Model, *, branches: bool) -> Json:
    body: dict[str, Json] = {
        "id": model.id,
        "name": model.name,
        "modelKind": model.kind.value,
        "connectionId": model.connection_id,
        "baseModelId": model.base_id,
        "createdAt": spell_instant(model.created_at),
        "updatedAt": spell_instant(model.updated_at),
        "deletedAt": None if model.deleted_at is None else spell_instant(model.deleted_at),
    }
    if branches:
        body["branches"] = [
            {"id": branch.id, "name": branch.name}
            for branch in instance.models.values()
            if branch.kind is ModelKind.BRANCH
            and branch.base_id == model.id
            and branch.deleted_at is None
        ]
    return body


def _encode_cursor(start: int) -> str:
    return base64.urlsafe_b64encode(f"from:{start}".encode()).decode()


def _decode_cursor(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        text = base64.b64decode(cursor, altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        text = b""
    match = re.fullmatch(rb"from:([0-9]{1,9})", text)
    if match is None:
        raise bad_request("cursor: Invalid cursor")
    return int(match[1])
