"""The sandbox's own OpenAPI 3.1 document: what it accepts and answers, as data."""

from reconcile import __version__
from reconcile.sandbox.exchange import Json
from reconcile.sandbox.listing import (
    MOST_PAGE_SIZE,
    PAGE_SIZE,
    SORT_DIRECTIONS,
    SORT_FIELDS,
    TRUTH_WORDS,
)
from reconcile.sandbox.openapi_schemas import SCHEMAS, UUID, object_of
from reconcile.sandbox.routing import (
    UNSTABLE_RESET,
    V0_REFRESH,
    V1_CONNECTIONS,
    V1_JOB,
    V1_MODELS,
    V1_REFRESH,
    V1_RESET,
)

_PROBLEMS = {
    "400": "A part of the request is wrong; the detail names it",
    "401": "No bearer token",
    "403": "A token that is unknown or may not do this",
    "404": "No such thing",
    "405": "Another method is needed",
    "429": "More requests in a minute than the token has; there is no Retry-After",
}


def openapi_document() -> dict[str, Json]:
    """Describe every endpoint. Served at `/openapi.json`, as Omni does [live], but to anybody."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "reconcile sandbox",
            "version": __version__,
            "description": "The part of Omni's API that refreshes models and resets caches.",
        },
        "security": [{"bearerAuth": []}],
        "paths": {
            V1_REFRESH: {"post": _v1_refresh()},
            V1_RESET: {"post": _reset("resetCache", "CacheReset", "Error")},
            V1_JOB: {"get": _job()},
            V1_MODELS: {"get": _models()},
            V1_CONNECTIONS: {"get": _connections()},
            V0_REFRESH: {"post": _v0_refresh()},
            UNSTABLE_RESET: {"post": _reset("resetCacheUnstable", "CacheResetEpoch", "ScimError")},
        },
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"bearerAuth": {"type": "http", "scheme": "bearer"}},
        },
    }


def _v1_refresh() -> Json:
    flag: dict[str, Json] = {"type": "string", "enum": ["true", "false"], "default": "true"}
    parameters = [
        _path("modelId", UUID),
        _query("branch_id", UUID, "Required with branch-based refresh, else forbidden"),
        _query("hard_refresh", flag, "Whether vanished objects are removed"),
        _query("schemas", {"type": "string"}, "Comma-separated; only with hard_refresh=false"),
        _query("tables", {"type": "string"}, "Comma-separated; only with hard_refresh=false"),
    ]
    responses = _responses("RefreshStarted", "Error")
    started = responses["200"]
    started["links"] = {
        "status": {"operationId": "jobStatus", "parameters": {"jobId": "$response.body#/jobId"}}
    }
    return _operation("refreshModel", "Start a schema refresh", parameters, responses)


def _v0_refresh() -> Json:
    responses = _responses("RefreshStartedLegacy", "ScimError")
    summary = "Start a schema refresh whose job nobody can follow"
    return _operation("refreshModelV0", summary, [_path("modelId", UUID)], responses)


def _reset(operation_id: str, success: str, problem: str) -> Json:
    operation = _operation(
        operation_id,
        "Move the mark before which cached results are invalid",
        [_path("modelId", UUID), _path("policyName", {"type": "string", "minLength": 1})],
        _responses(success, problem),
    )
    reset_at: dict[str, Json] = {"type": "string", "format": "date-time"}
    operation["requestBody"] = {
        "required": False,
        "content": {"application/json": {"schema": object_of({"resetAt": reset_at}, required=())}},
    }
    return operation


def _job() -> Json:
    responses = _responses("JobStatus", "Error")
    return _operation("jobStatus", "Tell how a job stands", [_path("jobId", UUID)], responses)


def _models() -> Json:
    def one_of(words: tuple[str, ...]) -> dict[str, Json]:
        return {"type": "string", "enum": words}

    size: dict[str, Json] = {
        "type": "integer",
        "minimum": 1,
        "maximum": MOST_PAGE_SIZE,
        "default": PAGE_SIZE,
    }
    parameters = [
        _query("modelId", UUID),
        _query("connectionId", UUID),
        _query("baseModelId", UUID),
        _query("name", {"type": "string"}),
        _query("modelKind", {"$ref": "#/components/schemas/ModelKind"}),
        _query("includeDeleted", one_of(TRUTH_WORDS)),
        _query("include", one_of(("activeBranches",))),
        _query("sortField", one_of(SORT_FIELDS)),
        _query("sortDirection", one_of(SORT_DIRECTIONS)),
        _query("cursor", {"type": "string"}, "`nextCursor` of the page before"),
        _query("pageSize", size),
    ]
    responses = _responses("ModelPage", "Error")
    return _operation("listModels", "List models, page by page", parameters, responses)


def _connections() -> Json:
    parameters = [
        _query("name", {"type": "string"}, "Part of the name, in any case"),
        _query("includeDeleted", {"type": "string", "enum": TRUTH_WORDS}),
    ]
    responses = _responses("ConnectionList", "Error")
    return _operation("listConnections", "List connections", parameters, responses)


def _operation(
    operation_id: str, summary: str, parameters: list[Json], responses: Json
) -> dict[str, Json]:
    return {
        "operationId": operation_id,
        "summary": summary,
        "parameters": parameters,
        "responses": responses,
    }


def _path(name: str, schema: Json) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _query(name: str, schema: Json, description: str = "") -> Json:
    parameter: dict[str, Json] = {"name": name, "in": "query", "schema": schema}
    return {**parameter, "description": description} if description else parameter


def _responses(success: str, problem: str) -> dict[str, dict[str, Json]]:
    described = {
        status: _response(description, problem) for status, description in _PROBLEMS.items()
    }
    return {"200": _response("Done", success), **described}


def _response(description: str, schema: str) -> dict[str, Json]:
    reference: dict[str, Json] = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    return {"description": description, "content": {"application/json": reference}}
