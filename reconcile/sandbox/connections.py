"""The rules of connections and of the native schedules on them (omni-api.md 5 [SPEC-A/B])."""

from datetime import datetime

from reconcile.model.struct import replace
from reconcile.planning.time.cron import CronError
from reconcile.planning.time.eventbridge import canonical
from reconcile.planning.time.wall_clock import UnknownZoneError, local
from reconcile.sandbox.exchange import Json, Refusal, SandboxReply, bad_request
from reconcile.sandbox.instance import (
    CronEcho,
    ModelKind,
    Published,
    Role,
    SandboxConnection,
    SandboxInstance,
    Schedule,
    Token,
)
from reconcile.sandbox.models import SORT_DIRECTIONS, TRUTH_WORDS, spell_instant
from reconcile.sandbox.request import Asked, Query, read_object, read_uuid


def list_schedules(instance: SandboxInstance, asked: Asked, now: datetime) -> SandboxReply:
    """List the schedules of a connection, whole."""
    connection_id = _connection(instance, asked)
    schedules = [
        _schedule_body(instance, schedule, now)
        for schedule in instance.schedules.values()
        if schedule.connection_id == connection_id
    ]
    return SandboxReply(200, {"schedules": schedules})


def create_schedule(instance: SandboxInstance, asked: Asked, now: datetime) -> SandboxReply:
    """Make a schedule; an equal one is no conflict. There is no key that would stop a repeat.

    A connection without a schema model answers 404, as if it did not exist [live: TF 25].
    """
    connection_id = _connection(instance, asked)
    cron, zone, hard = _read(instance, asked, now)
    known = (m for m in instance.models.values() if m.kind is ModelKind.SCHEMA)
    if all(model.connection_id != connection_id for model in known):
        raise no_connection(connection_id)
    schedule = Schedule(
        id=instance.fresh_id("schedule", connection_id, asked.ordinal),
        connection_id=connection_id,
        cron=cron,
        zone=zone,
        hard=hard,
        created_at=now,
        updated_at=now,
    )
    instance.schedules[schedule.id] = schedule
    return SandboxReply(201, _schedule_body(instance, schedule, now))


def get_schedule(instance: SandboxInstance, asked: Asked, now: datetime) -> SandboxReply:
    """Tell about one schedule."""
    return SandboxReply(200, _schedule_body(instance, _schedule(instance, asked), now))


def update_schedule(instance: SandboxInstance, asked: Asked, now: datetime) -> SandboxReply:
    """Replace a schedule. `hardRefresh` left out goes back to soft [inferred from SPEC-B]."""
    schedule = _schedule(instance, asked)
    cron, zone, hard = _read(instance, asked, now)
    schedule = replace(schedule, cron=cron, zone=zone, hard=hard, updated_at=now)
    instance.schedules[schedule.id] = schedule
    return SandboxReply(200, _schedule_body(instance, schedule, now))


def delete_schedule(instance: SandboxInstance, asked: Asked, now: datetime) -> SandboxReply:  # noqa: ARG001
    """Delete a schedule."""
    del instance.schedules[_schedule(instance, asked).id]
    return SandboxReply(200, {"success": True})


def echoed_cron(instance: SandboxInstance, cron: str) -> str:
    """Spell a cron as this instance gives it back. Raises `CronError`."""
    spelled = canonical(cron)
    echo = instance.settings.cron_echo or instance.chance("cron echo").choice(tuple(CronEcho))
    return spelled if echo is CronEcho.NORMALISED else cron


def _connection(instance: SandboxInstance, asked: Asked) -> str:
    connection_id = read_uuid("connectionId", asked.parameters["connectionId"])
    require_admin(asked.token, "connection admin role required")
    return live_connection(instance, connection_id).id


def _schedule(instance: SandboxInstance, asked: Asked) -> Schedule:
    schedule_id = read_uuid("scheduleId", asked.parameters["scheduleId"])
    connection_id = _connection(instance, asked)
    schedule = instance.schedules.get(schedule_id)
    if schedule is None or schedule.connection_id != connection_id:
        raise Refusal(404, f"Not Found: Schedule with id {schedule_id} does not exist")
    return schedule


def _read(instance: SandboxInstance, asked: Asked, now: datetime) -> tuple[str, str, bool]:
    """Read cron, zone and mode of a body; the older specification does not know the mode."""
    document = read_object(asked.body)
    cron, zone = document.get("schedule"), document.get("timezone")
    hard: object = False
    if instance.settings.published is Published.SPEC_B:
        hard = document.get("hardRefresh", False)
    if not isinstance(cron, str):
        raise bad_request("schedule: Expected string")
    if not isinstance(zone, str):
        raise bad_request("timezone: Expected string")
    if not isinstance(hard, bool):
        raise bad_request("hardRefresh: Expected boolean")
    try:
        cron = echoed_cron(instance, cron)
        local(zone, now)
    except CronError as error:
        raise bad_request(f"schedule: Invalid cron expression: {error.message}") from None
    except UnknownZoneError:
        raise bad_request("timezone: Invalid timezone") from None
    return cron, zone, hard


