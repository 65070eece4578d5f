"""The sandbox's own OpenAPI 3.1 document: what it accepts and answers, as data."""

from collections.abc import Iterable, Mapping

from reconcile import __version__
from reconcile.sandbox import models, request
from reconcile.sandbox.connections import CONNECTION_SORT_FIELDS
from reconcile.sandbox.exchange import Json
from reconcile.sandbox.instance import ModelKind, Published, Settings, Vocabulary

OPENAPI_PATH = "/openapi.json"


def openapi_document(settings: Settings) -> dict[str, Json]:
    """Describe every endpoint of an instance. Served as Omni does [live], but to anybody."""
    hard = settings.published is Published.SPEC_B
    described: dict[tuple[str, str], Json] = {
        ("POST", request.V1_REFRESH): _v1_refresh(),
        ("POST", request.V1_RESET): _reset("resetCache", "CacheReset", "Error"),
        ("GET", request.V1_JOB): _job(),
        ("GET", request.V1_MODELS): _models(),
        ("POST", request.V0_REFRESH): _v0_refresh(),
        ("POST", request.UNSTABLE_RESET): _reset(
            "resetCacheUnstable", "CacheResetEpoch", "ScimError"
        ),
        **live_operations(hard=hard),
    }
    paths: dict[str, dict[str, Json]] = {}
    for route in request.routes_of(settings):
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
            "schemas": {**SCHEMAS, **live_schemas(later=hard), **_worded(settings.vocabulary)},
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
    reset_at: dict[str, Json] = {"anyOf": [INSTANT, {"type": "string", "format": "date"}]}
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
        "maximum": models.MOST_PAGE_SIZE,
        "default": models.PAGE_SIZE,
    }
    parameters = [
        query("modelId", UUID),
        query("connectionId", UUID),
        query("baseModelId", UUID),
        query("name", {"type": "string"}),
        query("modelKind", {"$ref": "#/components/schemas/ModelKind"}),
        query("includeDeleted", one_of(models.TRUTH_WORDS)),
        query("include", one_of(("activeBranches",))),
        query("sortField", one_of(models.MODEL_SORT_FIELDS)),
        query("sortDirection", one_of(models.SORT_DIRECTIONS)),
        query("cursor", {"type": "string"}, "`nextCursor` of the page before"),
        query("pageSize", size),
    ]
    replies = responses("ModelPage", "Error")
    return operation("listModels", "List models, page by page", parameters, replies)


# The shapes of the bodies in the sandbox's OpenAPI document.

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


def _worded(vocabulary: Vocabulary) -> dict[str, Json]:
    """Describe the bodies that the specifications and the docs have in different words or shapes.

    An enum of both spellings would not do: generators refuse names that differ only in case.
    """
    names: dict[str, Json] = {"type": "array", "items": TEXT}
    bare = vocabulary is Vocabulary.DOCS
    job = {
        "job_id": UUID,
        "job_type": _one_of(models.JOB_TYPE[vocabulary]),
        "status": _one_of(models.RUNNING[vocabulary], "COMPLETED", "FAILED"),
    }
    return {
        "JobStatus": object_of(job),
        "SchemaList": names if bare else object_of({"schemas": names}),
    }


# What a live look and native schedules need, in the sandbox's OpenAPI document.

_FLAG: Mapping[str, Json] = {"type": "boolean"}
_MAYBE_TEXT: Mapping[str, Json] = {"type": ["string", "null"]}
_CONNECTION: Mapping[str, Json] = {
    "id": UUID,
    "name": TEXT,
    "dialect": TEXT,
    "database": TEXT,
    "defaultSchema": TEXT,
    "baseRole": TEXT,
    "deletedAt": MAYBE_INSTANT,
    "userAttributeNameForConnectionEnvironments": _MAYBE_TEXT,
    "userAttributeValuesForDefaultEnvironment": _MAYBE_TEXT,
    "branchConnectionEnvironmentOverridesUserAttr": _FLAG,
    "environmentConnectionSwitchesSchemaModel": _FLAG,
}
_SCHEDULE: Mapping[str, Json] = {
    "scheduleId": UUID,
    "connectionId": UUID,
    "schedule": TEXT,
    "timezone": TEXT,
    "description": TEXT,
    "createdAt": INSTANT,
    "updatedAt": INSTANT,
    "disabledAt": MAYBE_INSTANT,
}


def live_operations(*, hard: bool) -> dict[tuple[str, str], Json]:
    """Describe the operations by method and path. `hard`: schedules can be hard [SPEC-B]."""
    one = [path("connectionId", UUID), path("scheduleId", UUID)]
    removed = responses("Removed", "Error")
    return {
        ("GET", request.V1_YAML): _yaml(),
        ("GET", request.V1_SCHEMAS): operation(
            "listModelSchemas",
            "List the schemas of a model",
            [path("modelId", UUID), query("branch_id", UUID)],
            responses("SchemaList", "Error"),
        ),
        ("GET", request.V1_WHOAMI): _whoami(),
        ("GET", request.V1_CONNECTIONS): _connections(),
        ("GET", request.V1_CONNECTION): operation(
            "getConnection",
            "Tell about one connection",
            [path("connectionId", UUID)],
            responses("ConnectionFound", "Error"),
        ),
        ("GET", request.V1_SCHEDULES): operation(
            "listSchedules",
            "List the schedules of a connection",
            [path("connectionId", UUID)],
            responses("ScheduleList", "Error"),
        ),
        ("POST", request.V1_SCHEDULES): {
            **operation(
                "createSchedule",
                "Make a schedule",
                [path("connectionId", UUID)],
                responses("Schedule", "Error", status="201"),
            ),
            "requestBody": _schedule_body(hard=hard),
        },
        ("GET", request.V1_SCHEDULE): operation(
            "getSchedule", "Tell about one schedule", one, responses("Schedule", "Error")
        ),
        ("PUT", request.V1_SCHEDULE): {
            **operation("updateSchedule", "Replace", one, responses("Schedule", "Error")),
            "requestBody": _schedule_body(hard=hard),
        },
        ("DELETE", request.V1_SCHEDULE): operation(
            "deleteSchedule", "Delete a schedule", one, removed
        ),
    }


