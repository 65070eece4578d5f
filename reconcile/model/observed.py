"""What a live look at an instance found, and what an import takes of it.

Reads only; nothing here was caused by us.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from msgspec import Struct

from reconcile.model.address import Address
from reconcile.model.desired import NativeSchedule, ScheduleSpec


class ObservedModel(Struct, frozen=True, kw_only=True):
    """One model as Omni lists it. `kind` is Omni's word, such as SHARED or SCHEMA.

    `branches`: the ids of its active branches and their names. `deleted_at` is UTC.
    """

    model_id: str
    name: str | None = None
    kind: str | None = None
    connection_id: str | None = None
    base_model_id: str | None = None
    deleted_at: datetime | None = None
    branches: Mapping[str, str] = MappingProxyType({})


class ObservedConnection(Struct, frozen=True, kw_only=True):
    """One connection as Omni lists it."""

    connection_id: str
    name: str | None = None
    dialect: str | None = None
    database: str | None = None
    deleted_at: datetime | None = None


class Observed(Struct, frozen=True, kw_only=True):
    """An instance at `at` (UTC), as far as it was asked and would tell.

    A part that was not asked for, or that the token may not see, is absent from its mapping or
    None; nothing may be concluded from an absence but that it is unknown. `policies`: the names in
    `cache_policies`, by model id. `schemas`: the names of those a model or a branch of it knows, as
    `branch_of` names it. `schedules`: by connection id. `models` holds every model there is,
    deleted ones included. `clock_ahead_s`: how far our clock runs ahead of Omni's.
    """

    at: datetime
    models: tuple[ObservedModel, ...] | None = None
    connections: tuple[ObservedConnection, ...] | None = None
    policies: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    schemas: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    schedules: Mapping[str, tuple[NativeSchedule, ...]] = MappingProxyType({})
    clock_ahead_s: float | None = None


def branch_of(model_id: str, branch_id: str | None) -> str:
    """Name a model, or a branch of it where an id is given; ids in lower case."""
    return f"{model_id} {branch_id}".lower() if branch_id else model_id.lower()


# What an import adds to a file: plain facts, already under the names they will have there.


class Mentioned(Struct, frozen=True):
    """What files call models and connections, whether they declare anything about them or not.

    Ids are in lower case. `connection_names`: also what only models or selections name. `locked`:
    by id, the names of models that a selection stands for.
    """

    model_ids: frozenset[str] = frozenset()
    model_names: frozenset[str] = frozenset()
    connection_names: frozenset[str] = frozenset()
    locked: Mapping[str, str] = MappingProxyType({})


class ImportedConnection(Struct, frozen=True, kw_only=True):
    """A connection and its native schedules by name. `is_new`: the files do not name it yet."""

    name: str
    connection_id: str
    is_new: bool = True
    schedules: tuple[tuple[str, ScheduleSpec], ...] = ()


class ImportedModel(Struct, frozen=True, kw_only=True):
    """A model to declare. `title`: Omni's name; `connection`: a name in the files, or Omni's id.

    `left_out`: policies that no file can declare, or not beside the others.
    """

    name: str
    model_id: str
    title: str | None = None
    connection: str | None = None
    policies: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


class Imported(Struct, frozen=True):
    """Everything one import adds."""

    connections: tuple[ImportedConnection, ...] = ()
    models: tuple[ImportedModel, ...] = ()

    def is_empty(self) -> bool:
        """Tell whether the files have all of it."""
        return not (self.connections or self.models)


# A native schedule beside a cadence of ours: of one that was seen, or is declared.

ShadowKind = Literal["redundant", "close"]


class Shadowed(Struct, frozen=True, kw_only=True):
    """Omni itself refreshes the connection of a declared refresh.

    `redundant`: all that the declared one would do is done by then. `close`: both run within an
    hour; `ours` and `theirs` are the first such pair of instants (UTC).
    """

    addresses: tuple[Address, ...]
    schedule: NativeSchedule
    kind: ShadowKind
    ours: datetime | None = None
    theirs: datetime | None = None
