"""No name in a comment mentions, links, embeds, closes or forges anything."""

from functools import cache
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reconcile.model.address import Address
from reconcile.model.plan import Plan
from reconcile.model.reason import Status
from reconcile.model.struct import replace
from reconcile.render.layout import escape_terminal, markdown_code
from reconcile.review.markdown import COMMENT_LIMIT
from reconcile.review.outline import reviewed
from tests.render.comparisons import hostile_comparison
from tests.render.foreign import FOREIGN, MEANT
from tests.render.plans import plan_markdown
from tests.render.samples import plan, refresh, standing
from tests.render.test_hostile import hostile_plan
from tests.render.timelines import timeline_of
from tests.strategies import examples

pytestmark = pytest.mark.long

ALLOWED = frozenset({"h3", "p", "ul", "li", "strong", "code", "pre", "details", "summary"})
TABLE = frozenset({"table", "thead", "tbody", "tr", "th", "td"})


class Shown(HTMLParser):
    """Collects tags, and the text a forge would search for references."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.folds = 0
        self.searched = ""
        self.code: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert all(name == "class" for name, _ in attrs)
        self.open.append(tag)
        self.tags.add(tag)
        self.folds += tag == "details"
        if tag == "code":
            self.code.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "code" in self.open:
            self.code[-1] += data
        else:
            self.searched += data


@cache
def renderer() -> MarkdownIt:
    """CommonMark with GitHub's tables, strikethrough and links that need no markup."""
    return MarkdownIt("gfm-like", {"html": True, "linkify": True})


def shown(markdown: str) -> Shown:
    seen = Shown()
    seen.feed(renderer().render(markdown))
    seen.close()
    assert seen.open == []
    return seen


def hostile_comment(name: str) -> str:
    planned = hostile_plan(name)
    arguments = ("--select", name)
    return plan_markdown(planned, timeline_of(planned, name), host=name, arguments=arguments)


def hostile_review(name: str) -> str:
    review = reviewed(hostile_comparison(name), name, "0" * 40)
    return plan_markdown(hostile_plan(name), host=name, review=review)


@pytest.mark.fault("Z11", "Z12", "Z14")
@examples(150)
@given(name=FOREIGN)
def test_no_name_survives_outside_of_code(name: str) -> None:
    comment = hostile_comment(name)
    seen = shown(comment)
    assert seen.tags <= ALLOWED
    assert seen.folds == 4
    assert not set(seen.searched.replace("->", "")) & set("@#`<>[]|~$_!&")
    assert "evil" not in seen.searched
    assert not any(line.lstrip().startswith("::") for line in comment.splitlines())
    assert "##[" not in comment
    assert len(comment.encode()) <= COMMENT_LIMIT


@pytest.mark.fault("Z12")
@pytest.mark.parametrize("name", MEANT)
def test_a_name_is_shown_as_it_is_in_code(name: str) -> None:
    address = Address(f"x{name}x")
    seen = shown(plan_markdown(plan((refresh(address),))))
    assert any(escape_terminal(address).replace("##[", r"\x23#[") in code for code in seen.code)


@pytest.mark.fault("Z12")
@examples(300)
@given(text=FOREIGN)
def test_a_code_span_holds_exactly_its_text(text: str) -> None:
    seen = shown(f"- before {markdown_code(text)} after")
    assert len(seen.code) == 1
    # A forge collapses nothing in code but line breaks, and those are escaped.
    assert seen.code[0].replace(r"\x3a", ":").replace(r"\x23", "#") == (
        (escape_terminal(text) or " ").replace(r"\x3a", ":").replace(r"\x23", "#")
    )


@pytest.mark.fault("Z11", "Z12")
@examples(60)
@given(name=FOREIGN)
def test_no_name_of_a_change_leaves_its_cell(name: str) -> None:
    comment = hostile_review(name)
    rows = [line for line in comment.splitlines() if line.startswith("| ")]
    assert {line.count("|") for line in rows} <= {5, 6}
    seen = shown(comment)
    assert seen.tags <= ALLOWED | TABLE
    assert not set(seen.searched.replace("->", "")) & set("@#`<>[]|~$_!&")
    assert "evil" not in seen.searched
    assert len(comment.encode()) <= COMMENT_LIMIT


@pytest.mark.fault("Z13")
@settings(max_examples=15, deadline=None)
@given(name=FOREIGN, number=st.integers(0, 900), long=st.booleans())
def test_a_comment_always_fits(name: str, number: int, long: bool) -> None:  # noqa: FBT001
    comment = plan_markdown(crowd(name * 60 if long else name, number), host=name)
    assert len(comment.encode()) <= COMMENT_LIMIT
    assert shown(comment).tags <= ALLOWED


def crowd(name: str, number: int) -> Plan:
    addresses = [Address(f"{name}{each}") for each in range(number)]
    standings = hostile_plan(name).standings
    others = [
        replace(standings[each % len(standings)], address=address, status=Status.HELD)
        for each, address in enumerate(addresses)
    ]
    return plan(tuple(map(refresh, addresses)), (*others, *map(standing, addresses)))
