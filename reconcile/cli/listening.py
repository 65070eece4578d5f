"""Opens the socket of a page where `--listen` says, or says what is missing for that."""

import socket
from argparse import Namespace
from importlib.util import find_spec

from reconcile.model.diagnostic import Diagnostic, ReconcileError

_PACKAGES = ("starlette", "uvicorn")


def open_listener(options: Namespace) -> tuple[socket.socket, str | None]:
    """Listen, and return the token that whoever looks must know. Raises ReconcileError."""
    from reconcile.controller.listener import listen, load_token, parse_place

    place = parse_place(options.listen)
    token = load_token(options.token_file, place)
    for package in _PACKAGES:
        if find_spec(package) is None:
            raise _not_installed(package)
    return listen(place), token


def _not_installed(package: str) -> ReconcileError:
    return ReconcileError(
        Diagnostic(
            code="controller-not-installed",
            summary="The page's server is not installed",
            detail=f"The package `{package}` is missing: it comes with the extra `controller`.",
            hint="pip install 'reconcile[controller]'",
        )
    )
