"""The published JSON Schema of what an instance has."""

from typing import Final

from reconcile.render.live.inventory import INVENTORY_FORMAT_VERSION
from reconcile.render.schemas.parts import (
    COUNT,
    FLAG,
    INSTANT,
    INSTANT_OR_NULL,
    TEXT,
    TEXT_OR_NULL,
    Schema,
    document,
    listed,
    one_of,
    or_null,
    record,
)

_PARTS: Final = ("connections", "policies", "schedules")


def inventory_schema() -> Schema:
    """Return what `discover --format json` satisfies. Null: not seen, or not asked for."""
    unseen = record({"part": one_of(_PARTS), "id": TEXT_OR_NULL, "message": TEXT})
    return document(
        "discover",
        "discover --format json",
        INVENTORY_FORMAT_VERSION,
        {
            "host": TEXT,
            "observed_at": INSTANT,
            "connections": listed(_connection()),
            "unseen": listed(unseen),
            "requests": COUNT,
        },
    )


def _connection() -> Schema:
    return record(
        {
            "id": TEXT_OR_NULL,
            "name": TEXT_OR_NULL,
            "dialect": TEXT_OR_NULL,
            "database": TEXT_OR_NULL,
            "deleted_at": INSTANT_OR_NULL,
            "schedules": or_null(listed(_schedule())),
            "models": listed(_model()),
        }
    )


def _schedule() -> Schema:
    return record(
        {
            "id": TEXT,
            "cron": TEXT,
            "timezone": TEXT,
            "hard": FLAG,
            "disabled_at": INSTANT_OR_NULL,
            "next_run": INSTANT_OR_NULL,
        }
    )


def _model() -> Schema:
    return record(
        {
            "id": TEXT,
            "name": TEXT_OR_NULL,
            "kind": TEXT_OR_NULL,
            "base_model_id": TEXT_OR_NULL,
            "deleted_at": INSTANT_OR_NULL,
            "branches": listed(record({"id": TEXT, "name": TEXT})),
            "policies": or_null(listed(TEXT)),
        }
    )
