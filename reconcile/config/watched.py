"""Reads the files of `when_changed`, each once in a load, into one hash."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from reconcile.config.problems import LeafError
from reconcile.config.reading import read_bounded
from reconcile.model.cadence import WhenChanged


@dataclass(slots=True)
class WatchedFiles:
    """Digests of files read so far; None is a file that does not exist."""

    _digests: dict[Path, bytes | None] = field(default_factory=dict)

    def watch(self, paths: tuple[str, ...], directory: Path, *, wait: bool) -> WhenChanged:
        """Hash names and content of all files, in the order they are given.

        The names are as written, so that the hash is the same in every checkout. Raise `LeafError`
        for a file that cannot be read, or that does not exist unless told to wait for it.
        """
        if not paths:
            raise LeafError("empty-list", "`when_changed` names no file, so nothing could change.")
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

    def _digest(self, path: Path) -> bytes | None:
        if path not in self._digests:
            self._digests[path] = _read_digest(path)
        return self._digests[path]


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
