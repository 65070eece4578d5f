"""The sandbox's whole behaviour: a request and an instant go in, a reply comes out. No HTTP."""

import json
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

from reconcile import __version__
from reconcile.model.desired import Generation
from reconcile.model.struct import replace
from reconcile.sandbox import request, rules
from reconcile.sandbox.faults import UNTOUCHED, Fate, FaultDice, FaultKind, Faults
from reconcile.sandbox.instance import (
    LONG_AGO,
    ArrivedCall,
    Delivery,
    Json,
    Model,
    ModelKind,
    Operation,
    Published,
    Refusal,
    Role,
    SandboxConnection,
    SandboxInstance,
    SandboxReply,
    Schedule,
    Seed,
    SeedBranch,
    SeedConnection,
    SeedModel,
    SeedSchedule,
    Settings,
    Token,
    Vocabulary,
    connection_id,
)
from reconcile.sandbox.request import Asked, Query, Routed, find_route, read_uuid

# Build an instance from seeds.


def build_instance(seeds: Iterable[Seed], settings: Settings) -> SandboxInstance:
    """Seed an instance. Seeds with one id are one model with the policies of all.

    A connection that is only named by a model or a schedule is made as well.
    """
    instance, bare = SandboxInstance(settings=settings), set[str]()
    # Sorted by kind, so that a connection is known by its name before anything refers to it.
    for seed in sorted(seeds, key=lambda seed: not isinstance(seed, SeedConnection)):
        match seed:
            case SeedConnection():
                connection = SandboxConnection(
                    id=connection_id(seed),
                    name=seed.name,
                    dialect=seed.dialect,
                    database=seed.database,
                    deleted_at=seed.deleted_at,
                )
                instance.connections[connection.id] = connection
                if not seed.introspected:
                    bare.add(connection.id)
            case SeedModel():
                _add_model(instance, seed)
            case SeedSchedule():
                _add_schedule(instance, seed)
    # A connection's schema model bears its id and name [live: TF 31, 32].
    for connection in instance.connections.values():
        if connection.id not in bare:
            schema = Model(
                id=connection.id,
                name=connection.name,
                kind=ModelKind.SCHEMA,
                connection_id=connection.id,
                deleted_at=connection.deleted_at,
            )
            instance.models.setdefault(schema.id, schema)
    return instance


def _add_model(instance: SandboxInstance, seed: SeedModel) -> None:
    connection = _connection_of(instance, seed, seed.connection or seed.name)
    instance.connections[connection.id] = replace(
        connection,
        branch_refresh=connection.branch_refresh or seed.branch_id is not None,
        schemas=connection.schemas.union(seed.schemas),
    )
    model = instance.models.get(seed.id.lower()) or Model(
        id=seed.id.lower(),
        name=seed.name,
        kind=seed.kind,
        connection_id=connection.id,
        deleted_at=seed.deleted_at,
    )
    policies = model.policies.union(seed.policies)
    instance.models[model.id] = replace(model, policies=policies)
    needed = () if seed.branch_id is None else (SeedBranch(seed.branch_id, "branch"),)
    for branch in (*needed, *seed.branches):
        row = replace(
            model,
            id=branch.id.lower(),
            name=branch.name,
            kind=ModelKind.BRANCH,
            base_id=model.id,
        )
        instance.models.setdefault(row.id, row)


def _add_schedule(instance: SandboxInstance, seed: SeedSchedule) -> None:
    schedule_id = (seed.id or "").lower() or instance.fresh_id("seeded", len(instance.schedules))
    instance.schedules[schedule_id] = Schedule(
        id=schedule_id,
        connection_id=_connection_of(instance, seed, seed.connection).id,
        cron=rules.echoed_cron(instance, seed.cron),
        zone=seed.zone,
        hard=seed.hard,
        created_at=LONG_AGO,
        updated_at=LONG_AGO,
        disabled_at=seed.disabled_at,
    )


def _connection_of(
    instance: SandboxInstance, seed: SeedModel | SeedSchedule, name: str
) -> SandboxConnection:
    """Return the connection of a seed, made now if this is the first to speak of it.

    A name that was seeded with an id stands for that.
    """
    known = (c.id for c in instance.connections.values() if c.name == seed.connection)
    made = SandboxConnection(id=next(known, connection_id(seed)), name=name)
    return instance.connections.setdefault(made.id, made)


# The rate limit: a sliding log per token. Refused requests count too [DOC: per key, 60/min].

WINDOW = timedelta(seconds=60)


class SlidingLog:
    """Remembers as many requests of each token as are needed to judge the next one."""

    def __init__(self, requests_per_minute: int | None) -> None:
        self._limit = requests_per_minute
        self._seen: dict[str, deque[datetime]] = {}

    def admit(self, token_name: str, now: datetime) -> None:
        """Count a request; `Refusal` 429, without any Retry-After [live], if it is one too many."""
        if self._limit is None:
            return
        seen = self._seen.setdefault(token_name, deque(maxlen=self._limit))
        full = len(seen) == self._limit and now - seen[0] < WINDOW
        seen.append(now)
        if full:
            raise Refusal(429, "Too Many Requests: rate limit exceeded")


