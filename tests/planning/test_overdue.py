from datetime import datetime, timedelta

import pytest

from reconcile.config.load import load_text
from reconcile.model.desired import Cadence, Desired, Every, Pause
from reconcile.model.recorded import Record, Recorded
from reconcile.planning.item import overdue, overdue_since
from reconcile.planning.plan import plan
from tests.planning.making import HOURS_6, NOON, SIX, refresh
from tests.stage import SALES

WEEK = timedelta(days=7)
DAY = timedelta(days=1)


def since(cadence: Cadence, record: Record, **more: object) -> datetime | None:
    item = refresh("sales", cadence, **more)
    desired = Desired(items=(item,), state_url="state.json")
    recorded = Recorded(lineage="here", items={item.address: record})
    (standing,) = plan(desired, recorded, NOON).standings
    return overdue_since(item, record, standing)


def test_an_interval_is_overdue_since_it_first_elapsed_not_since_its_newest_multiple() -> None:
    assert since(HOURS_6, Record(last_success=NOON - WEEK)) == NOON - WEEK + HOURS_6.interval


def test_a_time_of_day_is_overdue_since_the_first_slot_that_was_missed() -> None:
    record = Record(last_success=NOON - 3 * DAY, covered_slot=NOON - 3 * DAY)
    assert since(SIX, record) == (NOON - 2 * DAY).replace(hour=6)


def test_a_new_item_is_overdue_since_its_newest_slot() -> None:
    assert since(SIX, Record()) == NOON.replace(hour=6)
    assert since(Every(DAY), Record()) is None


def test_a_schedule_of_omni_s_own_is_never_overdue() -> None:
    text = (
        f'[connections.warehouse]\nid = "{SALES}"\n'
        'schedules.nightly = { cron = "0 2 * * ? *" }\n'
        f'[models.sales]\nid = "{SALES}"\nconnection = "warehouse"\ncache.daily.at = "06:00"\n'
    )
    declared, recorded = load_text(text, "a.toml").desired, Recorded(lineage="here")
    planned = plan(declared, recorded, NOON)
    assert len(planned.standings) == 2
    assert list(overdue(declared, recorded, planned)) == ["models.sales.cache.daily"]


@pytest.mark.parametrize("record", [Record(last_success=NOON), Record(last_success=NOON - DAY)])
def test_what_is_covered_or_put_off_is_not_overdue(record: Record) -> None:
    assert since(HOURS_6, record, pause=Pause(None, "moving")) is None
    assert since(Every(WEEK), record) is None
