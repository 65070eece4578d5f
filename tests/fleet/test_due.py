from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.config.fleet import FleetMember, Hold, Seat
from reconcile.config.load import load_text
from reconcile.controller.cycle import Outcome, Verdict
from reconcile.controller.loop import Rhythm
from reconcile.fleet.text import is_troubled
from reconcile.fleet.worker import LONGEST_UNSEEN, due, is_sure, retry_at, wakes_at
from reconcile.model.desired import Desired
from reconcile.model.recorded import Failure, Record, Recorded
from reconcile.model.struct import replace
from reconcile.planning.plan import plan
from tests.planning.making import of
from tests.stage import SALES

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ACME = FleetMember(name="acme", file="/acme", state_url=None, credential="acme")
BOLT = FleetMember(name="bolt", file="/bolt", state_url=None, credential="bolt")
_SECOND = timedelta(seconds=1)


SETTLED = Seat(instance="acme", ran_at=NOW - timedelta(hours=1), content="same")


def _is_due(seat: Seat, content: str | None = "same") -> bool:
    return due((ACME,), {"acme": seat}, {"acme": content}, NOW) == (ACME,)


def test_an_instance_nobody_ever_ran_is_due() -> None:
    assert due((ACME,), {}, {}, NOW) == (ACME,)


@pytest.mark.parametrize(("wake_at", "expected"), [(NOW, [ACME]), (NOW + _SECOND, []), (None, [])])
def test_an_instance_is_due_from_the_instant_its_last_run_named(
    wake_at: datetime | None, expected: list[FleetMember]
) -> None:
    seats = {"acme": replace(SETTLED, wake_at=wake_at)}
    assert list(due((ACME,), seats, {"acme": "same"}, NOW)) == expected


def test_a_locked_instance_is_tried_every_five_seconds() -> None:
    locked = replace(SETTLED, outcome="locked", ran_at=NOW, wake_at=NOW - timedelta(days=2))
    tried = [due((ACME,), {"acme": locked}, {}, NOW + n * _SECOND) for n in (0, 4, 5, 60)]
    assert tried == [(), (), (ACME,), (ACME,)]


@given(st.timedeltas(min_value=timedelta(minutes=11), max_value=timedelta(days=9_000)))
def test_what_a_clock_that_was_ahead_wrote_is_not_waited_for(ahead: timedelta) -> None:
    seat = replace(SETTLED, ran_at=NOW + ahead, wake_at=NOW + ahead + _SECOND)
    assert _is_due(seat)
    assert is_troubled(seat, NOW)
    assert not _is_due(replace(seat, ran_at=NOW + timedelta(minutes=9)))


def test_an_edited_file_makes_an_instance_due_at_once() -> None:
    assert _is_due(SETTLED, content="edited")


def test_files_that_cannot_be_read_just_now_change_nothing() -> None:
    assert not _is_due(SETTLED, content=None)


def test_a_pause_holds_until_its_end_and_what_was_missed_is_due_then() -> None:
    held = replace(SETTLED, wake_at=NOW - _SECOND, hold=Hold(until=NOW + _SECOND, reason="move"))
    assert not _is_due(held)
    assert _is_due(replace(SETTLED, wake_at=NOW - _SECOND, hold=Hold(until=NOW, reason="move")))


def test_a_pause_without_an_end_holds_until_it_is_lifted() -> None:
    assert replace(SETTLED, hold=Hold(until=None, reason="move")).is_held(NOW)
    assert not SETTLED.is_held(NOW)


def test_the_instance_that_waits_longest_goes_first() -> None:
    seats = {
        "acme": replace(SETTLED, wake_at=NOW - _SECOND),
        "bolt": replace(SETTLED, wake_at=NOW - 9 * _SECOND),
    }
    assert due((ACME, BOLT), seats, {}, NOW) == (BOLT, ACME)


@given(st.integers(1, 10_000))
def test_a_failing_instance_is_tried_later_each_time_but_never_given_up(failures: int) -> None:
    first, later = retry_at(failures, NOW), retry_at(failures + 1, NOW)
    assert NOW < first <= later <= NOW + timedelta(minutes=15)


WOKEN = replace(SETTLED, ran_at=NOW - timedelta(minutes=5), wake_at=NOW)


def test_a_run_is_sure_once_what_the_last_one_waited_for_has_come(hourly: Desired) -> None:
    assert is_sure(WOKEN, "same", hourly, NOW)
    assert not is_sure(WOKEN, "same", hourly, NOW - _SECOND)


@pytest.mark.parametrize("seat", [SETTLED, replace(WOKEN, failures=1)], ids=["called", "failed"])
def test_a_run_is_not_sure_of_what_it_cannot_know(seat: Seat, hourly: Desired) -> None:
    assert not is_sure(seat, "same", hourly, NOW)


def test_a_run_of_files_that_are_new_or_unreadable_is_not_sure(hourly: Desired) -> None:
    assert not is_sure(WOKEN, "edited", hourly, NOW)
    assert not is_sure(WOKEN, None, hourly, NOW)


def test_a_run_that_is_woken_to_look_at_a_state_is_not_sure(hourly: Desired) -> None:
    looks = replace(WOKEN, ran_at=NOW - LONGEST_UNSEEN)
    assert not is_sure(looks, "same", hourly, NOW)
    assert not is_sure(replace(WOKEN, trouble="models.m.refresh is held"), "same", hourly, NOW)


def outcome(recorded: Recorded, hourly: Desired) -> Outcome:
    planned = plan(hourly, recorded, NOW)
    return Outcome(
        verdict=Verdict.IDLE, began_at=NOW, ended_at=NOW, wake_at=planned.valid_until, plan=planned
    )


def test_an_instance_is_looked_at_after_a_while_for_a_person_may_have_marked_an_item(
    hourly: Desired,
) -> None:
    (item,) = hourly.items
    well = outcome(of({item.address: Record(last_success=NOW)}), hourly)
    assert wakes_at(well, 0, Rhythm()) == NOW + LONGEST_UNSEEN
    refused = Record(failures=9, last_failure=Failure(NOW, "422"))
    held = outcome(of({item.address: refused}), hourly)
    assert wakes_at(held, 0, Rhythm()) == NOW + timedelta(minutes=1)


def test_a_run_that_is_woken_to_look_at_files_is_not_sure(tmp_path: Path) -> None:
    watching = declared('when_changed = ["manifest.json"]', tmp_path)
    assert not is_sure(WOKEN, "same", watching, NOW)


@pytest.fixture(scope="module")
def hourly(tmp_path_factory: pytest.TempPathFactory) -> Desired:
    return declared('every = "1h"', tmp_path_factory.mktemp("hourly"))


def declared(timing: str, folder: Path) -> Desired:
    (folder / "manifest.json").write_text("{}")
    text = f'[models.sales]\nid = "{SALES}"\nrefresh.{timing}\n'
    return load_text(text, "reconcile.toml", folder).desired