# The rule of whoami: what a token is, and what it may do to models [SPEC-B only].

_PERMISSIONS: Mapping[Role, tuple[str, ...]] = {
    Role.CONNECTION_ADMIN: ("QUERY_FULL_MODEL", "UPDATE", "USE_WORKBOOKS"),
    Role.MODELER: ("QUERY_FULL_MODEL", "UPDATE", "USE_WORKBOOKS"),
    Role.VIEWER: ("USE_WORKBOOKS",),
}


def whoami(instance: SandboxInstance, asked: Asked, now: datetime) -> SandboxReply:  # noqa: ARG001 -- a rule
    """Tell who asks. Models that do not exist are left out: no source says what becomes of them."""
    model_ids = [read_uuid("modelId", name) for name in Query(asked.query).names("modelId")]
    role = asked.token.role
    roles: dict[str, Json] = {
        model_id: {"role": role.value.upper(), "permissions": _PERMISSIONS[role]}
        for model_id in model_ids
        if (model := instance.models.get(model_id)) is not None and model.deleted_at is None
    }
    body: dict[str, Json] = {
        "keyScope": "organization",
        "orgRole": "ADMIN" if role is Role.CONNECTION_ADMIN else "MEMBER",
        "rolesByModel": roles,
        "user": {"id": instance.fresh_id("user", asked.token.name), "name": asked.token.name},
    }
    return SandboxReply(200, body)


SANDBOX_BEARER = "omni_osk_sandbox"
"""The one bearer token a sandbox knows unless told others; it opens nothing else."""

_RULES: Mapping[Operation, Callable[[SandboxInstance, Asked, datetime], SandboxReply]] = {
    Operation.REFRESH: rules.refresh,
    Operation.RESET: rules.reset,
    Operation.JOB: rules.job_status,
    Operation.MODELS: rules.list_models,
    Operation.YAML: rules.model_yaml,
    Operation.SCHEMAS: rules.list_schemas,
    Operation.WHOAMI: whoami,
    Operation.CONNECTIONS: rules.list_connections,
    Operation.CONNECTION: rules.get_connection,
    Operation.SCHEDULES: rules.list_schedules,
    Operation.SCHEDULE: rules.get_schedule,
    Operation.SCHEDULE_CREATE: rules.create_schedule,
    Operation.SCHEDULE_UPDATE: rules.update_schedule,
    Operation.SCHEDULE_DELETE: rules.delete_schedule,
}