def _schedule_body(instance: SandboxInstance, schedule: Schedule, now: datetime) -> Json:
    disabled_at = schedule.disabled_at
    body: dict[str, Json] = {
        "scheduleId": schedule.id,
        "connectionId": schedule.connection_id,
        "schedule": schedule.cron,
        "timezone": schedule.zone,
        "description": _describe(schedule, now),
        "createdAt": spell_instant(schedule.created_at),
        "updatedAt": spell_instant(schedule.updated_at),
        "disabledAt": None if disabled_at is None else spell_instant(disabled_at),
    }
    if instance.settings.published is Published.SPEC_B:
        body["hardRefresh"] = schedule.hard
    return body


def _describe(schedule: Schedule, now: datetime) -> str:
    """Word a schedule as the docs' samples do: the zone's abbreviation changes with the season."""
    minute, hour, *_ = canonical(schedule.cron).split()
    zone = local(schedule.zone, now).tzname()
    if not (minute.isdigit() and hour.isdigit()):
        return f"Cron {schedule.cron} {zone}"
    noon = "PM" if int(hour) >= 12 else "AM"  # noqa: PLR2004 -- hours of the day
    return f"At {(int(hour) + 11) % 12 + 1:02}:{int(minute):02} {noon} {zone}"


# The rules of connections: the list, and from the later specification on one by its id.

CONNECTION_SORT_FIELDS = ("database", "dialect", "name")


def list_connections(instance: SandboxInstance, asked: Asked, now: datetime) -> SandboxReply:  # noqa: ARG001
    """List connections, for admins only [SPEC-A]. Nothing tells whether branch refresh is on."""
    query = Query(asked.query)
    deleted = query.choice("includeDeleted", TRUTH_WORDS) in {"1", "true"}
    name = (query.text("name") or "").casefold()
    database = (query.text("database") or "").casefold()
    dialects = query.names("dialect")
    field = query.choice("sortField", CONNECTION_SORT_FIELDS)
    descending = query.choice("sortDirection", SORT_DIRECTIONS) == "desc"
    require_admin(asked.token, "admin role required")
    found = [
        connection
        for connection in instance.connections.values()
        if (deleted or connection.deleted_at is None)
        and name in connection.name.casefold()
        and database in connection.database.casefold()
        and (not dialects or connection.dialect in dialects)
    ]
    if field is not None:
        found.sort(key=lambda connection: str(getattr(connection, field)), reverse=descending)
    return SandboxReply(
        200, {"connections": [_connection_body(instance, connection) for connection in found]}
    )


def get_connection(instance: SandboxInstance, asked: Asked, now: datetime) -> SandboxReply:  # noqa: ARG001
    """Tell about one connection [SPEC-B]."""
    connection_id = read_uuid("connectionId", asked.parameters["connectionId"])
    require_admin(asked.token, "admin role required")
    connection = live_connection(instance, connection_id)
    return SandboxReply(200, {"connection": _connection_body(instance, connection)})


def live_connection(instance: SandboxInstance, connection_id: str) -> SandboxConnection:
    """Look a connection up; a `Refusal` 404 if it is unknown or deleted."""
    connection = instance.connections.get(connection_id)
    if connection is None or connection.deleted_at is not None:
        raise no_connection(connection_id)
    return connection


def no_connection(connection_id: str) -> Refusal:
    """Refuse with 404 in the words seen live [TF 25]."""
    return Refusal(404, f"Not Found: Connection with id {connection_id} does not exist")


def require_admin(token: Token, otherwise: str) -> None:
    """Refuse with 403 whoever is no connection admin."""
    if token.role is not Role.CONNECTION_ADMIN:
        raise Refusal(403, f"Forbidden: {otherwise}")


def _connection_body(instance: SandboxInstance, connection: SandboxConnection) -> Json:
    deleted_at = connection.deleted_at
    body: dict[str, Json] = {
        "id": connection.id,
        "name": connection.name,
        "dialect": connection.dialect,
        "database": connection.database,
        "defaultSchema": "public",
        "baseRole": "VIEWER",
        "deletedAt": None if deleted_at is None else spell_instant(deleted_at),
        # Required since SPEC-A: a client generated from it reads no record without them [tried].
        "userAttributeNameForConnectionEnvironments": None,
        "userAttributeValuesForDefaultEnvironment": None,
        "branchConnectionEnvironmentOverridesUserAttr": False,
        "environmentConnectionSwitchesSchemaModel": False,
    }
    if instance.settings.published is Published.SPEC_B:
        body["createdAt"] = body["updatedAt"] = spell_instant(connection.created_at)
        body["allowBranchConnectionEnvironments"] = False
    return body
