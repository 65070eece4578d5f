"""The page over all instances in a browser: for everybody, at every width, and live."""

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

from reconcile.config.fleet import Fleet, FleetMember, Hold, Seat
from reconcile.controller.command import ListenAddress, listen, url_of
from reconcile.controller.web import access_to, serving
from reconcile.fleet.database import Roster
from reconcile.fleet.web import FleetPages, Lobby
from reconcile.model.struct import replace
from tests.browser.test_dashboard import opened
from tests.browser.test_page import DESKTOP, EVERYWHERE, PHONE, Scheme, Size

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("RECONCILE_PICTURES")
NOW = datetime(2026, 11, 23, 11, 22, tzinfo=UTC)
HOUR = timedelta(hours=1)
TROUBLE = (
    "The files are not valid TOML: reconcile.toml, line 3: a table header must end in a bracket"
)
FILE = (
    '[omni]\nbase_url = "https://acme.omniapp.co"\n[state]\nurl = "state.json"\n'
    '[models.sales]\nid = "bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed"\nrefresh.every = "6h"\n'
    'cache.daily.at = "06:00"\n'
)


class Remembered(Roster):
    """A roster whose rows a test sets."""

    def __init__(self, seats: Mapping[str, Seat]) -> None:
        self.seats = seats

    async def load(self) -> Mapping[str, Seat]:
        return self.seats


def seats() -> dict[str, Seat]:
    ran = Seat(
        instance="acme",
        wake_at=NOW + HOUR,
        ran_at=NOW - HOUR,
        took_s=4.2,
        outcome="done",
        worker="worker-1.internal-4211",
    )
    late = replace(ran, instance="bolt", wake_at=NOW - timedelta(minutes=7))
    hold = Hold(until=NOW + 30 * HOUR, reason="they migrate <b>the warehouse</b>")
    paused = replace(ran, instance="cork-and-company.eu_west", hold=hold)
    failed = replace(ran, instance="dune", outcome="failed", failures=3, trouble=TROUBLE)
    others = [replace(ran, instance=f"tenant_{number:03}") for number in range(12)]
    return {it.instance: it for it in (ran, late, paused, failed, Seat(instance="echo"), *others)}


@contextmanager
def shown(folder: Path) -> Iterator[tuple[str, Remembered]]:
    """Serve a fleet from a thread; its instances have the same file and no state yet."""
    (folder / "reconcile.toml").write_text(FILE)
    roster, file = Remembered(seats()), str(folder / "reconcile.toml")
    members = tuple(
        FleetMember(name=name, file=file, state_url=str(folder / "state.json"), credential=name)
        for name in sorted(roster.seats)
    )
    fleet = Fleet(members=members, database=None, look_every_s=1, silent_after_s=3)
    listener = listen(ListenAddress("127.0.0.1", 0))
    ready, loops = Event(), list[asyncio.AbstractEventLoop]()
    ended = asyncio.Event()

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        lobby = Lobby(fleet, roster, lambda: NOW)
        pages = FleetPages(lobby, access_to(listener, None), "worker-1", lambda: NOW)
        async with serving(listener, pages.app(), pages.publish()):
            ready.set()
            await ended.wait()

    thread = Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield url_of(listener), roster
    finally:
        loops[0].call_soon_threadsafe(ended.set)
        thread.join()


@pytest.mark.parametrize(("size", "scheme"), EVERYWHERE)
@pytest.mark.parametrize("path", ["", "instances/dune/"])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    chromium: "Browser", axe: str, tmp_path: Path, path: str, size: Size, scheme: Scheme
) -> None:
    with shown(tmp_path) as (url, _):
        context, page, seen = opened(chromium, url + path, size, scheme)
        widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        if PICTURES:
            target = f"fleet-{path.replace('/', '-')}{size[0]}-{scheme}.png"
            page.screenshot(path=Path(PICTURES) / target, full_page=True)
        page.evaluate(axe)
        found = page.evaluate("axe.run(document)")
        context.close()
    assert widths[0] <= widths[1] == size[0]
    assert [rule["id"] for rule in found["violations"]] == []
    assert seen == [url + path, f"{url}{path}events"]


def test_what_becomes_of_an_instance_is_seen_without_a_reload_and_leads_to_its_page(
    chromium: "Browser", tmp_path: Path
) -> None:
    with shown(tmp_path) as (url, roster):
        context, page, _ = opened(chromium, url, PHONE)
        page.fill("#items-table-text", "tenant_007")
        assert page.locator(".item:visible").count() == 1
        broken = replace(roster.seats["tenant_007"], outcome="blocked", failures=1)
        roster.seats = {**roster.seats, "tenant_007": broken}
        page.locator("h1", has_text="2 instances in trouble").wait_for()
        assert page.locator(".item:visible").count() == 1
        page.locator(".item a:visible").click()
        page.locator("h1", has_text="blocked by a limit").wait_for()
        page.locator("header a", has_text="reconcile fleet").click()
        page.locator("h2", has_text="All instances").wait_for()
        context.close()


def test_what_an_operator_wrote_is_shown_and_not_run(chromium: "Browser", tmp_path: Path) -> None:
    with shown(tmp_path) as (url, _):
        context, page, _ = opened(chromium, url, DESKTOP)
        assert page.locator(".item b").count() == 0
        assert page.locator("td", has_text="they migrate <b>the warehouse</b>").count() == 1
        context.close()