class World:
    """An instance with these seeds behind its door: tokens, the rate limit, and faults.

    Instants are passed in and are aware; nothing here reads a clock. Not for several threads at
    once.
    """

    def __init__(
        self,
        seeds: Iterable[Seed],
        *,
        settings: Settings | None = None,
        faults: Faults | None = None,
        tokens: Mapping[str, Token] | None = None,
    ) -> None:
        settings, faults = settings or Settings(), faults or Faults()
        if faults.seed is not None:
            settings = replace(settings, seed=faults.seed)
        self.instance = build_instance(seeds, settings)
        self._tokens = {SANDBOX_BEARER: Token("sandbox")} if tokens is None else dict(tokens)
        self._limit = SlidingLog(settings.requests_per_minute)
        self._dice, self._ahead = FaultDice(faults, settings.seed), faults.ahead
        self._asked: Counter[tuple[Operation, str]] = Counter()

    def answer(self, call: ArrivedCall, now: datetime) -> SandboxReply:
        """Carry out one request at an instant of the caller's clock, and say how the reply travels.

        The description of the instance is for anybody; asking for it leaves no trace.
        """
        now += self._ahead
        settings = self.instance.settings
        if call.path == OPENAPI_PATH and call.method in {"GET", "HEAD"}:
            return SandboxReply(200, openapi_document(settings)).dated(now)
        try:
            routed = find_route(call.method, call.path, settings)
        except Refusal as refusal:
            return refusal.reply(Generation.V1).dated(now)
        subject, model_id = self.subject(routed)
        operation = routed.route.operation
        asked = operation, subject
        self._asked[asked] = ordinal = self._asked[asked] + 1
        fate = self._dice.cast(operation, model_id, subject, ordinal)
        reply = self._decide(call, routed, fate, ordinal, now).dated(now)
        if fate is UNTOUCHED:
            return reply
        return replace(reply, delay_s=fate.delay_s, delivery=fate.delivery)

    def forget_job(self, job_id: str) -> None:
        """Drop a job that nobody will ask about again; what is kept would grow with each."""
        self.instance.jobs.pop(job_id, None)
        self._asked.pop((Operation.JOB, job_id), None)

    def _decide(
        self, call: ArrivedCall, routed: Routed, fate: Fate, ordinal: int, now: datetime
    ) -> SandboxReply:
        if fate.delivery is Delivery.REFUSED:
            return SandboxReply(0, None)
        route = routed.route
        try:
            token = self._admit(call, now)
            _suffer(fate, call)
            asked = Asked(
                generation=route.generation,
                parameters=routed.parameters,
                query=call.query,
                body=call.body,
                token=token,
                ordinal=ordinal,
                fate=fate,
            )
            return _RULES[route.operation](self.instance, asked, now)
        except Refusal as refusal:
            return refusal.reply(route.generation)

    def _admit(self, call: ArrivedCall, now: datetime) -> Token:
        """Find who asks. A wrong token answers 403 and not 401, as seen live [TF TC-29]."""
        scheme, _, bearer = (call.authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not bearer.strip():
            raise Refusal(401, "Unauthorized: Missing or invalid API key")
        token = self._tokens.get(bearer.strip())
        if token is None:
            raise Refusal(403, "Invalid bearer token")
        self._limit.admit(token.name, now)
        return token

    def subject(self, routed: Routed) -> tuple[str, str | None]:
        """Name what a request is about, and the model it comes down to."""
        parameters = routed.parameters
        if (job_id := parameters.get("jobId")) is not None:
            job = self.instance.jobs.get(job_id.lower())
            return job_id.lower(), job.model_id if job else None
        about = parameters.get("modelId", parameters.get("connectionId", "")).lower()
        part = parameters.get("policyName", parameters.get("scheduleId"))
        return "\x1f".join(filter(None, (about, part))), about or None


def _suffer(fate: Fate, call: ArrivedCall) -> None:
    if fate.status is None:
        return
    if FaultKind.ECHO in fate.kinds:
        raise Refusal(fate.status, f"Bad Request: headers: authorization={call.authorization}")
    phrases = {status.value: status.phrase for status in HTTPStatus}
    phrase = phrases.get(fate.status, "Error")
    raise Refusal(fate.status, f"{phrase}: a fault that was asked for")


# The sandbox's own OpenAPI 3.1 document: what it accepts and answers, as data.

OPENAPI_PATH = "/openapi.json"

_DOCUMENT = Path(__file__).with_name("openapi.json")
"""Every operation, as the later specification has it; problems are the same for all of them."""

_PROBLEMS = {
    "400": "A part of the request is wrong; the detail names it",
    "401": "No bearer token",
    "403": "A token that is unknown or may not do this",
    "404": "No such thing",
    "405": "Another method is needed",
    "429": "More requests in a minute than the token has; there is no Retry-After",
}
_LATER_OF_CONNECTIONS = ("createdAt", "updatedAt", "allowBranchConnectionEnvironments")
_LATER_OF_SCHEDULES = ("hardRefresh",)


def openapi_document(settings: Settings) -> dict[str, Json]:
    """Describe every endpoint of an instance. Served as Omni does [live], but to anybody."""
    document = json.loads(_DOCUMENT.read_bytes())
    described, schemas = document["paths"], document["components"]["schemas"]
    paths: dict[str, dict[str, Any]] = {}
    for route in request.routes_of(settings):
        operation = described[route.template][route.method.lower()]
        operation["responses"] |= _problems(route.generation)
        paths.setdefault(route.template, {})[route.method.lower()] = operation
    if settings.published is Published.SPEC_A:
        _leave_out(schemas["Connection"], _LATER_OF_CONNECTIONS)
        _leave_out(schemas["Schedule"], _LATER_OF_SCHEDULES)
        for written in (paths[request.V1_SCHEDULES]["post"], paths[request.V1_SCHEDULE]["put"]):
            body = written["requestBody"]["content"]["application/json"]["schema"]
            _leave_out(body, _LATER_OF_SCHEDULES)
    document["info"]["version"] = __version__
    document["paths"] = paths
    schemas |= _worded(settings.vocabulary)
    return dict(document)


def _problems(generation: Generation) -> dict[str, Json]:
    name = "ScimError" if generation is Generation.LEGACY else "Error"
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
    return {status: {"description": why, "content": content} for status, why in _PROBLEMS.items()}


def _leave_out(schema: dict[str, Any], names: tuple[str, ...]) -> None:
    """Take out what only the later specification has."""
    schema["required"] = [name for name in schema["required"] if name not in names]
    for name in names:
        del schema["properties"][name]


def _worded(vocabulary: Vocabulary) -> Mapping[str, Json]:
    """Describe the bodies that the specifications and the docs have in different words or shapes.

    An enum of both spellings would not do: generators refuse names that differ only in case.
    """
    names: Json = {"type": "array", "items": {"type": "string"}}
    listed: Json = {"type": "object", "properties": {"schemas": names}, "required": ["schemas"]}
    words = (rules.RUNNING[vocabulary], "COMPLETED", "FAILED")
    job: dict[str, Json] = {
        "job_id": {"type": "string", "format": "uuid"},
        "job_type": {"type": "string", "enum": [rules.JOB_TYPE[vocabulary]]},
        "status": {"type": "string", "enum": words},
    }
    return {
        "JobStatus": {"type": "object", "properties": job, "required": list(job)},
        "SchemaList": names if vocabulary is Vocabulary.DOCS else listed,
    }
