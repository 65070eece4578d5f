"""What an Omni instance holds, sees and says: requests and replies as plain values, no HTTP."""

import random
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Literal

from msgspec import DecodeError, Meta, Struct, field
from msgspec.json import Decoder

from reconcile.errors import Place, fail
from reconcile.model.address import is_uuid
from reconcile.model.desired import Desired, Generation, RefreshItem, ResetItem
from reconcile.model.recorded import NO_RECORD, Recorded
from reconcile.model.struct import Instant, replace
from reconcile.planning.time.eventbridge import canonical
from reconcile.planning.time.wall_clock import zone_info

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]

_SCIM_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


class Operation(StrEnum):
    """What a request asks for, whatever generation of the API it speaks."""

    REFRESH = "refresh"
    RESET = "reset"
    JOB = "job"
    MODELS = "models"
    YAML = "yaml"
    SCHEMAS = "schemas"
    WHOAMI = "whoami"
    CONNECTIONS = "connections"
    CONNECTION = "connection"
    SCHEDULES = "schedules"
    SCHEDULE = "schedule"
    SCHEDULE_CREATE = "schedule_create"
    SCHEDULE_UPDATE = "schedule_update"
    SCHEDULE_DELETE = "schedule_delete"


class Delivery(StrEnum):
    """What becomes of a reply on its way back.

    `LOST`: the request was carried out and the connection cut instead of answering. `REFUSED`: cut
    before anything was carried out. The client cannot tell one from the other.
    """

    ANSWERED = "answered"
    LOST = "lost"
    REFUSED = "refused"


