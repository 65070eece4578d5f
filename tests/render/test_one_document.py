"""One document, many renderings: what it says stands in all of them, and none says it by itself."""

from collections.abc import Iterator

import pytest

from reconcile.model.struct import replace
from reconcile.render.apply import summary_text
from reconcile.render.documents import Blocking, encode, summed
from reconcile.render.outline import Outline, outlined
from reconcile.render.plan import plan_text
from reconcile.review.markdown import plan_markdown
from reconcile.review.page import plan_html
from tests.render.samples import troubled_plan
from tests.render.test_summary import mixed

PLANNED = outlined(troubled_plan())
DOCUMENT = PLANNED.document
SAID = {
    "calls": replace(DOCUMENT, load=replace(DOCUMENT.load, calls=777)),
    "polls": replace(DOCUMENT, load=replace(DOCUMENT.load, polls=777)),
    "the budget": replace(DOCUMENT, load=replace(DOCUMENT.load, requests_per_minute=777)),
    "a limit": replace(DOCUMENT, blocked_by=(Blocking("calls", 1.0, 777.0, "--allow calls=777"),)),
    "the digest": replace(DOCUMENT, digest="sha256:777"),
}


def renderings(outline: Outline) -> Iterator[str]:
    yield plan_text(outline, width=100, colour=False, verbose=True)
    yield plan_markdown(outline)
    yield plan_html(outline)
    yield encode(outline.document)


@pytest.mark.parametrize("what", SAID)
def test_a_number_of_a_plan_is_the_same_in_every_rendering(what: str) -> None:
    changed = replace(PLANNED, document=SAID[what])
    assert not any("777" in shown for shown in renderings(PLANNED))
    assert ["777" in shown for shown in renderings(changed)] == [True] * 4


def test_a_number_of_an_apply_is_the_same_in_every_rendering() -> None:
    told = summed(mixed())
    changed = replace(told, document=replace(told.document, polls=777))
    assert "777" in summary_text(changed, width=100, colour=False)
    assert "777" in encode(changed.document)


def test_how_many_there_are_is_the_same_for_everybody() -> None:
    (first, *rest) = PLANNED.figures
    changed = replace(PLANNED, figures=(replace(first, number=777), *rest))
    assert all("777" in shown for shown in list(renderings(changed))[:3])
