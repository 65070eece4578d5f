"""Explanations, whole."""

import json

import pytest

from reconcile.forecast.why import explain
from reconcile.model.desired import Item
from reconcile.render.layout import cells
from tests.conftest import Snapshot
from tests.planning.making import NOON, desired, of
from tests.render.moments import NOW
from tests.render.outlook import CLOSE, CROWD, DAILY, FILES, HOSTILE, HOURLY, OPS, SALES, STATE, WEB
from tests.render.plans import why_json, why_text

ITEMS: dict[str, Item] = {
    "frozen": SALES,
    "backing_off": OPS,
    "frozen_with_deadline": DAILY,
    "paused": WEB,
    "follows": HOURLY,
    "one_off": CLOSE,
    "covered": CROWD[0],
}


@pytest.mark.parametrize("name", ITEMS)
def test_the_whole_text(name: str, snapshot: Snapshot) -> None:
    told = explain(FILES, STATE, NOW, ITEMS[name].address)
    snapshot(f"why_{name}.txt", why_text(told, width=80, colour=False))


def test_the_whole_json(snapshot: Snapshot) -> None:
    snapshot("why.json", why_json(explain(FILES, STATE, NOW, DAILY.address)))


@pytest.mark.parametrize("item", FILES.items)
@pytest.mark.parametrize("width", [40, 80])
def test_a_line_leaves_the_width_only_for_a_long_word(item: Item, width: int) -> None:
    text = why_text(explain(FILES, STATE, NOW, item.address), width=width, colour=False)
    assert all(cells(line) <= width or " " not in line.strip() for line in text.splitlines())


def test_what_others_wrote_cannot_act_on_a_terminal_or_a_runner() -> None:
    for item in (WEB, HOSTILE):
        told = explain(desired(item), of({}), NOON, item.address)
        text = why_text(told, width=80, colour=False)
        assert "\n::" not in text
        assert "\u202e" not in text
        assert json.loads(why_json(told))["address"] == item.address
