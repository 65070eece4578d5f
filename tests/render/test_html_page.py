import re
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.model.address import Address, refresh_address
from reconcile.model.forecast import Timeline
from reconcile.model.plan import Plan
from reconcile.model.reason import Status
from reconcile.model.struct import replace
from reconcile.render.layout import MOST_LISTED, Told, escape_terminal
from reconcile.render.page import breakable, prose, told_html
from reconcile.review.outline import reviewed
from tests.conftest import Snapshot
from tests.render.comparisons import hostile_comparison
from tests.render.foreign import FOREIGN, MEANT
from tests.render.moments import SALES
from tests.render.plans import plan_html, without_assets
from tests.render.samples import morning_standings, plan, refresh, standing, troubled_plan
from tests.render.test_hostile import hostile_plan
from tests.render.timelines import timeline_of
from tests.strategies import examples

HOST = "https://myorg.omniapp.co"
TWO_MEGABYTES = 2_000_000
VOID = frozenset({"meta", "input", "link", "wbr"})
ACTIVE = frozenset({"src", "href", "style", "srcset", "action", "formaction", "data", "poster"})


class Read(HTMLParser):
    """A page as a strict reader takes it: every tag closed, in order, nothing that acts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.ids: list[str] = []
        self.active: list[str] = []
        self.code: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ACTIVE or name.startswith("on") or ":" in name:
                self.active.append(f"{name}={value}")
        if tag == "code":
            self.code.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if "code" in self.open:
            self.code[-1] += data


def morning() -> Plan:
    return plan(standings=morning_standings())


def hostile_page(name: str) -> str:
    planned = hostile_plan(name)
    return plan_html(
        planned,
        timeline_of(planned, name),
        host=name,
        arguments=("--select", name),
        review=reviewed(hostile_comparison(name), name, name),
        before=timeline_of(planned, name),
    )


@cache
def plain_page() -> Read:
    return Read(hostile_page("plain"))


@pytest.mark.parametrize("make", [morning, troubled_plan])
def test_a_page_reads_well(make: Callable[[], Plan], snapshot: Snapshot) -> None:
    page = plan_html(make(), timeline_of(make()), host=HOST, arguments=("--file", "prod"))
    snapshot(f"page_{make.__name__}.html", without_assets(page))


def test_a_page_permits_its_own_style_and_script_and_no_other() -> None:
    page = plan_html(morning())
    for part in ("style", "script"):
        (content,) = re.findall(f"(?s)<{part}>(.*)</{part}>", page)
        digest = b64encode(sha256(content.encode()).digest()).decode()
        assert f"{part}-src &#39;sha256-{digest}&#39;;" in page


def test_the_same_plan_gives_the_same_bytes() -> None:
    assert plan_html(morning(), timeline_of(morning())) == plan_html(
        morning(), timeline_of(morning())
    )


def test_a_page_asks_nobody_for_anything() -> None:
    page = plan_html(troubled_plan(), timeline_of(troubled_plan()), host=HOST)
    (icon,) = [link for link in Read(page).active if not link.startswith("href=#")]
    assert icon.startswith("href=data:image/svg+xml,")
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src &#39;none&#39;" in page
    assert "unsafe-inline" not in page


def test_every_id_is_there_once() -> None:
    ids = Read(plan_html(troubled_plan(), timeline_of(troubled_plan()))).ids
    assert len(ids) == len(set(ids))


def test_a_page_does_not_need_a_timeline() -> None:
    page = Read(plan_html(plan((refresh(SALES),), (standing(SALES, Status.DUE),))))
    assert "svg" not in page.tags
    assert "1 call is due" in page.texts


def test_where_nothing_is_due_the_page_says_so() -> None:
    texts = Read(plan_html(plan((), morning_standings()))).texts
    assert "No calls are due" in texts
    assert "There is nothing to approve." in texts


@pytest.mark.fault("Z10", "Z11", "Z12")
@examples(60)
@given(name=FOREIGN)
def test_no_name_becomes_markup(name: str) -> None:
    page = hostile_page(name)
    read, plain = Read(page), plain_page()
    assert set(read.tags) <= set(plain.tags)
    assert read.active == plain.active
    assert read.tags.count("script") == 1
    assert read.tags.count("style") == 1
    assert set(page) <= set(map(chr, range(32, 127))) | {"\n"}


@pytest.mark.fault("Z12")
@pytest.mark.parametrize("name", MEANT)
def test_a_name_is_shown_as_it_is(name: str) -> None:
    address = Address(f"x{name}x")
    read = Read(plan_html(plan((refresh(address),), (standing(address),))))
    assert escape_terminal(address) in read.code


@pytest.mark.fault("Z12")
def test_every_text_is_escaped_and_may_break_where_an_address_does() -> None:
    page = told_html(Told(subject="plan", headline="<b>&\"'\x1b\u00e9", passages=()))
    assert "&lt;b&gt;&amp;&#34;&#39;\\x1b&#233;</h1>" in page
    assert breakable("a.b_c&.d") == "a.<wbr>b_<wbr>c&amp;.<wbr>d"
    assert prose("`a_b` or `<b>`, not `") == "<code>a_b</code> or <code>&lt;b&gt;</code>, not `"


@settings(max_examples=4, deadline=None)
@given(name=FOREIGN, number=st.integers(0, 1500), long=st.booleans())
def test_a_page_stays_small(name: str, number: int, long: bool) -> None:  # noqa: FBT001
    long_name = name * 60 if long else name
    addresses = [Address(f"{each}{long_name}") for each in range(number)]
    reasons = [standing.reason for standing in hostile_plan(long_name).standings]
    items = tuple(
        replace(standing(address), reason=reasons[each % len(reasons)])
        for each, address in enumerate(addresses)
    )
    planned = plan(tuple(map(refresh, addresses)), items)
    assert len(plan_html(planned, timeline_of(planned, long_name))) < TWO_MEGABYTES


def test_of_a_long_list_what_is_stuck_is_shown_and_the_rest_is_counted() -> None:
    items = tuple(
        standing(refresh_address(f"team_{each:05}"), Status.HELD if each == 3000 else Status.DUE)
        for each in range(3100)
    )
    planned = plan((), items)
    read = Read(plan_html(planned, timeline_of(planned)))
    assert "models.team_00000.refresh" in read.code
    assert "models.team_03000.refresh" in read.code
    assert sum(name.startswith("models.") for name in read.code) == MOST_LISTED
    rest = (
        "2,100 more items left out here: reconcile plan --verbose --format text lists all of them"
    )
    assert rest in read.texts


def test_a_week_in_which_clocks_go_back_is_seven_days() -> None:
    midnight = datetime(2026, 11, 1, 4, tzinfo=UTC)  # in New York
    until = midnight + timedelta(days=7)
    week = Timeline(start=midnight, until=until, addresses=(), tracks=(), minutes={})
    assert ">Next 7 days</a>" in plan_html(morning(), week)
