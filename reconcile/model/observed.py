"""What a live look at an instance found. Reads only; nothing here was caused by us."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from types import MappingProxyType

from reconcile.model.native import NativeSchedule
from reconcile.model.noun import noun


@noun(frozen=True, slots=True, kw_only=True)
class ObservedModel:
    """One model as Omni lists it. `kind` is Omni's word, such as SHARED or SCHEMA.

    `branches`: the ids of its active branches and their names. `deleted_at` is UTC.
    """

    model_id: str
    name: str | None = None
    kind: str | None = None
    connection_id: str | None = None
    base_model_id: str | None = None
    deleted_at: datetime | None = None
    branches: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@noun(frozen=True, slots=True, kw_only=True)
class ObservedConnection:
    """One connection as Omni lists it."""

    connection_id: str
    name: str | None = None
    dialect: str | None = None
    database: str | None = None
    deleted_at: datetime | None = None


@noun(frozen=True, slots=True, kw_only=True)
class Observed:
    """An instance at `at` (UTC), as far as it was asked and would tell.

    A part that was not asked for, or that the token may not see, is absent from its mapping or
    None; nothing may be concluded from an absence but that it is unknown. `policies`: the names in
    `cache_policies`, by model id. `schedules`: by connection id. `models` holds every model there
    is, deleted ones included. `clock_ahead_s`: how far our clock runs ahead of Omni's.
    """

    at: datetime
    models: tuple[ObservedModel, ...] | None = None
    connections: tuple[ObservedConnection, ...] | None = None
    policies: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    schedules: Mapping[str, tuple[NativeSchedule, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    clock_ahead_s: float | None = None
