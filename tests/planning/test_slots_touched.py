"""Which slots a change of offset touches, as `validate` tells it."""

from datetime import UTC, datetime, time

import pytest

from reconcile.model.desired import At, Cron
from reconcile.planning.time.slots import Change, Touch, touched_by, wall_slots
from reconcile.planning.time.wall_clock import transitions

NEW_YORK = "America/New_York"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SPRING, FALL = transitions(NEW_YORK, NOW, datetime(2027, 1, 1, tzinfo=UTC))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_fixed_time_in_a_gap_runs_at_its_end() -> None:
    assert touched_by(
        At(
            (time(2, 30), time(6)),
        ),
        NEW_YORK,
        SPRING,
    ) == (Touch(wall("2026-03-08T02:30"), Change.SKIPPED, (utc("2026-03-08T07:00"),)),)


def test_a_fixed_time_that_repeats_passes_over_its_second() -> None:
    assert touched_by(Cron("30 1 * * *"), NEW_YORK, FALL) == (
        Touch(
            wall("2026-11-01T01:30"),
            Change.REPEATED,
            runs=(utc("2026-11-01T05:30"),),
        ),
    )


def test_cron_with_a_star_drops_what_is_skipped() -> None:
    assert touched_by(Cron("15 * * * *"), NEW_YORK, SPRING) == (
        Touch(wall("2026-03-08T02:15"), Change.SKIPPED, ()),
    )


def test_cron_with_a_star_runs_twice_what_repeats() -> None:
    assert touched_by(Cron("15 * * * *"), NEW_YORK, FALL) == (
        Touch(
            wall("2026-11-01T01:15"),
            Change.REPEATED,
            (utc("2026-11-01T05:15"), utc("2026-11-01T06:15")),
        ),
    )


def test_a_time_outside_gap_and_repeat_is_untouched() -> None:
    for cadence in (At((time(3),)), At((time(2, 30),), frozenset({0})), Cron("0 4 * * *")):
        assert touched_by(cadence, NEW_YORK, SPRING) == ()


@pytest.mark.parametrize("expression", ["*/15 * * * *", "30 1-3 * * *", "0 2 * * *"])
def test_what_a_touch_runs_is_a_slot_and_what_it_passes_over_is_not(expression: str) -> None:
    slots = wall_slots(Cron(expression), NEW_YORK)
    for transition in (SPRING, FALL):
        for touch in touched_by(Cron(expression), NEW_YORK, transition):
            assert all(slots.newest(instant) == instant for instant in touch.runs)
            shown = {
                (touch.wall - offset).replace(tzinfo=UTC)
                for offset in (transition.offset_before, transition.offset_after)
            }
            passed_over = shown - set(touch.runs) if touch.change is Change.REPEATED else ()
            assert all(slots.newest(instant) != instant for instant in passed_over)
