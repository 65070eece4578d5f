"""The sandbox's own OpenAPI 3.1 document: what it accepts and answers, as data."""

from reconcile import __version__
from reconcile.sandbox.exchange import Json
from reconcile.sandbox.instance import Published, Settings
from reconcile.sandbox.listing import (
    MOST_PAGE_SIZE,
    PAGE_SIZE,
    SORT_DIRECTIONS,
    SORT_FIELDS,
    TRUTH_WORDS,
)
from reconcile.sandbox.openapi_live import live_operations, live_schemas
from reconcile.sandbox.openapi_parts import body, operation, path, query, responses
from reconcile.sandbox.openapi_schemas import SCHEMAS, UUID, object_of
from reconcile.sandbox.routing import (
    UNSTABLE_RESET,
    V0_REFRESH,
    V1_JOB,
    V1_MODELS,
    V1_REFRESH,
    V1_RESET,
    routes_of,
)

OPENAPI_PATH = "/openapi.json"


def openapi_document(settings: Settings) -> dict[str, Json]:
    """Describe every endpoint of an instance. Served as Omni does [live], but to anybody."""
    hard = settings.published is Published.SPEC_B
    described: dict[tuple[str, str], Json] = {
        ("POST", V1_REFRESH): _v1_refresh(),
        ("POST", V1_RESET): _reset("resetCache", "CacheReset", "Error"),
        ("GET", V1_JOB): _job(),
        ("GET", V1_MODELS): _models(),
        ("POST", V0_REFRESH): _v0_refresh(),
        ("POST", UNSTABLE_RESET): _reset("resetCacheUnstable", "CacheResetEpoch", "ScimError"),
        **live_operations(hard=hard),
    }
    paths: dict[str, dict[str, Json]] = {}
    for route in routes_of(settings):
        item = paths.setdefault(route.template, {})
        item[route.method.lower()] = described[route.method, route.template]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "reconcile sandbox",
            "version": __version__,
            "description": "The part of Omni's API that refreshes models and resets caches.",
        },
        "security": [{"bearerAuth": []}],
        "paths": paths,
        "components": {
            "schemas": {**SCHEMAS, **live_schemas(later=hard)},
            "securitySchemes": {"bearerAuth": {"type": "http", "scheme": "bearer"}},
        },
    }


def _v1_refresh() -> Json:
    flag: dict[str, Json] = {"type": "string", "enum": ["true", "false"], "default": "true"}
    parameters = [
        path("modelId", UUID),
        query("branch_id", UUID, "Required with branch-based refresh, else forbidden"),
        query("hard_refresh", flag, "Whether vanished objects are removed"),
        query("schemas", {"type": "string"}, "Comma-separated; only with hard_refresh=false"),
        query("tables", {"type": "string"}, "Comma-separated; only with hard_refresh=false"),
    ]
    replies = responses("RefreshStarted", "Error")
    started = replies["200"]
    started["links"] = {
        "status": {"operationId": "jobStatus", "parameters": {"jobId": "$response.body#/jobId"}}
    }
    return operation("refreshModel", "Start a schema refresh", parameters, replies)


def _v0_refresh() -> Json:
    replies = responses("RefreshStartedLegacy", "ScimError")
    summary = "Start a schema refresh whose job nobody can follow"
    return operation("refreshModelV0", summary, [path("modelId", UUID)], replies)


def _reset(operation_id: str, success: str, problem: str) -> Json:
    described = operation(
        operation_id,
        "Move the mark before which cached results are invalid",
        [path("modelId", UUID), path("policyName", {"type": "string", "minLength": 1})],
        responses(success, problem),
    )
    reset_at: dict[str, Json] = {"type": "string", "format": "date-time"}
    described["requestBody"] = body(object_of({"resetAt": reset_at}, required=()), required=False)
    return described


def _job() -> Json:
    replies = responses("JobStatus", "Error")
    return operation("jobStatus", "Tell how a job stands", [path("jobId", UUID)], replies)


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
        query("modelId", UUID),
        query("connectionId", UUID),
        query("baseModelId", UUID),
        query("name", {"type": "string"}),
        query("modelKind", {"$ref": "#/components/schemas/ModelKind"}),
        query("includeDeleted", one_of(TRUTH_WORDS)),
        query("include", one_of(("activeBranches",))),
        query("sortField", one_of(SORT_FIELDS)),
        query("sortDirection", one_of(SORT_DIRECTIONS)),
        query("cursor", {"type": "string"}, "`nextCursor` of the page before"),
        query("pageSize", size),
    ]
    replies = responses("ModelPage", "Error")
    return operation("listModels", "List models, page by page", parameters, replies)
