"""What the page's server answers."""

from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from reconcile.controller.desk import Desk
from reconcile.controller.web.access import Access
from reconcile.controller.web.guarding import METRICS, guarded
from reconcile.controller.web.hub import Hub
from reconcile.controller.web.streaming import watched
from reconcile.render.dashboard import (
    controller_metrics,
    dashboard_html,
    dashboard_parts,
    situation_json,
)

LONGEST_TURN = timedelta(seconds=60)


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
        ]
        return guarded(routes, self._access)

    async def _page(self, _: Request) -> Response:
        return HTMLResponse(dashboard_html(self._desk.with_timeline(), self._now()))

    async def _events(self, _: Request) -> Response:
        return watched(self.hub.stream, full=self.hub.full)

    async def _state(self, _: Request) -> Response:
        body = situation_json(self._desk.situation, self._now())
        return Response(body, media_type="application/json")

    async def _metrics(self, _: Request) -> Response:
        body = controller_metrics(self._desk.situation, self._now())
        return Response(body, headers={"Content-Type": METRICS})

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
