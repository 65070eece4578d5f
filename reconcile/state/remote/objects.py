"""State in an object store: S3 and what speaks like it, Google Cloud Storage, Azure Blob Storage.

obstore's stores must not be used on both sides of a fork.
"""

import json
import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

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
from obstore.store import AzureStore, GCSStore, ObjectStore, S3Store

from reconcile import install
from reconcile.state.codec import MAX_STATE_BYTES
from reconcile.state.remote import stores

_NO_CREDENTIALS = ("169.254.169.254", "Account must be specified")
"""What is asked last is the machine itself, by an address that few know."""
_CREDENTIALS = {
    "s3": "export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "gs": "export GOOGLE_APPLICATION_CREDENTIALS=/path/to/key.json",
    "az": "export AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound", "bucket does not exist")
_FINAL = (
    NotSupportedError,
    NotImplementedError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnknownConfigurationKeyError,
    ValueError,
)


def open_at(address: stores.RemoteAddress) -> stores.RawStore:
    """Open the bucket or container of an address, with the credentials its own tools would find.

    Raises ReconcileError for settings that cannot be used.
    """
    try:
        return ObjectsStore(_recent.of(address, lambda: _BUCKETS[address.scheme](address)), address)
    except (BaseError, ValueError) as error:
        raise _told(address, address.url, error) from None


_recent = stores.RecentPlaces[ObjectStore]()


class ObjectsStore:
    """Objects of one bucket, written under conditions.

    There is no conditional delete: what is deleted leaves an empty object behind.
    """

    def __init__(self, bucket: ObjectStore, address: stores.RemoteAddress) -> None:
        self._bucket = bucket
        self._address = address
        self._emptied: dict[str, stores.Version] = {}

    def get(self, key: str) -> stores.Stored | None:
        """Return an object, or None."""
        there = self._find(key)
        if there is None or there.data:
            return there
        self._emptied[key] = there.version
        return None

    def get_all(self, keys: Sequence[str]) -> Sequence[stores.Stored | None]:
        """Return objects, one after the other."""
        return [self.get(key) for key in keys]

    def put(self, key: str, data: bytes, version: stores.Version | None) -> stores.Version:
        """Write an object if it still is of that version. Raises ConflictError, StoreError."""
        emptied = self._emptied.pop(key, None)
        if version is not None or emptied is not None:
            return self._put(key, data, _decoded(version or emptied or ""))
        try:
            return self._put(key, data, "create")
        except stores.ConflictError:
            there = self._find(key)
            if there is None or there.data:
                raise
            return self._put(key, data, _decoded(there.version))

    def delete(self, key: str, version: stores.Version) -> None:
        """Empty an object if it still is of that version. Raises ConflictError, StoreError."""
        self._put(key, b"", _decoded(version))

    def cut(self, thread: int) -> None:
        """Leave it to the client's own deadline, which is the same."""

    def put_all(self, writes: Sequence[stores.Writing]) -> Sequence[stores.Version | None]:
        """Write objects one after the other. Raises ConflictError, StoreError."""
        return stores.put_each(self, writes)

    def _find(self, key: str) -> stores.Stored | None:
        try:
            found = obstore.get(self._bucket, key)
            if found.meta["size"] > MAX_STATE_BYTES:
                raise self._told(key, ValueError("it is larger than any state of ours"))
            return stores.Stored(bytes(found.bytes()), _version(found.meta))
        except FileNotFoundError as error:
            # A misspelt bucket must not look like a state that never was.
            if any(word in str(error) for word in _NO_BUCKET):
                raise self._no_bucket(key) from None
            return None
        except (BaseError, OSError, ValueError) as error:
            raise self._told(key, error) from None

    def _put(self, key: str, data: bytes, mode: Any) -> stores.Version:
        try:
            return _version(obstore.put(self._bucket, key, data, mode=mode))
        except (AlreadyExistsError, PreconditionError):
            raise stores.ConflictError(self._address.shown(key)) from None
        except FileNotFoundError:
            if mode == "create":
                raise self._no_bucket(key) from None
            raise stores.ConflictError(self._address.shown(key)) from None
        except (BaseError, OSError, ValueError, NotImplementedError) as error:
            raise self._told(key, error) from None

    def _no_bucket(self, key: str) -> stores.StoreError:
        why = f"there is no bucket or container {self._address.place}"
        return stores.StoreError(self._address.shown(key), why, passing=False)

    def _told(self, key: str, error: Exception) -> stores.StoreError:
        return _told(self._address, self._address.shown(key), error)


