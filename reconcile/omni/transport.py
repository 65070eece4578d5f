"""The one place that speaks HTTP. One exchange per call: no retry, no redirect, no memory."""

import asyncio
import json
import logging
import ssl
from collections.abc import Generator
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from types import TracebackType
from typing import Self

import certifi
import httpx

from reconcile.model.plan import Request
from reconcile.omni.answer import Answer, NoReply
from reconcile.omni.credential import Credential
from reconcile.omni.exchange import Exchange
from reconcile.omni.origin import default_port
from reconcile.omni.readiness import get_ready
from reconcile.omni.target import encode_target

_DEADLINE_S = 30.0
_CONNECT_S = 10.0
_CONNECTIONS = 20

# Shorter than any usual server's own idle limit: a POST on a connection that the server is about
# to close would end in doubt for nothing.
_KEEPALIVE_S = 3.0

# Raised before the first byte of a request leaves: by the connection, the pool, or on reading the
# request itself. httpcore raises a connect error for DNS, TCP and TLS only, never once it writes.
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
    httpx.LocalProtocolError,
)

_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "reconcile",
}


class Transport:
    """Exchanges requests with one credential; use as an async context manager.

    `deadline_s` bounds each call as a whole, connecting included. `ca_file` replaces the built-in
    certificate authorities; certificates are always verified. Nothing is read from the
    environment: no proxy, netrc, certificate or key log file.
    """

    def __init__(
        self,
        credential: Credential,
        *,
        deadline_s: float = _DEADLINE_S,
        connections: int = _CONNECTIONS,
        ca_file: Path | None = None,
    ) -> None:
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._credential = credential
        self._deadline_s = deadline_s
        self._http = httpx.AsyncClient(
            auth=BoundToken(credential),
            headers=_HEADERS,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            verify=verifying_tls(credential.origin.scheme, ca_file),
            follow_redirects=False,
            trust_env=False,
            timeout=httpx.Timeout(deadline_s, connect=min(_CONNECT_S, deadline_s)),
            limits=httpx.Limits(
                max_connections=connections,
                max_keepalive_connections=connections,
                keepalive_expiry=_KEEPALIVE_S,
            ),
        )

    async def __aenter__(self) -> Self:
        get_ready()
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._http.__aexit__(kind, error, traceback)

    async def exchange(self, request: Request) -> Answer:
        """Send one request to the credential's origin, once. Ends in an answer, never an error."""
        target = encode_target(request)
        if target is None:
            return NoReply(sent=False, message=f"{request.path!r} could be read as another path")
        exchange = Exchange(self._credential.token, str(self._credential.origin))
        try:
            async with asyncio.timeout(self._deadline_s):
                await self._send(request, target, exchange)
        except TimeoutError:
            return exchange.deadline_passed(self._deadline_s)
        except Exception as error:  # noqa: BLE001 - whatever a library raises, the call may have happened
            reason = str(error) or type(error).__name__
            return exchange.broken(reason, sent=not isinstance(error, _NOT_SENT))
        return exchange.finished()

    async def _send(self, request: Request, target: bytes, exchange: Exchange) -> None:
        origin = self._credential.origin
        async with self._http.stream(
            request.method,
            httpx.URL(scheme=origin.scheme, host=origin.host, port=origin.port, path="/"),
            content=None if request.body is None else json.dumps(dict(request.body)).encode(),
            headers=None if request.body is None else {"Content-Type": "application/json"},
            # The target goes out as given. Left to httpx, `..` would be resolved and `%` recoded.
            extensions={"target": target, "trace": exchange.trace},
        ) as response:
            exchange.begin_reply(response.status_code, dict(response.headers))
            if exchange.body_is_readable():
                async for chunk in response.aiter_raw():
                    if not exchange.take(chunk):
                        break


class BoundToken(httpx.Auth):
    """Puts the token on a request, if and only if the request goes to the token's own origin."""

    def __init__(self, credential: Credential) -> None:
        self._credential = credential

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the Authorization header. Raises httpx.InvalidURL for any other origin."""
        url, origin = request.url, self._credential.origin
        port = default_port(url.scheme) if url.port is None else url.port
        there = (url.scheme, url.raw_host.decode("ascii"), port)
        if there != (origin.scheme, origin.host, origin.port):
            raise httpx.InvalidURL(f"the token belongs to {origin} only")
        request.headers["Authorization"] = f"Bearer {self._credential.token.reveal()}"
        yield request


@cache
def verifying_tls(scheme: str, ca_file: Path | None = None) -> ssl.SSLContext:
    """Return a context that verifies always.

    The standard library's default one would also obey SSLKEYLOGFILE and SSL_CERT_FILE, and so
    whoever sets the environment of the job. Shared by all clients of a process: a worker of a fleet
    opens one a run, and reading the authorities takes longer than the rest of it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if scheme == "https":
        context.load_verify_locations(cafile=ca_file or certifi.where())
    return context
