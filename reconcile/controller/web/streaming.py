"""Streams that drop a reader who does not read."""

import asyncio
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from typing import Any

from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

SLOW_S = 10.0
"""How long a reader may take to make room for what comes next."""


class CuttableProtocol(H11Protocol):
    """Keeps the transport where a stream finds it: ASGI hands the application no connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Note the transport in the state that every request's scope carries a copy of."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class PatientStream(StreamingResponse):
    """Sends each chunk in good time, or cuts the connection.

    Closing it in order would wait until all that was written has been read.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream, as ASGI asks."""

        async def send_soon(message: Any) -> None:
            async with asyncio.timeout(SLOW_S):
                await send(message)

        try:
            await super().__call__(scope, receive, send_soon)
        except* TimeoutError:
            scope["state"]["transport"].abort()


def watched(stream: Callable[[], AsyncIterator[bytes]], *, full: bool) -> Response:
    """Answer one more watcher with a stream of server-sent events, or refuse one too many."""
    if full:
        return PlainTextResponse("too many watch already\n", HTTPStatus.SERVICE_UNAVAILABLE)
    return PatientStream(stream(), media_type="text/event-stream")
