"""Laws of native schedules: the real planner and executor, whatever is there, lost or edited."""

from collections import Counter, deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.desired import Desired, Manage, ScheduleSpec
from reconcile.model.plan import AdoptSchedule, CreateSchedule, DeleteSchedule
from reconcile.planning.plan import plan
from tests.applying.native import CONNECTIONS, Fate, MemoryOmni, Stage, declared
from tests.planning.making import NOON
from tests.strategies import examples

pytestmark = pytest.mark.long

SPECS = [
    ScheduleSpec(f"0 {hour} * * ? *", "UTC", hard) for hour in (2, 3) for hard in (False, True)
]

specs = st.sampled_from(SPECS)
places = st.tuples(st.sampled_from(CONNECTIONS), st.sampled_from("abc"))
found = st.lists(st.tuples(st.sampled_from(CONNECTIONS), specs), max_size=5)
hands = st.none() | st.integers(0, 3)
fates = st.lists(st.sampled_from(Fate), max_size=6)


def once(schedules: dict[tuple[str, str], ScheduleSpec]) -> bool:
    """Tell whether no connection is to have the same schedule twice, which files cannot say."""
    told = [(connection, spec) for (connection, _), spec in schedules.items()]
    return len(told) == len(set(told))


files = st.dictionaries(places, specs, max_size=4).filter(once).map(declared)
whole = (
    st.dictionaries(places, specs, max_size=4)
    .filter(once)
    .map(lambda schedules: declared(schedules, Manage.ALL))
)


def omni_with(there: list[tuple[str, ScheduleSpec]]) -> MemoryOmni:
    omni = MemoryOmni()
    for connection, spec in there:
        omni.add(connection, spec)
    return omni


def wanted(desired: Desired) -> Counter[tuple[str, ScheduleSpec]]:
    return Counter((item.connection_id, item.spec) for item in desired.schedules)


def there(stage: Stage) -> Counter[tuple[str, ScheduleSpec]]:
    return Counter((one.connection_id, one.spec) for one in stage.omni.schedules.values())


@given(found, files)
def test_applying_leaves_nothing_to_plan_with_a_look_or_without(
    before: list[tuple[str, ScheduleSpec]], desired: Desired
) -> None:
    stage = Stage(omni_with(before))
    stage.apply(desired)
    assert stage.planned(desired).actions == ()
    assert stage.planned(desired, live=True).actions == ()
    assert wanted(desired) <= there(stage)


@given(found, files)
def test_a_plan_after_a_look_of_before_the_last_apply_makes_nothing_twice(
    before: list[tuple[str, ScheduleSpec]], desired: Desired
) -> None:
    stage = Stage(omni_with(before))
    old_look = stage.omni.seen()
    stage.apply(desired)
    has = there(stage)
    stage.carry_out(plan(desired, stage.recorded, NOON, observed=old_look))
    assert there(stage) == has
    assert stage.planned(desired, live=True).actions == ()


@given(found, files, files)
def test_an_edited_file_is_reached_without_a_new_schedule_where_one_can_be_edited(
    before: list[tuple[str, ScheduleSpec]], first: Desired, second: Desired
) -> None:
    stage = Stage(omni_with(before))
    stage.apply(first)
    known = {address: record.schedule_id for address, record in stage.recorded.schedules.items()}
    stage.apply(second)
    assert stage.planned(second, live=True).actions == ()
    kept = {item.address for item in second.schedules} & known.keys()
    now = stage.recorded.schedules
    assert {address: now[address].schedule_id for address in kept} == {
        address: known[address] for address in kept
    }


@given(found, whole)
def test_a_connection_managed_whole_takes_the_fewest_writes_there_can_be(
    before: list[tuple[str, ScheduleSpec]], desired: Desired
) -> None:
    stage = Stage(omni_with(before))
    actions = stage.planned(desired, live=True).actions
    has, wants = there(stage), wanted(desired)
    assert sum(isinstance(one, CreateSchedule) for one in actions) == (wants - has).total()
    assert sum(isinstance(one, DeleteSchedule) for one in actions) == (has - wants).total()
    assert sum(isinstance(one, AdoptSchedule) for one in actions) == (has & wants).total()
    stage.apply(desired, live=True)
    assert there(stage) == wants
    assert stage.planned(desired, live=True).actions == ()


@examples(300)
@given(
    found, st.lists(st.tuples(files, fates, st.booleans(), hands), min_size=1, max_size=3), files
)
def test_whatever_is_lost_nothing_is_made_twice_left_over_or_taken_from_others(
    before: list[tuple[str, ScheduleSpec]],
    steps: list[tuple[Desired, list[Fate], bool, int | None]],
    last: Desired,
) -> None:
    stage = Stage(omni_with(before))
    foreign = dict(stage.omni.schedules)
    touched: set[str | None] = set()
    for desired, losses, live, hand in steps:
        stage.omni.fates = deque(losses)
        stage.apply(desired, live=live)
        touched |= {record.schedule_id for record in stage.recorded.schedules.values()}
        deleted = list(stage.omni.schedules)[hand : hand + 1] if hand is not None else []
        touched.update(map(stage.omni.delete_by_hand, deleted))
    stage.omni.fates.clear()
    stage.apply(last, live=True)
    stage.apply(last, live=True)
    assert stage.planned(last).actions == stage.planned(last, live=True).actions == ()
    ours = {str(record.schedule_id) for record in stage.recorded.schedules.values()}
    assert Counter(
        (stage.omni.schedules[one].connection_id, stage.omni.schedules[one].spec) for one in ours
    ) == wanted(last)
    rest = {key: one for key, one in stage.omni.schedules.items() if key not in ours}
    assert rest.items() <= foreign.items()
    assert foreign.keys() - stage.omni.schedules.keys() <= touched


@given(found, files, st.data())
def test_what_is_edited_or_deleted_by_hand_is_put_back_by_a_look(
    before: list[tuple[str, ScheduleSpec]], desired: Desired, data: st.DataObject
) -> None:
    stage = Stage(omni_with(before))
    stage.apply(desired)
    for schedule_id in list(stage.omni.schedules):
        spec = data.draw(st.none() | specs)
        gone = stage.omni.schedules.pop(schedule_id)
        if spec is not None:
            stage.omni.add(gone.connection_id, spec)
    stage.apply(desired, live=True)
    assert stage.planned(desired, live=True).actions == ()
    assert wanted(desired) <= there(stage)
