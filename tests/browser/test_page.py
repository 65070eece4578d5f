from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from reconcile.model.plan import Plan
from reconcile.render.page import told_html
from reconcile.render.saved import review_told
from reconcile.review.text import plan_difference_told
from tests.render.comparisons import hostile_plan_difference
from tests.render.foreign import MEANT
from tests.render.plans import plan_html
from tests.render.samples import plan, standing, troubled_plan
from tests.render.saved import STANDS, VIEW, saved_plan, stale
from tests.render.test_hostile import hostile_plan
from tests.render.timelines import timeline_of
from tests.review.test_markdown import crowded

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.browser

Scheme = Literal["light", "dark"]
Size = tuple[int, int]
DESKTOP, PHONE = (1280, 900), (360, 740)
EVERYWHERE = [
    pytest.param(size, scheme, id=f"{size[0]}-{scheme}")
    for size in (DESKTOP, PHONE)
    for scheme in ("light", "dark")
]
COMPARISON = (
    "Against main: 2 changed",
    "  added    models.new.refresh  every 6h",
    "                               runs 4 a day",
    "  removed  models.old.refresh",
    "In the next 7d:",
    "  calls  10 -> 12",
)
WIDE_NAME = "x" * 10_000 + "".join(MEANT)
PLANS = {
    "troubled": troubled_plan(),
    "hostile": hostile_plan("".join(MEANT)),
    "wide": hostile_plan(WIDE_NAME),
    "quiet": plan(()),
}

TOLD = {
    "saved": review_told(saved_plan(), STANDS, VIEW, width=40),
    "stale": review_told(saved_plan(WIDE_NAME), stale(WIDE_NAME), VIEW, width=40),
    "difference": plan_difference_told(hostile_plan_difference(WIDE_NAME), width=40),
}


def page_of(planned: Plan) -> str:
    name = "https://myorg.omniapp.co"
    return plan_html(planned, timeline_of(planned), host=name, changes=COMPARISON)


def any_page(name: str) -> str:
    return page_of(PLANS[name]) if name in PLANS else told_html(TOLD[name])


def open_page(
    browser: "Browser", text: str, file: Path, size: Size = DESKTOP, scheme: Scheme = "light"
) -> "tuple[BrowserContext, Page, list[str]]":
    """Open the page as a reader would; what it asked for and what it complained of is kept."""
    file.write_text(text, encoding="ascii")
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme
    )
    page = context.new_page()
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    page.on("console", lambda message: seen.append(message.text))
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.goto(file.as_uri())
    return context, page, seen


@pytest.mark.parametrize(("size", "scheme"), EVERYWHERE)
@pytest.mark.parametrize("name", [*PLANS, *TOLD])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    chromium: "Browser", axe: str, tmp_path: Path, name: str, size: Size, scheme: Scheme
) -> None:
    context, page, _ = open_page(chromium, any_page(name), tmp_path / "plan.html", size, scheme)
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    page.evaluate(axe)
    found = page.evaluate("axe.run(document)")
    context.close()
    assert widths[0] <= widths[1] == size[0]
    assert [rule["id"] for rule in found["violations"]] == []
    looked_at = {"color-contrast", "html-has-lang"} | ({"label"} if name in PLANS else set())
    assert looked_at <= {rule["id"] for rule in found["passes"]}


@pytest.mark.fault("Z12")
@pytest.mark.parametrize("name", PLANS)
def test_no_request_leaves_and_no_name_runs(chromium: "Browser", tmp_path: Path, name: str) -> None:
    file = tmp_path / "plan.html"
    context, page, seen = open_page(chromium, page_of(PLANS[name]), file)
    page.wait_for_load_state("networkidle")
    context.close()
    assert seen == [file.as_uri()]


def test_the_filter_narrows_the_table_down(chromium: "Browser", tmp_path: Path) -> None:
    text = page_of(troubled_plan())
    context, page, _ = open_page(chromium, text, tmp_path / "plan.html")
    page.fill("#filter-text", "team_0")
    assert page.locator("#items-table tbody tr:visible").count() == 10
    page.select_option("#filter-status", "held")
    assert page.locator("#items-table tbody tr:visible").count() == 0
    page.fill("#filter-text", "")
    assert page.locator("#items-table tbody tr:visible").count() == 1
    assert page.inner_text("#filter-shown").startswith("1 of ")
    context.close()


def test_without_a_script_everything_is_there_but_the_filter(
    chromium: "Browser", tmp_path: Path
) -> None:
    file = tmp_path / "plan.html"
    file.write_text(page_of(troubled_plan()), encoding="ascii")
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(file.as_uri())
    assert page.locator("#filter").is_hidden()
    shown = page.locator("#items-table tbody tr:visible").count()
    context.close()
    assert shown == len(troubled_plan().standings)


def test_a_thousand_items_stay_usable(chromium: "Browser", tmp_path: Path) -> None:
    planned = crowded(1000)
    context, page, _ = open_page(chromium, page_of(planned), tmp_path / "plan.html", PHONE)
    page.fill("#filter-text", "team_00500")
    assert page.locator("#items-table tbody tr:visible").count() == 1
    context.close()


def test_a_printed_page_hides_the_filter(chromium: "Browser", tmp_path: Path) -> None:
    text = page_of(plan((), (standing(troubled_plan().standings[0].address),)))
    context, page, _ = open_page(chromium, text, tmp_path / "plan.html")
    page.emulate_media(media="print")
    assert page.locator("#filter").is_hidden()
    context.close()