def _told(address: stores.RemoteAddress, name: str, error: Exception) -> stores.StoreError:
    words, passing = stores.plain_words(error), not isinstance(error, _FINAL)
    if not any(sign in words for sign in _NO_CREDENTIALS):
        return stores.StoreError(name, words, passing=passing)
    why = f"there are no credentials for it, nor does this machine have a role of its own ({words})"
    return stores.StoreError(name, why, passing=passing, hint=_CREDENTIALS[address.scheme])


def _version(found: Any) -> stores.Version:
    # obstore takes no None for a part that a store does not have.
    return json.dumps({part: found[part] for part in ("e_tag", "version") if found.get(part)})


def _decoded(version: stores.Version) -> Any:
    return json.loads(version)


# Opening a bucket or a container, with the credentials that its own tools would find.

Provider = TypeVar("Provider")

_PLAIN_HTTP = ("AWS_ALLOW_HTTP", "AZURE_ALLOW_HTTP", "GOOGLE_ALLOW_HTTP")
_GOOGLE_FILE = "GOOGLE_APPLICATION_CREDENTIALS"


def _bounds() -> Any:
    """Bound every request: what was given up must not go on for long."""
    # Options that are given replace all that the environment says of them.
    plain = any(os.environ.get(name, "").lower() == "true" for name in _PLAIN_HTTP)
    within = timedelta(seconds=10)
    return {
        "client_options": {"timeout": within, "connect_timeout": "5s", "allow_http": plain},
        "retry_config": {"max_retries": 2, "retry_timeout": within},
    }


def _open_s3(address: stores.RemoteAddress) -> ObjectStore:
    provider = None
    if os.environ.get("AWS_PROFILE") and not os.environ.get("AWS_ACCESS_KEY_ID"):
        # obstore itself knows keys, roles and web identities, but no profiles and no SSO.
        try:
            from obstore.auth.boto3 import Boto3CredentialProvider  # noqa: PLC0415 - rarely there
        except ModuleNotFoundError:
            needed = "boto3, for AWS_PROFILE"
            raise stores.missing_package(address.url, install("boto3"), needed) from None
        provider = _asked(address, Boto3CredentialProvider)
    return S3Store(address.place, credential_provider=provider, **_bounds())


def _open_google(address: stores.RemoteAddress) -> ObjectStore:
    file = os.environ.get(_GOOGLE_FILE)
    if file is None or not _is_external(Path(file)):
        return GCSStore(address.place, **_bounds())
    # Federated identities, as in GitHub Actions, are beyond obstore, which fails on their file.
    try:
        from obstore.auth.google import GoogleCredentialProvider  # noqa: PLC0415 - rarely there
    except ModuleNotFoundError:
        package, needed = install("google-auth[requests]"), "google-auth, for a federated identity"
        raise stores.missing_package(address.url, package, needed) from None
    provider = _asked(address, GoogleCredentialProvider)
    del os.environ[_GOOGLE_FILE]
    try:
        return GCSStore(address.place, credential_provider=provider, **_bounds())
    finally:
        os.environ[_GOOGLE_FILE] = file


def _asked(address: stores.RemoteAddress, make: Callable[[], Provider]) -> Provider:
    try:
        return make()
    except Exception as error:  # noqa: BLE001 - boto3 and google-auth each have errors of their own
        raise stores.StoreError(address.url, stores.plain_words(error), passing=False) from None


def _is_external(file: Path) -> bool:
    try:
        return '"external_account"' in file.read_text(encoding="utf-8")
    except (OSError, UnicodeError):
        return False


def _open_azure(address: stores.RemoteAddress) -> ObjectStore:
    return AzureStore(address.place, **_bounds())


_BUCKETS = {"s3": _open_s3, "gs": _open_google, "az": _open_azure}
