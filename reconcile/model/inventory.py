"""What an instance has, as a person looks for it: connection by connection."""

from dataclasses import dataclass
from datetime import datetime

from reconcile.model.native import NativeSchedule
from reconcile.model.observed import ObservedConnection, ObservedModel


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model and its own cache policies; None: they were not seen."""

    model: ObservedModel
    policies: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class ListedSchedule:
    """A native schedule and its next run (UTC); None: disabled, over, or not understood."""

    schedule: NativeSchedule
    next_run: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedConnection:
    """A connection with what lies on it. `schedules` None: they were not seen.

    `connection` has only an id where connections may not be listed; it is None for models that
    name none.
    """

    connection: ObservedConnection | None
    models: tuple[ListedModel, ...]
    schedules: tuple[ListedSchedule, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """An instance at `at` (UTC), or the part of it that was asked for, sorted by name.

    `brief`: neither policies nor schedules were asked for.
    """

    at: datetime
    brief: bool
    connections: tuple[ListedConnection, ...]
