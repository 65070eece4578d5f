"""The files of one desired state put together, `[[select]]` expanded, defaults merged by key."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

from msgspec import Struct
from pydantic import Field

from reconcile.config import tables
from reconcile.config.refusals import check_table
from reconcile.config.toml import Atlas, Source, decode_text, parse_source, read_bounded
from reconcile.config.values import check_name, check_uuid
from reconcile.errors import KeyPath, LeafError, Place, Problems, ReconcileError, Where, diagnose
from reconcile.model.address import is_uuid, refresh_address
from reconcile.model.desired import LockedModel, LockFile, Selection, spelled

TableT_co = TypeVar("TableT_co", bound=tables.Table, covariant=True)
InnerT = TypeVar("InnerT", bound=tables.Table)


class Said(Struct, Generic[TableT_co], frozen=True):
    """A table, and the file and key path at which it stands."""

    table: TableT_co
    file: tables.Shaped
    path: KeyPath

    @property
    def where(self) -> Where:
        """Point at the table; made when asked for, as few tables have anything to report."""
        return Where(self.file.source, self.path)

    @property
    def whole(self) -> bool:
        """Tell whether nothing of it was refused for its shape."""
        return self.file.is_whole(*self.path)

    def below(self, table: InnerT, *keys: str) -> "Said[InnerT]":
        """Return a table that stands in this one."""
        return Said(table, self.file, (*self.path, *keys))


@dataclass(slots=True)
class GatheredModel:
    """One model: its own keys from one file, its cache policies from any."""

    parts: list[Said[tables.ModelTable]]
    own: Said[tables.ModelTable] | None
    policies: dict[str, Said[tables.CacheTable]]

    @property
    def first(self) -> Where:
        """Point at the first table of it."""
        return self.parts[0].where

    @property
    def whole(self) -> bool:
        """Tell whether nothing of it was refused for its shape, in any file."""
        return all(part.whole for part in self.parts)


@dataclass(slots=True)
class Gathered:
    """Everything that was declared, over all files."""

    omni: Said[tables.OmniTable] | None = None
    state: Said[tables.StateTable] | None = None
    defaults: Said[tables.DefaultsTable] | None = None
    limits: Said[tables.LimitsTable] | None = None
    freezes: list[Said[tables.FreezeTable]] = field(default_factory=list)
    selects: list[Said[tables.SelectTable]] = field(default_factory=list)
    models: dict[str, GatheredModel] = field(default_factory=dict)
    connections: dict[str, Said[tables.ConnectionTable]] = field(default_factory=dict)
    signals: dict[str, Said[tables.SignalTable]] = field(default_factory=dict)


def gather(files: Iterable[tables.Shaped], problems: Problems) -> Gathered:
    """Merge files; a section, a model or a policy declared by two of them is a problem."""
    gathered = Gathered()
    for file in files:
        document = file.document
        gathered.omni = _once(gathered.omni, document.omni, file, "omni", problems)
        gathered.state = _once(gathered.state, document.state, file, "state", problems)
        gathered.defaults = _once(gathered.defaults, document.defaults, file, "defaults", problems)
        gathered.limits = _once(gathered.limits, document.limits, file, "limits", problems)
        gathered.freezes += _elements(document.freeze, file, "freeze")
        gathered.selects += _elements(document.select, file, "select")
        for name, table in (document.models or {}).items():
            _add_model(gathered.models, Said(table, file, ("models", name)), problems)
        for name, connection in (document.connections or {}).items():
            named = Said(connection, file, ("connections", name))
            _add_named(gathered.connections, named, problems)
        for name, signal in (document.signals or {}).items():
            _add_named(gathered.signals, Said(signal, file, ("signals", name)), problems)
    return gathered


def _elements(
    several: tuple[InnerT, ...] | None, file: tables.Shaped, name: str
) -> list[Said[InnerT]]:
    found = [Said(table, file, (name, number)) for number, table in enumerate(several or ())]
    return [said for said in found if said.path not in file.removed]


def _once(
    first: Said[TableT_co] | None,
    table: TableT_co | None,
    file: tables.Shaped,
    name: str,
    problems: Problems,
) -> Said[TableT_co] | None:
    if table is None:
        return first
    said = Said(table, file, (name,))
    if first is None:
        return said
    detail = f"[{name}] may stand in one file of a desired state, and stands in two."
    problems.add("declared-twice", (said.where.table(), first.where.table()), detail)
    return first


def _add_model(
    models: dict[str, GatheredModel], said: Said[tables.ModelTable], problems: Problems
) -> None:
    name, table = str(said.path[-1]), said.table
    own = said if table.id or table.refresh or table.connection or table.timezone else None
    policies = {
        policy: said.below(cache, "cache", policy) for policy, cache in (table.cache or {}).items()
    }
    model = models.get(name)
    if model is None:
        models[name] = GatheredModel([said], own, policies)
        return
    model.parts.append(said)
    if own and model.own:
        _declared_twice(f'The model "{name}"', own.where, model.own.where, problems)
    model.own = model.own or own
    for policy, cache in policies.items():
        first = model.policies.setdefault(policy, cache)
        if first is not cache:
            what = f'The cache policy "{policy}" of model "{name}"'
            _declared_twice(what, cache.where, first.where, problems)


def _add_named(known: dict[str, Said[InnerT]], said: Said[InnerT], problems: Problems) -> None:
    kind, name = map(str, said.path)
    first = known.setdefault(name, said)
    if first is not said:
        what = f'The {kind.removesuffix("s")} "{name}"'
        _declared_twice(what, said.where, first.where, problems)


def _declared_twice(what: str, where: Where, first: Where, problems: Problems) -> None:
    problems.add(
        "declared-twice",
        (where.table(), first.table()),
        f"{what} is declared in two files of one desired state. Nothing says which one counts.",
        "Keep one of the two, or give one of them another name.",
    )


# Defaults, merged key by key. Inheritance never gives an item two cadences.

TimedT_co = TypeVar("TimedT_co", bound=tables.TimedTable, covariant=True)

FORMS: Mapping[str, frozenset[str]] = {
    "every": frozenset(),
    "cron": frozenset(),
    "at": frozenset(("days",)),
    "when_changed": frozenset(("missing",)),
    "on_signal": frozenset(),
    "reset_at": frozenset(),
}
"""The cadences with a time of their own, and the keys that only mean something beside each."""

_FORM_KEYS = frozenset(FORMS).union(*FORMS.values())
_OF_BOTH = ("timezone", "deadline", "on_change", "spread", "hold_after")
_GENERAL = {"cache": _OF_BOTH, "refresh": (*_OF_BOTH, "coalesce_within", "timeout")}
"""The keys of `[defaults]` itself that items of a kind inherit."""


class Resolved(Struct, Generic[TimedT_co], frozen=True):
    """A table with its defaults filled in, and where the keys stand that are not its own."""

    table: TimedT_co
    said: Said[TimedT_co]
    inherited: Mapping[str, Where]

    def where(self, key: str) -> Where:
        """Point at the value of a key, in the defaults if it stands there."""
        return self.inherited.get(key) or self.said.where.value(key)


class Fallback(Struct, frozen=True):
    """What items of one kind inherit, and where each key of it stands."""

    values: Mapping[str, Any]
    places: Mapping[str, Where]

    def below(self, model: Said[tables.ModelTable] | None) -> "Fallback":
        """Put a model's own zone before that of any default."""
        if model is None or model.table.timezone is None:
            return self
        zone, where = model.table.timezone, model.where.value("timezone")
        return Fallback({**self.values, "timezone": zone}, {**self.places, "timezone": where})

    def resolve(self, said: Said[TimedT_co]) -> Resolved[TimedT_co]:
        """Fill in what a table does not say itself."""
        own = _present(said.table)
        dropped = self._given_up(own)
        inherited = [key for key in self.values if key not in own and key not in dropped]
        table = said.table.model_copy(update={key: self.values[key] for key in inherited})
        return Resolved(table, said, {key: self.places[key] for key in inherited})

    def _given_up(self, own: Mapping[str, object]) -> set[str]:
        """Choose what an item's own words push aside.

        `after` alone is a cadence, and as such pushes an inherited time aside; beside an inherited
        time it is inherited as an order, without one it was a cadence and gives way itself.
        """
        dropped = set[str]()
        own_forms = own.keys() & FORMS.keys()
        if own_forms or "after" in own:
            kept = set[str]().union(own_forms, *(FORMS[form] for form in own_forms))
            dropped |= _FORM_KEYS - kept
        if own_forms and not self.values.keys() & FORMS.keys():
            dropped.add("after")
        if own.get("mode") == "hard":
            dropped |= {"schemas", "tables"}
        clock = {"cron", "at"} & (own.keys() | (self.values.keys() - dropped))
        return dropped if clock else dropped | {"spread"}


