"""What a controller watches: the newest valid files, and how long nobody reconciled."""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from reconcile.config.merge import LOCK_NAME
from reconcile.config.toml import Locations, paths_of
from reconcile.controller.cycle import Instance, load_instance
from reconcile.errors import Diagnostic, mishap
from reconcile.model.address import Address
from reconcile.model.desired import Desired, WhenChanged
from reconcile.model.plan import Plan
from reconcile.model.recorded import Record, Recorded
from reconcile.planning.item import overdue
from reconcile.state.backend import backend

# Noticing that files changed: by asking for their status, which no file system lacks.

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
    locks = (folder / LOCK_NAME for folder in sorted(folders))
    return tuple(file_sight(path) for path in (*locations, *names, *locks, *sorted(watched)))


def state_sight(url: str) -> Sight:
    """Look at a state that is a file, and at its journal; a state elsewhere is not looked at."""
    state = backend(url).file
    if state is None:
        return ()
    return (file_sight(state), file_sight(Path(f"{state}.journal")))


def _names(location: Path) -> tuple[Path, ...]:
    try:
        with os.scandir(location) as found:
            names = [entry.name for entry in found if entry.name.endswith(".toml")]
    except OSError:
        return ()
    return tuple(location / name for name in sorted(names))


def file_sight(path: Path) -> object:
    """Look at one file, through links; None if it cannot be seen."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return (str(path), status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


# The desired state a controller goes by: the newest version of the files that is valid.


class Kept(Struct, frozen=True, kw_only=True):
    """A desired state and what was said about it. `refused`: why a newer version is not used."""

    desired: Desired
    warnings: tuple[Diagnostic, ...]
    refused: tuple[Diagnostic, ...] = ()


class Keeper:
    """Keeps the last valid version. Raises ReconcileError, when made, if there never was one."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        desired, warnings = load_instance(instance)
        self.kept = Kept(desired=desired, warnings=warnings)
        self._loaded = self._seen = self._look()

    def look(self) -> bool:
        """Reload once the files have changed and rest again; tell whether they were reloaded.

        A file that is being written changes from look to look.
        """
        seen, before = self._look(), self._seen
        self._seen = seen
        if self._loaded == seen or seen != before:
            return False
        self.reload()
        return True

    def reload(self) -> None:
        """Load the files; keep what there was if they are invalid."""
        self._loaded = self._look()
        try:
            desired, warnings = load_instance(self._instance)
        except Exception as error:  # noqa: BLE001 -- whatever is wrong with the new, the old stands
            self.kept = Kept(
                desired=self.kept.desired, warnings=self.kept.warnings, refused=mishap(error)
            )
        else:
            self.kept = Kept(desired=desired, warnings=warnings)
            # Other files may be waited for now.
            self._loaded = self._look()
        self._seen = self._loaded

    def _look(self) -> Sight:
        return declared_sight(self._instance.file, self.kept.desired)


# How long nobody reconciled, as far as the state can tell, and what that touched. Pure.


class Absence(Struct, frozen=True, kw_only=True):
    """Between `last_seen`, the newest instant in the state, and the plan's `now`.

    Somebody may have looked in that time and found nothing to do: then nothing was touched.
    `slots_missed`: slots that collapse into those that are due, or that passed their deadline.
    `late`: since when each item has been due, the longest first.
    """

    last_seen: datetime
    slots_missed: int
    late: tuple[tuple[Address, datetime], ...]


def absence(desired: Desired, recorded: Recorded, planned: Plan) -> Absence | None:
    """Say what an absence touched; None for a state in which nothing ever happened."""
    now = planned.now
    every = (instant for record in recorded.items.values() for instant in _instants(record))
    # One of the future was written by a clock that was ahead, and tells nothing.
    seen = [instant for instant in every if instant <= now]
    if not seen:
        return None
    late = overdue(desired, recorded, planned)
    missed = sum(standing.missed for standing in planned.standings if standing.address in late)
    return Absence(
        last_seen=max(seen),
        slots_missed=missed + len(planned.missed),
        late=tuple(sorted(late.items(), key=lambda pair: (pair[1], pair[0]))),
    )


def _instants(record: Record) -> Iterator[datetime]:
    failed = None if record.last_failure is None else record.last_failure.at
    doubted = None if record.last_doubt is None else record.last_doubt.at
    begun, given_up = record.pending, record.unseen
    for instant in (
        record.since,
        record.last_success,
        record.completed_at,
        failed,
        doubted,
        record.marked_at,
        None if begun is None else begun.since,
        None if begun is None or begun.look is None else begun.look.at,
        None if given_up is None else given_up.at,
    ):
        if instant is not None:
            yield instant
