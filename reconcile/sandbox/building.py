"""Build an instance from seeds."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from reconcile.sandbox.instance import (
    Connection,
    Instance,
    Model,
    ModelKind,
    Settings,
)
from reconcile.sandbox.rows import Schedule
from reconcile.sandbox.scheduling import echoed_cron
from reconcile.sandbox.seeding import (
    LONG_AGO,
    Seed,
    SeedBranch,
    SeedConnection,
    SeedModel,
    SeedSchedule,
    connection_id,
)


def build_instance(
    seeds: Iterable[Seed], settings: Settings, created_at: datetime = LONG_AGO
) -> Instance:
    """Seed an instance. Seeds with one id are one model with the policies of all.

    A connection that is only named by a model or a schedule is made as well.
    """
    building = _Building(Instance(models={}, connections={}, settings=settings), created_at)
    # Sorted by kind, so that a connection is known by its name before anything refers to it.
    ordered = sorted(seeds, key=lambda seed: not isinstance(seed, SeedConnection))
    for seed in ordered:
        building.add(seed)
    bare = {building.id_of(seed) for seed in ordered if _is_bare(seed)}
    building.introspect(bare)
    return building.instance


def _is_bare(seed: Seed) -> bool:
    return isinstance(seed, SeedConnection) and not seed.introspected


@dataclass(slots=True)
class _Building:
    instance: Instance
    created_at: datetime

    def add(self, seed: Seed) -> None:
        match seed:
            case SeedConnection():
                self._add_connection(seed)
            case SeedModel():
                self._add_model(seed)
            case SeedSchedule():
                self._add_schedule(seed)

    def id_of(self, seed: Seed) -> str:
        """Find the id of a seed's connection; a name that was seeded with an id stands for it."""
        if isinstance(seed, SeedConnection):
            return connection_id(seed)
        known = (c.id for c in self.instance.connections.values() if c.name == seed.connection)
        return next(known, connection_id(seed))

    def introspect(self, bare: set[str]) -> None:
        """Give connections their schema model; it bears their id and name [live: TF 31, 32]."""
        for connection in self.instance.connections.values():
            if connection.id not in bare:
                schema = Model(
                    id=connection.id,
                    name=connection.name,
                    kind=ModelKind.SCHEMA,
                    connection_id=connection.id,
                    created_at=self.created_at,
                    updated_at=self.created_at,
                    deleted_at=connection.deleted_at,
                )
                self.instance.models.setdefault(schema.id, schema)

    def _add_connection(self, seed: SeedConnection) -> None:
        connection = Connection(
            id=connection_id(seed),
            name=seed.name,
            dialect=seed.dialect,
            database=seed.database,
            created_at=self.created_at,
            deleted_at=seed.deleted_at,
        )
        self.instance.connections[connection.id] = connection

    def _add_model(self, seed: SeedModel) -> None:
        connection = self._refer(self.id_of(seed), seed.connection or seed.name)
        if seed.branch_id is not None:
            on = replace(connection, branch_refresh=True)
            self.instance.connections[connection.id] = on
        model = self.instance.models.get(seed.id.lower()) or Model(
            id=seed.id.lower(),
            name=seed.name,
            kind=seed.kind,
            connection_id=connection.id,
            created_at=self.created_at,
            updated_at=self.created_at,
            deleted_at=seed.deleted_at,
        )
        policies = model.policies.union(seed.policies)
        self.instance.models[model.id] = replace(model, policies=policies)
        needed = () if seed.branch_id is None else (SeedBranch(seed.branch_id, "branch"),)
        for branch in (*needed, *seed.branches):
            row = replace(
                model,
                id=branch.id.lower(),
                name=branch.name,
                kind=ModelKind.BRANCH,
                base_id=model.id,
            )
            self.instance.models.setdefault(row.id, row)

    def _add_schedule(self, seed: SeedSchedule) -> None:
        connection = self._refer(self.id_of(seed), seed.connection)
        schedule = Schedule(
            id=(seed.id or "").lower()
            or self.instance.fresh_id("seeded", len(self.instance.schedules)),
            connection_id=connection.id,
            cron=echoed_cron(self.instance, seed.cron),
            zone=seed.zone,
            hard=seed.hard,
            created_at=self.created_at,
            updated_at=self.created_at,
            disabled_at=seed.disabled_at,
        )
        self.instance.schedules[schedule.id] = schedule

    def _refer(self, identity: str, name: str) -> Connection:
        """Return a connection, made now if this is the first to speak of it."""
        made = Connection(id=identity, name=name, created_at=self.created_at)
        return self.instance.connections.setdefault(identity, made)