class ArrivedCall(Struct, frozen=True):
    """A request as it arrives. `path` is percent-encoded and without the query."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    authorization: str | None = None
    body: bytes = b""


class SandboxReply(Struct, frozen=True):
    """A reply, and how it travels. `delay_s`: seconds to hold it back once it is ready."""

    status: int
    body: Json
    headers: tuple[tuple[str, str], ...] = ()
    delay_s: float = 0.0
    delivery: Delivery = Delivery.ANSWERED

    def dated(self, now: datetime) -> "SandboxReply":
        """Add the Date header; clients measure their clock against it."""
        date = ("date", _http_date(now.replace(microsecond=0)))
        return replace(self, headers=(*self.headers, date))


@lru_cache(maxsize=16)  # A burst of requests falls into few seconds.
def _http_date(second: datetime) -> str:
    return format_datetime(second, usegmt=True)


class Refusal(Exception):  # noqa: N818 -- a reply in the making, not an error of the program
    """A rule says no. `detail` starts with Omni's class word, as `Bad Request: `."""

    def __init__(self, status: int, detail: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers

    def reply(self, generation: Generation) -> SandboxReply:
        """Word the refusal: `{detail, status}`, SCIM-shaped in the legacy generation [SEED-0]."""
        body: dict[str, Json] = {"detail": self.detail, "status": self.status}
        if generation is Generation.LEGACY:
            body["schemas"] = [_SCIM_ERROR]
        return SandboxReply(self.status, body, self.headers)


def bad_request(detail: str) -> Refusal:
    """Refuse with 400 in the words Omni begins such a text with [SEED-0]."""
    return Refusal(400, f"Bad Request: {detail}")


# What requests leave behind in an instance: schedules, jobs, and the marks of resets.


class Schedule(Struct, frozen=True, kw_only=True):
    """A native schedule. `cron` is as it is echoed; `disabled_at` cannot be set by any request."""

    id: str
    connection_id: str
    cron: str
    zone: str
    hard: bool
    created_at: datetime
    updated_at: datetime
    disabled_at: datetime | None = None


class SandboxJob(Struct, kw_only=True):
    """A schema refresh under way or over. `ends_at` None: it never ends."""

    id: str
    model_id: str
    connection_id: str
    started_at: datetime
    ends_at: datetime | None
    fails: bool
    branch_id: str | None = None
    hard: bool = True
    schemas: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()

    def running(self, now: datetime) -> bool:
        """Say whether the job has not ended at that instant."""
        return self.ends_at is None or now < self.ends_at


class ResetMark(Struct, frozen=True, kw_only=True):
    """The one row of a (model, policy), updated in place [SEED-0, inferred from its sample].

    Cached results created before `reset_at` are invalid.
    """

    id: str
    model_id: str
    policy: str
    created_at: datetime
    updated_at: datetime
    reset_at: datetime


LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
"""When all that an instance has from the start was made."""


class ModelKind(StrEnum):
    """Kinds of model [SPEC-A/B]; the docs know two more, of topics."""

    SCHEMA = "SCHEMA"
    SHARED = "SHARED"
    SHARED_EXTENSION = "SHARED_EXTENSION"
    BRANCH = "BRANCH"
    WORKBOOK = "WORKBOOK"
    QUERY = "QUERY"


class Role(StrEnum):
    """What a token may do [DOC]: modelers refresh only where a connection has one shared model."""

    CONNECTION_ADMIN = "connection_admin"
    MODELER = "modeler"
    VIEWER = "viewer"


class Vocabulary(StrEnum):
    """How a job is worded: the spec's IN_PROGRESS and REFRESH_SCHEMA, or the docs' spelling."""

    SPEC = "spec"
    DOCS = "docs"


class Published(StrEnum):
    """Which of the two published specifications is served.

    Only the later one, SPEC-B, has whoami, a connection by its id, and hard native schedules.
    """

    SPEC_A = "a"
    SPEC_B = "b"


class CronEcho(StrEnum):
    """How a schedule's cron comes back: as it was sent, or spelled anew. Not documented [?]."""

    VERBATIM = "verbatim"
    NORMALISED = "normalised"


class JobDurations(Struct, frozen=True):
    """Jobs last evenly between the two; a model in `by_model` (id to duration) always that long."""

    shortest: timedelta = timedelta(seconds=2)
    longest: timedelta = timedelta(seconds=8)
    by_model: Mapping[str, timedelta] = MappingProxyType({})

    def draw(self, model_id: str, chance: random.Random) -> timedelta:
        """Choose how long one job of that model lasts."""
        if (chosen := self.by_model.get(model_id)) is not None:
            return chosen
        return self.shortest + (self.longest - self.shortest) * chance.random()


class Settings(Struct, frozen=True, kw_only=True):
    """How this instance behaves where sources disagree, or where a test wants it otherwise.

    `requests_per_minute` is per token, None is no limit. `cron_echo` None: the seed decides. `seed`
    fixes ids, durations and faults.
    """

    requests_per_minute: int | None = 60
    job_durations: JobDurations = field(default_factory=JobDurations)
    vocabulary: Vocabulary = Vocabulary.SPEC
    published: Published = Published.SPEC_B
    cron_echo: CronEcho | None = None
    seed: int = 0


class Token(Struct, frozen=True):
    """Who a bearer token stands for. `name` is a label for the log."""

    name: str
    role: Role = Role.CONNECTION_ADMIN


class SandboxConnection(Struct, frozen=True, kw_only=True):
    """A warehouse connection. `branch_refresh`: refreshes only within a branch [DOC].

    `schemas`: the names that its models, and their branches, know.
    """

    id: str
    name: str
    dialect: str = "postgres"
    database: str = "sandbox"
    branch_refresh: bool = False
    schemas: frozenset[str] = frozenset()
    created_at: datetime = LONG_AGO
    deleted_at: datetime | None = None


class Model(Struct, frozen=True, kw_only=True):
    """One model; a branch is a model of its own whose `base_id` is the shared one."""

    id: str
    name: str
    kind: ModelKind
    connection_id: str
    base_id: str | None = None
    policies: frozenset[str] = frozenset()
    created_at: datetime = LONG_AGO
    updated_at: datetime = LONG_AGO
    deleted_at: datetime | None = None


class SandboxInstance(Struct, kw_only=True):
    """Everything the instance knows. Ids are lower-case UUIDs."""

    settings: Settings
    models: dict[str, Model] = field(default_factory=dict)
    connections: dict[str, SandboxConnection] = field(default_factory=dict)
    jobs: dict[str, SandboxJob] = field(default_factory=dict)
    marks: dict[tuple[str, str], ResetMark] = field(default_factory=dict)
    schedules: dict[str, Schedule] = field(default_factory=dict)

    def live_model(self, model_id: str) -> Model:
        """Look a model up; a `Refusal` 404 if it is unknown or deleted."""
        model = self.models.get(model_id)
        if model is None or model.deleted_at is not None:
            raise Refusal(404, f"Not Found: Model with id {model_id} does not exist")
        return model

    def take_up(self, desired: Desired, recorded: Recorded, now: datetime) -> None:
        """Know the jobs that a state awaits, each as long from its call as any other lasts."""
        for item in desired.items:
            pending = recorded.items.get(item.address, NO_RECORD).pending
            if pending is None or pending.job_id is None:
                continue
            job_id = pending.job_id.lower()
            model_id = (pending.carrier.model_id if pending.carrier else item.model_id).lower()
            model, started_at = self.models.get(model_id), min(pending.since, now)
            lasts = self.settings.job_durations.draw(model_id, self.chance("duration", job_id))
            self.jobs[job_id] = SandboxJob(
                id=job_id,
                model_id=model_id,
                connection_id=model.connection_id if model else "",
                started_at=started_at,
                ends_at=started_at + lasts,
                fails=False,
            )

    def chance(self, *parts: object) -> random.Random:
        """Make the randomness of one event.

        It depends on the seed and on what the event is, not on what came before it, so that
        concurrent calls in another order still meet the same fate.
        """
        text = "\x1f".join(str(part) for part in (self.settings.seed, *parts))
        return random.Random(text)  # noqa: S311 -- chance to be repeated, not secrets

    def fresh_id(self, *parts: object) -> str:
        """Make the id of a new row, the same for the same seed and event."""
        return str(uuid.UUID(int=self.chance("id", *parts).getrandbits(128), version=4))


# A few plain facts that an instance is built from, as a desired state or a test knows them.

_NAMESPACE = uuid.UUID("5f7d2f0e-54a4-4a52-9d2b-3b2f3f0a3c11")

Uuid = Annotated[str, Meta(pattern=r"(?i)\A[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")]


class SeedBranch(Struct, frozen=True):
    """One branch of a model."""

    id: Uuid
    name: str


class SeedModel(Struct, frozen=True):
    """One model to be there from the start.

    `connection` is a name or Omni's id, None for a connection of its own. A `branch_id` makes that
    branch and turns branch-based refresh on for the whole connection, as in Omni; `branches` are
    there without that. `schemas` are the connection's.
    """

    name: str
    id: str
    connection: str | None = None
    policies: tuple[str, ...] = ()
    branch_id: str | None = None
    schemas: tuple[str, ...] = ()
    branches: tuple[SeedBranch, ...] = ()
    kind: ModelKind = ModelKind.SHARED
    deleted_at: datetime | None = None


class SeedConnection(Struct, frozen=True, kw_only=True):
    """One connection, with or without models. `id` None: made from the name.

    `introspected`: it has a schema model. Until it has, no schedule can be made on it [TF 25].
    """

    name: str
    id: str | None = None
    dialect: str = "postgres"
    database: str = "sandbox"
    introspected: bool = True
    deleted_at: datetime | None = None


class SeedSchedule(Struct, frozen=True, kw_only=True):
    """One native schedule, as if made in Omni. `connection` is a name or Omni's id.

    `id` None: made from the seed of chance.
    """

    connection: str
    cron: str
    zone: str = "UTC"
    hard: bool = False
    disabled_at: datetime | None = None
    id: str | None = None


Seed = SeedModel | SeedConnection | SeedSchedule


def seeds_of(desired: Desired) -> tuple[Seed, ...]:
    """Gather what an instance needs to hold for a desired state to be applicable to it.

    A refresh knows its model's connection, branch and schemas, a reset only a policy; items that
    name one model id are about one model, whatever they call it.
    """
    seeds: dict[str, SeedModel] = {}
    for item in desired.items:
        seed = seeds.setdefault(item.model_id.lower(), SeedModel(item.model, item.model_id))
        if isinstance(item, ResetItem):
            seed = replace(seed, policies=(*seed.policies, item.policy))
        else:
            seed = replace(
                seed,
                connection=item.connection or seed.connection,
                branch_id=item.branch_id or seed.branch_id,
                schemas=(*seed.schemas, *_schemas_of(item)),
            )
        seeds[item.model_id.lower()] = seed
    connections = (SeedConnection(name=named.name, id=named.id) for named in desired.connections)
    return (*connections, *seeds.values())


def _schemas_of(item: RefreshItem) -> Iterator[str]:
    """Yield schemas that the filters of a refresh match; a wildcard may stand for nothing."""
    for name in (*item.schemas, *(table.rpartition(".")[0] for table in item.tables)):
        if name:
            yield name.replace("*", "").strip(".") or "public"


def connection_id(seed: Seed) -> str:
    """Find the id of a seed's connection: its own if it is one, else made from the name."""
    match seed:
        case SeedConnection(id=str() as own):
            return own.lower()
        case SeedConnection(name=name):
            return str(uuid.uuid5(_NAMESPACE, f"connection:{name}"))
        case SeedModel(connection=None, id=model_id):
            return str(uuid.uuid5(_NAMESPACE, f"model:{model_id.lower()}"))
    named = seed.connection or ""
    if is_uuid(named):
        return named.lower()
    return str(uuid.uuid5(_NAMESPACE, f"connection:{named}"))


# Seeds from what `discover --format json` printed: a stand-in for an instance somebody has.


class _Cron(str):
    __slots__ = ()


class _Zone(str):
    __slots__ = ()


class _Schedule(Struct, kw_only=True):
    id: Uuid
    cron: _Cron
    timezone: _Zone
    hard: bool | None = None
    disabled_at: Instant | None = None


class _Model(Struct, kw_only=True):
    id: Uuid
    name: str | None = None
    kind: ModelKind | None = None
    policies: tuple[str, ...] | None = None
    branches: tuple[SeedBranch, ...] | None = None
    deleted_at: Instant | None = None


class _Place(Struct, kw_only=True):
    id: Uuid | None = None
    name: str | None = None
    dialect: str | None = None
    database: str | None = None
    deleted_at: Instant | None = None
    schedules: tuple[_Schedule, ...] | None = None
    models: tuple[_Model, ...] | None = None


class _Listing(Struct):
    """A connection, and what is on it, are read as far as an instance is made from them."""

    format_version: Literal[1]
    connections: tuple[_Place, ...] | None = None


_AT = re.compile(r"(.*?)(?: - at `\$\.?(.*)`)?", re.DOTALL)
"""How msgspec words what is wrong, and the path at which it stands."""


def seeds_in(text: str, file: str) -> tuple[Seed, ...]:
    """Read a listing of an instance. What it does not tell, policies or schedules, is not there.

    Raises ReconcileError `instance-file-invalid`, which names the part that is wrong.
    """
    try:
        listing = Decoder(_Listing, dec_hook=_checked).decode(text)
    except (DecodeError, RecursionError) as error:
        flaw, path = _AT.fullmatch(str(error)).groups()  # type: ignore[union-attr] # matches any text
        where = path.replace(".", ", ") if path else "the document"
    else:
        return tuple(seed for place in listing.connections or () for seed in _seeds_of(place))
    raise fail(
        "instance-file-invalid",
        f"In {where}, what stands there is not as discover prints it: {flaw}.",
        hint="reconcile discover --format json > instance.json",
        places=(Place(file),),
    )


def _checked(kind: type, value: object) -> object:
    """Read a cron or a zone. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError("it is not text")  # noqa: TRY004 - msgspec words a ValueError
    _ = canonical(value) if kind is _Cron else zone_info(value)
    return kind(value)


def _seeds_of(place: _Place) -> Iterator[Seed]:
    if place.id is not None:
        yield SeedConnection(
            name=place.name or place.id,
            id=place.id,
            dialect=place.dialect or "",
            database=place.database or "",
            deleted_at=place.deleted_at,
        )
        for schedule in place.schedules or ():
            yield SeedSchedule(
                connection=place.id,
                cron=schedule.cron,
                zone=schedule.timezone,
                hard=schedule.hard is True,
                disabled_at=schedule.disabled_at,
                id=schedule.id,
            )
    for model in place.models or ():
        yield SeedModel(
            name=model.name or "",
            id=model.id,
            connection=place.id,
            policies=model.policies or (),
            branches=model.branches or (),
            kind=model.kind or ModelKind.SHARED,
            deleted_at=model.deleted_at,
        )
