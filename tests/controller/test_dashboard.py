"""The live page as text: whole, escaped, and in parts that tell the same."""

import json
import re

import pytest

from reconcile.controller.metrics import controller_metrics
from reconcile.controller.page import dashboard_html, dashboard_parts, login_html
from reconcile.controller.report import Desk
from reconcile.controller.situation import situation_json
from tests.browser.test_dashboard import situation_of, troubled
from tests.render.foreign import MEANT
from tests.render.samples import plan, troubled_plan
from tests.render.test_hostile import hostile_plan

HOSTILE = troubled(hostile_plan("<script>alert(1)</script>" + "".join(MEANT)))
AT = troubled_plan().now


@pytest.mark.fault("Z12")
def test_no_name_becomes_markup() -> None:
    page = dashboard_html(HOSTILE, AT)
    assert page.isascii()
    assert page.count("<script>") == 1
    assert "alert(1)</script>" not in page


def test_every_part_has_its_place_in_the_page() -> None:
    situation = situation_of(troubled_plan())
    page = dashboard_html(situation, AT)
    for name, part in dashboard_parts(situation, AT).items():
        assert part in page
        assert re.match(rf'<\w+ [^>]*id="{name}"', part)


def test_the_page_loads_nothing_and_nobody_may_frame_it() -> None:
    page = dashboard_html(HOSTILE, AT) + login_html(refused=True)
    assert not re.search(r'(?:src|href)="(?!#|data:image/svg\+xml,)', page)


def test_documents_for_programs_hold_every_item() -> None:
    situation = situation_of(troubled_plan())
    listed = json.loads(situation_json(situation, AT))["items"]
    assert len(listed) == len(troubled_plan().standings)
    exposition = controller_metrics(situation, AT)
    assert exposition.count("reconcile_item_lateness_seconds{") == len(listed)


def test_a_controller_that_has_only_begun_has_a_page() -> None:
    situation = situation_of(plan(()), plan=None, timeline=None, cycle=None, recorded=None)
    assert "Starting" in dashboard_html(situation, AT)
    assert json.loads(situation_json(situation, AT))["ready"] is False
    assert "reconcile_controller_ready 0.0" in controller_metrics(situation, AT)


def test_what_is_told_of_the_next_cycle_stays_while_one_is_made() -> None:
    planned = troubled_plan()
    desk = Desk(situation_of(planned))
    before = dashboard_parts(desk.situation, AT)
    desk.begins()
    assert dashboard_parts(desk.situation, AT) == before
    assert json.loads(situation_json(desk.situation, AT))["wake_at"] is None
