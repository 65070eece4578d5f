"""A timeline in days, hours and busiest minutes, on the calendar of its reader."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from reconcile.model.forecast import ClockNight, Span, Timeline
from reconcile.render.instants import Vantage, duration_text
from reconcile.render.names import counted, words_text

HOUR = timedelta(hours=1)
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class Day:
    """One calendar day, or as much of it as the timeline covers, and the calls that fall on it.

    `start` (included) and `until` (excluded) are UTC.
    """

    label: str
    start: datetime
    until: datetime
    calls: int


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour from `start` (UTC): all its calls, and how many its busiest minute has."""

    start: datetime
    calls: int
    peak: int


def days(timeline: Timeline, zone: str) -> tuple[Day, ...]:
    """Cut a timeline at the midnights of a zone."""
    place = ZoneInfo(zone)
    counts: Counter[date] = Counter()
    for minute, number in timeline.minutes.items():
        counts[minute.astimezone(place).date()] += number
    return tuple(
        Day(_label(day), start, until, counts[day]) for day, start, until in _dates(timeline, place)
    )


def hours(timeline: Timeline) -> tuple[Hour, ...]:
    """Cut a timeline into hours, the first beginning with the hour that holds its start."""
    calls: Counter[datetime] = Counter()
    peaks: dict[datetime, int] = {}
    for minute, number in timeline.minutes.items():
        hour = minute.replace(minute=0)
        calls[hour] += number
        peaks[hour] = max(peaks.get(hour, 0), number)
    result: list[Hour] = []
    moment = timeline.start.replace(minute=0, second=0, microsecond=0)
    while moment < timeline.until:
        result.append(Hour(moment, calls[moment], peaks.get(moment, 0)))
        moment += HOUR
    return tuple(result)


def busiest_text(timeline: Timeline, limit: int, vantage: Vantage) -> str | None:
    """Return the busiest minute against the request budget; None if nothing is called."""
    minutes = timeline.minutes
    if not minutes:
        return None
    minute = min(minutes, key=lambda moment: (-minutes[moment], moment))
    return (
        f"busiest minute {vantage.local(minute)}, "
        f"{minutes[minute]:,} of {limit:,} requests before polls"
    )


def freeze_texts(spans: Iterable[Span], vantage: Vantage) -> Iterator[str]:
    """Yield a sentence for each freeze: its first stretch, and how many more there are."""
    by_name: dict[str, list[Span]] = {}
    for span in spans:
        by_name.setdefault(span.name, []).append(span)
    for name, (first, *more) in by_name.items():
        begins = vantage.local(first.start)
        stretch = f"from {begins} until {vantage.local(first.until)}"
        again = f", and {counted(len(more), 'more time')}" if more else ""
        yield f"frozen by {words_text(name)} {stretch}{again}"


def clock_change_text(change: ClockNight, now: datetime) -> str:
    """Return which way clocks are turned, and at what local time they resume."""
    turned_s = (change.after - change.before).total_seconds()
    way = "forward" if turned_s > 0 else "back"
    resumes = Vantage(change.zone, now).both(change.at)
    by = duration_text(abs(turned_s))
    return f"clocks in {change.zone} go {way} by {by}, to {resumes}"


def _dates(timeline: Timeline, place: ZoneInfo) -> Iterator[tuple[date, datetime, datetime]]:
    moment = timeline.start
    while moment < timeline.until:
        day = moment.astimezone(place).date()
        following = day + timedelta(days=1)
        midnight = datetime(following.year, following.month, following.day, tzinfo=place)
        until = max(moment + HOUR, midnight.astimezone(moment.tzinfo))
        yield day, moment, min(until, timeline.until)
        moment = until


def _label(day: date) -> str:
    return f"{_WEEKDAYS[day.weekday()]} {day.day}"
