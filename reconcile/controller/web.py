"""The page of a controller over HTTP: read-only, and nobody else's. An extra, imported late."""

import asyncio
import hashlib
import hmac
import ipaddress
import json
import socket
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
)
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from http import HTTPStatus
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qs

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request, cookie_parser
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from reconcile.controller.door import Door
from reconcile.controller.metrics import controller_metrics
from reconcile.controller.page import dashboard_html, dashboard_parts, live_assets, login_html
from reconcile.controller.report import Desk
from reconcile.controller.situation import Situation, situation_json
from reconcile.model.struct import replace

# The parts of the page for everybody who watches, each sent only what it has not seen.

MOST_CLIENTS = 16
REFRESH_S = 30.0
"""How often the page is drawn again though nothing happened: it tells how late items are."""

SHORTEST_GAP_S = 1.0
MOST_BYTES_A_SECOND = 100_000
"""To each watcher, about: a large instance is drawn less often."""

_PING = b": still here\n\n"


Drawing = TypeVar("Drawing")


class Sketch(Generic[Drawing]):
    """A page or its parts, drawn at most once a second however often it is asked for.

    In a thread of its own: meanwhile others are answered.
    """

    def __init__(self, draw: Callable[[], Drawing]) -> None:
        self._draw = draw
        self._drawing = asyncio.Lock()
        self._drawn: Drawing | None = None
        self._fresh_until_s = 0.0

    async def drawn(self) -> Drawing:
        """Return it as it is, or was less than a second ago."""
        async with self._drawing:
            if self._drawn is None or not self.fresh_for_s():
                self._drawn = await asyncio.to_thread(self._draw)
                self._fresh_until_s = asyncio.get_running_loop().time() + SHORTEST_GAP_S
            return self._drawn

    def fresh_for_s(self) -> float:
        """Return for how many seconds it is not drawn again."""
        return max(0.0, self._fresh_until_s - asyncio.get_running_loop().time())


class Hub:
    """Draws the parts while somebody watches. `draw` returns them by id."""

    def __init__(self, draw: Callable[[], Mapping[str, str]]) -> None:
        self._sketch = Sketch(draw)
        self._told: Mapping[str, str] = {}
        self._stale = asyncio.Event()
        self._parts: dict[str, tuple[int, str]] = {}
        self._version = 0
        self._newer = asyncio.Condition()
        self.clients = 0

    def changed(self) -> None:
        """Learn that something happened."""
        self._stale.set()

    @property
    def full(self) -> bool:
        """Tell whether there are as many watchers as there may be."""
        return self.clients >= MOST_CLIENTS

    async def publish(self) -> None:
        """Draw for ever, whenever something happened and somebody watches."""
        while True:
            # Not `wait_for`: before Python 3.12 it loses a cancellation that comes with the event.
            with suppress(TimeoutError):
                async with asyncio.timeout(REFRESH_S):
                    await self._stale.wait()
            # Somebody who came may just have had it drawn.
            await asyncio.sleep(self._sketch.fresh_for_s())
            self._stale.clear()
            if self.clients:
                with suppress(OSError):  # The machine may be short of something just now.
                    await self._redraw()
            else:
                self._parts.clear()
            size = sum(len(html) for _, html in self._parts.values())
            await asyncio.sleep(max(SHORTEST_GAP_S, size / MOST_BYTES_A_SECOND))

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield server-sent events: all parts once, then those that changed."""
        self.clients += 1
        seen = 0
        try:
            await self._redraw()
            while True:
                news = {
                    part: html for part, (version, html) in self._parts.items() if version > seen
                }
                seen = self._version
                yield event(news) if news else _PING
                async with self._newer:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(REFRESH_S / 2):
                            await self._newer.wait()
        finally:
            self.clients -= 1

    async def _redraw(self) -> None:
        drawn = await self._sketch.drawn()
        if self._parts and drawn is self._told:
            return
        self._told = drawn
        self._version += 1
        for part, html in drawn.items():
            if part not in self._parts or self._parts[part][1] != html:
                self._parts[part] = self._version, html
        async with self._newer:
            self._newer.notify_all()


def event(parts: Mapping[str, str]) -> bytes:
    """Spell parts as one server-sent event."""
    # JSON has no line breaks of its own, so the event is one line whatever the parts hold.
    return f"event: parts\ndata: {json.dumps(parts)}\n\n".encode()


# Who may look: this machine, or whoever knows the token.

COOKIE = "reconcile-page"
_LOCAL_NAMES = frozenset({"localhost", "localhost."})


class Access:
    """Decides about requests. Without a token only names of this machine are answered to.

    A page of another site can have its own name resolve to this machine; its requests then carry
    that name. `local_only` is False behind a socket that the file system guards.
    """

    def __init__(self, token: str | None, *, local_only: bool) -> None:
        self._token = None if token is None else token.encode()
        self._local_only = local_only

    def refusal(self, headers: Headers) -> HTTPStatus | None:
        """Return how to refuse a request with these headers; None if it may look."""
        if self._token is None:
            if self._local_only and not is_local_name(headers.get("host", "")):
                return HTTPStatus.MISDIRECTED_REQUEST
            return None
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.admits(given.strip()):
            return None
        cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        if hmac.compare_digest(cookie.encode(), self.cookie().encode()):
            return None
        return HTTPStatus.UNAUTHORIZED

    def admits(self, token: str) -> bool:
        """Compare a token with ours, in a time that tells nothing of it."""
        return self._token is not None and hmac.compare_digest(token.encode(), self._token)

    def cookie(self) -> str:
        """Return what a browser keeps instead of the token; nothing can be made of it elsewhere."""
        return hmac.new(self._token or b"", b"the page", hashlib.sha256).hexdigest()


def is_local_name(host: str) -> bool:
    """Tell whether a Host header names this machine; a port may follow."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if name.lower() in _LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(name.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


