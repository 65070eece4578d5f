"""What the page's server answers."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from reconcile.controller.desk import Desk
from reconcile.controller.web.access import COOKIE, Access
from reconcile.controller.web.hub import Hub
from reconcile.controller.web.streaming import PatientStream
from reconcile.render.dashboard.as_json import situation_json
from reconcile.render.dashboard.metrics import controller_metrics
from reconcile.render.dashboard.page import (
    dashboard_html,
    dashboard_parts,
    dashboard_policy,
    login_html,
)

LONGEST_TURN = timedelta(seconds=60)
_LONGEST_FORM = 4_096
_OPEN = frozenset({"/healthz", "/readyz", "/login"})
_METRICS = "text/plain; version=0.0.4; charset=utf-8"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": dashboard_policy(),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Pages:
    """The answers. `turned_at`: when the controller's loop last turned; `now` is UTC."""

    def __init__(
        self,
        desk: Desk,
        access: Access,
        now: Callable[[], datetime],
        turned_at: Callable[[], datetime],
    ) -> None:
        self._desk, self._access = desk, access
        self._now, self._turned_at = now, turned_at
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
            Route("/login", self._login, methods=["GET", "POST"]),
        ]
        return _Guarded(Starlette(routes=routes), self._access)

    async def _page(self, _: Request) -> Response:
        return HTMLResponse(dashboard_html(self._desk.with_timeline(), self._now()))

    async def _events(self, _: Request) -> Response:
        if self.hub.full:
            return PlainTextResponse("too many watch already\n", HTTPStatus.SERVICE_UNAVAILABLE)
        return PatientStream(self.hub.stream(), media_type="text/event-stream")

    async def _state(self, _: Request) -> Response:
        body = situation_json(self._desk.situation, self._now())
        return Response(body, media_type="application/json")

    async def _metrics(self, _: Request) -> Response:
        body = controller_metrics(self._desk.situation, self._now())
        return Response(body, headers={"Content-Type": _METRICS})

    async def _health(self, _: Request) -> Response:
        if self._now() - self._turned_at() > LONGEST_TURN:
            return PlainTextResponse("the loop stands still\n", HTTPStatus.SERVICE_UNAVAILABLE)
        return PlainTextResponse("ok\n")

    async def _readiness(self, _: Request) -> Response:
        situation = self._desk.situation
        if situation.ready:
            return PlainTextResponse("ready\n")
        words = "starting"
        if situation.refused:
            words = "the files are invalid; the earlier version goes on"
        elif situation.cycle is not None:
            words = f"the last cycle: {situation.cycle.verdict}"
        return PlainTextResponse(f"{words}\n", HTTPStatus.SERVICE_UNAVAILABLE)

    async def _login(self, request: Request) -> Response:
        if request.method != "POST":
            return HTMLResponse(login_html(refused=False))
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LONGEST_FORM:
                return PlainTextResponse("too long\n", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        token = parse_qs(body.decode("utf-8", "replace")).get("token", [""])[0]
        if not self._access.admits(token.strip()):
            await asyncio.sleep(1)
            return HTMLResponse(login_html(refused=True), HTTPStatus.UNAUTHORIZED)
        reply = Response(status_code=HTTPStatus.SEE_OTHER, headers={"Location": "/"})
        reply.set_cookie(COOKIE, self._access.cookie(), httponly=True, samesite="strict")
        return reply


class _Guarded:
    """Asks for access before anything else, and says in every reply what a browser may do."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def send_with_headers(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                ours = [(k.lower().encode(), v.encode()) for k, v in _HEADERS.items()]
                given = message.get("headers") or []
                message = {**message, "headers": [*given, *ours]}  # type: ignore[misc]  # ASGI's own
            await send(message)

        refusal = None
        if scope["path"] not in _OPEN:
            refusal = self._access.refusal(Headers(scope=scope))
        answer: ASGIApp = self._app
        if refusal is HTTPStatus.UNAUTHORIZED and scope["path"] == "/":
            answer = HTMLResponse(login_html(refused=False), refusal)
        elif refusal is not None:
            challenge = {"WWW-Authenticate": "Bearer"} if refusal == HTTPStatus.UNAUTHORIZED else {}
            answer = PlainTextResponse(f"{refusal.phrase}\n", refusal, challenge)
        await answer(scope, receive, send_with_headers)  # type: ignore[arg-type]  # ASGI's own
