"""State in an object store: S3 and what speaks like it, Google Cloud Storage, Azure Blob Storage.

obstore's stores must not be used on both sides of a fork.
"""

import json
from typing import TYPE_CHECKING, Any

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotSupportedError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
    UnknownConfigurationKeyError,
)

from reconcile.state.remote.address import RemoteAddress
from reconcile.state.remote.buckets import open_bucket
from reconcile.state.remote.opening import plain_words
from reconcile.state.remote.store import ConflictError, Store, Stored, StoreError, Version
from reconcile.state.snapshot import MAX_STATE_BYTES

if TYPE_CHECKING:
    from obstore import UpdateVersion
    from obstore.store import ObjectStore

_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound", "bucket does not exist")
_FINAL = (
    NotSupportedError,
    NotImplementedError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnknownConfigurationKeyError,
    ValueError,
)


def open_at(address: RemoteAddress) -> Store:
    """Open the bucket or container of an address, with the credentials its own tools would find.

    Raises ReconcileError for settings that cannot be used.
    """
    try:
        return ObjectsStore(open_bucket(address), address)
    except (BaseError, ValueError) as error:
        raise StoreError(address.url, plain_words(error), passing=False) from None


class ObjectsStore:
    """Objects of one bucket, written under conditions.

    There is no conditional delete: what is deleted leaves an empty object behind.
    """

    def __init__(self, bucket: "ObjectStore", address: RemoteAddress) -> None:
        self._bucket = bucket
        self._address = address

    def get(self, key: str) -> Stored | None:
        """Return an object, or None."""
        there = self._find(key)
        return there if there is not None and there.data else None

    def put(self, key: str, data: bytes, version: Version | None) -> Version:
        """Write an object if it still is of that version. Raises ConflictError, StoreError."""
        if version is not None:
            return self._put(key, data, _decoded(version))
        try:
            return self._put(key, data, "create")
        except ConflictError:
            there = self._find(key)
            if there is None or there.data:
                raise
            return self._put(key, data, _decoded(there.version))

    def delete(self, key: str, version: Version) -> None:
        """Empty an object if it still is of that version. Raises ConflictError, StoreError."""
        self._put(key, b"", _decoded(version))

    def close(self) -> None:
        """Have nothing to let go."""

    def _find(self, key: str) -> Stored | None:
        try:
            found = obstore.get(self._bucket, key)
            if found.meta["size"] > MAX_STATE_BYTES:
                raise self._told(key, ValueError("it is larger than any state of ours"))
            return Stored(bytes(found.bytes()), _version(found.meta))
        except FileNotFoundError as error:
            # A misspelt bucket must not look like a state that never was.
            if any(word in str(error) for word in _NO_BUCKET):
                raise self._no_bucket(key) from None
            return None
        except (BaseError, OSError, ValueError) as error:
            raise self._told(key, error) from None

    def _put(self, key: str, data: bytes, mode: Any) -> Version:
        try:
            return _version(obstore.put(self._bucket, key, data, mode=mode))
        except (AlreadyExistsError, PreconditionError):
            raise ConflictError(self._address.shown(key)) from None
        except FileNotFoundError:
            if mode == "create":
                raise self._no_bucket(key) from None
            raise ConflictError(self._address.shown(key)) from None
        except (BaseError, OSError, ValueError, NotImplementedError) as error:
            raise self._told(key, error) from None

    def _no_bucket(self, key: str) -> StoreError:
        why = f"there is no bucket or container {self._address.place}"
        return StoreError(self._address.shown(key), why, passing=False)

    def _told(self, key: str, error: Exception) -> StoreError:
        passing = not isinstance(error, _FINAL)
        return StoreError(self._address.shown(key), plain_words(error), passing=passing)


def _version(found: Any) -> Version:
    # obstore takes no None for a part that a store does not have.
    return json.dumps({part: found[part] for part in ("e_tag", "version") if found.get(part)})


def _decoded(version: Version) -> "UpdateVersion":
    known: UpdateVersion = json.loads(version)
    return known
