"""Which fields differ, and how they are named."""

from datetime import time, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.model.comparison import FieldChange, Value
from reconcile.model.desired import At, Desired, Every, Pause
from reconcile.planning.fields import Fields, changed_fields, item_fields, section_fields
from tests.planning.making import NOON, SIX, desired, refresh, reset
from tests.planning.worlds import files

NAMES = st.sampled_from(["a", "pause.until", "root['x']", "[0]", "0", "\x1b"])
WORDS = st.text(max_size=3)
VALUES: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    WORDS,
    st.integers(0, 3),
    st.sampled_from([0.5, 1.5]),
    st.integers(0, 5).map(lambda number: timedelta(seconds=number)),
    st.integers(0, 5).map(lambda number: NOON + timedelta(seconds=number)),
    st.frozensets(WORDS, max_size=3),
    st.lists(WORDS, max_size=3).map(tuple),
)
FIELDS = st.dictionaries(NAMES, VALUES, max_size=4)


@settings(deadline=None)
@given(FIELDS, FIELDS)
def test_every_unequal_field_is_explained_and_no_other(before: Fields, after: Fields) -> None:
    unequal = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    changes = changed_fields(before, after)
    assert {change.field for change in changes} == unequal
    assert all((c.before, c.after) == (before.get(c.field), after.get(c.field)) for c in changes)


@settings(deadline=None)
@given(st.frozensets(WORDS), st.frozensets(WORDS))
def test_members_of_a_set_are_gained_or_lost(before: frozenset[str], after: frozenset[str]) -> None:
    for change in changed_fields({"tables": before}, {"tables": after}):
        assert set(change.gained) == after - before
        assert set(change.lost) == before - after


@settings(deadline=None)
@given(files(), files())
def test_two_items_of_one_address_are_equal_if_their_fields_are(
    one: Desired, other: Desired
) -> None:
    twins = {item.address: item for item in other.items}
    for item in one.items:
        twin = twins.get(item.address, item)
        assert (item_fields(item) == item_fields(twin)) == (item == twin)


def test_fields_have_the_names_and_units_of_the_file() -> None:
    was = refresh("sales", Every(timedelta(hours=6)))
    now = refresh("sales", SIX, pause=Pause(NOON, "audit"))
    assert changed_fields(item_fields(was), item_fields(now)) == (
        FieldChange("every", timedelta(hours=6), None),
        FieldChange("at", None, frozenset({"06:00"})),
        FieldChange("pause.until", None, NOON),
        FieldChange("pause.reason", None, "audit"),
    )


def test_days_are_told_by_name() -> None:
    days = item_fields(reset("ops", At((time(6),), frozenset({0, 4}))))["days"]
    assert days == ("mon", "fri")


def test_a_new_instance_is_a_change_of_the_section() -> None:
    was, now = (section_fields(desired(base_url=url))["omni"] for url in ("https://a", "https://b"))
    assert changed_fields(was, now) == (FieldChange("base_url", "https://a", "https://b"),)