def fallback(
    defaults: Said[tables.DefaultsTable] | None, kind: Literal["refresh", "cache"]
) -> Fallback:
    """Return what refreshes inherit, or what cache resets do."""
    if defaults is None:
        return Fallback({}, {})
    said, table = _present(defaults.table), defaults.table
    keys = [key for key in _GENERAL[kind] if key in said]
    values = {key: said[key] for key in keys}
    places = {key: defaults.where.value(key) for key in keys}
    timed = table.refresh if kind == "refresh" else table.cache
    for key, value in (_present(timed) if timed else {}).items():
        values[key] = value
        places[key] = defaults.where.value(kind, key)
    return Fallback(values, places)


def _present(table: tables.DefaultsTable | tables.TimedTable) -> dict[str, object]:
    return {key: value for key, value in table if key in table.model_fields_set}


# From `[[select]]` blocks and the lock file to models, as if each had been written by hand.

UNLOCKED = LockFile()
"""Stands for no lock at all: the blocks are then read, and stand for nothing."""

_OWN_REFRESH = "refresh"


def selections_of(gathered: Gathered) -> tuple[Selection, ...]:
    """Return what the blocks select, numbered in the order of the files."""
    return tuple(
        Selection(
            number=number,
            name=said.table.name,
            kind=said.table.kind,
            connection=said.table.connection,
        )
        for number, said in enumerate(gathered.selects, 1)
    )


