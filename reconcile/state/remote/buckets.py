"""Opening a bucket or a container, with the credentials that its own tools would find."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from obstore.store import AzureStore, GCSStore, S3Store

from reconcile.state.remote.address import RemoteAddress
from reconcile.state.remote.opening import missing_package, plain_words
from reconcile.state.remote.store import StoreError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

Provider = TypeVar("Provider")

_PLAIN_HTTP = ("AWS_ALLOW_HTTP", "AZURE_ALLOW_HTTP", "GOOGLE_ALLOW_HTTP")
_GOOGLE_FILE = "GOOGLE_APPLICATION_CREDENTIALS"
_RETRIES: "RetryConfig" = {"max_retries": 2, "retry_timeout": timedelta(seconds=10)}


def open_bucket(address: RemoteAddress) -> "ObjectStore":
    """Open the bucket of an address. Raises ReconcileError, or whatever obstore finds wrong."""
    return _BUCKETS[address.scheme](address)


def _client() -> "ClientConfig":
    """Bound every request far below a lease: it must not outlive the right to make it."""
    # Options that are given replace all that the environment says of them.
    plain = any(os.environ.get(name, "").lower() == "true" for name in _PLAIN_HTTP)
    return {"timeout": timedelta(seconds=10), "connect_timeout": "5s", "allow_http": plain}


def _open_s3(address: RemoteAddress) -> "ObjectStore":
    provider = None
    if os.environ.get("AWS_PROFILE") and not os.environ.get("AWS_ACCESS_KEY_ID"):
        # obstore itself knows keys, roles and web identities, but no profiles and no SSO.
        try:
            from obstore.auth.boto3 import Boto3CredentialProvider  # noqa: PLC0415 - rarely there
        except ModuleNotFoundError:
            raise missing_package(address.url, "boto3", "boto3, for AWS_PROFILE") from None
        provider = _asked(address, Boto3CredentialProvider)
    return S3Store(
        address.place, client_options=_client(), retry_config=_RETRIES, credential_provider=provider
    )


def _open_google(address: RemoteAddress) -> "ObjectStore":
    file = os.environ.get(_GOOGLE_FILE)
    if file is None or not _is_external(Path(file)):
        return GCSStore(address.place, client_options=_client(), retry_config=_RETRIES)
    # Federated identities, as in GitHub Actions, are beyond obstore, which fails on their file.
    try:
        from obstore.auth.google import GoogleCredentialProvider  # noqa: PLC0415 - rarely there
    except ModuleNotFoundError:
        needed = "google-auth, for a federated identity"
        raise missing_package(address.url, "google-auth[requests]", needed) from None
    provider = _asked(address, GoogleCredentialProvider)
    del os.environ[_GOOGLE_FILE]
    try:
        return GCSStore(
            address.place,
            client_options=_client(),
            retry_config=_RETRIES,
            credential_provider=provider,
        )
    finally:
        os.environ[_GOOGLE_FILE] = file


def _asked(address: RemoteAddress, make: Callable[[], Provider]) -> Provider:
    try:
        return make()
    except Exception as error:  # noqa: BLE001 - boto3 and google-auth each have errors of their own
        raise StoreError(address.url, plain_words(error), passing=False) from None


def _is_external(file: Path) -> bool:
    try:
        return '"external_account"' in file.read_text(encoding="utf-8")
    except (OSError, UnicodeError):
        return False


def _open_azure(address: RemoteAddress) -> "ObjectStore":
    return AzureStore(address.place, client_options=_client(), retry_config=_RETRIES)


_BUCKETS = {"s3": _open_s3, "gs": _open_google, "az": _open_azure}