def live_schemas(*, later: bool) -> dict[str, Json]:
    """Describe the bodies, as the earlier or the later specification has them."""
    connection, schedule = dict(_CONNECTION), dict(_SCHEDULE)
    if later:
        connection |= {
            "createdAt": INSTANT,
            "updatedAt": INSTANT,
            "allowBranchConnectionEnvironments": _FLAG,
        }
        schedule["hardRefresh"] = _FLAG
    texts: dict[str, Json] = {"type": "object", "additionalProperties": TEXT}
    files: dict[str, Json] = {
        "files": texts,
        "version": {"type": "number"},
        "checksums": texts,
        "viewNames": texts,
    }
    who: dict[str, Json] = {
        "keyScope": {"type": "string", "enum": ("organization", "user")},
        "orgRole": TEXT,
        "rolesByModel": {"type": "object"},
        "user": {"type": "object"},
    }
    return {
        "Connection": object_of(connection),
        "ConnectionList": object_of({"connections": list_of("Connection")}),
        "ConnectionFound": object_of({"connection": {"$ref": "#/components/schemas/Connection"}}),
        "ModelYaml": object_of(files, required=("files", "version")),
        "Whoami": object_of(who),
        "Schedule": object_of(schedule),
        "ScheduleList": object_of({"schedules": list_of("Schedule")}),
        "Removed": object_of({"success": {"const": True}}),
    }


def _yaml() -> Json:
    flag: dict[str, Json] = {"type": "string", "enum": ("true", "false"), "default": "false"}
    parameters = [
        path("modelId", UUID),
        query("branchId", UUID),
        query("fileName", TEXT),
        query("mode", {"type": "string", "enum": models.MODES}),
        query("includeChecksums", flag),
        query("fullyResolved", flag),
        query("includeSchemas", TEXT),
    ]
    return operation(
        "modelYaml", "Give a model's files", parameters, responses("ModelYaml", "Error")
    )


def _whoami() -> Json:
    parameters = [query("modelId", TEXT, "Comma-separated ids")]
    return operation("whoami", "Tell who asks", parameters, responses("Whoami", "Error"))


def _connections() -> Json:
    parameters = [
        query("name", TEXT, "Part of the name, in any case"),
        query("database", TEXT, "Part of the database's name"),
        query("dialect", TEXT, "Comma-separated"),
        query("includeDeleted", {"type": "string", "enum": models.TRUTH_WORDS}),
        query("sortField", {"type": "string", "enum": CONNECTION_SORT_FIELDS}),
        query("sortDirection", {"type": "string", "enum": models.SORT_DIRECTIONS}),
    ]
    replies = responses("ConnectionList", "Error")
    return operation("listConnections", "List connections", parameters, replies)


def _schedule_body(*, hard: bool) -> Json:
    fields: dict[str, Json] = {"schedule": TEXT, "timezone": TEXT}
    if hard:
        fields["hardRefresh"] = {"type": "boolean", "default": False}
    return body(object_of(fields, required=("schedule", "timezone")), required=True)


# The pieces that every operation of the sandbox's OpenAPI document is described with.

_PROBLEMS = {
    "400": "A part of the request is wrong; the detail names it",
    "401": "No bearer token",
    "403": "A token that is unknown or may not do this",
    "404": "No such thing",
    "405": "Another method is needed",
    "429": "More requests in a minute than the token has; there is no Retry-After",
}


def operation(
    operation_id: str, summary: str, parameters: list[Json], responses: Json
) -> dict[str, Json]:
    """Describe one operation."""
    return {
        "operationId": operation_id,
        "summary": summary,
        "parameters": parameters,
        "responses": responses,
    }


def path(name: str, schema: Json) -> Json:
    """Describe a part of the path."""
    return {"name": name, "in": "path", "required": True, "schema": schema}


def query(name: str, schema: Json, description: str = "") -> Json:
    """Describe a parameter of the query; none is required."""
    parameter: dict[str, Json] = {"name": name, "in": "query", "schema": schema}
    return {**parameter, "description": description} if description else parameter


def body(schema: Json, *, required: bool) -> Json:
    """Describe a JSON body."""
    return {"required": required, "content": {"application/json": {"schema": schema}}}


def responses(success: str, problem: str, *, status: str = "200") -> dict[str, dict[str, Json]]:
    """Describe the replies: the schema of a success, and that of every problem."""
    described = {
        status: _response(description, problem) for status, description in _PROBLEMS.items()
    }
    return {status: _response("Done", success), **described}


def _response(description: str, schema: str) -> dict[str, Json]:
    reference: dict[str, Json] = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    return {"description": description, "content": {"application/json": reference}}
