"""The rules of a schema refresh and of the job it starts."""

from datetime import datetime

from reconcile.model.desired import Generation
from reconcile.sandbox.asking import Asked
from reconcile.sandbox.exchange import Json, Refusal, Reply, bad_request
from reconcile.sandbox.instance import (
    Instance,
    Model,
    ModelKind,
    Role,
    Token,
    Vocabulary,
)
from reconcile.sandbox.reading import Query, read_uuid
from reconcile.sandbox.rows import Job

_JOB_TYPE = {Vocabulary.SPEC: "REFRESH_SCHEMA", Vocabulary.DOCS: "refresh_schema"}
_RUNNING = {Vocabulary.SPEC: "IN_PROGRESS", Vocabulary.DOCS: "RUNNING"}


def refresh(instance: Instance, asked: Asked, now: datetime) -> Reply:
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
    _check_branch(instance, model, branch_id)
    if hard and (schemas or tables):
        raise bad_request("selective schemas/tables filters require hard_refresh=false")
    job = _start_job(instance, asked, model, now)
    job.branch_id, job.hard, job.schemas, job.tables = branch_id, hard, schemas, tables
    instance.jobs[job.id] = job
    if legacy:
        return Reply(200, {"modelId": model_id, "status": "running"})
    return Reply(200, {"jobId": job.id, "modelId": model_id, "status": _first_word(job, now)})


def job_status(instance: Instance, asked: Asked, now: datetime) -> Reply:
    """Tell how a job stands: three fields, no reason, no times [live]."""
    job_id = read_uuid("jobId", asked.parameters["jobId"])
    job = instance.jobs.get(job_id)
    if job is None:
        raise Refusal(404, f"Not Found: Job with id {job_id} does not exist")
    if asked.fate.job_fails and job.running(now):
        job.fails, job.ends_at = True, now
    vocabulary = instance.settings.vocabulary
    ended = "FAILED" if job.fails else "COMPLETED"
    body: dict[str, Json] = {
        "job_id": job.id,
        "job_type": _JOB_TYPE[vocabulary],
        "status": _RUNNING[vocabulary] if job.running(now) else ended,
    }
    return Reply(200, body)


def _first_word(job: Job, now: datetime) -> str:
    """Word the start of a job as the refresh reply does, in lower case [SPEC-A/B]."""
    if job.running(now):
        return "running"
    return "failed" if job.fails else "completed"


def _start_job(instance: Instance, asked: Asked, model: Model, now: datetime) -> Job:
    lasts = instance.settings.job_durations.draw(
        model.id, instance.chance("duration", model.id, asked.ordinal)
    )
    return Job(
        id=instance.fresh_id("job", model.id, asked.ordinal),
        model_id=model.id,
        connection_id=model.connection_id,
        branch_id=None,
        hard=True,
        schemas=(),
        tables=(),
        started_at=now,
        ends_at=None if asked.fate.job_stuck else now + lasts,
        fails=asked.fate.job_fails,
    )


def _check_permission(instance: Instance, model: Model, token: Token) -> None:
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


def _check_branch(instance: Instance, model: Model, branch_id: str | None) -> None:
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
