"""Objects in this process's memory: what the protocol means, in few lines."""

from itertools import count
from threading import Lock

from reconcile.state.remote.store import ConflictError, Stored, Version


class MemoryStore:
    """A store that ends with the process."""

    def __init__(self) -> None:
        self._objects: dict[str, Stored] = {}
        self._versions = map(str, count(1))
        self._guard = Lock()

    def get(self, key: str) -> Stored | None:
        """Return an object, or None."""
        return self._objects.get(key)

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

    def close(self) -> None:
        """Keep everything: other sessions of the process share it."""

    def _check(self, key: str, version: Version | None) -> None:
        there = self._objects.get(key)
        if (there.version if there else None) != version:
            raise ConflictError(key)
