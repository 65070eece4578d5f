"""What an Omni instance holds: models, connections, jobs and the marks resets leave."""

import json
import random
import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import NoReturn

from msgspec import Struct, field

from reconcile.errors import Place, fail
from reconcile.model.desired import Desired, RefreshItem, ResetItem
from reconcile.model.struct import replace
from reconcile.planning.time.cron import CronError
from reconcile.planning.time.eventbridge import canonical
from reconcile.planning.time.wall_clock import UnknownZoneError, zone_info
from reconcile.sandbox.exchange import Refusal

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
    branch_id: str | None
    hard: bool
    schemas: tuple[str, ...]
    tables: tuple[str, ...]
    started_at: datetime
    ends_at: datetime | None
    fails: bool

    def running(self, now: datetime) -> bool:
        """Say whether the job has not ended at that instant."""
        return self.ends_at is None or now < self.ends_at


class ResetMark(Struct, kw_only=True):
    """The one row of a (model, policy), updated in place [SEED-0, inferred from its sample].

    Cached results created before `reset_at` are invalid.
    """

    id: str
    model_id: str
    policy: str
    created_at: datetime
    updated_at: datetime
    reset_at: datetime


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


class UnknownPolicy(StrEnum):
    """What a reset of a policy nobody defined answers: the docs say success, the spec says 404."""

    ACCEPTED = "accepted"
    NOT_FOUND = "not_found"


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
    by_model: Mapping[str, timedelta] = field(default_factory=lambda: MappingProxyType({}))

    def draw(self, model_id: str, chance: random.Random) -> timedelta:
        """Choose how long one job of that model lasts."""
        if (chosen := self.by_model.get(model_id)) is not None:
            return chosen
        return self.shortest + (self.longest - self.shortest) * chance.random()


class Settings(Struct, frozen=True, kw_only=True):
    """How this instance behaves where sources disagree, or where a test wants it otherwise.

    `requests_per_minute` is per token, None is no limit. `legacy`: whether the v0 and unstable
    paths answer at all. `cron_echo` None: the seed decides. `seed` fixes ids, durations and faults.
    """

    requests_per_minute: int | None = 60
    job_durations: JobDurations = field(default_factory=JobDurations)
    unknown_policy: UnknownPolicy = UnknownPolicy.ACCEPTED
    vocabulary: Vocabulary = Vocabulary.SPEC
    legacy: bool = True
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
    created_at: datetime
    deleted_at: datetime | None = None


class Model(Struct, frozen=True, kw_only=True):
    """One model; a branch is a model of its own whose `base_id` is the shared one."""

    id: str
    name: str
    kind: ModelKind
    connection_id: str
    base_id: str | None = None
    policies: frozenset[str] = frozenset()
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None


class SandboxInstance(Struct, kw_only=True):
    """Everything the instance knows. Ids are lower-case UUIDs."""

    models: dict[str, Model]
    connections: dict[str, SandboxConnection]
    settings: Settings = field(default_factory=Settings)
    jobs: dict[str, SandboxJob] = field(default_factory=dict)
    marks: dict[tuple[str, str], ResetMark] = field(default_factory=dict)
    schedules: dict[str, Schedule] = field(default_factory=dict)

    def live_model(self, model_id: str) -> Model:
        """Look a model up; a `Refusal` 404 if it is unknown or deleted."""
        model = self.models.get(model_id)
        if model is None or model.deleted_at is not None:
            raise Refusal(404, f"Not Found: Model with id {model_id} does not exist")
        return model

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

LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
"""When seeded models were created, where nothing else is said."""

_NAMESPACE = uuid.UUID("5f7d2f0e-54a4-4a52-9d2b-3b2f3f0a3c11")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class SeedBranch(Struct, frozen=True):
    """One branch of a model."""

    id: str
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


def is_uuid(text: str) -> bool:
    """Say whether Omni would take the text for a UUID: hex digits in 8-4-4-4-12, any case."""
    return _UUID.fullmatch(text) is not None


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

FORMAT_VERSION = 1


