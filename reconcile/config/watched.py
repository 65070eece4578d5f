"""Reads the files of `when_changed`, each once in a load, into one hash.

Whoever can change a file of the configuration decides what is read here, and plans show the hash.
So paths stay within the repository that the file is part of.
"""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from reconcile.config.problems import LeafError
from reconcile.config.reading import read_bounded
from reconcile.model.desired import WhenChanged


@dataclass(slots=True)
class WatchedFiles:
    """Digests of files read so far; None is a file that does not exist."""

    _digests: dict[Path, bytes | None] = field(default_factory=dict)
    _grounds: dict[Path, "_Ground"] = field(default_factory=dict)

    def watch(self, paths: tuple[str, ...], directory: Path, *, wait: bool) -> WhenChanged:
        """Hash names and content of all files, in the order they are given.

        The names are as written, so that the hash is the same in every checkout. Raise `LeafError`
        for a file that lies outside, that cannot be read, or that does not exist unless told to
        wait for it.
        """
        if not paths:
            raise LeafError("empty-list", "`when_changed` names no file, so nothing could change.")
        ground = self._ground(directory)
        for path in paths:
            ground.require(path, directory)
        missing = tuple(path for path in paths if self._digest(directory / path) is None)
        if missing and not wait:
            raise LeafError(
                "watched-file-missing",
                f'"{missing[0]}" does not exist in {directory}, so nothing can tell whether it '
                "changed.",
                'Write missing = "wait" if the item is to wait until it exists.',
            )
        if missing:
            return WhenChanged(paths, None, missing)
        together = hashlib.sha256()
        for path in paths:
            name = path.encode()
            together.update(len(name).to_bytes(8) + name)
            together.update(self._digest(directory / path) or b"")
        return WhenChanged(paths, together.hexdigest())

    def _ground(self, directory: Path) -> "_Ground":
        if directory not in self._grounds:
            self._grounds[directory] = _ground_of(directory)
        return self._grounds[directory]

    def _digest(self, path: Path) -> bytes | None:
        if path not in self._digests:
            self._digests[path] = _read_digest(path)
        return self._digests[path]


@dataclass(frozen=True, slots=True)
class _Ground:
    """The folder that paths stay within, and what it is to the file that names them."""

    folder: Path
    name: str

    def require(self, path: str, directory: Path) -> None:
        """Refuse a path that leads out, also by way of `..` or a symbolic link."""
        if "\0" in path:
            raise LeafError("watched-file-unreadable", "A path cannot hold a zero byte.")
        root, real = os.path.realpath(self.folder), os.path.realpath(directory / path)
        if os.path.commonpath((real, root)) == root:
            return
        raise LeafError(
            "watched-file-outside",
            f'"{path}" leads out of {self.folder}, {self.name}, and what is outside is not read.',
            f"Name a file below {self.folder}.",
        )


def _ground_of(directory: Path) -> _Ground:
    for folder in (directory, *directory.parents):
        if (folder / ".git").exists():
            return _Ground(folder, "the repository of this file")
    return _Ground(directory, "the folder of this file")


class UnreadFiles(WatchedFiles):
    """Stands in for files that are not to be looked at: their content is unknown."""

    def watch(self, paths: tuple[str, ...], directory: Path, *, wait: bool) -> WhenChanged:
        """Return the paths without any content."""
        del directory, wait
        return WhenChanged(paths, None)


def _read_digest(path: Path) -> bytes | None:
    try:
        return hashlib.sha256(read_bounded(path)).digest()
    except LeafError as error:
        if error.code == "file-not-found":
            return None
        raise LeafError(
            "watched-file-unreadable", f'"{path.name}" cannot be watched. {error.detail}'
        ) from None
