"""Schedules that Omni has and nobody has claimed, matched by what they say.

A schedule has no name and equal ones may exist side by side (omni-api.md 5), so that matching is
of multisets: each is claimed once.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable

from reconcile.model.desired import NativeSchedule, ScheduleSpec


class Pool:
    """The schedules of one connection that are still to be had."""

    def __init__(self, there: Iterable[NativeSchedule], owned: Collection[str | None]) -> None:
        self._by_spec: defaultdict[ScheduleSpec, list[NativeSchedule]] = defaultdict(list)
        # Taken from the end: one that runs before one that is disabled, then the first id.
        for schedule in sorted(there, key=_rank, reverse=True):
            if schedule.schedule_id not in owned:
                self._by_spec[schedule.spec].append(schedule)

    def claim(self, spec: ScheduleSpec) -> NativeSchedule | None:
        """Take one that says exactly this; None if there is none left."""
        equal = self._by_spec.get(spec)
        return equal.pop() if equal else None

    def left(self) -> tuple[NativeSchedule, ...]:
        """Return what nobody claimed, by id."""
        rest = (schedule for equal in self._by_spec.values() for schedule in equal)
        return tuple(sorted(rest, key=lambda schedule: schedule.schedule_id))


def _rank(schedule: NativeSchedule) -> tuple[bool, str]:
    return schedule.disabled_at is not None, schedule.schedule_id
