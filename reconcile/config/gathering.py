"""Puts the files of one desired state together; says where two of them declare the same."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from reconcile.config.problems import KeyPath, Problems, Where
from reconcile.config.refusals import Shaped
from reconcile.config.shape.connections import ConnectionTable
from reconcile.config.shape.file import (
    DefaultsTable,
    FreezeTable,
    LimitsTable,
    OmniTable,
    StateTable,
)
from reconcile.config.shape.items import CacheTable, ModelTable
from reconcile.config.shape.select import SelectTable
from reconcile.config.shape.table import Table
from reconcile.model.noun import noun

TableT_co = TypeVar("TableT_co", bound=Table, covariant=True)
InnerT = TypeVar("InnerT", bound=Table)


@noun(frozen=True, slots=True)
class Said(Generic[TableT_co]):
    """A table, and the file and key path at which it stands."""

    table: TableT_co
    file: Shaped
    path: KeyPath

    @property
    def where(self) -> Where:
        """Point at the table; made when asked for, as few tables have anything to report."""
        return Where(self.file.source, self.path)

    def value(self, *keys: str | int) -> Where:
        """Point at the value below it."""
        return self.where.value(*keys)

    def key(self, *keys: str | int) -> Where:
        """Point at the key itself."""
        return self.where.key(*keys)

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

    parts: list[Said[ModelTable]]
    own: Said[ModelTable] | None
    policies: dict[str, Said[CacheTable]]

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

    omni: Said[OmniTable] | None = None
    state: Said[StateTable] | None = None
    defaults: Said[DefaultsTable] | None = None
    limits: Said[LimitsTable] | None = None
    freezes: list[Said[FreezeTable]] = field(default_factory=list)
    selects: list[Said[SelectTable]] = field(default_factory=list)
    models: dict[str, GatheredModel] = field(default_factory=dict)
    connections: dict[str, Said[ConnectionTable]] = field(default_factory=dict)


def gather(files: Iterable[Shaped], problems: Problems) -> Gathered:
    """Merge files; a section, a model or a policy declared by two of them is a problem."""
    gathered = Gathered()
    for file in files:
        document = file.document
        gathered.omni = _once(gathered.omni, document.omni, file, "omni", problems)
        gathered.state = _once(gathered.state, document.state, file, "state", problems)
        gathered.defaults = _once(gathered.defaults, document.defaults, file, "defaults", problems)
        gathered.limits = _once(gathered.limits, document.limits, file, "limits", problems)
        for number, freeze in enumerate(document.freeze or ()):
            path = ("freeze", number)
            if path not in file.removed:
                gathered.freezes.append(Said(freeze, file, path))
        for number, select in enumerate(document.select or ()):
            path = ("select", number)
            if path not in file.removed:
                gathered.selects.append(Said(select, file, path))
        for name, table in (document.models or {}).items():
            _add_model(gathered.models, name, table, file, problems)
        for name, connection in (document.connections or {}).items():
            _add_connection(gathered.connections, name, connection, file, problems)
    return gathered


def _once(
    first: Said[TableT_co] | None,
    table: TableT_co | None,
    file: Shaped,
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
    models: dict[str, GatheredModel],
    name: str,
    table: ModelTable,
    file: Shaped,
    problems: Problems,
) -> None:
    said = Said(table, file, ("models", name))
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


def _add_connection(
    connections: dict[str, Said[ConnectionTable]],
    name: str,
    table: ConnectionTable,
    file: Shaped,
    problems: Problems,
) -> None:
    said = Said(table, file, ("connections", name))
    first = connections.setdefault(name, said)
    if first is not said:
        _declared_twice(f'The connection "{name}"', said.where, first.where, problems)


def _declared_twice(what: str, where: Where, first: Where, problems: Problems) -> None:
    problems.add(
        "declared-twice",
        (where.table(), first.table()),
        f"{what} is declared in two files of one desired state. Nothing says which one counts.",
        "Keep one of the two, or give one of them another name.",
    )
