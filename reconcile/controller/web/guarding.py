"""What every page has in common: who may look, how they say so, and what a browser may do."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from reconcile.controller.web.access import COOKIE, Access
from reconcile.render.dashboard import dashboard_policy, login_html

METRICS = "text/plain; version=0.0.4; charset=utf-8"
"""The type of an exposition for Prometheus."""

_LONGEST_FORM = 4_096
_OPEN = frozenset({"/healthz", "/readyz", "/login"})
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": dashboard_policy(),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def guarded(routes: Iterable[Route], access: Access) -> ASGIApp:
    """Return an application with these routes and `/login`, for those who may look."""
    login = Route("/login", _login(access), methods=["GET", "POST"])
    return _Guarded(Starlette(routes=[*routes, login]), access)


def _login(access: Access) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        if request.method != "POST":
            return HTMLResponse(login_html(refused=False))
        body = b""
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
