"""What Omni does about models, connections and native schedules, one function an operation."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from reconcile.model.desired import Generation
from reconcile.model.struct import replace
from reconcile.planning.time.cron import CronError
from reconcile.planning.time.eventbridge import canonical
from reconcile.planning.time.wall_clock import UnknownZoneError, local
from reconcile.sandbox.faults import FaultKind
from reconcile.sandbox.instance import (
    CronEcho,
    Json,
    Model,
    ModelKind,
    Published,
    Refusal,
    ResetMark,
    Role,
    SandboxConnection,
    SandboxInstance,
    SandboxJob,
    SandboxReply,
    Schedule,
    Token,
    Vocabulary,
    bad_request,
)
from reconcile.sandbox.request import Asked, Query, read_object, read_reset_at, read_uuid

# The rules of a schema refresh and of the job it starts.

JOB_TYPE = {Vocabulary.SPEC: "REFRESH_SCHEMA", Vocabulary.DOCS: "refresh_schema"}
RUNNING = {Vocabulary.SPEC: "IN_PROGRESS", Vocabulary.DOCS: "RUNNING"}


def refresh(instance: SandboxInstance, asked: Asked, now: datetime) -> SandboxReply:
    """Start a refresh [SEED-1]. The legacy generation takes no query and tells no job [SEED-0].

    A second refresh of a connection that has one running starts another job: no source documents
    a conflict, and a client must not rely on being stopped.
    """
    model_id = read_uuid("modelId", asked.parameters["modelId"])
    legacy = asked.generation is Generation.LEGACY
    query = Query(() if legacy else asked.query)
    branch_id = query.uuid("branch_id")
    hard = query.flag("hard_refresh", default=True)
    schemas, tables = query.names("schemas"), query.names("tables")
    model = instance.live_model(model_id)
    _check_permission(instance, model, asked.token)
    _check_branch_wanted(instance, model, branch_id)
    if hard and (schemas or tables):
        raise bad_request("selective schemas/tables filters require hard_refresh=false")
    kinds = asked.fate.kinds
    chance = instance.chance("duration", model.id, asked.ordinal)
    lasts = instance.settings.job_durations.draw(model.id, chance)
    job = SandboxJob(
        id=instance.fresh_id("job", model.id, asked.ordinal),
        model_id=model.id,
        connection_id=model.connection_id,
        started_at=now,
        ends_at=None if FaultKind.STUCK in kinds else now + lasts,
        fails=FaultKind.FAIL in kinds,
        branch_id=branch_id,
        hard=hard,
        schemas=schemas,
        tables=tables,
    )
    if FaultKind.FORGOTTEN not in kinds:
        instance.jobs[job.id] = job
    if legacy:
        return SandboxReply(200, {"modelId": model_id, "status": "running"})
    # The start of a job is told in lower case [SPEC-A/B].
    word = "running" if job.running(now) else "failed" if job.fails else "completed"
    told: dict[str, Json] = {"modelId": model_id, "status": word}
    return SandboxReply(200, told if FaultKind.NAMELESS in kinds else {"jobId": job.id, **told})


def job_status(instance: SandboxInstance, asked: Asked, now: datetime) -> SandboxReply:
    """Tell how a job stands: three fields, no reason, no times [live]."""
    job_id = read_uuid("jobId", asked.parameters["jobId"])
    job = instance.jobs.get(job_id)
    if job is None:
        raise Refusal(404, f"Not Found: Job with id {job_id} does not exist")
    if FaultKind.FAIL in asked.fate.kinds and job.running(now):
        job.fails, job.ends_at = True, now
    vocabulary = instance.settings.vocabulary
    ended = "FAILED" if job.fails else "COMPLETED"
    body: dict[str, Json] = {
        "job_id": job.id,
        "job_type": JOB_TYPE[vocabulary],
        "status": RUNNING[vocabulary] if job.running(now) else ended,
    }
    return SandboxReply(200, body)


def _check_permission(instance: SandboxInstance, model: Model, token: Token) -> None:
    if token.role is Role.CONNECTION_ADMIN:
        return
    shared = [
        other
        for other in instance.models.values()
        if other.kind is ModelKind.SHARED and other.connection_id == model.connection_id
    ]
    alone = token.role is Role.MODELER and len(shared) == 1
    if not alone:
        raise Refusal(403, "Forbidden: connection admin role required")


def _check_branch_wanted(instance: SandboxInstance, model: Model, branch_id: str | None) -> None:
    connection = instance.connections[model.connection_id]
    if not connection.branch_refresh:
        if branch_id is not None:
            raise bad_request(
                "branch_id must not be provided when branch schema refresh is not enabled"
            )
        return
    if branch_id is None:
        raise bad_request("branch_id is required when branch schema refresh is enabled")
    branch = instance.models.get(branch_id)
    if branch is None or not _is_branch_of(branch, model):
        raise Refusal(404, f"Not Found: Branch with id {branch_id} does not exist")


def _is_branch_of(branch: Model, model: Model) -> bool:
    """Say whose branch it is; for a schema model those of its connection's models count."""
    if branch.kind is not ModelKind.BRANCH:
        return False
    if model.kind is ModelKind.SCHEMA:
        return branch.connection_id == model.connection_id
    return branch.base_id == model.id


