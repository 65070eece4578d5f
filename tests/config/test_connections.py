"""Connections and their native schedules, as files declare them."""

import re

import pytest

from reconcile.model.desired import Connection, Manage, RefreshItem, ScheduleSpec
from tests.config.given import ID, OTHER_ID, codes, loaded, refused

CONNECTION = f'[connections.warehouse]\nid = "{OTHER_ID}"\n'
NIGHTLY = f"{CONNECTION}[connections.warehouse.schedules.nightly]\n"


def spec(keys: str, head: str = "") -> ScheduleSpec:
    (schedule,) = loaded(head + NIGHTLY + keys).desired.schedules
    return schedule.spec


def test_a_schedule_has_an_address_and_one_spelling_of_its_cron() -> None:
    found = loaded(f'{NIGHTLY}cron = "00 02 ? * mon-fri *"\nhard = true').desired
    (schedule,) = found.schedules
    assert schedule.address == "connections.warehouse.schedules.nightly"
    assert schedule.spec == ScheduleSpec("0 2 ? * MON-FRI *", "UTC", hard=True)
    assert found.connections == (Connection("warehouse", OTHER_ID, Manage.DECLARED),)


def test_wall_clock_times_are_translated_where_one_expression_can_say_them() -> None:
    assert spec('at = ["06:00", "18:00"]\ndays = "mon-fri"').cron == "0 6,18 ? * MON-FRI *"
    assert spec('at = "02:30"').cron == "30 2 * * ? *"


def test_times_that_take_two_expressions_are_refused_with_the_lines_to_write() -> None:
    own = 'timezone = "Asia/Tokyo"\nhard = true'
    (problem,) = refused(f'{NIGHTLY}at = ["06:00", "18:30"]\n{own}')
    assert (problem.code, problem.hint is not None) == ("several-expressions", True)
    header = re.findall(r"\[.+?\]", problem.hint or "")
    lines = re.findall(r"[a-z0-9-]+ = \{.+?\}", problem.hint or "")
    written = loaded("\n".join([CONNECTION, *header, *lines])).desired.schedules
    assert [one.spec for one in written] == [
        ScheduleSpec("0 6 * * ? *", "Asia/Tokyo", hard=True),
        ScheduleSpec("30 18 * * ? *", "Asia/Tokyo", hard=True),
    ]


def test_the_zone_is_that_of_the_defaults_unless_the_schedule_has_its_own() -> None:
    defaults = '[defaults]\ntimezone = "Europe/Berlin"\n'
    assert spec('at = "06:00"', defaults).zone == "Europe/Berlin"
    assert spec('at = "06:00"\ntimezone = "UTC"', defaults).zone == "UTC"


def test_models_may_name_a_connection_by_its_name_or_by_its_id() -> None:
    text = CONNECTION + "".join(
        f'[models.m{number}]\nid = "{ID[:-1]}{number}"\nconnection = "{name}"\n'
        'refresh.every = "6h"\n'
        for number, name in enumerate(("warehouse", OTHER_ID.upper(), "elsewhere"))
    )
    named = [i.connection for i in loaded(text).desired.items if isinstance(i, RefreshItem)]
    assert named == ["warehouse", "warehouse", "elsewhere"]


def test_an_id_in_either_case_is_one_connection_and_a_name_keeps_its_own() -> None:
    names = (OTHER_ID, OTHER_ID.upper(), "Lake", "lake")
    text = "".join(
        f'[models.m{number}]\nid = "{ID[:-1]}{number}"\nconnection = "{name}"\n'
        'refresh.every = "6h"\n'
        for number, name in enumerate(names)
    )
    named = [i.connection for i in loaded(text).desired.items if isinstance(i, RefreshItem)]
    assert named == [OTHER_ID, OTHER_ID, "Lake", "lake"]


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        (f'{NIGHTLY}cron = "0 25 * * ? *"', "bad-native-cron", 4, 11),
        (f'{NIGHTLY}cron = "0 2 * * *"', "bad-native-cron", 4, 18),
        (f'{NIGHTLY}at = "06:00"\ntimezone = "EST5"', "unknown-zone", 5, 12),
        (f'{NIGHTLY}at = "06:00"\ncron = "0 2 * * ? *"', "two-cadences", 4, 1),
        (f'{NIGHTLY}cron = "0 2 * * ? *"\ndays = "mon"', "days-need-at", 5, 1),
        (f"{NIGHTLY}hard = true", "schedule-without-time", 3, 1),
        (f'{NIGHTLY}cron = "0 2 * * ? *"\nhrd = true', "unknown-key", 5, 1),
        ('[connections.w]\nmanage = "all"', "connection-without-id", 1, 1),
        ('[connections.w]\nid = "warehouse"', "not-a-uuid", 2, 6),
        (f'{CONNECTION}manage = "some"', "not-one-of", 3, 10),
        (f'{CONNECTION}[connections.x]\nid = "{OTHER_ID}"', "same-connection", 3, 1),
    ],
)
def test_a_mistake_is_told_where_it_stands(text: str, code: str, line: int, column: int) -> None:
    (problem,) = refused(text)
    place = problem.places[0]
    assert (problem.code, place.line, place.column) == (code, line, column)


def test_the_same_schedule_twice_on_a_connection_is_refused() -> None:
    twice = '[connections.warehouse.schedules.again]\nat = "02:00"\n'
    assert codes(f'{NIGHTLY}cron = "0 02 * * ? *"\n{twice}') == ["same-schedule"]


def test_a_cache_reset_cannot_follow_a_native_schedule() -> None:
    after = 'after = "connections.warehouse.schedules.nightly"'
    text = f'{NIGHTLY}at = "06:00"\n[models.a]\nid = "{ID}"\n[models.a.cache.p]\n{after}'
    assert "after-not-declared" in codes(text)


@pytest.mark.parametrize("named", ["warehouse", OTHER_ID.upper()])
def test_refreshes_of_a_connection_may_be_kept_from_sharing_calls(named: str) -> None:
    model = f'[models.sales]\nid = "{ID}"\nconnection = "{named}"\nrefresh.every = "6h"\n'
    (item,) = loaded(f"{CONNECTION}merge = false\n{model}").desired.items
    assert isinstance(item, RefreshItem)
    assert (item.connection, item.merges) == ("warehouse", False)
