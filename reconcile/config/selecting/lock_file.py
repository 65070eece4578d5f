"""The lock file: which models the `[[select]]` blocks stand for. Written by `lock`, reviewed."""

import json
from pathlib import Path

from pydantic_core import ValidationError

from reconcile.config.codes import diagnose
from reconcile.config.names import check_name, check_uuid
from reconcile.config.parsing import parse_source
from reconcile.config.problems import LeafError
from reconcile.config.reading import Source, decode_text, read_bounded
from reconcile.config.shape.checking import check
from reconcile.config.shape.select import LockDocument
from reconcile.model.address import quote_key
from reconcile.model.desired import Lock, LockedModel
from reconcile.model.diagnostic import Place, ReconcileError

LOCK_NAME = "reconcile.models.toml"
"""Beside the desired state; it ends in .toml to be read in a review, and declares nothing."""

LOCK_COMMAND = "reconcile lock"

_HEAD = """\
# Which models the [[select]] blocks stand for. `reconcile lock` writes this file: commit it, and
# a review shows which models join or leave. Change the [[select]] blocks, not this.
"""


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
        raise _unreadable(str(path), error.detail) from None


def decode_lock(source: Source) -> Lock:
    """Read what a lock file says. Raises ReconcileError `lock-unreadable`."""
    try:
        document = check(LockDocument, parse_source(source))
        return Lock(
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
    except ValidationError as refused:
        where = ".".join(str(part) for part in refused.errors()[0]["loc"])
        raise _unreadable(source.name, f"`{where}` is not what `lock` writes.") from None
    except LeafError as error:
        raise _unreadable(source.name, error.detail) from None


def encode_lock(lock: Lock) -> str:
    """Spell a lock file, sorted by name so that a change of it is short."""
    made_for = "".join(f"  {_string(text)},\n" for text in lock.made_for)
    tables = "".join(
        f"\n[models.{quote_key(model.name)}]\n"
        f"id = {_string(model.model_id)}\n"
        + (f"title = {_string(model.title)}\n" if model.title is not None else "")
        + (f"connection = {_string(model.connection)}\n" if model.connection else "")
        + f"select = {model.selection}\n"
        for model in sorted(lock.models, key=lambda model: model.name)
    )
    return f"{_HEAD}\nmade_for = [\n{made_for}]\n{tables}"


def _string(text: str) -> str:
    """Spell a basic string: JSON's escapes are TOML's, with DEL besides."""
    plain = text.encode("utf-8", "replace").decode()
    return json.dumps(plain, ensure_ascii=False).replace("\x7f", "\\u007f")


def _checked(name: str) -> str:
    check_name(name)
    return name


def _unreadable(name: str, detail: str) -> ReconcileError:
    found = diagnose("lock-unreadable", detail, hint=LOCK_COMMAND, places=(Place(name),))
    return ReconcileError(found)
