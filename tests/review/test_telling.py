"""Lines of text as a comment and as a page: saved plans, differences of plans, and items."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.recorded import Recorded
from reconcile.render.documents import saved_json
from reconcile.render.layout import Told
from reconcile.render.page import told_html
from reconcile.render.plan import review_told
from reconcile.review.markdown import COMMENT_LIMIT, told_markdown
from reconcile.review.text import plan_difference_told
from tests.conftest import Snapshot
from tests.render.comparisons import hostile_plan_difference, plan_difference
from tests.render.foreign import FOREIGN
from tests.render.plans import items_told, without_assets
from tests.render.samples import morning_standings, plan
from tests.render.saved import STANDS, VIEW, saved_plan, stale
from tests.render.test_html_page import Read
from tests.review.test_markdown_hostile import shown
from tests.strategies import examples

pytestmark = pytest.mark.long

DOCUMENTS: dict[str, Callable[[int], Told]] = {
    "saved": lambda width: review_told(saved_plan(), STANDS, VIEW, width=width),
    "stale": lambda width: review_told(
        saved_plan(), stale("models.ops.refresh"), VIEW, width=width
    ),
    "difference": lambda width: plan_difference_told(plan_difference(), width=width),
    "items": lambda width: items_told(
        morning_standings(), Recorded(lineage="here"), plan().now, width=width
    ),
}
LARGEST_PAGE = 2_000_000
ALLOWED = {"h3", "h4", "pre", "code", "p"}


def hostile(name: str, width: int, number: int = 1) -> list[Told]:
    return [
        review_told(saved_plan(name, number), stale(name, number), VIEW, width=width),
        plan_difference_told(hostile_plan_difference(name, number), width=width),
    ]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_is_told_reads_well(name: str, snapshot: Snapshot) -> None:
    snapshot(f"told_{name}.md", told_markdown(DOCUMENTS[name](96)))
    snapshot(f"told_{name}.html", without_assets(told_html(DOCUMENTS[name](40))))


@pytest.mark.fault("Z11", "Z12")
@examples(40)
@given(FOREIGN)
def test_no_name_survives_outside_of_a_fence(name: str) -> None:
    for document in hostile(name, 96):
        comment = told_markdown(document)
        seen = shown(comment)
        assert seen.tags <= ALLOWED
        assert "evil" not in seen.searched
        assert "##[" not in comment
        assert not any(line.lstrip().startswith("::") for line in comment.splitlines())


@pytest.mark.fault("Z11", "Z12")
@examples(40)
@given(FOREIGN)
def test_no_name_becomes_markup(name: str) -> None:
    plain = {tag for told in hostile("plain", 40) for tag in Read(told_html(told)).tags}
    for document in hostile(name, 40):
        read = Read(told_html(document))
        assert set(read.tags) <= plain
        assert read.tags.count("script") == 1


@pytest.mark.fault("Z13")
@pytest.mark.parametrize("name", ["x" * 10_000, "`" * 300, "\x1b[2J\u202e" * 500])
def test_both_stay_within_bounds(name: str) -> None:
    for document in hostile(name, 96, number=3_000):
        assert len(told_markdown(document).encode()) <= COMMENT_LIMIT
        page = told_html(document)
        assert page.isascii()
        assert len(page) <= LARGEST_PAGE


@given(st.text(max_size=20))
def test_a_saved_plan_in_json_holds_names_as_they_are(name: str) -> None:
    (action,) = json.loads(saved_json(saved_plan(name), stale(name)))["actions"]
    assert list(action["slots"]) == [name]
