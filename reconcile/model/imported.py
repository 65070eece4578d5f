"""What an import adds to a file: plain facts, already under the names they will have there."""

from dataclasses import dataclass

from reconcile.model.native import ScheduleSpec


@dataclass(frozen=True, slots=True)
class Mentioned:
    """What files call models and connections, whether they declare anything about them or not.

    Ids are in lower case.
    """

    model_ids: frozenset[str] = frozenset()
    model_names: frozenset[str] = frozenset()
    connection_names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedConnection:
    """A connection and its native schedules by name. `is_new`: the files do not name it yet."""

    name: str
    connection_id: str
    is_new: bool = True
    schedules: tuple[tuple[str, ScheduleSpec], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedModel:
    """A model to declare. `title`: Omni's name; `connection`: a name in the files, or Omni's id."""

    name: str
    model_id: str
    title: str | None = None
    connection: str | None = None
    policies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Imported:
    """Everything one import adds."""

    connections: tuple[ImportedConnection, ...] = ()
    models: tuple[ImportedModel, ...] = ()

    def is_empty(self) -> bool:
        """Tell whether the files have all of it."""
        return not (self.connections or self.models)
