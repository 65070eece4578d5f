import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconcile.model.plan import Plan
from tests.render.foreign import MEANT
from tests.render.plans import plan_markdown
from tests.render.samples import plan, troubled_plan
from tests.render.test_hostile import hostile_plan
from tests.render.timelines import timeline_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("planned", "bars"),
    [(troubled_plan(), 7), (hostile_plan("".join(MEANT)), 7), (plan(()), 0)],
    ids=["troubled", "hostile", "quiet"],
)
def test_mermaid_draws_the_chart_of_a_comment(
    chromium: "Browser", mermaid: Path, planned: Plan, bars: int
) -> None:
    comment = plan_markdown(planned, timeline_of(planned))
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
    assert len(re.findall(r"<rect[^>]*height=\"[1-9]", drawn)) >= bars
