"""Changes of the clocks, and exactly the slots they touch."""

from datetime import UTC, datetime, time

from reconcile.model.desired import At, Cron
from reconcile.planning.feasibility import clock_changes
from tests.planning.making import NOON, desired, refresh, reset

NEW_YORK = "America/New_York"
SUMMER = datetime(2026, 8, 1, tzinfo=UTC)


def at(hour: int, minute: int = 0) -> At:
    return At((time(hour, minute),))


def test_a_skipped_time_is_told_with_both_instants_and_when_it_runs() -> None:
    item = reset("sales", at(2, 30), zone=NEW_YORK)
    (change,) = clock_changes(desired(item), NOON)
    (slot,) = change.slots
    assert change.at == datetime(2027, 3, 14, 7, tzinfo=UTC)
    assert slot.skipped
    assert slot.before == datetime(2027, 3, 14, 7, 30, tzinfo=UTC)
    assert slot.after == datetime(2027, 3, 14, 6, 30, tzinfo=UTC)
    assert slot.runs == (change.at,)


def test_a_repeated_time_runs_at_the_first_of_its_two_instants() -> None:
    (change,) = clock_changes(desired(reset("sales", at(1, 30), zone=NEW_YORK)), SUMMER)
    (slot,) = change.slots
    assert slot.before == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert slot.after == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    assert slot.runs == (slot.before,)


def test_items_no_change_touches_are_not_listed() -> None:
    items = (reset("noon", at(12), zone=NEW_YORK), reset("utc", at(2, 30)), refresh("every"))
    assert clock_changes(desired(*items), NOON) == ()


def test_each_zone_has_its_first_change_with_all_items_it_touches() -> None:
    items = (
        reset("a", at(2, 30), zone=NEW_YORK),
        reset("b", Cron("30 2 * * *"), zone=NEW_YORK),
        reset("c", at(1, 30), zone=NEW_YORK),
        reset("d", at(2, 15), zone="Australia/Lord_Howe"),
    )
    changes = clock_changes(desired(*items), NOON)
    told = [(change.zone, [slot.addresses for slot in change.slots]) for change in changes]
    assert told == [
        (NEW_YORK, [(items[0].address, items[1].address)]),
        ("Australia/Lord_Howe", [(items[3].address,)]),
    ]