# The rules of the list of models, which is paged.

PAGE_SIZE = 20
MOST_PAGE_SIZE = 100
_SORT_KEYS: Mapping[str, Callable[[Model], str]] = {
    "name": lambda model: model.name,
    "modelKind": lambda model: model.kind.value,
    "connectionId": lambda model: model.connection_id,
    "baseModelId": lambda model: model.base_id or "",
    "createdAt": lambda model: spell_instant(model.created_at),
    "updatedAt": lambda model: spell_instant(model.updated_at),
}
MODEL_SORT_FIELDS = tuple(_SORT_KEYS)
SORT_DIRECTIONS = ("asc", "desc")
TRUTH_WORDS = ("0", "1", "true", "false")


def list_models(instance: SandboxInstance, asked: Asked, now: datetime) -> SandboxReply:  # noqa: ARG001 -- a rule
    """List models page by page, newest update first unless told otherwise [DOC:list-models]."""
    query = Query(asked.query)
    page_size = query.number("pageSize", default=PAGE_SIZE, most=MOST_PAGE_SIZE)
    start = _decode_cursor(query.text("cursor"))
    branches = query.choice("include", ("activeBranches",)) is not None
    found = _sorted(_selected(instance, query), query)
    page = found[start : start + page_size]
    more = start + page_size < len(found)
    cursor = base64.urlsafe_b64encode(f"from:{start + page_size}".encode()).decode()
    body: dict[str, Json] = {
        "pageInfo": {
            "hasNextPage": more,
            "nextCursor": cursor if more else None,
            "pageSize": page_size,
            "totalRecords": len(found),
        },
        "records": [_model_body(instance, model, branches=branches) for model in page],
    }
    return SandboxReply(200, body)


def _selected(instance: SandboxInstance, query: Query) -> list[Model]:
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
    field = query.choice("sortField", MODEL_SORT_FIELDS) or "updatedAt"
    descending = (query.choice("sortDirection", SORT_DIRECTIONS) or "desc") == "desc"
    key = _SORT_KEYS[field]
    return sorted(models, key=lambda model: (key(model), model.id), reverse=descending)


def _model_body(instance: SandboxInstance, model: Model, *, branches: bool) -> Json:
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


# The rules of a cache reset.


def reset(instance: SandboxInstance, asked: Asked, now: datetime) -> SandboxReply:
    """Move the mark of a (model, policy). Without `resetAt` it moves to now.

    A mark also moves back if it is told to: no source forbids it, so a client has to. A policy that
    nobody defined has one too, as the docs say; the specification has a 404 for it.
    """
    model_id = read_uuid("modelId", asked.parameters["modelId"])
    reset_at = read_reset_at(asked.body)
    if reset_at is not None and reset_at > now:
        raise bad_request("resetAt cannot be future dated")
    model = instance.live_model(model_id)
    if asked.token.role is Role.VIEWER:
        raise Refusal(403, "Forbidden: Permission denied")
    policy = asked.parameters["policyName"]
    known = instance.marks.get((model.id, policy))
    mark = ResetMark(
        id=instance.fresh_id("mark", model.id, policy) if known is None else known.id,
        model_id=model.id,
        policy=policy,
        created_at=now if known is None else known.created_at,
        updated_at=now,
        reset_at=reset_at or now,
    )
    instance.marks[model.id, policy] = mark
    return SandboxReply(200, {"success": True, "cache_reset": _mark_body(mark, asked.generation)})


def _mark_body(mark: ResetMark, generation: Generation) -> Json:
    def spell(instant: datetime) -> Json:
        if generation is Generation.LEGACY:
            # Epoch seconds with milliseconds, as a float [SEED-0].
            return round(instant.timestamp(), 3)
        return spell_instant(instant)

    return {
        "id": mark.id,
        "model_id": mark.model_id,
        "policy_name": mark.policy,
        "created_at": spell(mark.created_at),
        "updated_at": spell(mark.updated_at),
        "reset_at": spell(mark.reset_at),
    }