# Serving the page beside the controller, in its loop.

_ACCEPTED_AT_ONCE = 32
_QUEUED = 1_024
"""By the kernel, for us: who finds no place in its queue tries again after a second only."""

_GRACE_S = 1


class _Server(uvicorn.Server):
    """Leaves the signals to the controller, and waits for no reader when it stops."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept few at once, and let many wait for that."""
        await super().startup(sockets)
        for listener in sockets or []:
            listener.listen(_QUEUED)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drop idle and busy connections alike."""
        for protocol in list(self.server_state.connections):
            if isinstance(protocol, WaryProtocol):
                protocol.cut()
        await super().shutdown(sockets)


@asynccontextmanager
async def served(
    listener: socket.socket,
    token: str | None,
    desk: Desk,
    now: Callable[[], datetime],
    stalled: Callable[[], str | None],
    door: Door | None = None,
) -> AsyncIterator[None]:
    """Serve the page of a controller, and the door for its signals, while the block runs."""
    pages = Pages(desk, access_to(listener, token), now, stalled, door)
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
        http=WaryProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=_ACCEPTED_AT_ONCE,
        timeout_keep_alive=int(SILENT_S),
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


# What the page's server answers.


class Pages:
    """The answers. `stalled`: why the controller makes no progress; `now` is UTC."""

    def __init__(
        self,
        desk: Desk,
        access: Access,
        now: Callable[[], datetime],
        stalled: Callable[[], str | None],
        door: Door | None = None,
    ) -> None:
        self._desk, self._access, self._door = desk, access, door
        self._now, self._stalled = now, stalled
        self._whole = Sketch(lambda: dashboard_html(desk.with_timeline(), now()))
        self.hub = Hub(lambda: dashboard_parts(desk.with_timeline(), now()))
        desk.changed = self.hub.changed

    def app(self) -> ASGIApp:
        """Return the ASGI application."""
        routes = [
            Route("/", self._page),
            Route("/events", self._events),
            Route("/state.json", self._state),
            Route("/metrics", self._metrics),
            Route("/healthz", self._health),
            Route("/readyz", self._readiness),
            *(() if self._door is None else (self._door.route(),)),
        ]
        return guarded(routes, self._access)

    async def _page(self, _: Request) -> Response:
        return HTMLResponse(await self._whole.drawn())

    async def _events(self, _: Request) -> Response:
        return watched(self.hub.stream, full=self.hub.full)

    async def _state(self, _: Request) -> Response:
        body = situation_json(self._situation(), self._now())
        return Response(body, media_type="application/json")

    async def _metrics(self, _: Request) -> Response:
        body = controller_metrics(self._situation(), self._now())
        return Response(body, headers={"Content-Type": METRICS})

    async def _health(self, _: Request) -> Response:
        return probed(self._stalled(), "ok")

    def _situation(self) -> Situation:
        return replace(self._desk.situation, stalled=self._stalled())

    async def _readiness(self, _: Request) -> Response:
        situation = self._situation()
        words: str | None = situation.stalled or "starting"
        if situation.ready:
            words = None
        elif situation.refused:
            words = "the files are invalid; the earlier version goes on"
        elif situation.cycle is not None and not situation.stalled:
            words = f"the last cycle: {situation.cycle.verdict}"
        return probed(words, "ready")


# What every page has in common: who may look, how they say so, and what a browser may do.

METRICS = "text/plain; version=0.0.4; charset=utf-8"
"""The type of an exposition for Prometheus."""

_LONGEST_FORM = 4_096
_PROBES = ("/healthz", "/readyz")
_OPEN = (*_PROBES, "/login", "/signals/")
"""What is answered without access to the page. Signals prove themselves."""

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": live_assets().policy,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def guarded(routes: Iterable[Route], access: Access) -> ASGIApp:
    """Return an application with these routes and `/login`, for those who may look."""
    login = Route("/login", _login(access), methods=["GET", "POST"])
    return Unhurried(_Guarded(Starlette(routes=[*routes, login]), access))


def probed(trouble: str | None, well: str) -> Response:
    """Answer a probe with what is wrong or, if nothing is, with the other word."""
    status = HTTPStatus.SERVICE_UNAVAILABLE if trouble else HTTPStatus.OK
    return PlainTextResponse(f"{trouble or well}\n", status)


def _login(access: Access) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        if request.method != "POST":
            return HTMLResponse(login_html(refused=False))
        body = b""
        async with asyncio.timeout(SILENT_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > _LONGEST_FORM:
                    return PlainTextResponse("too long\n", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        token = parse_qs(body.decode("utf-8", "replace")).get("token", [""])[0]
        if not access.admits(token.strip()):
            await asyncio.sleep(1)
            return HTMLResponse(login_html(refused=True), HTTPStatus.UNAUTHORIZED)
        reply = Response(status_code=HTTPStatus.SEE_OTHER, headers={"Location": "/"})
        reply.set_cookie(COOKIE, access.cookie(), httponly=True, samesite="strict")
        return reply

    return answer


class _Guarded:
    """Asks for access before anything else, and says in every reply what a browser may do."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                ours = [(k.lower().encode(), v.encode()) for k, v in _HEADERS.items()]
                given = message.get("headers") or []
                message = {**message, "headers": [*given, *ours]}  # type: ignore[misc]  # ASGI's own
            await send(message)

        refusal = None
        if not _is_open(scope["path"]):
            refusal = self._access.refusal(Headers(scope=scope))
        answer: ASGIApp = self._app
        if refusal is HTTPStatus.UNAUTHORIZED and scope["path"] == "/":
            answer = HTMLResponse(login_html(refused=False), refusal)
        elif refusal is not None:
            challenge = {"WWW-Authenticate": "Bearer"} if refusal == HTTPStatus.UNAUTHORIZED else {}
            answer = PlainTextResponse(f"{refusal.phrase}\n", refusal, challenge)
        await answer(scope, receive, send_with_headers)  # type: ignore[arg-type]  # ASGI's own


