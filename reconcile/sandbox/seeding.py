"""Build an instance from a few plain facts about models, as a desired state knows them."""

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from reconcile.model.desired import Desired, ResetItem
from reconcile.sandbox.instance import Connection, Instance, Model, ModelKind, Settings

LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
"""When seeded models were created, where nothing else is said."""

_NAMESPACE = uuid.UUID("5f7d2f0e-54a4-4a52-9d2b-3b2f3f0a3c11")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SeedModel:
    """One shared model to be there from the start.

    `connection` is a name or Omni's id, None for a connection of its own. A `branch_id` makes that
    branch and turns branch-based refresh on for the whole connection, as in Omni.
    """

    name: str
    id: str
    connection: str | None = None
    policies: tuple[str, ...] = ()
    branch_id: str | None = None


def seeds_of(desired: Desired) -> tuple[SeedModel, ...]:
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
    return tuple(seeds.values())


def is_uuid(text: str) -> bool:
    """Say whether Omni would take the text for a UUID: hex digits in 8-4-4-4-12, any case."""
    return _UUID.fullmatch(text) is not None


def connection_id(seed: SeedModel) -> str:
    """Find the id of a seed's connection: its own if it is one, else made from the name."""
    if seed.connection is None:
        return str(uuid.uuid5(_NAMESPACE, f"model:{seed.id.lower()}"))
    if is_uuid(seed.connection):
        return seed.connection.lower()
    return str(uuid.uuid5(_NAMESPACE, f"connection:{seed.connection}"))


def build_instance(
    seeds: Iterable[SeedModel], settings: Settings, created_at: datetime = LONG_AGO
) -> Instance:
    """Seed an instance. Seeds with one id are one model with the policies of all."""
    instance = Instance(models={}, connections={}, settings=settings)
    for seed in seeds:
        _add_shared(instance, seed, created_at)
    for connection in instance.connections.values():
        # A connection's schema model bears the connection's own id and name [live: TF 31, 32].
        schema = Model(
            id=connection.id,
            name=connection.name,
            kind=ModelKind.SCHEMA,
            connection_id=connection.id,
            created_at=created_at,
            updated_at=created_at,
        )
        instance.models.setdefault(schema.id, schema)
    return instance


def _add_shared(instance: Instance, seed: SeedModel, created_at: datetime) -> None:
    connection = connection_id(seed)
    known = instance.connections.get(connection)
    instance.connections[connection] = Connection(
        id=connection,
        name=known.name if known else (seed.connection or seed.name),
        branch_refresh=seed.branch_id is not None or (known is not None and known.branch_refresh),
    )
    model = instance.models.get(seed.id.lower()) or Model(
        id=seed.id.lower(),
        name=seed.name,
        kind=ModelKind.SHARED,
        connection_id=connection,
        created_at=created_at,
        updated_at=created_at,
    )
    policies = model.policies.union(seed.policies)
    instance.models[model.id] = replace(model, policies=policies)
    if seed.branch_id is not None:
        branch = replace(
            model, id=seed.branch_id.lower(), name="branch", kind=ModelKind.BRANCH, base_id=model.id
        )
        instance.models.setdefault(branch.id, branch)
