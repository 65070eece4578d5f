"""Uvicorn, taught two things: to cut a connection, and to stop without waiting for clients."""

import asyncio
import socket
from threading import Event

import uvicorn
from starlette.types import ASGIApp, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

GRACE_S = 1


class CuttableProtocol(H11Protocol):
    """Keeps the transport where `cut` finds it: ASGI hands the application no connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Note the transport in the state that every request's scope carries a copy of."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def cut(scope: Scope) -> None:
    """Close the connection of a request at once, without a reply."""
    scope["state"]["transport"].abort()


class LoopbackServer(uvicorn.Server):
    """Says when it accepts connections, and drops every connection when it stops."""

    def __init__(self, app: ASGIApp) -> None:
        config = uvicorn.Config(
            app,
            loop="asyncio",
            http=CuttableProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            # The reply's Date is the world's instant, not the machine's.
            date_header=False,
            timeout_graceful_shutdown=GRACE_S,
        )
        super().__init__(config)
        self.ready = Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept, then say so."""
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drop idle and busy connections alike: nothing here is worth a client's patience."""
        for protocol in list(self.server_state.connections):
            if isinstance(protocol, H11Protocol):
                protocol.transport.abort()
        await super().shutdown(sockets)
