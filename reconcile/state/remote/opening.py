"""From a URL to its store; what a store needs is imported only here, once it is asked for."""

import os
import re
from collections.abc import Mapping
from importlib import import_module
from typing import cast

from reconcile.model.diagnostic import ReconcileError
from reconcile.state.refusals import refusal
from reconcile.state.remote.address import RemoteAddress
from reconcile.state.remote.store import Store

_OBJECTS = ("reconcile.state.remote.objects", "obstore", "remote")
_BACKENDS = {
    "s3": _OBJECTS,
    "gs": _OBJECTS,
    "az": _OBJECTS,
    "postgresql": ("reconcile.state.remote.postgres", "psycopg", "postgres"),
}
_SECRET_NAMES = re.compile(r"PASSW|SECRET|TOKEN|KEY|CREDENTIAL|SAS", re.IGNORECASE)
_IN_URLS = re.compile(r"(?<=://)[^/@\s]+@|(?<=[?&])(sig|X-Amz-\w+|X-Goog-\w+)=[^&\s\"']+")
_SHORTEST_SECRET = 4
_LONGEST = 300


def open_store(address: RemoteAddress) -> Store:
    """Return the store of an address; nothing is asked of it yet.

    Raises ReconcileError: an extra that is not installed, or settings the store cannot use.
    """
    module, needed, extra = _BACKENDS[address.scheme]
    try:
        backend = import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != needed:
            raise
        raise missing_package(address.url, f"reconcile[{extra}]", needed) from None
    return cast("Store", backend.open_at(address))


def missing_package(url: str, requirement: str, needed: str) -> ReconcileError:
    """Refuse because a package is not installed; the hint installs it."""
    return refusal(
        "state-extra-missing",
        "A package for this kind of state is not installed",
        f"State at {url} needs the package {needed}, which a local file does not.",
        path=url,
        hint=f"pip install '{requirement}'",
    )


def plain_words(error: BaseException, environ: Mapping[str, str] = os.environ) -> str:
    """Put a library's error into one line of bounded length, without anything secret.

    Servers and drivers repeat what they were sent; what the environment keeps secret is cut out.
    """
    # obstore goes on with what only its makers can read.
    words = " ".join(str(error).partition("Debug source:")[0].split())
    for name, value in environ.items():
        if _SECRET_NAMES.search(name) and len(value) >= _SHORTEST_SECRET:
            words = words.replace(value, "***")
    words = _IN_URLS.sub("***", words)
    return words[:_LONGEST] or type(error).__name__
