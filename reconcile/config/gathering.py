"""Puts the files of one desired state together; says where two of them declare the same."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from reconcile.config.problems import Problems, Where
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


@noun(frozen=True, slots=True)
class Said(Generic[TableT_co]):
    """A table and where it stands. `whole`: nothing of it was refused for its shape."""

    table: TableT_co
    where: Where
    whole: bool = True


@dataclass(slots=True)
class GatheredModel:
    """One model: its own keys from one file, its cache policies from any."""

    first: Where
    own: Said[ModelTable] | None = None
    policies: dict[str, Said[CacheTable]] = field(default_factory=dict)
    whole: bool = True
    refresh_whole: bool = True


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
                gathered.freezes.append(Said(freeze, Where(file.source, path)))
        for number, select in enumerate(document.select or ()):
            path = ("select", number)
            if path not in file.removed:
                gathered.selects.append(Said(select, Where(file.source, path)))
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
    where = Where(file.source, (name,))
    if first is None:
        return Said(table, where, file.is_whole(name))
    detail = f"[{name}] may stand in one file of a directory, and stands in two."
    problems.add("declared-twice", (where.table(), first.where.table()), detail)
    return first


def _add_model(
    models: dict[str, GatheredModel],
    name: str,
    table: ModelTable,
    file: Shaped,
    problems: Problems,
) -> None:
    where = Where(file.source, ("models", name))
    model = models.get(name)
    if model is None:
        model = models[name] = GatheredModel(where)
    model.whole = model.whole and file.is_whole("models", name)
    if table.id or table.refresh or table.connection or table.timezone:
        if model.own is None:
            model.own = Said(table, where)
            model.refresh_whole = file.is_whole("models", name, "refresh")
        else:
            _declared_twice(f'The model "{name}"', where, model.own.where, problems)
    for policy, cache in (table.cache or {}).items():
        place = where.value("cache", policy)
        if policy in model.policies:
            said = model.policies[policy].where
            _declared_twice(f'The cache policy "{policy}" of model "{name}"', place, said, problems)
        else:
            model.policies[policy] = Said(cache, place, file.is_whole(*place.path))


def _add_connection(
    connections: dict[str, Said[ConnectionTable]],
    name: str,
    table: ConnectionTable,
    file: Shaped,
    problems: Problems,
) -> None:
    where = Where(file.source, ("connections", name))
    first = connections.setdefault(name, Said(table, where, file.is_whole("connections", name)))
    if first.table is not table:
        _declared_twice(f'The connection "{name}"', where, first.where, problems)


def _declared_twice(what: str, where: Where, first: Where, problems: Problems) -> None:
    problems.add(
        "declared-twice",
        (where.table(), first.table()),
        f"{what} is declared in two files of the directory. Nothing says which one counts.",
        "Keep one of the two, or give one of them another name.",
    )
