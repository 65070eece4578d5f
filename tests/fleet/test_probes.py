"""What a worker's probes say when its database says nothing. No Postgres is needed for that."""

import asyncio
from datetime import UTC, datetime

import httpx
import pytest
from procrastinate import PsycopgConnector

from reconcile.config.fleet import Fleet
from reconcile.controller.web import Access
from reconcile.fleet.database import Roster
from reconcile.fleet.web import FleetPages, Lobby

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(("path", "status"), [("/healthz", 200), ("/readyz", 503)])
def test_a_silent_database_makes_a_worker_not_ready_and_has_it_not_killed(
    path: str, status: int
) -> None:
    fleet = Fleet(members=(), database=None, look_every_s=5, silent_after_s=30)
    lobby = Lobby(fleet, Roster(PsycopgConnector()), lambda: NOON)
    pages = FleetPages(lobby, Access(None, local_only=True), "one", lambda: NOON)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(pages.app())
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.get(path)

    assert asyncio.run(ask()).status_code == status