def seeds_in(text: str, file: str) -> tuple[Seed, ...]:
    """Read a listing of an instance. What it does not tell, policies or schedules, is not there.

    Raises ReconcileError `instance-file-invalid`, which names the part that is wrong.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    root = _Part(document, "the document", file)
    version = root.field("format_version").value
    if version != FORMAT_VERSION:
        root.field("format_version").refuse(f"is not {FORMAT_VERSION}")
    return tuple(
        seed for place in root.field("connections").elements() for seed in _seeds_of(place)
    )


def _seeds_of(place: "_Part") -> Iterator[Seed]:
    connection_id = place.field("id").maybe_uuid()
    if connection_id is not None:
        yield SeedConnection(
            name=place.field("name").maybe_text() or connection_id,
            id=connection_id,
            dialect=place.field("dialect").maybe_text() or "",
            database=place.field("database").maybe_text() or "",
            deleted_at=place.field("deleted_at").maybe_instant(),
        )
        for schedule in place.field("schedules").elements():
            yield _schedule(schedule, connection_id)
    for model in place.field("models").elements():
        yield SeedModel(
            name=model.field("name").maybe_text() or "",
            id=model.field("id").uuid(),
            connection=connection_id,
            policies=tuple(policy.text() for policy in model.field("policies").elements()),
            branches=tuple(map(_branch, model.field("branches").elements())),
            kind=_kind(model.field("kind")),
            deleted_at=model.field("deleted_at").maybe_instant(),
        )


def _branch(part: "_Part") -> SeedBranch:
    return SeedBranch(part.field("id").uuid(), part.field("name").text())


def _kind(part: "_Part") -> ModelKind:
    word = part.maybe_text() or ModelKind.SHARED
    return ModelKind(word) if word in set(ModelKind) else part.refuse("is no kind of model")


def _schedule(part: "_Part", connection_id: str) -> SeedSchedule:
    cron, zone = part.field("cron"), part.field("timezone")
    try:
        canonical(cron.text())
        zone_info(zone.text())
    except CronError as error:
        cron.refuse(f"is not EventBridge cron: {error.message}")
    except UnknownZoneError:
        zone.refuse("is no time zone")
    return SeedSchedule(
        connection=connection_id,
        cron=cron.text(),
        zone=zone.text(),
        hard=part.field("hard").value is True,
        disabled_at=part.field("disabled_at").maybe_instant(),
        id=part.field("id").uuid(),
    )


class _Part(Struct, frozen=True):
    """A value in the document, and where it stands."""

    value: object
    where: str
    file: str

    def field(self, name: str) -> "_Part":
        if not isinstance(self.value, dict):
            self.refuse("is not an object")
        return _Part(self.value.get(name), f"{self.where}, {name}", self.file)

    def elements(self) -> "Iterator[_Part]":
        """Yield the elements of a list; null has none."""
        if not isinstance(self.value, list | None):
            self.refuse("is not a list")
        for number, value in enumerate(self.value or ()):
            yield _Part(value, f"{self.where}[{number}]", self.file)

    def text(self) -> str:
        return self.value if isinstance(self.value, str) else self.refuse("is not text")

    def maybe_text(self) -> str | None:
        return None if self.value is None else self.text()

    def uuid(self) -> str:
        return self.text() if is_uuid(self.text()) else self.refuse("is not a UUID")

    def maybe_uuid(self) -> str | None:
        return None if self.value is None else self.uuid()

    def maybe_instant(self) -> datetime | None:
        if self.value is None:
            return None
        try:
            return datetime.fromisoformat(self.text()).astimezone(UTC)
        except (ValueError, OverflowError):
            return self.refuse("is not an instant")

    def refuse(self, flaw: str) -> NoReturn:
        raise fail(
            "instance-file-invalid",
            f"In {self.where.removeprefix('the document, ')}, what stands there {flaw}. "
            "The file has to be what discover prints as JSON.",
            hint="reconcile discover --format json > instance.json",
            places=(Place(self.file),),
        )
