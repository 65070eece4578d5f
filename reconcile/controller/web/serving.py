"""Serving the page beside the controller, in its loop."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from reconcile.controller.desk import Desk
from reconcile.controller.web.access import Access
from reconcile.controller.web.app import Pages
from reconcile.controller.web.streaming import CuttableProtocol

_MOST_CONNECTIONS = 64
_IDLE_S = 5
_GRACE_S = 1


class _Server(uvicorn.Server):
    """Leaves the signals to the controller, and waits for no reader when it stops."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drop idle and busy connections alike."""
        for protocol in list(self.server_state.connections):
            transport = getattr(protocol, "transport", None)
            if transport is not None:
                transport.abort()
        await super().shutdown(sockets)


@asynccontextmanager
async def served(
    listener: socket.socket,
    token: str | None,
    desk: Desk,
    now: Callable[[], datetime],
    turned_at: Callable[[], datetime],
) -> AsyncIterator[None]:
    """Serve the page of a controller while the block runs."""
    pages = Pages(desk, access_to(listener, token), now, turned_at)
    async with serving(listener, pages.app(), pages.hub.publish()):
        yield


def access_to(listener: socket.socket, token: str | None) -> Access:
    """Say who may look at what is served there."""
    return Access(token, local_only=listener.family is not socket.AF_UNIX)


@asynccontextmanager
async def serving(
    listener: socket.socket, app: ASGIApp, publish: Coroutine[Any, Any, None]
) -> AsyncIterator[None]:
    """Serve an application, and run what it publishes beside it, while the block runs."""
    config = uvicorn.Config(
        app,
        http=CuttableProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=_IDLE_S,
        timeout_graceful_shutdown=_GRACE_S,
    )
    server = _Server(config)
    tasks = [asyncio.create_task(server.serve([listener])), asyncio.create_task(publish)]
    try:
        yield
    finally:
        server.should_exit = True
        tasks[1].cancel()
        await asyncio.wait(tasks)
        listener.close()
