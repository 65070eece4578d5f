"""Which slots of a cadence a change of offset moves, drops or doubles."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from reconcile.model.desired import At, Cron
from reconcile.model.noun import noun
from reconcile.planning.calendar.slots import wall_slots
from reconcile.planning.calendar.wall_clock import Transition, next_transition

_TRANSITIONS_AHEAD = 20


class Change(StrEnum):
    """What happens to a local time: no clock shows it, or clocks show it twice."""

    SKIPPED = "skipped"
    REPEATED = "repeated"


@noun(frozen=True, slots=True)
class Touch:
    """One local time (naive) that a cadence names and a transition affects.

    `runs`: the instants (UTC) it runs at: none, one or two. `passed_over`: an instant at which
    clocks show it and it does not run.
    """

    wall: datetime
    change: Change
    runs: tuple[datetime, ...]
    passed_over: tuple[datetime, ...] = ()


def touched_by(cadence: Cron | At, zone: str, transition: Transition) -> tuple[Touch, ...]:
    """List the local times of a cadence that a transition of its zone affects, ascending."""
    slots = wall_slots(cadence, zone)
    ended = (transition.instant + transition.offset_before).replace(tzinfo=None)
    resumed = (transition.instant + transition.offset_after).replace(tzinfo=None)
    if ended < resumed:
        runs = (transition.instant,) if slots.fixed else ()
        skipped = slots.calendar.between(ended, resumed)
        return tuple(Touch(wall, Change.SKIPPED, runs) for wall in skipped)
    return tuple(
        _repeated(wall, transition, fixed=slots.fixed)
        for wall in slots.calendar.between(resumed, ended)
    )


def next_touched(
    cadence: Cron | At, zone: str, after: datetime
) -> tuple[Transition, tuple[Touch, ...]] | None:
    """Return the first transition after an instant that affects a cadence, and how.

    None if twenty transitions, or ten years without one, leave it alone.
    """
    transition = next_transition(zone, after)
    for _ in range(_TRANSITIONS_AHEAD):
        if transition is None:
            return None
        if touches := touched_by(cadence, zone, transition):
            return transition, touches
        transition = next_transition(zone, transition.instant)
    return None


def _repeated(wall: datetime, transition: Transition, *, fixed: bool) -> Touch:
    first, second = _at(wall, transition.offset_before), _at(wall, transition.offset_after)
    if fixed:
        return Touch(wall, Change.REPEATED, runs=(first,), passed_over=(second,))
    return Touch(wall, Change.REPEATED, runs=(first, second))


def _at(wall: datetime, offset: timedelta) -> datetime:
    return (wall - offset).replace(tzinfo=UTC)
