"""The sandbox's own OpenAPI 3.1 document: what it accepts and answers, as data."""

import re
from collections.abc import Iterable, Mapping

from msgspec import Struct

from reconcile import __version__
from reconcile.model.desired import Generation
from reconcile.sandbox import models, request
from reconcile.sandbox.connections import CONNECTION_SORT_FIELDS
from reconcile.sandbox.exchange import Json, Operation
from reconcile.sandbox.instance import ModelKind, Published, Settings, Vocabulary

OPENAPI_PATH = "/openapi.json"


def openapi_document(settings: Settings) -> dict[str, Json]:
    """Describe every endpoint of an instance. Served as Omni does [live], but to anybody."""
    later = settings.published is Published.SPEC_B
    paths: dict[str, dict[str, Json]] = {}
    for route in request.routes_of(settings):
        item = paths.setdefault(route.template, {})
        item[route.method.lower()] = _operation(route, later=later)
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
            "schemas": {**_SCHEMAS, **_live_schemas(later=later), **_worded(settings.vocabulary)},
            "securitySchemes": {"bearerAuth": {"type": "http", "scheme": "bearer"}},
        },
    }


class _Described(Struct, frozen=True):
    """What an operation is called, what it answers, and what it takes beside the path."""

    operation_id: str
    summary: str
    success: str
    query: tuple[Json, ...] = ()
    body: Json = None
    takes_schedule: bool = False
    links: Json = None


_PROBLEMS = {
    "400": "A part of the request is wrong; the detail names it",
    "401": "No bearer token",
    "403": "A token that is unknown or may not do this",
    "404": "No such thing",
    "405": "Another method is needed",
    "429": "More requests in a minute than the token has; there is no Retry-After",
}


def _operation(route: request.Route, *, later: bool) -> Json:
    described = _OPERATIONS[route.method, route.template]
    problem = "ScimError" if route.generation is Generation.LEGACY else "Error"
    done = _response("Done", described.success)
    if described.links is not None:
        done["links"] = described.links
    told: dict[str, Json] = {
        "operationId": described.operation_id,
        "summary": described.summary,
        "parameters": [*map(_part, re.findall(r"{(\w+)}", route.template)), *described.query],
        "responses": {
            "201" if route.operation is Operation.SCHEDULE_CREATE else "200": done,
            **{status: _response(why, problem) for status, why in _PROBLEMS.items()},
        },
    }
    body = _schedule_body(hard=later) if described.takes_schedule else described.body
    return told if body is None else {**told, "requestBody": body}


def _part(name: str) -> Json:
    """Describe a part of the path."""
    schema: Json = {"type": "string", "minLength": 1} if name == "policyName" else _UUID
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _response(description: str, schema: str) -> dict[str, Json]:
    reference: dict[str, Json] = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    return {"description": description, "content": {"application/json": reference}}


def _query(name: str, schema: Json, description: str = "") -> Json:
    """Describe a parameter of the query; none is required."""
    parameter: dict[str, Json] = {"name": name, "in": "query", "schema": schema}
    return {**parameter, "description": description} if description else parameter


def _body(schema: Json, *, required: bool) -> Json:
    return {"required": required, "content": {"application/json": {"schema": schema}}}


# The shapes of the bodies in the sandbox's OpenAPI document.

_UUID: Mapping[str, Json] = {"type": "string", "format": "uuid"}
_TEXT: Mapping[str, Json] = {"type": "string"}
_INSTANT: Mapping[str, Json] = {"type": "string", "format": "date-time"}
_MAYBE_INSTANT: Mapping[str, Json] = {"type": ["string", "null"], "format": "date-time"}
_EPOCH: Mapping[str, Json] = {"type": "number"}
_COUNT: Mapping[str, Json] = {"type": "integer", "minimum": 0}


def _object(
    properties: Mapping[str, Json], *, required: Iterable[str] | None = None
) -> dict[str, Json]:
    """Describe an object; every property is required unless told otherwise."""
    names = tuple(properties) if required is None else tuple(required)
    described: dict[str, Json] = {"type": "object", "properties": properties}
    return {**described, "required": names} if names else described


def _list(name: str) -> Json:
    """Describe a list of what a named schema describes."""
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}


def _one_of(*words: str) -> Json:
    return {"type": "string", "enum": words}


def _cache_reset(instant: Json) -> Json:
    mark = {
        "id": _UUID,
        "model_id": _UUID,
        "policy_name": _TEXT,
        "created_at": instant,
        "updated_at": instant,
        "reset_at": instant,
    }
    return _object({"success": {"const": True}, "cache_reset": _object(mark)})


_MODEL: Mapping[str, Json] = {
    "id": _UUID,
    "name": {"type": ["string", "null"]},
    "modelKind": {"$ref": "#/components/schemas/ModelKind"},
    "connectionId": _UUID,
    "baseModelId": {"type": ["string", "null"], "format": "uuid"},
    "createdAt": _INSTANT,
    "updatedAt": _INSTANT,
    "deletedAt": _MAYBE_INSTANT,
    "branches": _list("Branch"),
}

