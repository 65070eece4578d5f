"""`[[select]]` and its lock file: templates for models that an instance has."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import tomlkit
from pydantic import Field

from reconcile.config.merge import Gathered, GatheredModel
from reconcile.config.refusals import check_table
from reconcile.config.tables import ARRAY, CacheTable, ModelTable, Name, SelectTable, Table, Uuid
from reconcile.config.toml import Atlas, Source, decode_text, parse_source, read_bounded
from reconcile.config.values import check_name, check_uuid
from reconcile.errors import LeafError, Place, Problems, ReconcileError, diagnose
from reconcile.model.address import refresh_address
from reconcile.model.desired import LockedModel, LockFile, Selection, spelled

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
        policy: table.model_copy(update={"after": refresh_address(name)})
        if table.after == _OWN_REFRESH
        else table
        for policy, table in (template.cache or {}).items()
    }


# The lock file: which models the `[[select]]` blocks stand for. Written by `lock`, reviewed.

LOCK_NAME = "reconcile.models.toml"
"""Beside the desired state; it ends in .toml to be read in a review, and declares nothing."""

LOCK_COMMAND = "reconcile lock"

_HEAD = """\
# Which models the [[select]] blocks stand for. `reconcile lock` writes this file: commit it, and
# a review shows which models join or leave. Change the [[select]] blocks, not this.
"""


class LockedTable(Table):
    """One model in the lock file."""

    id: Uuid
    title: str | None = None
    connection: Name | None = None
    select: Annotated[int, Field(ge=1, le=1_000_000)]


class LockDocument(Table):
    """The lock file."""

    made_for: Annotated[tuple[str, ...], ARRAY]
    models: dict[str, LockedTable] | None = None


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
                    name=_checked(name),
                    model_id=check_uuid(table.id),
                    selection=table.select,
                    title=table.title,
                    connection=table.connection and _checked(table.connection),
                )
                for name, table in (document.models or {}).items()
            ),
        )
    except LeafError as error:
        raise _unreadable(Place(source.name), error.detail) from None


def encode_lock(lock: LockFile) -> str:
    """Spell a lock file, sorted by name so that a change of it is short."""
    document = tomlkit.parse(_HEAD)
    document.add(tomlkit.nl())
    made_for = tomlkit.array()
    for text in lock.made_for:
        made_for.add_line(_encodable(text), indent="  ")
    made_for.add_line(indent="")
    document.add("made_for", made_for)
    models = tomlkit.table(is_super_table=True)
    for model in sorted(lock.models, key=lambda model: model.name):
        table = tomlkit.table()
        table.add("id", model.model_id)
        if model.title is not None:
            table.add("title", _encodable(model.title))
        if model.connection:
            table.add("connection", model.connection)
        table.add("select", model.selection)
        models.add(model.name, table)
    if lock.models:
        document.add("models", models)
    return document.as_string()


def _encodable(text: str) -> str:
    """Put question marks in the place of lone surrogates, which Omni's JSON may hold."""
    return text.encode("utf-8", "replace").decode()


def _checked(name: str) -> str:
    check_name(name)
    return name


def _unreadable(place: Place, detail: str) -> ReconcileError:
    found = diagnose("lock-unreadable", detail, hint=LOCK_COMMAND, places=(place,))
    return ReconcileError(found)