def expand(
    gathered: Gathered, selections: tuple[Selection, ...], lock: LockFile | None, problems: Problems
) -> tuple[LockedModel, ...]:
    """Add the locked models to those that are declared; return the ones that were added.

    A model that is declared by hand is left as it is declared.
    """
    for said in gathered.selects:
        if not (said.table.refresh or said.table.cache):
            detail = "This [[select]] has neither a refresh nor a cache, so it stands for nothing."
            problems.add("select-without-items", said.where.table(), detail)
    if not gathered.selects or lock is UNLOCKED:
        return ()
    where = gathered.selects[0].where.table()
    if lock is None:
        detail = (
            "The models a [[select]] stands for are read from the lock file beside this one, so "
            "that a plan needs no connection. There is no lock file."
        )
        problems.add("lock-missing", where, detail, LOCK_COMMAND)
        return ()
    if lock.made_for != tuple(map(spelled, selections)):
        detail = "The [[select]] blocks have changed since the lock file was written."
        problems.add("lock-stale", where, detail, LOCK_COMMAND)
        return ()
    by_hand = {model_id for _, model_id in declared_by_hand(gathered)}
    added = [model for model in lock.models if model.model_id not in by_hand]
    labels = {model.connection for model in added if model.connection}
    if unknown := sorted(one for one in labels - gathered.connections.keys() if not is_uuid(one)):
        detail = f'The lock file has models on "{unknown[0]}", a connection that no file names.'
        problems.add("lock-stale", where, detail, LOCK_COMMAND)
    for model in added:
        _add(gathered, model, problems)
    return tuple(added)


def declared_by_hand(gathered: Gathered) -> Iterator[tuple[str, str]]:
    """Yield the name and the id, in lower case, of each model that is gathered so far."""
    for name, model in gathered.models.items():
        if model.own and model.own.table.id:
            yield name, model.own.table.id.lower()


