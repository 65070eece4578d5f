"""The door of a fleet: a signal for one instance reaches the inbox of that one's state."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from procrastinate import PsycopgConnector

from reconcile.config.fleet import Fleet, FleetMember
from reconcile.controller.door import Door
from reconcile.controller.web import Access
from reconcile.fleet.database import Roster
from reconcile.fleet.web import FleetPages, Lobby
from reconcile.state.backend import backend
from tests.stage import SALES

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TOKEN = "a token of the door"  # noqa: S105 - of this test
FILE = f'[state]\nurl = "state.json"\n[models.sales]\nid = "{SALES}"\nrefresh.on_signal = "load"\n'


@pytest.mark.parametrize(
    ("path", "status"), [("acme/eu/load", 202), ("acme/load", 404), ("acme/eu/laod", 404)]
)
def test_a_signal_for_an_instance_is_kept_with_its_state(
    tmp_path: Path, path: str, status: int
) -> None:
    (tmp_path / "reconcile.toml").write_text(FILE)
    file = str(tmp_path / "reconcile.toml")
    member = FleetMember(name="acme/eu", file=file, state_url=None, credential="acme")
    fleet = Fleet(members=(member,), database=None, look_every_s=5, silent_after_s=30)
    woken: list[tuple[str, str]] = []

    async def came(instance: str, name: str, _: Mapping[str, str]) -> None:
        woken.append((instance, name))

    async def send() -> httpx.Response:
        lobby = Lobby(fleet, Roster(PsycopgConnector()), lambda: NOON)
        door = Door(lobby.desired, TOKEN, lambda: NOON, came)
        access = Access("of the page", local_only=False)
        pages = FleetPages(lobby, access, "one", lambda: NOON, door=door)
        transport = httpx.ASGITransport(pages.app())
        async with httpx.AsyncClient(transport=transport, base_url="http://fleet") as client:
            headers = {"Authorization": f"Bearer {TOKEN}"}
            return await client.post(f"/signals/{path}", headers=headers)

    assert asyncio.run(send()).status_code == status
    assert (
        len(backend(str(tmp_path / "state.json")).inbox.waiting()) == len(woken) == (status == 202)
    )
