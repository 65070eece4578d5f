"""From `[[select]]` blocks and the lock file to models, as if each had been written by hand."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from reconcile.config.gathering import Gathered, GatheredModel
from reconcile.config.problems import Problems
from reconcile.config.selecting.lock_file import LOCK_COMMAND
from reconcile.config.shape.items import CacheTable, ModelTable
from reconcile.config.shape.select import SelectTable
from reconcile.model.address import refresh_address
from reconcile.model.desired import Lock, LockedModel, Selection, spelled

UNLOCKED = Lock()
"""Stands for no lock at all: the blocks are then read, and stand for nothing."""

_OWN_REFRESH = "refresh"


def selections_of(gathered: Gathered) -> tuple[Selection, ...]:
    """Return what the blocks select, numbered in the order of the files."""
    return tuple(
        Selection(
            number=number,
            name=said.table.name or "*",
            kind=said.table.kind or "SHARED",
            connection=said.table.connection,
        )
        for number, said in enumerate(gathered.selects, 1)
    )


def expand(
    gathered: Gathered, selections: tuple[Selection, ...], lock: Lock | None, problems: Problems
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
    table = ModelTable(
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


def _policies(template: SelectTable, name: str) -> Mapping[str, CacheTable]:
    """Let `after = "refresh"` in a template mean the refresh of the model it stands for."""
    return {
        policy: replace(table, after=refresh_address(name))
        if table.after == _OWN_REFRESH
        else table
        for policy, table in (template.cache or {}).items()
    }
