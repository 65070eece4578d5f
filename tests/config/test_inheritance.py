from datetime import time, timedelta

import pytest

from reconcile.model.desired import (
    AfterRefresh,
    At,
    Cron,
    Every,
    Mode,
    OnChange,
    RefreshItem,
    ResetItem,
)
from tests.config.given import ID, codes, items, sales


def refresh(defaults: str, own: str) -> RefreshItem:
    item = items(f"[defaults]\n{defaults}\n{sales(own)}")["models.sales.refresh"]
    assert isinstance(item, RefreshItem)
    return item


def reset(defaults: str, own: str) -> ResetItem:
    item = items(f"[defaults]\n{defaults}\n{sales(p=own)}")["models.sales.cache.p"]
    assert isinstance(item, ResetItem)
    return item


def test_a_table_without_keys_inherits_all_of_them() -> None:
    item = refresh('refresh = { every = "6h", mode = "soft", tables = ["a"], timeout = "1h" }', "")
    assert item.timing.cadence == Every(timedelta(hours=6))
    assert (item.mode, item.tables, item.timeout) == (Mode.SOFT, ("a",), timedelta(hours=1))


def test_a_key_of_its_own_wins_and_the_others_are_inherited() -> None:
    item = refresh('refresh = { every = "6h", mode = "soft" }', 'every = "1h"')
    assert (item.timing.cadence, item.mode) == (Every(timedelta(hours=1)), Mode.SOFT)


def test_a_cadence_of_its_own_pushes_an_inherited_one_aside() -> None:
    item = refresh('refresh = { at = "06:00", days = "mon" }', 'cron = "0 1 * * *"')
    assert item.timing.cadence == Cron("0 1 * * *")


def test_days_are_inherited_only_with_times() -> None:
    assert reset('cache = { at = "06:00", days = "mon" }', 'at = "07:00"').timing.cadence == At(
        (time(7),), frozenset((0,))
    )
    assert reset('cache = { at = "06:00" }', 'days = "tue"').timing.cadence == At(
        (time(6),), frozenset((1,))
    )


def test_days_beside_an_inherited_cron_are_refused() -> None:
    text = '[defaults]\ncache = { cron = "0 1 * * *" }\n' + sales(p="days = 'mon'")
    assert codes(text) == ["days-need-at"]


def test_after_alone_is_a_cadence_even_where_a_time_could_be_inherited() -> None:
    item = reset('cache = { at = "06:00" }', 'after = "models.sales.refresh"')
    assert item.timing.cadence == AfterRefresh(item.after or item.address)


def test_after_beside_an_inherited_time_is_inherited_as_an_order() -> None:
    item = reset('cache = { at = "06:00", after = "models.sales.refresh" }', 'every = "1h"')
    assert (item.timing.cadence, item.after) == (Every(timedelta(hours=1)), "models.sales.refresh")


def test_an_inherited_after_that_was_a_cadence_gives_way_to_a_time() -> None:
    item = reset('cache = { after = "models.sales.refresh" }', 'every = "1h"')
    assert (item.timing.cadence, item.after) == (Every(timedelta(hours=1)), None)


def test_an_inherited_after_alone_is_a_cadence() -> None:
    item = reset('cache = { after = "models.sales.refresh" }', "")
    assert item.after == "models.sales.refresh"
    assert isinstance(item.timing.cadence, AfterRefresh)


def test_a_hard_refresh_does_not_inherit_filters() -> None:
    item = refresh('refresh = { mode = "soft", schemas = ["a"] }', 'every = "1h"\nmode = "hard"')
    assert (item.mode, item.schemas) == (Mode.HARD, ())


def test_an_inherited_spread_reaches_only_wall_clock_times() -> None:
    assert refresh('spread = "10m"', 'every = "1h"').timing.spread == timedelta()
    assert refresh('spread = "10m"', 'at = "06:00"').timing.spread == timedelta(minutes=10)
    assert refresh('spread = "10m"', 'at = "06:00"\nspread = "0s"').timing.spread == timedelta()


def test_general_defaults_reach_refreshes_and_resets() -> None:
    keys = 'deadline = "2h"\non_change = "next"\nhold_after = 3\n'
    for timing in (refresh(keys, 'every = "1h"').timing, reset(keys, 'every = "1h"').timing):
        assert (timing.deadline, timing.on_change) == (timedelta(hours=2), OnChange.NEXT)
        assert timing.hold_after == 3


def test_the_default_of_a_kind_beats_the_general_one() -> None:
    assert refresh('timeout = "1h"\nrefresh.timeout = "2h"', 'every = "1h"').timeout == timedelta(
        hours=2
    )


@pytest.mark.parametrize(
    ("general", "kind", "model", "own", "zone"),
    [
        ("", "", "", "", "UTC"),
        ("Asia/Tokyo", "", "", "", "Asia/Tokyo"),
        ("Asia/Tokyo", "Asia/Seoul", "", "", "Asia/Seoul"),
        ("Asia/Tokyo", "Asia/Seoul", "Asia/Dubai", "", "Asia/Dubai"),
        ("Asia/Tokyo", "Asia/Seoul", "Asia/Dubai", "Asia/Manila", "Asia/Manila"),
    ],
)
def test_the_zone_said_nearest_to_the_item_counts(
    general: str, kind: str, model: str, own: str, zone: str
) -> None:
    def said(value: str) -> str:
        return f'timezone = "{value}"\n' if value else ""

    text = (
        f"[defaults]\n{said(general)}[defaults.refresh]\n{said(kind)}"
        f'[models.a]\nid = "{ID}"\n{said(model)}[models.a.refresh]\nevery = "1h"\n{said(own)}'
    )
    assert items(text)["models.a.refresh"].timing.zone == zone


def test_a_mistake_in_the_defaults_is_reported_once_and_there() -> None:
    text = f'[defaults]\nrefresh = {{ every = "6x" }}\n{sales("")}'
    second = f'[models.b]\nid = "{ID.replace("b", "c")}"\nrefresh = {{}}\n'
    assert codes(text + second) == ["bad-duration"]
