"""What an Omni instance holds: models, connections, jobs and the marks resets leave."""

import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from reconcile.sandbox.exchange import Refusal
from reconcile.sandbox.rows import Job, ResetMark, Schedule


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


@dataclass(frozen=True, slots=True)
class JobDurations:
    """Jobs last evenly between the two; a model in `by_model` (id to duration) always that long."""

    shortest: timedelta = timedelta(seconds=2)
    longest: timedelta = timedelta(seconds=8)
    by_model: Mapping[str, timedelta] = field(default_factory=lambda: MappingProxyType({}))

    def draw(self, model_id: str, chance: random.Random) -> timedelta:
        """Choose how long one job of that model lasts."""
        if (chosen := self.by_model.get(model_id)) is not None:
            return chosen
        return self.shortest + (self.longest - self.shortest) * chance.random()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
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


@dataclass(frozen=True, slots=True)
class Token:
    """Who a bearer token stands for. `name` is a label for the log."""

    name: str
    role: Role = Role.CONNECTION_ADMIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A warehouse connection. `branch_refresh`: refreshes only within a branch [DOC]."""

    id: str
    name: str
    dialect: str = "postgres"
    database: str = "sandbox"
    branch_refresh: bool = False
    created_at: datetime
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
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


@dataclass(slots=True, kw_only=True)
class Instance:
    """Everything the instance knows. Ids are lower-case UUIDs."""

    models: dict[str, Model]
    connections: dict[str, Connection]
    settings: Settings = field(default_factory=Settings)
    jobs: dict[str, Job] = field(default_factory=dict)
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
