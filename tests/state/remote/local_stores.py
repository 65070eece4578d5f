"""Stores without a server: what the protocol means, in few lines."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Lock
from urllib.parse import quote
from uuid import uuid4

from reconcile.state.codec import MAX_STATE_BYTES
from reconcile.state.files import create, read_file, remove, replace_file
from reconcile.state.remote.stores import ConflictError, Stored, Version, Writing, put_each

# Objects as files of one directory, with `flock` in the place of a server.

_VERSION_BYTES = 32


class DirectoryStore:
    """A store for runs on one machine, or on one file system whose locks exclude.

    A file starts with its version, which is never used again.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def get(self, key: str) -> Stored | None:
        """Return an object, or None."""
        data = read_file(self._path(key), MAX_STATE_BYTES + _VERSION_BYTES)
        if data is None:
            return None
        return Stored(data[_VERSION_BYTES:], data[:_VERSION_BYTES].decode())

    def get_all(self, keys: Sequence[str]) -> list[Stored | None]:
        """Return objects, one after the other."""
        return [self.get(key) for key in keys]

    def put(self, key: str, data: bytes, version: Version | None) -> Version:
        """Write an object if it still is of that version. Raises ConflictError."""
        with self._unchanged(key, version):
            fresh = uuid4().hex
            replace_file(self._path(key), fresh.encode() + data)
            return fresh

    def delete(self, key: str, version: Version) -> None:
        """Remove an object if it still is of that version. Raises ConflictError."""
        with self._unchanged(key, version):
            remove(self._path(key))

    def put_all(self, writes: Sequence[Writing]) -> list[Version | None]:
        """Write objects one after the other. Raises ConflictError."""
        return put_each(self, writes)

    @contextmanager
    def _unchanged(self, key: str, version: Version | None) -> Iterator[None]:
        guard = self._directory / "guard"
        try:
            descriptor = create(guard)
        except FileExistsError:
            descriptor = os.open(guard, os.O_WRONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            there = self.get(key)
            if (there.version if there else None) != version:
                raise ConflictError(key)
            yield
        finally:
            os.close(descriptor)

    def _path(self, key: str) -> Path:
        return self._directory / quote(key, safe="")


# Objects in this process's memory: what the protocol means, in few lines.


class MemoryStore:
    """A store that ends with the process."""

    def __init__(self) -> None:
        self._objects: dict[str, Stored] = {}
        self._versions = map(str, count(1))
        self._guard = Lock()

    def get(self, key: str) -> Stored | None:
        """Return an object, or None."""
        return self._objects.get(key)

    def get_all(self, keys: Sequence[str]) -> list[Stored | None]:
        """Return objects, one after the other."""
        return [self.get(key) for key in keys]

    def put(self, key: str, data: bytes, version: Version | None) -> Version:
        """Write an object if it still is of that version. Raises ConflictError."""
        with self._guard:
            self._check(key, version)
            self._objects[key] = stored = Stored(data, next(self._versions))
            return stored.version

    def delete(self, key: str, version: Version) -> None:
        """Remove an object if it still is of that version. Raises ConflictError."""
        with self._guard:
            self._check(key, version)
            del self._objects[key]

    def put_all(self, writes: Sequence[Writing]) -> list[Version | None]:
        """Write objects one after the other. Raises ConflictError."""
        return put_each(self, writes)

    def _check(self, key: str, version: Version | None) -> None:
        there = self._objects.get(key)
        if (there.version if there else None) != version:
            raise ConflictError(key)