def _is_open(path: str) -> bool:
    return any(path == known or (known[-1] == "/" and path.startswith(known)) for known in _OPEN)


# What others may hold of this process: few sockets, the silent ones let go first, none for long.

SILENT_S = 5.0
"""How long a connection may take to send the head of a request, or to read on what was sent."""

SLOW_S = 10.0
"""How long a reader may take to make room for what comes next."""

MOST_SOCKETS = 96
MOST_ANSWERED = 48
"""Requests at once, probes not counted: of the sockets many are always silent, and can go."""


class WaryProtocol(H11Protocol):
    """A connection that is cut off when it stays silent, or is silent when a newcomer needs room.

    `silent_since`: on the loop's clock, since when nothing is answered on it; None while something
    is, and once it is cut off.
    """

    silent_since: float | None = None
    _unread = 0
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Let the longest silent go where there are too many."""
        super().connection_made(transport)
        # Where a reply finds it: ASGI hands the application no connection.
        self.app_state = {**self.app_state, "transport": transport}
        self._fall_silent()
        if len(self.connections) > MOST_SOCKETS:
            ours = (it for it in self.connections if isinstance(it, WaryProtocol))
            silent = [(it.silent_since, id(it), it) for it in ours if it.silent_since is not None]
            min(silent)[2].cut()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count no further seconds."""
        super().connection_lost(exc)
        self._be_heard()

    def data_received(self, data: bytes) -> None:
        """Stay patient for as long as a whole request is being answered."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._be_heard()

    def on_response_complete(self) -> None:
        """Wait for the next request, unless it is here already, and for this reply to be read."""
        super().on_response_complete()
        if self.cycle.response_complete:
            self._fall_silent()

    def cut(self) -> None:
        """End at once, whatever was not read: to close in order waits until it has been."""
        self._be_heard()
        self.transport.abort()

    def _be_heard(self) -> None:
        self.silent_since = None
        if self._patience is not None:
            self._patience.cancel()

    def _fall_silent(self) -> None:
        self._be_heard()
        self.silent_since = self.loop.time()
        self._wait()

    def _wait(self) -> None:
        self._unread = self.transport.get_write_buffer_size()
        self._patience = self.loop.call_later(SILENT_S, self._give_up)

    def _give_up(self) -> None:
        if self.transport.get_write_buffer_size() < self._unread:
            self._wait()
        else:
            self.cut()


class Unhurried:
    """Answers so many requests at once, and cuts off whoever does not read the answer.

    Probes are always answered: they take no time, and what they say is what others act on.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._under_way = app, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, as ASGI asks."""
        if scope["type"] != "http":
            return

        async def send_soon(message: Any) -> None:
            async with asyncio.timeout(SLOW_S):
                await send(message)

        app = self._app
        if self._under_way >= MOST_ANSWERED and scope["path"] not in _PROBES:
            app = PlainTextResponse("too many ask already\n", HTTPStatus.SERVICE_UNAVAILABLE)
        self._under_way += 1
        try:
            await app(scope, receive, send_soon)
        except* TimeoutError:
            scope["state"]["transport"].abort()
        finally:
            self._under_way -= 1


def watched(stream: Callable[[], AsyncIterator[bytes]], *, full: bool) -> Response:
    """Answer one more watcher with a stream of server-sent events, or refuse one too many."""
    if full:
        return PlainTextResponse("too many watch already\n", HTTPStatus.SERVICE_UNAVAILABLE)
    return StreamingResponse(stream(), media_type="text/event-stream")
