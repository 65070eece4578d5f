"""Serve a world on loopback: beside a caller's own work, or in the foreground until told to stop.

Starlette and uvicorn are an extra, so they are imported when a server is made and not before.
"""

import ipaddress
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Thread
from typing import TYPE_CHECKING

from msgspec import Struct

from reconcile.errors import fail

if TYPE_CHECKING:
    from reconcile.sandbox.app import Answering, LoopbackServer

Clock = Callable[[], datetime]

_START_TIMEOUT_S = 10.0
_BACKLOG = 128


class Running(Struct, frozen=True):
    """A server that accepts connections. `base_url` is its origin, without a path."""

    base_url: str


@contextmanager
def running(
    world: "Answering", *, host: str = "127.0.0.1", port: int = 0, clock: Clock
) -> Iterator[Running]:
    """Serve a world from a thread of its own while the block runs; port 0 takes a free one.

    Raises `ReconcileError` `sandbox-not-installed`, `sandbox-not-loopback` or
    `sandbox-port-unavailable`.
    """
    server = _make_server(world, clock)
    with _listen(host, port) as listener:
        thread = Thread(target=server.run, args=([listener],), name="sandbox", daemon=True)
        thread.start()
        try:
            if not server.ready.wait(_START_TIMEOUT_S):
                raise RuntimeError("the sandbox server did not start")
            yield Running(_base_url(listener))
        finally:
            server.should_exit = True
            thread.join()


def serve(
    world: "Answering",
    host: str,
    port: int,
    clock: Clock,
    announce: Callable[[Running], None] = lambda _: None,
) -> None:
    """Serve a world in the foreground until SIGINT or SIGTERM, then let that signal take effect.

    `announce` is called once connections are accepted from the caller's point of view. Raises as
    `running` does, and `KeyboardInterrupt` after an orderly stop by SIGINT.
    """
    server = _make_server(world, clock)
    with _listen(host, port) as listener:
        announce(Running(_base_url(listener)))
        server.run([listener])


def _make_server(world: "Answering", clock: Clock) -> "LoopbackServer":
    try:
        from reconcile.sandbox.app import (  # noqa: PLC0415 -- an extra
            LoopbackServer,
            SandboxApp,
            cut,
        )
    except ImportError as error:
        raise fail(
            "sandbox-not-installed",
            f"The package `{error.name}` is missing: it comes with the extra `sandbox`.",
            hint="pip install 'reconcile[sandbox]'",
        ) from error
    return LoopbackServer(SandboxApp(world, clock, cut))


def _listen(host: str, port: int) -> socket.socket:
    address = _loopback_address(host)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # The protocol is named because asyncio turns Nagle's delay off only for sockets that name it.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        # Listening from here on, so that whoever is told the port may connect at once.
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise fail(
            "sandbox-port-unavailable",
            f"Listening on {host} port {port} failed: {reason}.",
            hint="reconcile sandbox --port 0",
        ) from error
    return listener


def _loopback_address(host: str) -> str:
    address = "127.0.0.1" if host == "localhost" else host
    try:
        loopback = ipaddress.ip_address(address).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise fail(
            "sandbox-not-loopback",
            f"`{host}` is not a loopback address: the sandbox is a rehearsal, its "
            "token is public, and nobody else should reach it.",
            hint="reconcile sandbox --host 127.0.0.1",
        )
    return address


def _base_url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