_PAGE: Mapping[str, Json] = {
    "hasNextPage": {"type": "boolean"},
    "nextCursor": {"type": ["string", "null"]},
    "pageSize": _COUNT,
    "totalRecords": _COUNT,
}

_SCHEMAS: Mapping[str, Json] = {
    "Error": _object({"detail": _TEXT, "status": _COUNT}),
    "ScimError": _object(
        {"detail": _TEXT, "status": _COUNT, "schemas": {"type": "array", "items": _TEXT}}
    ),
    "RefreshStarted": _object(
        {"jobId": _UUID, "modelId": _UUID, "status": _one_of("running", "completed", "failed")}
    ),
    "RefreshStartedLegacy": _object({"modelId": _UUID, "status": {"const": "running"}}),
    "CacheReset": _cache_reset(_INSTANT),
    "CacheResetEpoch": _cache_reset(_EPOCH),
    "ModelKind": _one_of(*ModelKind),
    "Branch": _object({"id": _UUID, "name": _TEXT}),
    "Model": _object(_MODEL, required=[name for name in _MODEL if name != "branches"]),
    "ModelPage": _object({"pageInfo": _object(_PAGE), "records": _list("Model")}),
}


def _worded(vocabulary: Vocabulary) -> dict[str, Json]:
    """Describe the bodies that the specifications and the docs have in different words or shapes.

    An enum of both spellings would not do: generators refuse names that differ only in case.
    """
    names: dict[str, Json] = {"type": "array", "items": _TEXT}
    bare = vocabulary is Vocabulary.DOCS
    job = {
        "job_id": _UUID,
        "job_type": _one_of(models.JOB_TYPE[vocabulary]),
        "status": _one_of(models.RUNNING[vocabulary], "COMPLETED", "FAILED"),
    }
    return {"JobStatus": _object(job), "SchemaList": names if bare else _object({"schemas": names})}


_FLAG: Mapping[str, Json] = {"type": "boolean"}
_MAYBE_TEXT: Mapping[str, Json] = {"type": ["string", "null"]}
_CONNECTION: Mapping[str, Json] = {
    "id": _UUID,
    "name": _TEXT,
    "dialect": _TEXT,
    "database": _TEXT,
    "defaultSchema": _TEXT,
    "baseRole": _TEXT,
    "deletedAt": _MAYBE_INSTANT,
    "userAttributeNameForConnectionEnvironments": _MAYBE_TEXT,
    "userAttributeValuesForDefaultEnvironment": _MAYBE_TEXT,
    "branchConnectionEnvironmentOverridesUserAttr": _FLAG,
    "environmentConnectionSwitchesSchemaModel": _FLAG,
}
_SCHEDULE: Mapping[str, Json] = {
    "scheduleId": _UUID,
    "connectionId": _UUID,
    "schedule": _TEXT,
    "timezone": _TEXT,
    "description": _TEXT,
    "createdAt": _INSTANT,
    "updatedAt": _INSTANT,
    "disabledAt": _MAYBE_INSTANT,
}


def _live_schemas(*, later: bool) -> dict[str, Json]:
    """Describe the bodies, as the earlier or the later specification has them."""
    connection, schedule = dict(_CONNECTION), dict(_SCHEDULE)
    if later:
        connection |= {
            "createdAt": _INSTANT,
            "updatedAt": _INSTANT,
            "allowBranchConnectionEnvironments": _FLAG,
        }
        schedule["hardRefresh"] = _FLAG
    texts: dict[str, Json] = {"type": "object", "additionalProperties": _TEXT}
    files: dict[str, Json] = {
        "files": texts,
        "version": {"type": "number"},
        "checksums": texts,
        "viewNames": texts,
    }
    who: dict[str, Json] = {
        "keyScope": _one_of("organization", "user"),
        "orgRole": _TEXT,
        "rolesByModel": {"type": "object"},
        "user": {"type": "object"},
    }
    return {
        "Connection": _object(connection),
        "ConnectionList": _object({"connections": _list("Connection")}),
        "ConnectionFound": _object({"connection": {"$ref": "#/components/schemas/Connection"}}),
        "ModelYaml": _object(files, required=("files", "version")),
        "Whoami": _object(who),
        "Schedule": _object(schedule),
        "ScheduleList": _object({"schedules": _list("Schedule")}),
        "Removed": _object({"success": {"const": True}}),
    }


# Every operation.

_TRUTH: Mapping[str, Json] = {"type": "string", "enum": ["true", "false"], "default": "true"}
_FLAG_WORDS: Mapping[str, Json] = {**_TRUTH, "default": "false"}
_JOB: Mapping[str, Json] = {"jobId": "$response.body#/jobId"}
_SIZE: Mapping[str, Json] = {
    "type": "integer",
    "minimum": 1,
    "maximum": models.MOST_PAGE_SIZE,
    "default": models.PAGE_SIZE,
}
_RESET = "Move the mark before which cached results are invalid"


