"""Noticing that files changed: by asking for their status, which no file system lacks."""

import os
from pathlib import Path

from reconcile.config.toml import Locations, paths_of
from reconcile.model.desired import Desired, WhenChanged

Sight = tuple[object, ...]
"""What was seen of some files. Two that are equal show the same content, as far as can be told."""


def declared_sight(files: Locations, desired: Desired) -> Sight:
    """Look at the files of a desired state, and at those whose content its items wait for.

    Symbolic links are followed at every look: a sidecar that swaps a link changes what is seen.
    """
    locations = paths_of(files)
    names = (name for location in locations for name in _names(location))
    folders = {it if it.is_dir() else it.parent for it in locations}
    watched = {
        folder / path
        for folder in folders
        for item in desired.items
        if isinstance(item.timing.cadence, WhenChanged)
        for path in item.timing.cadence.paths
    }
    return tuple(_sight(path) for path in (*locations, *names, *sorted(watched)))


def state_sight(url: str) -> Sight:
    """Look at a state that is a file, and at its journal; a state elsewhere is not looked at."""
    scheme, separator, rest = url.partition("://")
    if separator and scheme != "file":
        return ()
    path = rest if separator else url
    return (_sight(Path(path)), _sight(Path(f"{path}.journal")))


def _names(location: Path) -> tuple[Path, ...]:
    try:
        with os.scandir(location) as found:
            names = [entry.name for entry in found if entry.name.endswith(".toml")]
    except OSError:
        return ()
    return tuple(location / name for name in sorted(names))


def _sight(path: Path) -> object:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return (str(path), status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
