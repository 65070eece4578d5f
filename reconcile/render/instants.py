"""Instants and durations in words: RFC 3339 for machines, two clocks for people."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from math import ceil
from zoneinfo import ZoneInfo

from reconcile.model.noun import noun

# Not strftime: its names follow the locale, and the same plan must give the same bytes everywhere.
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_MINUTE_S = 60
_HOUR_MINUTES = 60
_DAY_HOURS = 24


def rfc3339(instant: datetime) -> str:
    """Return the instant in UTC with a `Z`; microseconds only where there are any."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


@noun(frozen=True, slots=True)
class Vantage:
    """Where a reader stands: an IANA zone, and the instant that counts as now (UTC).

    `dated`: the reader may be there on another day, so that every instant is told with its date.
    """

    zone: str
    now: datetime
    dated: bool = False

    def both(self, instant: datetime) -> str:
        """Return `06:00 EST (11:00Z)`, with a date when it is not today there; `11:00Z` in UTC."""
        return _with_utc(self.local(instant), instant, self.zone, dated=self.dated)

    def in_full(self, instant: datetime) -> str:
        """Return `Sun 22 Nov 2026 06:00 EST (11:00Z)`, which says the same on any other day."""
        told = _local_text(instant, self.zone, None)
        return _with_utc(told, instant, self.zone, dated=True)

    def local(self, instant: datetime) -> str:
        """Return `06:00 EST`, with a date when it is not today there; `11:00Z` in UTC."""
        return _local_text(instant, self.zone, self.now, dated=self.dated)

    def with_distance(self, instant: datetime) -> str:
        """Return `06:10 EST (12 m ago)`."""
        return f"{self.local(instant)} ({self.distance(instant)})"

    def distance(self, instant: datetime) -> str:
        """Return `12 m ago`, `in 41 m` or `now`; never `in 0 s` for what has not come yet."""
        ahead_s = (instant - self.now).total_seconds()
        if ahead_s > 0:
            return f"in {duration_text(ceil(ahead_s), up=True)}"
        return f"{duration_text(-ahead_s)} ago" if ahead_s <= -1 else "now"


@lru_cache(maxsize=4096)
def _local_text(instant: datetime, zone: str, now: datetime | None, *, dated: bool = False) -> str:
    """Tell an instant, in full where there is no now; memoised, as many items share theirs."""
    local = _local(instant, zone)
    name = local.tzname()
    today = None if now is None else _today(zone, now)
    told = f"{_date(local, today, dated=dated)}{local.hour:02}:{local.minute:02}"
    return f"{told}Z" if name == "UTC" else f"{told} {name}"


def _with_utc(told: str, instant: datetime, zone: str, *, dated: bool) -> str:
    if told.endswith("Z"):
        return told
    utc = instant.astimezone(UTC)
    elsewhere = dated and utc.date() != _local(instant, zone).date()
    return f"{told} ({_date(utc, utc.date(), dated=elsewhere)}{utc:%H:%M}Z)"


@lru_cache(maxsize=64)
def _today(zone: str, now: datetime) -> date:
    return _local(now, zone).date()


def _date(local: datetime, today: date | None, *, dated: bool) -> str:
    if local.date() == today and not dated:
        return ""
    year = "" if today is not None and local.year == today.year else f" {local.year:04d}"
    return f"{_DAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]}{year} "


def _local(instant: datetime, zone: str) -> datetime:
    try:
        return instant.astimezone(ZoneInfo(zone))
    except OverflowError:  # the first and last hours datetime can hold
        return instant.astimezone(UTC)


def duration_text(seconds: float, *, up: bool = False) -> str:
    """Return `40 s`, `12 m`, `6h`, `6h 5m` or `1d 4h`; minutes are rounded down, or up if asked."""
    if seconds < _MINUTE_S:
        return f"{int(seconds)} s"
    minutes = ceil(seconds / _MINUTE_S) if up else int(seconds // _MINUTE_S)
    if minutes < _HOUR_MINUTES:
        return f"{minutes} m"
    hours, minutes = divmod(minutes, _HOUR_MINUTES)
    if hours < _DAY_HOURS:
        return f"{hours}h {minutes}m" if minutes else f"{hours}h"
    days, hours = divmod(hours, _DAY_HOURS)
    return f"{days}d {hours}h" if hours else f"{days}d"


def interval_text(interval: timedelta) -> str:
    """Return a whole interval as a file spells it, in its largest exact unit: `90m`, `6h`, `2d`."""
    seconds = interval.total_seconds()
    for unit, size in _SECONDS.items():
        if seconds and not seconds % size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:g}s"