_SINCE: Mapping[str, Json] = {"anyOf": [_INSTANT, {"type": "string", "format": "date"}]}
_RESET_BODY = _body(_object({"resetAt": _SINCE}, required=()), required=False)


def _schedule_body(*, hard: bool) -> Json:
    """Describe a schedule as it is written. `hard`: it can be so [SPEC-B]."""
    schedule: dict[str, Json] = {"schedule": _TEXT, "timezone": _TEXT}
    if hard:
        schedule["hardRefresh"] = {"type": "boolean", "default": False}
    return _body(_object(schedule, required=("schedule", "timezone")), required=True)


_OPERATIONS: Mapping[tuple[str, str], _Described] = {
    ("POST", request.V1_REFRESH): _Described(
        "refreshModel",
        "Start a schema refresh",
        "RefreshStarted",
        (
            _query("branch_id", _UUID, "Required with branch-based refresh, else forbidden"),
            _query("hard_refresh", _TRUTH, "Whether vanished objects are removed"),
            _query("schemas", _TEXT, "Comma-separated; only with hard_refresh=false"),
            _query("tables", _TEXT, "Comma-separated; only with hard_refresh=false"),
        ),
        links={"status": {"operationId": "jobStatus", "parameters": _JOB}},
    ),
    ("POST", request.V1_RESET): _Described("resetCache", _RESET, "CacheReset", body=_RESET_BODY),
    ("GET", request.V1_JOB): _Described("jobStatus", "Tell how a job stands", "JobStatus"),
    ("GET", request.V1_MODELS): _Described(
        "listModels",
        "List models, page by page",
        "ModelPage",
        (
            _query("modelId", _UUID),
            _query("connectionId", _UUID),
            _query("baseModelId", _UUID),
            _query("name", _TEXT),
            _query("modelKind", {"$ref": "#/components/schemas/ModelKind"}),
            _query("includeDeleted", _one_of(*models.TRUTH_WORDS)),
            _query("include", _one_of("activeBranches")),
            _query("sortField", _one_of(*models.MODEL_SORT_FIELDS)),
            _query("sortDirection", _one_of(*models.SORT_DIRECTIONS)),
            _query("cursor", _TEXT, "`nextCursor` of the page before"),
            _query("pageSize", _SIZE),
        ),
    ),
    ("GET", request.V1_YAML): _Described(
        "modelYaml",
        "Give a model's files",
        "ModelYaml",
        (
            _query("branchId", _UUID),
            _query("fileName", _TEXT),
            _query("mode", _one_of(*models.MODES)),
            _query("includeChecksums", _FLAG_WORDS),
            _query("fullyResolved", _FLAG_WORDS),
            _query("includeSchemas", _TEXT),
        ),
    ),
    ("GET", request.V1_SCHEMAS): _Described(
        "listModelSchemas",
        "List the schemas of a model",
        "SchemaList",
        (_query("branch_id", _UUID),),
    ),
    ("GET", request.V1_WHOAMI): _Described(
        "whoami", "Tell who asks", "Whoami", (_query("modelId", _TEXT, "Comma-separated ids"),)
    ),
    ("GET", request.V1_CONNECTIONS): _Described(
        "listConnections",
        "List connections",
        "ConnectionList",
        (
            _query("name", _TEXT, "Part of the name, in any case"),
            _query("database", _TEXT, "Part of the database's name"),
            _query("dialect", _TEXT, "Comma-separated"),
            _query("includeDeleted", _one_of(*models.TRUTH_WORDS)),
            _query("sortField", _one_of(*CONNECTION_SORT_FIELDS)),
            _query("sortDirection", _one_of(*models.SORT_DIRECTIONS)),
        ),
    ),
    ("GET", request.V1_CONNECTION): _Described(
        "getConnection", "Tell about one connection", "ConnectionFound"
    ),
    ("GET", request.V1_SCHEDULES): _Described(
        "listSchedules", "List the schedules of a connection", "ScheduleList"
    ),
    ("POST", request.V1_SCHEDULES): _Described(
        "createSchedule", "Make a schedule", "Schedule", takes_schedule=True
    ),
    ("GET", request.V1_SCHEDULE): _Described("getSchedule", "Tell about one schedule", "Schedule"),
    ("PUT", request.V1_SCHEDULE): _Described(
        "updateSchedule", "Replace", "Schedule", takes_schedule=True
    ),
    ("DELETE", request.V1_SCHEDULE): _Described("deleteSchedule", "Delete a schedule", "Removed"),
    ("POST", request.V0_REFRESH): _Described(
        "refreshModelV0",
        "Start a schema refresh whose job nobody can follow",
        "RefreshStartedLegacy",
    ),
    ("POST", request.UNSTABLE_RESET): _Described(
        "resetCacheUnstable", _RESET, "CacheResetEpoch", body=_RESET_BODY
    ),
}
"""The operations by method and path."""
