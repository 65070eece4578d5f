"""Writes the lock file anew, from what it was and what the instance has."""

from dataclasses import dataclass
from pathlib import Path

from reconcile.config.editing.editing import Edited, edited
from reconcile.config.loading import Loaded, load
from reconcile.config.parsing import parse_source
from reconcile.config.reading import Locations
from reconcile.config.selecting.lock_file import LOCK_NAME, decode_lock, encode_lock, read_lock
from reconcile.model.desired import Desired, Lock
from reconcile.model.diagnostic import ReconcileError


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


def open_lock(locations: Locations) -> Relocking:
    """Load what is declared by hand, and the names that models are locked under.

    A lock file that cannot be read is no obstacle to writing another. Raises ReconcileError for
    what is wrong with the files.
    """
    loaded = load(locations, unlocked=True)
    desired, directory = loaded.desired, _directory(loaded)
    try:
        source = read_lock(directory)
        before = decode_lock(source) if source else Lock()
    except ReconcileError:
        before = Lock()
    ids = {model_id for _, model_id in desired.by_hand}
    names = {name for name, _ in desired.by_hand}
    kept = (m for m in before.models if m.model_id not in ids and m.name not in names)
    return Relocking(desired, directory / LOCK_NAME, Lock(before.made_for, tuple(kept)))


def _directory(loaded: Loaded) -> Path:
    """Return where the lock file lies: beside the first file that selects."""
    selecting = (source for source in loaded.sources if "select" in parse_source(source))
    return Path(next(selecting, loaded.sources[0]).name).parent


def _new(path: Path, text: str) -> Edited:
    return Edited(path, "", text, text.encode(), changed=True)
