"""A few plain facts that an instance is built from, as a desired state or a test knows them."""

import re
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from reconcile.model.desired import Desired, ResetItem
from reconcile.sandbox.instance import ModelKind

LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
"""When seeded models were created, where nothing else is said."""

_NAMESPACE = uuid.UUID("5f7d2f0e-54a4-4a52-9d2b-3b2f3f0a3c11")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SeedBranch:
    """One branch of a model."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class SeedModel:
    """One model to be there from the start.

    `connection` is a name or Omni's id, None for a connection of its own. A `branch_id` makes that
    branch and turns branch-based refresh on for the whole connection, as in Omni; `branches` are
    there without that.
    """

    name: str
    id: str
    connection: str | None = None
    policies: tuple[str, ...] = ()
    branch_id: str | None = None
    branches: tuple[SeedBranch, ...] = ()
    kind: ModelKind = ModelKind.SHARED
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedConnection:
    """One connection, with or without models. `id` None: made from the name.

    `introspected`: it has a schema model. Until it has, no schedule can be made on it [TF 25].
    """

    name: str
    id: str | None = None
    dialect: str = "postgres"
    database: str = "sandbox"
    introspected: bool = True
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedSchedule:
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

    A refresh knows its model's connection and branch, a reset only a policy; items that name one
    model id are about one model, whatever they call it.
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
            )
        seeds[item.model_id.lower()] = seed
    connections = (SeedConnection(name=named.name, id=named.id) for named in desired.connections)
    return (*connections, *seeds.values())


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
