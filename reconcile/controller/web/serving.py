"""Serving the page beside the controller, in its loop."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime

import uvicorn

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
    """Serve the page while the block runs."""
    access = Access(token, local_only=listener.family is not socket.AF_UNIX)
    pages = Pages(desk, access, now, turned_at)
    config = uvicorn.Config(
        pages.app(),
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
    serving = asyncio.create_task(server.serve([listener]))
    publishing = asyncio.create_task(pages.hub.publish())
    try:
        yield
    finally:
        server.should_exit = True
        publishing.cancel()
        await asyncio.wait([serving, publishing])
        listener.close()
