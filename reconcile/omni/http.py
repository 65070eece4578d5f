"""The one place that speaks HTTP. One exchange per call: no retry, no redirect, no memory."""

import asyncio
import codecs
import json
import logging
import re
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from datetime import datetime
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote, unquote, urlsplit

import certifi
import httpx

from reconcile.errors import ReconcileError, fail
from reconcile.model import progress
from reconcile.model.desired import NativeSchedule, ScheduleSpec
from reconcile.model.plan import Request
from reconcile.omni.credential import DEFAULT_PORTS, Credential, Secret, parse_origin
from reconcile.omni.reads import Finding, find, read_schedules, schedules_request
from reconcile.omni.replies import (
    Answer,
    NoReply,
    Reply,
    UnusableReplyError,
    advised,
    classify_deletion,
    classify_job,
    classify_refresh,
    classify_reset,
    classify_schedule,
    decode_json,
)
from reconcile.planning.requests import stamp_text

# Telling a dead man's switch that all is well: a GET that carries nothing.

DEADLINE_S = 10.0


class Heart:
    """Sends heartbeats to one URL. `sent` and `failed` count them.

    Raises ReconcileError `bad-heartbeat-url` for what is neither https nor on loopback. The URL
    itself is never repeated: whoever knows it can keep the switch from going off.
    """

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            parse_origin(f"{parts.scheme}://{parts.netloc}")
        except (ReconcileError, ValueError):
            raise fail(
                "bad-heartbeat-url",
                "It is neither an https URL nor an http URL of this machine.",
                hint="reconcile run --heartbeat-url https://hc-ping.com/...",
            ) from None
        self._url = url
        self._tls = verifying_tls(parts.scheme)
        self.sent = self.failed = 0

    async def beat(self) -> str | None:
        """Send one; returns why it failed, without the URL, or None. Never raises an Exception."""
        try:
            async with httpx.AsyncClient(
                verify=self._tls, trust_env=False, follow_redirects=False, timeout=DEADLINE_S
            ) as http:
                reply = await http.get(self._url, headers={"User-Agent": "reconcile"})
            why = None if reply.is_success else f"the answer was {reply.status_code}"
        except Exception as error:  # noqa: BLE001 -- a heartbeat that fails is told, and that is all
            why = type(error).__name__
        self.sent += why is None
        self.failed += why is not None
        return why


# The record of one exchange: how far it got, so that its end can be told for certain.

_LARGEST_BODY = 1 << 20
_LONGEST_REASON = 300

# Everything httpcore reports before the first byte of a request leaves. The list is of what is
# known to be harmless: an event of any other name, also a future one, means "may have been sent".
_BEFORE_SENDING = ("connection.connect_tcp.", "connection.start_tls.")


class NoLongerOursError(Exception):
    """The lock was lost before the first byte was sent: another run decides about calls now."""


