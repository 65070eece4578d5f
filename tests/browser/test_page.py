from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from reconcile.errors import Diagnostic, Place
from reconcile.model.plan import Plan
from reconcile.render.page import told_html
from reconcile.render.plan import review_told
from reconcile.review.outline import reviewed
from reconcile.review.page import no_plan_html
from reconcile.review.text import plan_difference_told
from tests.render.comparisons import comparison, hostile_comparison, hostile_plan_difference
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


REVIEWS = {
    "plain": (comparison(), "main"),
    "foreign": (hostile_comparison("".join(MEANT)), "".join(MEANT)),
}
MISTAKES = (
    Diagnostic(code="unknown-key", summary="unknown key", detail="It is\nnot known.", hint="every"),
    Diagnostic(
        code="unknown-key",
        summary=WIDE_NAME,
        detail=WIDE_NAME,
        places=(Place(WIDE_NAME, 3, 9_000, WIDE_NAME, 5),),
    ),
)


def page_of(planned: Plan) -> str:
    return plan_html(planned, timeline_of(planned), host="https://myorg.omniapp.co")


def review_of(name: str) -> str:
    (change, base), planned = REVIEWS[name], troubled_plan()
    days = timeline_of(planned)
    return plan_html(planned, days, review=reviewed(change, base, "a" * 40), before=days)


def any_page(name: str) -> str:
    if name in PLANS:
        return page_of(PLANS[name])
    if name in REVIEWS:
        return review_of(name)
    return no_plan_html(MISTAKES, WIDE_NAME) if name == "mistakes" else told_html(TOLD[name])


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
@pytest.mark.parametrize("name", [*PLANS, *REVIEWS, *TOLD, "mistakes"])
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


@pytest.mark.parametrize("name", ["troubled", "wide", "plain"])
def test_no_width_between_a_phone_and_a_desk_is_too_narrow(
    chromium: "Browser", tmp_path: Path, name: str
) -> None:
    text = any_page(name).replace("models.team_03.", f"models.{'warehouse_' * 4}.")
    context, page, _ = open_page(chromium, text, tmp_path / "plan.html")
    for width in range(320, 1320, 40):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == width
    context.close()


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
    page.fill("#items-table-text", "team_0")
    assert page.locator(".item:visible").count() == 10
    page.select_option("#items-table-status", "held")
    assert page.locator(".item:visible").count() == 0
    page.fill("#items-table-text", "")
    page.select_option("#items-table-kind", "refresh")
    assert page.locator(".item:visible").count() == 1
    assert page.inner_text("form output").startswith("1 of ")
    page.goto(page.url)
    page.reload()
    assert page.input_value("#items-table-status") == "held"
    assert page.locator(".item:visible").count() == 1
    context.close()


def test_a_row_opens_by_keyboard_and_tells_its_runs(chromium: "Browser", tmp_path: Path) -> None:
    context, page, _ = open_page(chromium, page_of(troubled_plan()), tmp_path / "plan.html")
    row = page.locator(".item", has_text="models.finance.refresh").first
    assert row.locator(".more").is_hidden()
    row.locator("summary").focus()
    page.keyboard.press("Enter")
    assert "Next runs" in row.locator(".more").inner_text()
    context.close()


def test_a_day_is_looked_at_hour_by_hour(chromium: "Browser", tmp_path: Path) -> None:
    context, page, _ = open_page(chromium, page_of(troubled_plan()), tmp_path / "plan.html")
    line = page.locator("svg.line").last
    whole = line.get_attribute("viewBox")
    page.locator("thead a.zoom").nth(1).focus()
    page.keyboard.press("Enter")
    assert page.locator("thead .alone:visible text").all_text_contents()[:2] == ["00", "03"]
    assert (line.get_attribute("viewBox") or "").split()[2] == str(24 * 60)
    assert page.url.endswith("#day=2")
    page.locator(".zooms a").first.click()
    assert line.get_attribute("viewBox") == whole
    context.close()


def test_twenty_eight_items_are_a_page_and_not_a_scroll(
    chromium: "Browser", tmp_path: Path
) -> None:
    context, page, _ = open_page(chromium, page_of(crowded(28)), tmp_path / "plan.html")
    assert page.evaluate("document.documentElement.scrollHeight") <= 4_500
    name = page.locator(".item code").first.bounding_box()
    assert name is not None
    assert name["height"] < 30
    context.close()


def test_without_a_script_everything_is_there_but_filter_and_zoom(
    chromium: "Browser", tmp_path: Path
) -> None:
    file = tmp_path / "plan.html"
    file.write_text(page_of(troubled_plan()), encoding="ascii")
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(file.as_uri())
    assert page.locator("form").is_hidden()
    shown = page.locator(".item:visible").count()
    page.locator("summary").first.click()
    assert page.locator(".more").first.is_visible()
    context.close()
    assert shown == len(troubled_plan().standings)


def test_a_thousand_items_stay_usable(chromium: "Browser", tmp_path: Path) -> None:
    planned = crowded(1000)
    context, page, _ = open_page(chromium, page_of(planned), tmp_path / "plan.html", PHONE)
    page.fill("#items-table-text", "team_00500")
    assert page.locator(".item:visible").count() == 1
    context.close()


def test_a_printed_page_hides_the_filter(chromium: "Browser", tmp_path: Path) -> None:
    text = page_of(plan((), (standing(troubled_plan().standings[0].address),)))
    context, page, _ = open_page(chromium, text, tmp_path / "plan.html")
    page.emulate_media(media="print")
    assert page.locator("form").is_hidden()
    context.close()
