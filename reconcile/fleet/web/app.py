"""What the server of a fleet's page answers. Read-only, like that of a controller."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from reconcile.controller.web import (
    METRICS,
    MOST_CLIENTS,
    REFRESH_S,
    Access,
    Hub,
    event,
    guarded,
    watched,
)
from reconcile.fleet.web.instance import look
from reconcile.fleet.web.lobby import Lobby
from reconcile.model.fleet import Fleet, Member
from reconcile.render.dashboard import dashboard_html, dashboard_parts
from reconcile.render.fleet import fleet_html, fleet_json, fleet_metrics, fleet_parts
from reconcile.render.situation import Situation

LONGEST_SILENCE = timedelta(seconds=60)
_MOST_LOOKS = 2
"""At once: a look at an instance reads files and a state, and shares the machine with the work."""


class FleetPages:
    """The answers of the worker called `worker`; `now` is UTC."""

    def __init__(
        self, fleet: Fleet, lobby: Lobby, access: Access, worker: str, now: Callable[[], datetime]
    ) -> None:
        self._members = {member.name: member for member in fleet.members}
        self._lobby, self._access = lobby, access
        self._worker, self._now = worker, now
        self._watching = 0
        self._looks = asyncio.Semaphore(_MOST_LOOKS)
        self._hub = Hub(lambda: fleet_parts(lobby.seats, now(), worker))
        lobby.changed = self._hub.changed

    def app(self) -> ASGIApp:
        """Return the ASGI application."""
        routes = [
            Route("/", self._page),
            Route("/events", self._events),
            Route("/state.json", self._state),
            Route("/metrics", self._metrics),
            Route("/healthz", self._health),
            Route("/readyz", self._readiness),
            Route("/instances/{name:path}/events", self._instance_events),
            Route("/instances/{name:path}/", self._instance),
        ]
        return guarded(routes, self._access)

    async def publish(self) -> None:
        """Keep everything up to date, for ever."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._lobby.watch())
            both.create_task(self._hub.publish())

    async def _page(self, _: Request) -> Response:
        return HTMLResponse(fleet_html(self._lobby.seats, self._now(), self._worker))

    async def _events(self, _: Request) -> Response:
        return watched(self._hub.stream, full=self._hub.full)

    async def _state(self, _: Request) -> Response:
        return Response(fleet_json(self._lobby.seats, self._now()), media_type="application/json")

    async def _metrics(self, _: Request) -> Response:
        body = fleet_metrics(self._lobby.seats, self._now())
        return Response(body, headers={"Content-Type": METRICS})

    async def _health(self, _: Request) -> Response:
        # Whoever reads this knows that the loop turns. A database that is gone is no reason to be
        # killed in the middle of an apply: started again, it would be as gone.
        return PlainTextResponse("ok\n")

    async def _readiness(self, _: Request) -> Response:
        # One bad instance is no reason to take a worker out: what became of each is in /metrics.
        seen = self._lobby.looked_at
        if seen is None or self._now() - seen > LONGEST_SILENCE:
            words = "the database has not answered\n"
            return PlainTextResponse(words, HTTPStatus.SERVICE_UNAVAILABLE)
        return PlainTextResponse("ready\n")

    async def _instance(self, request: Request) -> Response:
        member = self._members.get(request.path_params["name"])
        if member is None:
            return PlainTextResponse("the fleet has no such instance\n", HTTPStatus.NOT_FOUND)
        return HTMLResponse(dashboard_html(await self._look(member), self._now()))

    async def _instance_events(self, request: Request) -> Response:
        member = self._members.get(request.path_params["name"])
        if member is None:
            return PlainTextResponse("the fleet has no such instance\n", HTTPStatus.NOT_FOUND)
        full = self._watching >= MOST_CLIENTS
        return watched(lambda: self._stream(member), full=full)

    async def _stream(self, member: Member) -> AsyncIterator[bytes]:
        self._watching += 1
        shown: Mapping[str, str] = {}
        try:
            while True:
                parts = dashboard_parts(await self._look(member), self._now())
                yield event({id_: html for id_, html in parts.items() if shown.get(id_) != html})
                shown = parts
                await asyncio.sleep(REFRESH_S / 2)
        finally:
            self._watching -= 1

    async def _look(self, member: Member) -> Situation:
        async with self._looks:
            seat = self._lobby.seat(member.name)
            return await asyncio.to_thread(look, member, seat, self._now())