class Exchange:
    """One request on its way. Filled in by the client, asked at the end what is known."""

    def __init__(
        self, token: Secret, origin: str, may_send: Callable[[], bool] = lambda: True
    ) -> None:
        self._token = token
        self._origin = origin
        self._may_send = may_send
        self._began = False
        self._flaw: str | None = None
        self._status: int | None = None
        self._headers: Mapping[str, str] = {}
        self._body = bytearray()

    async def trace(self, event: str, _: object) -> None:
        """Note what httpcore is doing (its `trace` extension)."""
        if event.startswith(_BEFORE_SENDING):
            return
        # The process may have been suspended while a connection was made, for however long.
        if not self._began and not self._may_send():
            raise NoLongerOursError
        self._began = True

    def begin_reply(self, status: int, headers: Mapping[str, str]) -> bool:
        """Note the status and headers, which are complete before the body is.

        Returns whether to read the body at all: a compressed one is never decoded. Identity is all
        that was asked for, and 200 KB of gzip can be 200 MB of memory.
        """
        self._status, self._headers = status, headers
        encoding = headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            self._flaw = f"the reply is compressed ({encoding[:20]}), which was not asked for"
        return self._flaw is None

    def take(self, chunk: bytes) -> bool:
        """Keep one piece of the body; False once it is larger than any real reply."""
        self._body += chunk
        if len(self._body) > _LARGEST_BODY:
            self._flaw = "the reply is larger than 1 MiB"
            self._body.clear()
        return self._flaw is None

    def finished(self, *, cut: bool = False) -> Reply:
        """Return the reply of an exchange that ran to its end, or was `cut` short in its body."""
        headers = {name: self._token.hide_in(value) for name, value in self._headers.items()}
        body = _masked(bytes(self._body), self._token)
        return Reply(self._status or 0, headers, body, self._flaw, cut)

    def deadline_passed(self, deadline_s: float) -> Answer:
        """Return the answer of an exchange that was cut off by the total deadline."""
        return self.broken(f"no complete reply within {deadline_s:g} s", sent=self._began)

    def broken(self, reason: str, *, sent: bool) -> Answer:
        """Return the answer of an exchange that ended in an error."""
        reason = self._token.hide_in(reason)[:_LONGEST_REASON]
        if self._status is not None:
            self._flaw = self._flaw or f"the reply was cut short: {reason}"
            return self.finished(cut=True)
        where = f"the connection to {self._origin}" if sent else self._origin
        verb = "broke after the request was sent" if sent else "could not be reached"
        return NoReply(sent, f"{where} {verb}: {reason}")


def _masked(body: bytes, token: Secret) -> bytes:
    """Return a body that shows the token neither as it is nor once it is decoded.

    Everything that leaves this room as words is read from here, so this is where it is masked.
    """
    shown = token.hide_in_bytes(body)
    if b"\\" not in shown:
        return shown
    try:
        decoded = decode_json(shown)
    except UnusableReplyError:
        return shown
    hidden = _hidden(decoded, token)
    return shown if hidden == decoded else json.dumps(hidden).encode()


def _hidden(value: object, token: Secret) -> object:
    match value:
        case str():
            return token.hide_in(value)
        case list():
            return [_hidden(element, token) for element in value]
        case dict():
            return {token.hide_in(name): _hidden(element, token) for name, element in value.items()}
        case _:
            return value


_DEADLINE_S = 30.0
_CONNECT_S = 10.0

CONNECTIONS = 20
"""So many requests are under way at once at most."""

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

_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "reconcile"}


