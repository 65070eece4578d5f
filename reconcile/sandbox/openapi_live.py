"""What a live look and native schedules need, in the sandbox's OpenAPI document."""

from collections.abc import Mapping

from reconcile.sandbox.connecting import SORT_FIELDS
from reconcile.sandbox.exchange import Json
from reconcile.sandbox.listing import SORT_DIRECTIONS, TRUTH_WORDS
from reconcile.sandbox.openapi_parts import body, operation, path, query, responses
from reconcile.sandbox.openapi_schemas import (
    INSTANT,
    MAYBE_INSTANT,
    TEXT,
    UUID,
    list_of,
    object_of,
)
from reconcile.sandbox.routing import (
    V1_CONNECTION,
    V1_CONNECTIONS,
    V1_SCHEDULE,
    V1_SCHEDULES,
    V1_WHOAMI,
    V1_YAML,
)
from reconcile.sandbox.yaml_files import MODES

_FLAG: Mapping[str, Json] = {"type": "boolean"}
_CONNECTION: Mapping[str, Json] = {
    "id": UUID,
    "name": TEXT,
    "dialect": TEXT,
    "database": TEXT,
    "defaultSchema": TEXT,
    "baseRole": TEXT,
    "deletedAt": MAYBE_INSTANT,
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
        ("GET", V1_YAML): _yaml(),
        ("GET", V1_WHOAMI): _whoami(),
        ("GET", V1_CONNECTIONS): _connections(),
        ("GET", V1_CONNECTION): operation(
            "getConnection",
            "Tell about one connection",
            [path("connectionId", UUID)],
            responses("ConnectionFound", "Error"),
        ),
        ("GET", V1_SCHEDULES): operation(
            "listSchedules",
            "List the schedules of a connection",
            [path("connectionId", UUID)],
            responses("ScheduleList", "Error"),
        ),
        ("POST", V1_SCHEDULES): {
            **operation(
                "createSchedule",
                "Make a schedule",
                [path("connectionId", UUID)],
                responses("Schedule", "Error", status="201"),
            ),
            "requestBody": _schedule_body(hard=hard),
        },
        ("GET", V1_SCHEDULE): operation(
            "getSchedule", "Tell about one schedule", one, responses("Schedule", "Error")
        ),
        ("PUT", V1_SCHEDULE): {
            **operation("updateSchedule", "Replace", one, responses("Schedule", "Error")),
            "requestBody": _schedule_body(hard=hard),
        },
        ("DELETE", V1_SCHEDULE): operation("deleteSchedule", "Delete a schedule", one, removed),
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
        query("mode", {"type": "string", "enum": MODES}),
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
        query("includeDeleted", {"type": "string", "enum": TRUTH_WORDS}),
        query("sortField", {"type": "string", "enum": SORT_FIELDS}),
        query("sortDirection", {"type": "string", "enum": SORT_DIRECTIONS}),
    ]
    replies = responses("ConnectionList", "Error")
    return operation("listConnections", "List connections", parameters, replies)


def _schedule_body(*, hard: bool) -> Json:
    fields: dict[str, Json] = {"schedule": TEXT, "timezone": TEXT}
    if hard:
        fields["hardRefresh"] = {"type": "boolean", "default": False}
    return body(object_of(fields, required=("schedule", "timezone")), required=True)
