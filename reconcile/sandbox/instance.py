"""What an Omni instance holds: models, connections, jobs and the marks resets leave."""

import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from reconcile.sandbox.exchange import Refusal


class ModelKind(StrEnum):
    """Kinds of model the sandbox knows [SPEC-A/B lists some more]."""

    SCHEMA = "SCHEMA"
    SHARED = "SHARED"
    BRANCH = "BRANCH"


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
    paths answer at all. `seed` fixes job ids, durations and faults.
    """

    requests_per_minute: int | None = 60
    job_durations: JobDurations = field(default_factory=JobDurations)
    unknown_policy: UnknownPolicy = UnknownPolicy.ACCEPTED
    vocabulary: Vocabulary = Vocabulary.SPEC
    legacy: bool = True
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
    branch_refresh: bool = False


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
class Job:
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


@dataclass(slots=True, kw_only=True)
class ResetMark:
    """The one row of a (model, policy), updated in place [SEED-0, inferred from its sample].

    Cached results created before `reset_at` are invalid.
    """

    id: str
    model_id: str
    policy: str
    created_at: datetime
    updated_at: datetime
    reset_at: datetime


@dataclass(slots=True, kw_only=True)
class Instance:
    """Everything the instance knows. Ids are lower-case UUIDs."""

    models: dict[str, Model]
    connections: dict[str, Connection]
    settings: Settings = field(default_factory=Settings)
    jobs: dict[str, Job] = field(default_factory=dict)
    marks: dict[tuple[str, str], ResetMark] = field(default_factory=dict)

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