class Transport:
    """Exchanges requests with one credential; use as an async context manager.

    `deadline_s` bounds each call as a whole, connecting included. `ca_file` replaces the built-in
    certificate authorities; certificates are always verified. Nothing is read from the
    environment: no proxy, netrc, certificate or key log file. `may_call` is asked in the moment
    before anything but a GET goes out.
    """

    def __init__(
        self,
        credential: Credential,
        *,
        may_call: Callable[[], bool] = lambda: True,
        deadline_s: float = _DEADLINE_S,
        connections: int = CONNECTIONS,
        ca_file: Path | None = None,
    ) -> None:
        origin = credential.origin
        self._credential, self._may_call = credential, may_call
        self._url = httpx.URL(scheme=origin.scheme, host=origin.host, port=origin.port, path="/")
        self._tls = verifying_tls(origin.scheme, ca_file)
        self._deadline_s = deadline_s
        self._timeouts = httpx.Timeout(deadline_s, connect=min(_CONNECT_S, deadline_s)).as_dict()
        self._free = asyncio.Semaphore(connections)
        self._idle: list[httpx.AsyncHTTPTransport] = []
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        get_ready()
        self._idle.append(await self._another())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._open.__aexit__(kind, error, traceback)

    async def exchange(self, request: Request) -> Answer:
        """Send one request to the credential's origin, once. Ends in an answer, never an error."""
        target = encode_target(request)
        if target is None:
            return NoReply(sent=False, message=f"{request.path!r} could be read as another path")
        may_send = (lambda: True) if request.method == "GET" else self._may_call
        exchange = Exchange(self._credential.token, str(self._credential.origin), may_send)
        try:
            async with asyncio.timeout(self._deadline_s), self._connection() as connection:
                await self._send(connection, request, target, exchange)
        except TimeoutError:
            return exchange.deadline_passed(self._deadline_s)
        except NoLongerOursError:
            return NoReply(sent=False, message="the lock was lost before it was sent")
        except Exception as error:  # noqa: BLE001 - whatever a library raises, the call may have happened
            reason = str(error) or type(error).__name__
            return exchange.broken(reason, sent=not isinstance(error, _NOT_SENT))
        return exchange.finished()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[httpx.AsyncHTTPTransport]:
        """Give a connection, the one that was used last of those that are free.

        Each is a pool of its own: one of many asks all that it holds, at every request, whether
        they are still alive, and that takes longer than the request.
        """
        async with self._free:
            connection = self._idle.pop() if self._idle else await self._another()
            try:
                yield connection
            finally:
                self._idle.append(connection)

    async def _another(self) -> httpx.AsyncHTTPTransport:
        limits = httpx.Limits(max_connections=1, keepalive_expiry=_KEEPALIVE_S)
        return await self._open.enter_async_context(
            httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False, limits=limits)
        )

    async def _send(
        self,
        connection: httpx.AsyncHTTPTransport,
        request: Request,
        target: bytes,
        exchange: Exchange,
    ) -> None:
        body, headers = None, _HEADERS
        if request.body is not None:
            body = json.dumps(dict(request.body)).encode()
            headers = {**_HEADERS, "Content-Type": "application/json"}
        outgoing = httpx.Request(
            request.method,
            self._url,
            content=body,
            headers=headers,
            # The target goes out as given. Left to httpx, `..` would be resolved and `%` recoded.
            extensions={"target": target, "trace": exchange.trace, "timeout": self._timeouts},
        )
        authorise(outgoing, self._credential)
        async with aclosing(await connection.handle_async_request(outgoing)) as response:
            if exchange.begin_reply(response.status_code, dict(response.headers)):
                async for chunk in response.aiter_raw():
                    if not exchange.take(chunk):
                        break


def authorise(request: httpx.Request, credential: Credential) -> None:
    """Put the token on a request. Raises httpx.InvalidURL if it goes to any other origin."""
    url, origin = request.url, credential.origin
    port = DEFAULT_PORTS.get(url.scheme) if url.port is None else url.port
    there = (url.scheme, url.raw_host.decode("ascii"), port)
    if there != (origin.scheme, origin.host, origin.port):
        raise httpx.InvalidURL(f"the token belongs to {origin} only")
    request.headers["Authorization"] = f"Bearer {credential.token.reveal()}"


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


# The request target exactly as it goes over the wire, and a refusal of any that could be moved.

_SEGMENTS = re.compile(r"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]++|%[0-9A-Fa-f]{2})++)+")
_DOTS = re.compile(r"/(?:\.|%2[Ee]){1,2}(?:/|$)")


def encode_target(request: Request) -> bytes | None:
    """Return path and query as bytes; None if a server could read the path as another one.

    The path is already percent-encoded and is not touched. `quote` leaves dots alone, so a policy
    named `..` would climb to another endpoint wherever a proxy resolves it; so would `%2e%2e`.
    """
    if not _SEGMENTS.fullmatch(request.path) or _DOTS.search(request.path):
        return None
    query = "&".join(
        f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in request.query
    )
    return f"{request.path}?{query}".encode("ascii") if query else request.path.encode("ascii")


def model_of(path: str) -> str:
    """Return the model id in the path of a refresh: the segment before the last."""
    return unquote(path.split("/")[-2])


