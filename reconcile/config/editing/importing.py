"""Adds what an instance has to a file: what is there stays as it is, to the byte."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from reconcile.config.editing.editing import Edited, edited
from reconcile.config.editing.layout import end_of_statements
from reconcile.config.editing.models import read_file
from reconcile.config.inheritance import FORMS
from reconcile.config.loading import load_text
from reconcile.config.names import check_name
from reconcile.config.parsing import parse_source
from reconcile.config.places.segments import cut_segments
from reconcile.config.problems import LeafError
from reconcile.config.reading import Source
from reconcile.model.address import quote_key, refresh_address
from reconcile.model.observed import Imported, ImportedConnection, ImportedModel, Mentioned


def mentioned(sources: tuple[Source, ...]) -> Mentioned:
    """Return the names and ids that sources use. Raises ReconcileError if one is not TOML."""
    models: dict[str, object] = {}
    connections: dict[str, object] = {}
    for source in sources:
        document = parse_source(source)
        models |= _table(document, "models")
        connections |= _table(document, "connections")
    ids = (table.get("id") for table in models.values() if isinstance(table, dict))
    return Mentioned(
        frozenset(model_id.lower() for model_id in ids if isinstance(model_id, str)),
        frozenset(models),
        frozenset(connections),
    )


def with_imported(path: Path, added: Imported, *, every: str) -> Edited:
    """Return the file with tables added below its last model; nothing is written.

    `every`: the interval of each refresh, unless the file's defaults have a cadence. No item does
    anything about a slot that has passed already. Raises ReconcileError, also for what would be
    wrong with the result.
    """
    content, before = read_file(path)
    document = parse_source(Source(str(path), before, path.absolute().parent))
    defaults = _table(_table(document, "defaults"), "refresh")
    cadence = "" if FORMS.keys() & defaults.keys() else f"every = {_string(every)}\n"
    tables = "\n".join([*_connections(added), *_models(added, cadence)])
    last = [part for part in cut_segments(before) if part.path[:1] == ("models",)]
    position = end_of_statements(before, last[-1]) if last else len(before)
    head, following = before[:position], before[position:]
    if head and not head.endswith("\n"):
        head += "\n"
    after = f"{head}\n{tables}{following}" if tables else before
    load_text(after, str(path), path.absolute().parent, unlocked=True)
    return edited(path, content, after)


def _connections(added: Imported) -> Iterator[str]:
    for connection in added.connections:
        if connection.is_new:
            yield _connection(connection)
        for name, spec in connection.schedules:
            key = f"connections.{quote_key(connection.name)}.schedules.{quote_key(name)}"
            yield (
                f"[{key}]\ncron = {_string(spec.cron)}\ntimezone = {_string(spec.zone)}\n"
                f"hard = {'true' if spec.hard else 'false'}\n"
            )


def _connection(connection: ImportedConnection) -> str:
    key = quote_key(connection.name)
    return f"[connections.{key}]\nid = {_string(connection.connection_id)}\n"


def _models(added: Imported, cadence: str) -> Iterator[str]:
    for model in added.models:
        key = f"models.{quote_key(model.name)}"
        place = f"connection = {_string(model.connection)}\n" if model.connection else ""
        yield f"[{key}]{_remark(model)}\nid = {_string(model.model_id)}\n{place}"
        yield f'[{key}.refresh]\n{cadence}on_change = "next"\n'
        for policy in model.policies:
            if _is_usable(policy):
                follows = _string(refresh_address(model.name))
                yield f'[{key}.cache.{quote_key(policy)}]\non_change = "next"\nafter = {follows}\n'


def _remark(model: ImportedModel) -> str:
    """Show Omni's name beside ours, where it is another and can be shown in one line."""
    title = model.title or ""
    shown = title.isprintable() and title.strip() and title != model.name
    return f"  # {title[:80]}" if shown else ""


def _is_usable(policy: str) -> bool:
    try:
        check_name(policy)
    except LeafError:
        return False
    return True


def _table(table: Mapping[str, object], name: str) -> dict[str, object]:
    found = table.get(name)
    return found if isinstance(found, dict) else {}


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