def _add(gathered: Gathered, model: LockedModel, problems: Problems) -> None:
    if model.selection > len(gathered.selects):
        where = gathered.selects[0].where.table()
        detail = f'The lock file has "{model.name}" from a [[select]] that is not there.'
        problems.add("lock-stale", where, detail, LOCK_COMMAND)
        return
    said = gathered.selects[model.selection - 1]
    if (other := gathered.models.get(model.name)) is not None:
        detail = (
            f'The model "{model.name}" is declared, and the lock file has another model by that '
            "name. Nothing says which one counts."
        )
        problems.add("declared-twice", (other.first.table(), said.where.table()), detail)
        return
    table = tables.ModelTable(
        id=model.model_id,
        connection=model.connection,
        timezone=said.table.timezone,
        refresh=said.table.refresh,
    )
    own = said.below(table)
    policies = _policies(said.table, model.name)
    gathered.models[model.name] = GatheredModel(
        [own], own, {name: said.below(cache, "cache", name) for name, cache in policies.items()}
    )


def _policies(template: tables.SelectTable, name: str) -> Mapping[str, tables.CacheTable]:
    """Let `after = "refresh"` in a template mean the refresh of the model it stands for."""
    return {
        policy: table.model_copy(update={"after": refresh_address(name)})
        if table.after == _OWN_REFRESH
        else table
        for policy, table in (template.cache or {}).items()
    }


# The lock file: which models the `[[select]]` blocks stand for. Written by `lock`, reviewed.

LOCK_NAME = "reconcile.models.toml"
"""Beside the desired state; it ends in .toml to be read in a review, and declares nothing."""

LOCK_COMMAND = "reconcile lock"


class LockedTable(tables.Table):
    """One model in the lock file."""

    id: tables.Uuid
    title: str | None = None
    connection: tables.Name | None = None
    select: Annotated[int, Field(ge=1, le=1_000_000)]


class LockDocument(tables.Table):
    """The lock file."""

    made_for: Annotated[tuple[str, ...], tables.ARRAY]
    models: dict[str, LockedTable] | None = None


def folder_of(location: Path) -> Path:
    """Return the folder of a file, or the directory of files itself."""
    return location if location.is_dir() else location.parent


def lock_beside(location: Path) -> Path:
    """Return where the lock file of a file or a directory of files is, if there is one."""
    return folder_of(location) / LOCK_NAME


def is_lock(source: Source) -> bool:
    """Tell whether a source is the lock file rather than a part of the desired state."""
    return source.name.replace(":", "/").rpartition("/")[2] == LOCK_NAME


def read_lock(directory: Path) -> Source | None:
    """Read the lock file of a directory; None if there is none. Raises ReconcileError."""
    path = directory / LOCK_NAME
    try:
        return Source(str(path), decode_text(read_bounded(path)), directory)
    except LeafError as error:
        if error.code == "file-not-found":
            return None
        raise _unreadable(Place(str(path)), error.detail) from None


def locked_in(sources: tuple[Source, ...]) -> tuple[Path, LockFile]:
    """Return where the lock file lies, beside the first source that selects, and what it holds.

    It is empty where no source selects. One that cannot be read is no obstacle to writing another.
    """
    selecting = [source for source in sources if "select" in parse_source(source)]
    directory = Path((selecting or sources)[0].name).parent
    try:
        lock = read_lock(directory) if selecting else None
        return directory / LOCK_NAME, decode_lock(lock) if lock else LockFile()
    except ReconcileError:
        return directory / LOCK_NAME, LockFile()


def decode_lock(source: Source) -> LockFile:
    """Read what a lock file says. Raises ReconcileError `lock-unreadable`."""
    problems = Problems()
    document = check_table(LockDocument, parse_source(source), problems)
    if document is None:
        first = problems.found()[0]
        raise _unreadable(Atlas(source).find(first.where[0]), first.detail)
    try:
        return LockFile(
            document.made_for,
            tuple(
                LockedModel(
                    name=check_name(name),
                    model_id=check_uuid(table.id),
                    selection=table.select,
                    title=table.title,
                    connection=table.connection and check_name(table.connection),
                )
                for name, table in (document.models or {}).items()
            ),
        )
    except LeafError as error:
        raise _unreadable(Place(source.name), error.detail) from None


def _unreadable(place: Place, detail: str) -> ReconcileError:
    found = diagnose("lock-unreadable", detail, hint=LOCK_COMMAND, places=(place,))
    return ReconcileError(found)