def is_legacy(path: str) -> bool:
    """Tell whether a path is one of the older API (omni-api.md 2.1, 2.3), not of v1."""
    return path.startswith(("/api/v0/", "/api/unstable/"))


# What the first exchange would import while it is under way, imported before anything is sent.
#
# An import needs a free descriptor. Where there is none, it fails with a reply half read, and a
# call that was answered would be in doubt for it.

_CODECS = ("utf-8", "utf-8-sig", "ascii", "latin-1", "idna")
_MODULES = (
    "anyio._backends._asyncio",
    "concurrent.futures.thread",  # host names are resolved in a thread
    "http.client",
    "stringprep",
    "unicodedata",
)


@cache
def get_ready() -> None:
    """Import all of it, and have the libraries be quiet, once in a process."""
    for library in ("httpx", "httpcore"):
        logging.getLogger(library).setLevel(logging.WARNING)
    for name in _CODECS:
        codecs.lookup(name)
    for name in _MODULES:
        import_module(name)
    try:
        import_module("sniffio")
    except ModuleNotFoundError:
        # httpcore looks for it at every exchange, through every folder of the path. It is of use
        # beside another event loop than asyncio's alone.
        sys.modules["sniffio"] = None  # type: ignore[assignment] # what the import system itself knows as "not there"


# The calls that act on Omni, and the reads an apply needs: each one request, sent once.


class OmniClient(Transport):
    """Makes calls with one credential; use as an async context manager."""

    async def send_refresh(self, request: Request) -> progress.RefreshOutcome:
        """POST a schema refresh, once. Starts a job; repeating it starts another."""
        answer = await self.exchange(request)
        legacy = is_legacy(request.path)
        outcome = classify_refresh(answer, model_id=model_of(request.path), legacy=legacy)
        return advised(outcome, request) if isinstance(outcome, progress.CallRejected) else outcome

    async def send_reset(
        self, request: Request, *, model_id: str, policy: str, reset_at: datetime
    ) -> progress.ResetOutcome:
        """POST a cache reset, once. `reset_at` (UTC) fills a `resetAt` the plan left open."""
        answer = await self.exchange(_stamped(request, reset_at))
        outcome = classify_reset(answer, model_id=model_id, policy=policy, reset_at=reset_at)
        return advised(outcome, request) if isinstance(outcome, progress.CallRejected) else outcome

    async def fetch_job(self, job_id: str) -> progress.JobOutcome:
        """GET where a job stands (omni-api.md 2.2), once."""
        path = f"/api/v1/jobs/{quote(job_id, safe='')}/status"
        return classify_job(await self.exchange(Request("GET", path)), job_id=job_id)

    async def send_schedule(
        self,
        request: Request,
        *,
        connection_id: str,
        spec: ScheduleSpec,
        schedule_id: str | None = None,
    ) -> progress.ScheduleOutcome:
        """POST a native schedule, or PUT one that has an id, once.

        Repeating a POST makes another equal one (omni-api.md 5). What is left out of a PUT goes
        back to its default.
        """
        answer = await self.exchange(request)
        return classify_schedule(
            answer, connection_id=connection_id, spec=spec, schedule_id=schedule_id
        )

    async def send_schedule_delete(self, request: Request) -> progress.ScheduleOutcome:
        """DELETE a native schedule, once. A 404 says that it is gone already."""
        return classify_deletion(await self.exchange(request))

    async def fetch_schedules(self, connection_id: str) -> Finding[tuple[NativeSchedule, ...]]:
        """GET the native schedules of a connection, once."""
        answer = await self.exchange(schedules_request(connection_id))
        return find(answer, partial(read_schedules, connection_id=connection_id))


def _stamped(request: Request, reset_at: datetime) -> Request:
    if request.body is None or request.body.get("resetAt") is not None:
        return request
    body = {**request.body, "resetAt": stamp_text(reset_at)}
    return Request(request.method, request.path, request.query, body)
