import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconcile.review.outline import reviewed
from tests.render.comparisons import comparison, hostile_comparison
from tests.render.foreign import MEANT
from tests.render.plans import plan_markdown
from tests.render.samples import plan

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("name", ["plain", "".join(MEANT)], ids=["plain", "hostile"])
def test_mermaid_draws_both_versions_of_a_change(
    chromium: "Browser", mermaid: Path, name: str
) -> None:
    change = comparison() if name == "plain" else hostile_comparison(name)
    comment = plan_markdown(plan(()), review=reviewed(change, name, None))
    (chart,) = re.findall(r"```mermaid\n(.*?)\n```", comment, re.DOTALL)
    context = chromium.new_context(offline=True)
    page = context.new_page()
    page.set_content("<!doctype html><title>chart</title>")
    page.add_script_tag(path=mermaid)
    parsed = page.evaluate("chart => mermaid.parse(chart)", chart)
    drawn = page.evaluate("chart => mermaid.render('chart', chart).then(it => it.svg)", chart)
    context.close()
    assert parsed["diagramType"] == "xychart"
    assert "Calls a day" in drawn
    days = len(change.figures.after.calls)
    assert len(re.findall(r"<rect[^>]*height=\"[1-9]", drawn)) >= days
