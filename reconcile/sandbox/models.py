"""The rules of models: their list, their YAML, schema refreshes and their jobs, cache resets."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from reconcile.model.desired import Generation
from reconcile.sandbox.exchange import Json, Refusal, SandboxReply, bad_request
from reconcile.sandbox.faults import FaultKind
from reconcile.sandbox.instance import (
    Model,
    ModelKind,
    ResetMark,
    Role,
    SandboxInstance,
    SandboxJob,
    Token,
    UnknownPolicy,
    Vocabulary,
)
from reconcile.sandbox.request import Asked, Query, read_reset_at, read_uuid

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
    job = _start_job(instance, asked, model, now)
    job.branch_id, job.hard, job.schemas, job.tables = branch_id, hard, schemas, tables
    if FaultKind.FORGOTTEN not in asked.fate.kinds:
        instance.jobs[job.id] = job
    if legacy:
        return SandboxReply(200, {"modelId": model_id, "status": "running"})
    # The start of a job is told in lower case [SPEC-A/B].
    word = "running" if job.running(now) else "failed" if job.fails else "completed"
    told: dict[str, Json] = {"modelId": model_id, "status": word}
    return SandboxReply(
        200, told if FaultKind.NAMELESS in asked.fate.kinds else {"jobId": job.id, **told}
    )


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


def _start_job(instance: SandboxInstance, asked: Asked, model: Model, now: datetime) -> SandboxJob:
    lasts = instance.settings.job_durations.draw(
        model.id, instance.chance("duration", model.id, asked.ordinal)
    )
    return SandboxJob(
        id=instance.fresh_id("job", model.id, asked.ordinal),
        model_id=model.id,
        connection_id=model.connection_id,
        branch_id=None,
        hard=True,
        schemas=(),
        tables=(),
        started_at=now,
        ends_at=None if FaultKind.STUCK in asked.fate.kinds else now + lasts,
        fails=FaultKind.FAIL in asked.fate.kinds,
    )


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

    A mark also moves back if it is told to: no source forbids it, so a client has to.
    """
    model_id = read_uuid("modelId", asked.parameters["modelId"])
    reset_at = read_reset_at(asked.body)
    if reset_at is not None and reset_at > now:
        raise bad_request("resetAt cannot be future dated")
    model = instance.live_model(model_id)
    if asked.token.role is Role.VIEWER:
        raise Refusal(403, "Forbidden: Permission denied")
    policy = asked.parameters["policyName"]
    checked = instance.settings.unknown_policy is UnknownPolicy.NOT_FOUND
    if checked and policy not in model.policies:
        raise Refusal(404, "Not Found: Model or cache policy not found")
    mark = _move_mark(instance, model, policy, reset_at=reset_at or now, now=now)
    return SandboxReply(200, {"success": True, "cache_reset": _mark_body(mark, asked.generation)})


def _move_mark(
    instance: SandboxInstance, model: Model, policy: str, *, reset_at: datetime, now: datetime
) -> ResetMark:
    mark = instance.marks.get((model.id, policy))
    if mark is None:
        mark = ResetMark(
            id=instance.fresh_id("mark", model.id, policy),
            model_id=model.id,
            policy=policy,
            created_at=now,
            updated_at=now,
            reset_at=reset_at,
        )
        instance.marks[model.id, policy] = mark
    mark.updated_at, mark.reset_at = now, reset_at
    return mark


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
    model = instance.live_model(model_id)
    if branch_id is not None:
        _check_branch_of_model(instance, model, branch_id)
    files = {_FILE: _text(model)} if name in {None, _FILE} else {}
    body: dict[str, Json] = {"files": files, "version": 1, "viewNames": {}}
    if checksums:
        body["checksums"] = {
            name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()
        }
    return SandboxReply(200, body)


def _check_branch_of_model(instance: SandboxInstance, model: Model, branch_id: str) -> None:
    branch = instance.live_model(branch_id)
    if branch.kind is not ModelKind.BRANCH or branch.base_id != model.id:
        raise Refusal(404, f"Not Found: Branch with id {branch_id} does not exist")


def list_schemas(instance: SandboxInstance, asked: Asked, now: datetime) -> SandboxReply:  # noqa: ARG001 -- a rule
    """List the schemas of a model: in an object [SPEC-A/B], or bare as the docs show them."""
    model_id = read_uuid("modelId", asked.parameters["modelId"])
    branch_id = Query(asked.query).uuid("branch_id")
    model = instance.live_model(model_id)
    if branch_id is not None:
        _check_branch_of_model(instance, model, branch_id)
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
