"""Writes the lock file anew, from what it was and what the instance has."""

from dataclasses import dataclass
from pathlib import Path

from reconcile.config.editing.editing import Edited, edited
from reconcile.config.loading import load
from reconcile.config.selecting.lock_file import LOCK_NAME, decode_lock, encode_lock, read_lock
from reconcile.model.desired import Desired
from reconcile.model.diagnostic import ReconcileError
from reconcile.model.selection import Lock


@dataclass(frozen=True, slots=True)
class Relocking:
    """What is declared by hand, where the lock file is, and what it held that still counts."""

    desired: Desired
    path: Path
    before: Lock

    def save(self, lock: Lock) -> None:
        """Write the lock file, whole. Raises ReconcileError."""
        there = self.path.read_bytes() if self.path.is_file() else b""
        text = encode_lock(lock)
        file = edited(self.path, there, text) if there else _new(self.path, text)
        if file.changed:
            file.save()


def open_lock(location: str) -> Relocking:
    """Load what is declared by hand, and the names that models are locked under.

    A lock file that cannot be read is no obstacle to writing another. Raises ReconcileError for
    what is wrong with the files.
    """
    desired = load(location, unlocked=True).desired
    place = Path(location)
    directory = place if place.is_dir() else place.parent
    try:
        source = read_lock(directory)
        before = decode_lock(source) if source else Lock()
    except ReconcileError:
        before = Lock()
    ids = {model_id for _, model_id in desired.by_hand}
    names = {name for name, _ in desired.by_hand}
    kept = (m for m in before.models if m.model_id not in ids and m.name not in names)
    return Relocking(desired, directory / LOCK_NAME, Lock(before.made_for, tuple(kept)))


def _new(path: Path, text: str) -> Edited:
    return Edited(path, "", text, text.encode(), changed=True)