def spell_instant(instant: datetime) -> str:
    """Spell an instant as v1 does: ISO-8601, milliseconds, `Z` [DOC:reset-cache]."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# The rules of a model's YAML, as far as a reader of cache policies needs it.

MODES = ("combined", "extension", "staged", "merged", "history")
_FILE = "model"


def model_yaml(instance: SandboxInstance, asked: Asked, now: datetime) -> SandboxReply:  # noqa: ARG001 -- a rule
    """Give the model file, the one in which cache policies are defined [SPEC-A, SKILL]."""
    model_id = read_uuid("modelId", asked.parameters["modelId"])
    query = Query(asked.query)
    query.choice("mode", MODES)
    query.flag("fullyResolved", default=False)
    query.text("includeSchemas")
    checksums = query.flag("includeChecksums", default=False)
    branch_id, name = query.uuid("branchId"), query.text("fileName")
    model = _model_with_branch(instance, model_id, branch_id)
    files = {_FILE: _text(model)} if name in {None, _FILE} else {}
    body: dict[str, Json] = {"files": files, "version": 1, "viewNames": {}}
    if checksums:
        body["checksums"] = {
            name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()
        }
    return SandboxReply(200, body)


def _model_with_branch(instance: SandboxInstance, model_id: str, branch_id: str | None) -> Model:
    model = instance.live_model(model_id)
    if branch_id is not None:
        branch = instance.live_model(branch_id)
        if branch.kind is not ModelKind.BRANCH or branch.base_id != model.id:
            raise Refusal(404, f"Not Found: Branch with id {branch_id} does not exist")
    return model


def list_schemas(instance: SandboxInstance, asked: Asked, now: datetime) -> SandboxReply:  # noqa: ARG001 -- a rule
    """List the schemas of a model: in an object [SPEC-A/B], or bare as the docs show them."""
    model_id = read_uuid("modelId", asked.parameters["modelId"])
    branch_id = Query(asked.query).uuid("branch_id")
    model = _model_with_branch(instance, model_id, branch_id)
    names = sorted(instance.connections[model.connection_id].schemas)
    bare = instance.settings.vocabulary is Vocabulary.DOCS
    return SandboxReply(200, names if bare else {"schemas": names})


def _text(model: Model) -> str:
    """Spell the file."""
    lines = [f"label: {_quoted(model.name)}"]
    if model.policies:
        lines.append("cache_policies:")
        lines += [
            f"  {_quoted(policy)}:\n    max_cache_age: 6 hours" for policy in sorted(model.policies)
        ]
    return "\n".join([*lines, ""])


def _quoted(text: str) -> str:
    """Quote a text for YAML. JSON's quoting would not do: it spells some characters as pairs."""
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    if character in {'"', "\\"}:
        return f"\\{character}"
    plain = character.isascii() and character.isprintable()
    return character if plain else f"\\U{ord(character):08X}"


def list_schedules(instance: SandboxInstance, asked: Asked, now: datetime) -> SandboxReply:
    """List the schedules of a connection, whole."""
    connection_id = _connection(instance, asked).id
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
    connection_id = _connection(instance, asked).id
    cron, zone, hard = _read(instance, asked, now)
    known = (m for m in instance.models.values() if m.kind is ModelKind.SCHEMA)
    if all(model.connection_id != connection_id for model in known):
        raise _no_connection(connection_id)
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


def _schedule(instance: SandboxInstance, asked: Asked) -> Schedule:
    schedule_id = read_uuid("scheduleId", asked.parameters["scheduleId"])
    connection_id = _connection(instance, asked).id
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
    _require_admin(asked.token, "admin role required")
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
    connection = _connection(instance, asked, "admin role required")
    return SandboxReply(200, {"connection": _connection_body(instance, connection)})


def _connection(
    instance: SandboxInstance, asked: Asked, otherwise: str = "connection admin role required"
) -> SandboxConnection:
    """Look up the connection a path names; a `Refusal` 404 if it is unknown or deleted."""
    connection_id = read_uuid("connectionId", asked.parameters["connectionId"])
    _require_admin(asked.token, otherwise)
    connection = instance.connections.get(connection_id)
    if connection is None or connection.deleted_at is not None:
        raise _no_connection(connection_id)
    return connection


def _no_connection(connection_id: str) -> Refusal:
    """Refuse with 404 in the words seen live [TF 25]."""
    return Refusal(404, f"Not Found: Connection with id {connection_id} does not exist")


def _require_admin(token: Token, otherwise: str) -> None:
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
