"""The wall-clock times a cadence names, on a calendar on which every day has 24 hours."""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from reconcile.planning.calendar.cron import DayRule

_MONTHS = 12


class Calendar:
    """The same times of day (ascending) on every day that matches. All local times are naive.

    The local times of one month are ranked from 0: searching and counting are arithmetic on ranks.
    Intervals include their start and exclude their end.
    """

    __slots__ = ("_day_rule", "_days", "_times")

    def __init__(self, times: tuple[time, ...], day_rule: DayRule) -> None:
        self._times = times
        self._day_rule = day_rule
        self._days: dict[tuple[int, int, int], tuple[int, ...]] = {}

    def __bool__(self) -> bool:
        # One that names nothing would be searched year by year to the end of time.
        return bool(self._times and self._day_rule.weekdays)

    def earliest(self, start: datetime, end: datetime) -> datetime | None:
        """Return the first local time in the interval."""
        month = _month_index(start)
        rank = self._rank(start)
        while month <= _month_index(end):
            if rank < self._size(month):
                found = self._local(month, rank)
                return found if found < end else None
            month, rank = month + 1, 0
        return None

    def latest(self, start: datetime, end: datetime) -> datetime | None:
        """Return the last local time in the interval."""
        month = _month_index(end)
        rank = self._rank(end)
        while month >= _month_index(start):
            if rank > 0:
                found = self._local(month, rank - 1)
                return found if found >= start else None
            month -= 1
            rank = self._size(month)
        return None

    def count(self, start: datetime, end: datetime) -> int:
        """Count the local times in the interval."""
        if end <= start:
            return 0
        whole_months = sum(map(self._size, range(_month_index(start), _month_index(end))))
        return whole_months + self._rank(end) - self._rank(start)

    def between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Yield the local times in the interval, ascending."""
        rank = self._rank(start)
        for month in range(_month_index(start), _month_index(end) + 1):
            for later in range(rank, self._size(month)):
                found = self._local(month, later)
                if found >= end:
                    return
                yield found
            rank = 0

    def _rank(self, local: datetime) -> int:
        """Count the local times of `local`'s month that lie before it."""
        days = self._days_in(_month_index(local))
        place = bisect_left(days, local.day)
        rank = place * len(self._times)
        if place < len(days) and days[place] == local.day:
            rank += bisect_left(self._times, local.time())
        return rank

    def _local(self, month: int, rank: int) -> datetime:
        place, time_place = divmod(rank, len(self._times))
        year, month_before = divmod(month, _MONTHS)
        day = date(year, month_before + 1, self._days_in(month)[place])
        return datetime.combine(day, self._times[time_place])

    def _size(self, month: int) -> int:
        return len(self._days_in(month)) * len(self._times)

    def _days_in(self, month: int) -> tuple[int, ...]:
        year, month_before = divmod(month, _MONTHS)
        first_weekday, length = _month_shape(year, month_before + 1)
        key = (month_before + 1, length, first_weekday)
        days = self._days.get(key)
        if days is None:
            days = self._days[key] = self._day_rule.days_in(*key)
        return days


def just_after(local: datetime) -> datetime:
    """Return the next representable time: turns an inclusive bound into an exclusive one."""
    return local + timedelta.resolution


def _month_index(local: datetime) -> int:
    return local.year * _MONTHS + local.month - 1


@lru_cache(maxsize=4096)
def _month_shape(year: int, month: int) -> tuple[int, int]:
    """Return the weekday of the first day, 0 for Monday, and the number of days.

    Not `calendar.monthrange`, whose module brings `locale` along: every plan would wait for both.
    """
    first = date(year, month, 1)
    length = 31 if month == _MONTHS else (first.replace(month=month + 1) - first).days
    return first.weekday(), length
