"""Native schedules that refresh what a declared refresh refreshes as well."""

from datetime import UTC, datetime, time
from typing import Any

import pytest

from reconcile.model.address import Address
from reconcile.model.desired import (
    At,
    Cadence,
    Cron,
    Every,
    Mode,
    NativeSchedule,
    RefreshItem,
    ScheduleItem,
    ScheduleSpec,
)
from reconcile.model.observed import Shadowed
from reconcile.model.struct import replace
from reconcile.planning.feasibility import declared_shadows, shadows
from tests.planning.making import HOURS_6, NOON, desired, hours, refresh

NIGHTLY = "0 6 * * ? *"
HOURLY = "15 * * * ? *"


def native(cron: str = NIGHTLY, zone: str = "UTC", **more: Any) -> NativeSchedule:
    return NativeSchedule(
        schedule_id="s1", connection_id="dwh", spec=ScheduleSpec(cron, zone), **more
    )


def ours(cadence: Cadence, mode: Mode = Mode.SOFT, **more: Any) -> RefreshItem:
    return replace(refresh("sales", cadence, connection="dwh", **more), mode=mode)


def shadow(item: RefreshItem, schedule: NativeSchedule, at: datetime = NOON) -> Shadowed | None:
    found = list(shadows([item], {"dwh": [schedule]}, at))
    return found[0] if found else None


def kind(item: RefreshItem, schedule: NativeSchedule) -> str | None:
    found = shadow(item, schedule)
    return found.kind if found else None


def test_a_hard_refresh_within_the_hour_is_close() -> None:
    found = shadow(ours(At((time(6, 30),)), Mode.HARD), native())
    assert found is not None
    assert (found.kind, found.ours, found.theirs) == ("close", NOON + hours(18.5), NOON + hours(18))


def test_an_hour_apart_is_not_close() -> None:
    assert kind(ours(At((time(7),)), Mode.HARD), native()) is None


def test_zones_are_compared_as_instants() -> None:
    item = ours(At((time(6),)), Mode.HARD, zone="America/New_York")
    assert kind(item, native()) is None
    assert kind(item, native("0 11 * * ? *")) == "close"


def test_a_soft_daily_refresh_is_redundant_beside_a_native_one() -> None:
    assert kind(ours(Cron("0 18 * * *")), native()) == "redundant"
    assert kind(ours(Cron("0 18 * * *"), Mode.HARD), native()) is None


def test_a_native_schedule_on_workdays_does_not_keep_up_with_a_daily_one() -> None:
    assert kind(ours(At((time(18),))), native("0 6 ? * MON-FRI *")) is None


def test_an_interval_is_kept_up_with_by_shorter_gaps() -> None:
    assert kind(ours(HOURS_6), native(HOURLY)) == "redundant"
    assert kind(ours(HOURS_6), native()) is None
    assert kind(ours(Every(hours(24))), native()) == "redundant"


@pytest.mark.parametrize(
    ("cron", "cadence"),
    [
        ("0/15 * ? * MON-FRI *", Every(hours(1))),
        ("0/15 * ? * MON-FRI *", Cron("*/30 * * * *")),
        ("0/5 8-17 * * ? *", Every(hours(1))),
        ("0 * 1-15 * ? *", Every(hours(1))),
        ("0 2 ? 1-11 * *", Every(hours(72))),
        ("0 2 3 * ? *", Cron("0 6 * * 1")),
        ("0 * ? * * 2026", Cron("0 6 * * *")),
    ],
)
def test_whenever_it_is_asked_a_schedule_with_gaps_makes_nothing_redundant(
    cron: str, cadence: Cadence
) -> None:
    item = ours(cadence)
    found = [shadow(item, native(cron), NOON + hours(7 * n)) for n in range(60)]
    assert "redundant" not in {each and each.kind for each in found}


def test_a_schedule_whose_years_are_over_soon_makes_nothing_redundant() -> None:
    at = datetime(2026, 12, 28, 3, tzinfo=UTC)
    assert shadow(ours(Every(hours(24))), native("0 2 ? * MON-FRI 2026"), at) is None


def test_what_runs_every_minute_keeps_up_with_every_minute() -> None:
    assert kind(ours(Every(hours(1 / 60))), native("* * * * ? *")) == "redundant"
    assert kind(ours(Cron("* * * * *")), native("* * ? * * *")) == "redundant"


def test_branches_disabled_and_unreadable_schedules_are_left_alone() -> None:
    assert kind(ours(HOURS_6, branch_id="b"), native(HOURLY)) is None
    assert kind(ours(HOURS_6), native(HOURLY, disabled_at=NOON)) is None
    assert kind(ours(HOURS_6), native("not cron")) is None
    assert kind(ours(HOURS_6), native(HOURLY, zone="Mars/Olympus")) is None


def test_another_connection_is_none_of_its_business() -> None:
    assert list(shadows([ours(HOURS_6)], {"other": [native(HOURLY)]}, NOON)) == []


def test_where_the_model_lives_outweighs_what_is_declared() -> None:
    item = replace(ours(HOURS_6), lives_on="c1")
    assert len(list(shadows([item], {"c1": [native(HOURLY)], "dwh": []}, NOON))) == 1


def test_thousands_of_items_of_one_cadence_are_compared_once() -> None:
    items = [refresh(f"m{n}", HOURS_6, connection="dwh", mode=Mode.SOFT) for n in range(5_000)]
    assert len(list(shadows(items, {"dwh": [native("* * * * ? *")]}, NOON))) == 5_000


def test_schedules_that_the_files_declare_are_compared_without_a_look() -> None:
    declared = ScheduleItem(
        address=Address("connections.dwh.schedules.night"),
        connection="dwh",
        connection_id="c1",
        spec=ScheduleSpec(NIGHTLY, "UTC"),
    )
    by_name, by_id = ours(At((time(6),)), Mode.HARD), refresh("b", At((time(6),)), connection="c1")
    wanted = desired(by_name, by_id, schedules=(declared,))
    found = [shadow.addresses[0] for shadow in declared_shadows(wanted, NOON)]
    assert found == ["models.b.refresh", "models.sales.refresh"]
