"""The live page in a browser: for everybody, at every width, and live."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

from reconcile.controller.command import ListenAddress, listen, url_of
from reconcile.controller.report import Desk
from reconcile.controller.situation import Cycle, Recent, RecentWord, Situation
from reconcile.controller.web import served
from reconcile.errors import Diagnostic, Place
from reconcile.model.plan import Plan
from reconcile.model.progress import Budget
from reconcile.model.struct import replace
from reconcile.render.apply import Board, Held, Running
from tests.browser.test_page import DESKTOP, EVERYWHERE, PHONE, PLANS, Scheme, Size
from tests.render.timelines import timeline_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.browser
WORDS: tuple[RecentWord, ...] = ("done", "failed", "unknown")
PICTURES = os.environ.get("RECONCILE_PICTURES")
"""A folder to leave pictures of the page in."""


class Shown(Desk):
    """A desk whose situation a test sets."""

    def set(self, situation: Situation) -> None:
        self._put(situation)


def situation_of(planned: Plan, **changes: object) -> Situation:
    now = planned.now
    addresses = tuple(standing.address for standing in planned.standings)
    known = Situation(
        name="reconcile.toml",
        host="https://myorg.omniapp.co",
        started_at=now - timedelta(days=12),
        plan=planned,
        timeline=timeline_of(planned),
        late={address: now - timedelta(minutes=50) for address in addresses[:1]},
        cycle=Cycle(at=now, verdict="partly", well=True, took_s=42.0, calls=3, polls=9),
        cycles={"done": 1_204, "partly": 3},
        wake_at=now + timedelta(minutes=41),
        budget=Budget(at=now, used=7, limit=60),
        recent=tuple(
            Recent(at=now, addresses=(address,), word=word, detail="took 42 s")
            for address, word in zip(addresses, WORDS, strict=False)
        ),
    )
    return replace(known, **changes)


def troubled(planned: Plan) -> Situation:
    addresses = tuple(standing.address for standing in planned.standings)
    running = Running(
        addresses[:1], "refresh, hard", planned.now - timedelta(seconds=95), "RUNNING"
    )
    board = Board(total=2, running=(running,), waiting=(Held(addresses[1:2], "waits its turn"),))
    refused = Diagnostic(
        code="toml-syntax",
        summary="The file is not valid TOML",
        detail="A table header must end in a bracket.",
        hint="reconcile validate",
        places=(Place("reconcile.toml", 12, 4),),
    )
    return situation_of(planned, board=board, refused=(refused,))


@contextmanager
def shown(situation: Situation) -> Iterator[tuple[str, Callable[[Situation], None]]]:
    """Serve a situation from a thread; what is yielded second changes it."""
    at = situation.plan.now if situation.plan else situation.started_at
    desk = Shown(situation)
    listener = listen(ListenAddress("127.0.0.1", 0))
    ready, loops = Event(), list[asyncio.AbstractEventLoop]()
    ended = asyncio.Event()

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        async with served(listener, None, desk, lambda: at, lambda: None):
            ready.set()
            await ended.wait()

    def change(other: Situation) -> None:
        loops[0].call_soon_threadsafe(desk.set, other)

    thread = Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield url_of(listener), change
    finally:
        loops[0].call_soon_threadsafe(ended.set)
        thread.join()


def opened(
    browser: "Browser", url: str, size: Size = DESKTOP, scheme: Scheme = "light"
) -> "tuple[BrowserContext, Page, list[str]]":
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme
    )
    page = context.new_page()
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    page.on("console", lambda message: seen.append(message.text))
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.goto(url)
    page.locator("#live", has_text="Live").wait_for()
    return context, page, seen


@pytest.mark.parametrize(("size", "scheme"), EVERYWHERE)
@pytest.mark.parametrize("name", PLANS)
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    chromium: "Browser", axe: str, name: str, size: Size, scheme: Scheme
) -> None:
    planned = PLANS[name]
    situation = situation_of(planned) if name == "quiet" else troubled(planned)
    with shown(situation) as (url, _):
        context, page, _ = opened(chromium, url, size, scheme)
        widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        if PICTURES:
            target = Path(PICTURES) / f"{name}-{size[0]}-{scheme}.png"
            page.screenshot(path=target, full_page=True)
        page.evaluate(axe)
        found = page.evaluate("axe.run(document)")
        context.close()
    assert widths[0] <= widths[1] == size[0]
    assert [rule["id"] for rule in found["violations"]] == []


def test_it_asks_nothing_of_anybody_else(chromium: "Browser") -> None:
    with shown(troubled(PLANS["hostile"])) as (url, _):
        context, _, seen = opened(chromium, url)
        context.close()
    assert seen == [url, f"{url}events"]


def test_what_changes_is_seen_without_a_reload(chromium: "Browser") -> None:
    planned = PLANS["troubled"]
    with shown(situation_of(planned)) as (url, change):
        context, page, seen = opened(chromium, url, PHONE)
        page.fill("#items-table-text", "team_0")
        row = page.locator(".item", has_text="models.team_03.refresh")
        row.locator("summary").click()
        change(troubled(planned))
        page.locator("h1", has_text="invalid").wait_for()
        assert page.locator(".troubles li").count() == 1
        assert page.title().startswith("The files are invalid")
        assert page.locator("#icon[href*=path]").count() == 1
        assert page.locator(".item:visible").count() == 10
        assert row.locator(".more").is_visible()
        page.fill("#items-table-text", "")
        assert page.locator(".status.running").count() == 1
        context.close()
    assert seen == [url, f"{url}events"]


def test_outcomes_are_told_by_day_and_can_be_narrowed_down(chromium: "Browser") -> None:
    planned = PLANS["troubled"]
    known = situation_of(planned)
    newest, *others = known.recent
    known = replace(known, recent=(replace(newest, job="job-42"), *others))
    with shown(known) as (url, _):
        context, page, _ = opened(chromium, url)
        assert page.locator("#outcomes summary").all_inner_texts() == ["Mon 23"]
        assert "job job-42" in page.locator("#outcomes li").first.inner_text()
        page.select_option("#outcomes-status", "failed")
        assert page.locator("#outcomes li:visible").count() == 1
        assert page.url.endswith("outcomes-status=failed")
        context.close()
