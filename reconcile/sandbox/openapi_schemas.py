"""The shapes of the bodies in the sandbox's OpenAPI document."""

from collections.abc import Iterable, Mapping

from reconcile.sandbox.exchange import Json
from reconcile.sandbox.instance import ModelKind

UUID: Mapping[str, Json] = {"type": "string", "format": "uuid"}

TEXT: Mapping[str, Json] = {"type": "string"}
INSTANT: Mapping[str, Json] = {"type": "string", "format": "date-time"}
MAYBE_INSTANT: Mapping[str, Json] = {"type": ["string", "null"], "format": "date-time"}
_EPOCH: Mapping[str, Json] = {"type": "number"}
_COUNT: Mapping[str, Json] = {"type": "integer", "minimum": 0}


def object_of(
    properties: Mapping[str, Json], *, required: Iterable[str] | None = None
) -> dict[str, Json]:
    """Describe an object; every property is required unless told otherwise."""
    names = tuple(properties) if required is None else tuple(required)
    described: dict[str, Json] = {"type": "object", "properties": properties}
    return {**described, "required": names} if names else described


def list_of(name: str) -> Json:
    """Describe a list of what a named schema describes."""
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}


def _one_of(*words: str) -> Json:
    return {"type": "string", "enum": words}


def _cache_reset(instant: Json) -> Json:
    mark = {
        "id": UUID,
        "model_id": UUID,
        "policy_name": TEXT,
        "created_at": instant,
        "updated_at": instant,
        "reset_at": instant,
    }
    return object_of({"success": {"const": True}, "cache_reset": object_of(mark)})


_MODEL: Mapping[str, Json] = {
    "id": UUID,
    "name": {"type": ["string", "null"]},
    "modelKind": {"$ref": "#/components/schemas/ModelKind"},
    "connectionId": UUID,
    "baseModelId": {"type": ["string", "null"], "format": "uuid"},
    "createdAt": INSTANT,
    "updatedAt": INSTANT,
    "deletedAt": MAYBE_INSTANT,
    "branches": list_of("Branch"),
}

SCHEMAS: Mapping[str, Json] = {
    "Error": object_of({"detail": TEXT, "status": _COUNT}),
    "ScimError": object_of(
        {"detail": TEXT, "status": _COUNT, "schemas": {"type": "array", "items": TEXT}}
    ),
    "RefreshStarted": object_of(
        {"jobId": UUID, "modelId": UUID, "status": _one_of("running", "completed", "failed")}
    ),
    "RefreshStartedLegacy": object_of({"modelId": UUID, "status": {"const": "running"}}),
    "JobStatus": object_of(
        {
            "job_id": UUID,
            "job_type": _one_of("REFRESH_SCHEMA", "refresh_schema"),
            "status": _one_of("IN_PROGRESS", "RUNNING", "COMPLETED", "FAILED"),
        }
    ),
    "CacheReset": _cache_reset(INSTANT),
    "CacheResetEpoch": _cache_reset(_EPOCH),
    "ModelKind": _one_of(*ModelKind),
    "Branch": object_of({"id": UUID, "name": TEXT}),
    "Model": object_of(_MODEL, required=[name for name in _MODEL if name != "branches"]),
    "ModelPage": object_of(
        {
            "pageInfo": object_of(
                {
                    "hasNextPage": {"type": "boolean"},
                    "nextCursor": {"type": ["string", "null"]},
                    "pageSize": _COUNT,
                    "totalRecords": _COUNT,
                }
            ),
            "records": list_of("Model"),
        }
    ),
}
