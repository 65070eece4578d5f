"""A forecast cut into the calendar days of one zone."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from reconcile.model.address import Address
from reconcile.model.forecast import Forecast

HOURS: Final = 24
_DAY: Final = timedelta(days=1)
_INSTANT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Day:
    """One day: its calls, those that cover each address, and each hour's busiest minute.

    `peaks`: requests in the busiest minute of each hour, 0 to 23, that the wall clock shows; an
    hour shown twice counts once, by its busier showing. `busiest`: when the first of the day's
    busiest minutes begins (UTC), None on a day without requests.
    """

    date: date
    calls: int
    covering: Mapping[Address, int]
    peaks: tuple[int, ...]
    busiest: datetime | None

    @property
    def peak(self) -> int:
        """Requests in the busiest minute of the day."""
        return max(self.peaks)


@dataclass(frozen=True, slots=True)
class Days:
    """Every day a forecast touches, idle ones included, as the calendar of `zone` has them."""

    zone: str
    days: tuple[Day, ...]

    @staticmethod
    def of(told: Forecast) -> "Days":
        """Cut a forecast into days of the zone that most of its items are in."""
        counts = Counter(told.zones.values())
        zone = min(counts, key=lambda zone: (-counts[zone], zone), default="UTC")
        clock = ZoneInfo(zone)
        sheets: dict[date, _Sheet] = {}
        first = told.now.astimezone(clock).date()
        last = (told.until - _INSTANT).astimezone(clock).date()
        for number in range((last - first).days + 1):
            sheets[first + number * _DAY] = _Sheet()
        for call in told.calls:
            sheet = sheets[call.at.astimezone(clock).date()]
            sheet.calls += 1
            sheet.covering.update(call.addresses)
        for minute, requests in sorted(told.demand.items()):
            local = minute.astimezone(clock)
            # A job that outlives the span is polled past it: no day of ours.
            if local.date() in sheets:
                sheets[local.date()].count(local.hour, minute, requests)
        return Days(zone, tuple(sheet.day(date) for date, sheet in sheets.items()))


class _Sheet:
    """A day as it is being counted."""

    def __init__(self) -> None:
        self.calls = 0
        self.covering: Counter[Address] = Counter()
        self._peaks = [0] * HOURS
        self._busiest: datetime | None = None

    def count(self, hour: int, minute: datetime, requests: int) -> None:
        """Take in one minute; minutes come in order."""
        if requests > max(self._peaks):
            self._busiest = minute
        self._peaks[hour] = max(self._peaks[hour], requests)

    def day(self, on: date) -> Day:
        return Day(on, self.calls, self.covering, tuple(self._peaks), self._busiest)
