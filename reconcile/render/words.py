"""Instants, durations, names, cadences, days and declared values, as our sentences show them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from math import ceil
from typing import assert_never
from zoneinfo import ZoneInfo

from msgspec import Struct

from reconcile.model import desired
from reconcile.model.address import Address
from reconcile.model.comparison import FieldChange, Value
from reconcile.model.desired import WEEK
from reconcile.model.forecast import ClockNight, Span, Timeline
from reconcile.model.struct import rfc3339
from reconcile.render.layout import escape_terminal

# Instants and durations in words: RFC 3339 for machines, two clocks for people.

# Not strftime: its names follow the locale, and the same plan must give the same bytes everywhere.
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


class Vantage(Struct, frozen=True):
    """Where a reader stands: an IANA zone, and the instant that counts as now (UTC).

    `dated`: the reader may be there on another day, so that every instant is told with its date.
    `kept`: the text is read later, when no distance from `now` is right any more.
    """

    zone: str
    now: datetime
    dated: bool = False
    kept: bool = False

    def both(self, instant: datetime) -> str:
        """Return `06:00 EST (11:00Z)`, with a date when it is not today there; `11:00Z` in UTC."""
        return _with_utc(self.local(instant), instant, self.zone)

    def in_full(self, instant: datetime) -> str:
        """Return `Sun 22 Nov 2026 06:00 EST (11:00Z)`, which says the same on any other day."""
        told = _local_text(instant, self.zone, None)
        return _with_utc(told, instant, self.zone)

    def local(self, instant: datetime) -> str:
        """Return `06:00 EST`, with a date when it is not today there; `11:00Z` in UTC."""
        return _local_text(instant, self.zone, self.now, dated=self.dated)

    def with_distance(self, instant: datetime) -> str:
        """Return `06:10 EST (12 m ago)`; `06:10 EST` in a text that is kept."""
        distance = "" if self.kept else f" ({self.distance(instant)})"
        return f"{self.local(instant)}{distance}"

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
    today = None if now is None else _local(now, zone).date()
    told = f"{_date(local, today, dated=dated)}{local.hour:02}:{local.minute:02}"
    return f"{told}Z" if name == "UTC" else f"{told} {name}"


def _with_utc(told: str, instant: datetime, zone: str) -> str:
    if told.endswith("Z"):
        return told
    utc = instant.astimezone(UTC)
    elsewhere = utc.date() != _local(instant, zone).date()
    return f"{told} ({_date(utc, utc.date(), dated=elsewhere)}{utc:%H:%M}Z)"


def _date(local: datetime, today: date | None, *, dated: bool) -> str:
    if local.date() == today and not dated:
        return ""
    year = "" if today is not None and local.year == today.year else f" {local.year:04d}"
    return f"{DAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]}{year} "


def _local(instant: datetime, zone: str) -> datetime:
    try:
        return instant.astimezone(ZoneInfo(zone))
    except OverflowError:  # the first and last hours datetime can hold
        return instant.astimezone(UTC)


def duration_text(seconds: float, *, up: bool = False) -> str:
    """Return `40 s`, `12 m`, `6h`, `6h 5m` or `1d 4h`; minutes are rounded down, or up if asked."""
    if seconds < 60:  # noqa: PLR2004 -- a minute
        return f"{int(seconds)} s"
    hours, minutes = divmod(ceil(seconds / 60) if up else int(seconds // 60), 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours}h" if hours else f"{days}d"
    if hours:
        return f"{hours}h {minutes}m" if minutes else f"{hours}h"
    return f"{minutes} m"


def interval_text(interval: timedelta) -> str:
    """Return a whole interval as a file spells it, in its largest exact unit: `90m`, `6h`, `2d`."""
    seconds = interval.total_seconds()
    for unit, size in _SECONDS.items():
        if seconds and not seconds % size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:g}s"


# When an item should happen, in the words of the file.

_EXPRESSION_LIMIT = 120
_TIMES_SHOWN = 6
_SHORTEST_RANGE = 3


def cadence_text(cadence: desired.Cadence, vantage: Vantage) -> str:
    """Return `every 6h`, `cron 0 6 * * *`, `at 06:00 mon-fri` or the like."""
    match cadence:
        case desired.Every(interval):
            return f"every {interval_text(interval)}"
        case desired.Cron(expression):
            return f"cron {escape_terminal(expression, _EXPRESSION_LIMIT)}"
        case desired.At(times, days):
            shown = ", ".join(f"{time:%H:%M}" for time in times[:_TIMES_SHOWN])
            more = f" and {len(times) - _TIMES_SHOWN} more" if len(times) > _TIMES_SHOWN else ""
            on = "" if days == desired.ALL_DAYS else f" {days_text(days)}"
            return f"at {shown}{more}{on}"
        case desired.WhenChanged(paths=paths):
            return f"when {paths_text(paths)} changes"
        case desired.AfterRefresh(refresh):
            return f"after {address_text(refresh)}"
        case desired.ResetAt(instant):
            return f"once at {vantage.both(instant)}"
        case desired.OnSignal(names, every):
            return f"on {signals_text(names, every=every)}"
        case _:
            assert_never(cadence)


def days_text(days: Iterable[int]) -> str:
    """Return `mon-fri, sun`: days that follow each other as one range. Monday is 0."""
    runs = groupby(enumerate(sorted(days)), key=lambda pair: pair[1] - pair[0])
    parts: list[str] = []
    for _, run in runs:
        kept = [WEEK[number] for _, number in run]
        parts += kept if len(kept) < _SHORTEST_RANGE else [f"{kept[0]}-{kept[-1]}"]
    return ", ".join(parts)


# A timeline in days, hours and busiest minutes, on the calendar of its reader.

HOUR = timedelta(hours=1)


class CalendarDay(Struct, frozen=True):
    """One calendar day, or as much of it as the timeline covers, and the calls that fall on it.

    `start` (included) and `until` (excluded) are UTC.
    """

    label: str
    start: datetime
    until: datetime
    calls: int


class Hour(Struct, frozen=True):
    """An hour from `start` (UTC): all its calls, and how many its busiest minute has."""

    start: datetime
    calls: int
    peak: int


def days(timeline: Timeline, zone: str) -> tuple[CalendarDay, ...]:
    """Cut a timeline at the midnights of a zone."""
    place = ZoneInfo(zone)
    counts: Counter[date] = Counter()
    for minute, number in timeline.minutes.items():
        counts[minute.astimezone(place).date()] += number
    moment = timeline.start
    found = []
    while moment < timeline.until:
        day = moment.astimezone(place).date()
        following = day + timedelta(days=1)
        midnight = datetime(following.year, following.month, following.day, tzinfo=place)
        until = max(moment + HOUR, midnight.astimezone(moment.tzinfo))
        found.append(CalendarDay(_label(day), moment, min(until, timeline.until), counts[day]))
        moment = until
    return tuple(found)


def hours(timeline: Timeline) -> tuple[Hour, ...]:
    """Cut a timeline into hours, the first beginning with the hour that holds its start."""
    calls: Counter[datetime] = Counter()
    peaks: Counter[datetime] = Counter()
    for minute, number in timeline.minutes.items():
        hour = minute.replace(minute=0)
        calls[hour] += number
        peaks[hour] = max(peaks[hour], number)
    first = timeline.start.replace(minute=0, second=0, microsecond=0)
    starts = (first + number * HOUR for number in range(-((first - timeline.until) // HOUR)))
    return tuple(Hour(start, calls[start], peaks.get(start, 0)) for start in starts)


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


def date_text(instant: datetime, zone: str) -> str:
    """Return the day of the week and of the month that an instant falls on: `Mon 23`."""
    return _label(_local(instant, zone).date())


def _label(day: date) -> str:
    return f"{DAYS[day.weekday()]} {day.day}"


# Names and words that came from elsewhere, as a sentence of ours shows them.

ADDRESS_LIMIT = 240
"""Characters of an address that are shown: far beyond any sane one, far below a flood."""

_WORDS_LIMIT = 160
_ID_LIMIT = 64
_PATHS_SHOWN = 3


def address_text(address: Address) -> str:
    """Return an address as it is shown to people."""
    return escape_terminal(address, ADDRESS_LIMIT)


def addresses_text(addresses: Sequence[Address]) -> str:
    """Return the first of the addresses one call covers, and how many more there are."""
    first = address_text(addresses[0]) if addresses else "(none)"
    return first if len(addresses) <= 1 else f"{first} (+{len(addresses) - 1})"


def id_text(known: str) -> str:
    """Return an id of Omni's as it is shown to people."""
    return escape_terminal(known, _ID_LIMIT)


def words_text(message: str, limit: int = _WORDS_LIMIT) -> str:
    """Return somebody else's words, quoted so that they cannot pass for ours."""
    return f'"{escape_terminal(message, limit)}"'


def paths_text(paths: Sequence[str]) -> str:
    """Return the first few of the paths, and how many more there are."""
    shown = ", ".join(escape_terminal(path, _WORDS_LIMIT) for path in paths[:_PATHS_SHOWN])
    more = len(paths) - _PATHS_SHOWN
    return f"{shown} and {counted(more, 'more file')}" if more > 0 else shown


def signals_text(names: Sequence[str], *, every: bool = False) -> str:
    """Return `signal a`, `signal a or b`, `signals a and b`."""
    shown = [escape_terminal(name, _WORDS_LIMIT) for name in names]
    if len(shown) == 1:
        return f"signal {shown[0]}"
    between = "and" if every else "or"
    return f"{'signals' if every else 'signal'} {', '.join(shown[:-1])} {between} {shown[-1]}"


def sent_text(by: str | None, note: str | None) -> str:
    """Return who sent a signal, and in what words: `, by dbt ("nightly")`, or nothing."""
    sender = "" if by is None else f", by {escape_terminal(by, _WORDS_LIMIT)}"
    return sender + ("" if note is None else f" ({words_text(note)})")


def request_text(method: str, path: str, pairs: Iterable[tuple[str, str]]) -> str:
    """Return a request with its query, as a person would look it up in a log."""
    query = "&".join(f"{name}={value}" for name, value in pairs)
    target = f"{path}?{query}" if query else path
    return f"{method} {escape_terminal(target, ADDRESS_LIMIT)}"


def counted(number: int, noun: str) -> str:
    """Return `1 slot`, `3 slots`, `2 refreshes`."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun}{'es' if noun.endswith('sh') else 's'}"


# Declared values in words: as a file spells them, never as a program stores them.


ARROW = " -> "
NONE = "none"
A_DAY = " a day"

CADENCE = ("every", "cron", "at", "days", "when_changed", "on_signal", "reset_at")
"""The fields that say when an item is due; those of one item are told as one."""

_HEADLINE = (*CADENCE, "after", "mode", "connection", "pause.until", "pause.reason")
_WALL_CLOCK = frozenset({"cron", "at"})
_LONGEST_SHOWN = 80
_FEW = 3
_BOTH = 2
_MOST_PARTS = 8


def value_json(value: Value) -> str | float | list[str] | None:
    """Return a value as JSON: durations as files spell them, instants in RFC 3339."""
    match value:
        case timedelta():
            return interval_text(value)
        case datetime():
            return rfc3339(value)
        case frozenset():
            return sorted(value)
        case tuple():
            return list(value)
        case _:
            return value


def value_text(value: Value, vantage: Vantage) -> str:
    """Return a value in words, safe for a terminal, without a line break."""
    if value is None or (isinstance(value, frozenset | tuple) and not value):
        return NONE
    match value:
        case timedelta():
            return interval_text(value)
        case datetime():
            return vantage.both(value)
        case frozenset():
            return few(sorted(value))
        case tuple():
            return days_text(map(WEEK.index, value)) if set(value) <= set(WEEK) else few(value)
        case str():
            return escape_terminal(value, _LONGEST_SHOWN)
        case _:
            return f"{value:,}"


def file_words(value: Value) -> str:
    """Return a value as a file spells it, safe for a terminal: `"06:00"`, `"6h"`, `["a", "b"]`."""
    match value:
        case None:
            return NONE
        case timedelta():
            return f'"{interval_text(value)}"'
        case datetime():
            return rfc3339(value)
        case str():
            return words_text(value, _LONGEST_SHOWN)
        case frozenset() | tuple():
            parts = sorted(value) if isinstance(value, frozenset) else list(value)
            shown = [words_text(part, _LONGEST_SHOWN) for part in parts[:_MOST_PARTS]]
            if len(parts) > _MOST_PARTS:
                shown.append(f"and {len(parts) - _MOST_PARTS:,} more")
            return shown[0] if len(parts) == 1 else f"[{', '.join(shown)}]"
        case _:
            return str(value)


def field_lines(fields: Sequence[FieldChange], vantage: Vantage) -> Iterator[str]:
    """Yield one line a changed field; a cadence of another form is one change."""
    timed = [field for field in fields if field.field in CADENCE]
    if timed and any(field.before is None or field.after is None for field in timed):
        was, now = (whole(timed, vantage, after=after) or NONE for after in (False, True))
        yield f"{was}{ARROW}{now}"
        fields = [field for field in fields if field not in timed]
    for field in fields:
        yield f"{escape_terminal(field.field)} {_change(field, vantage)}"


def sides(fields: Sequence[FieldChange], vantage: Vantage) -> tuple[str, str]:
    """Return what the changed fields said before and what they say after, beside each other.

    Of long lists each side has only what the other has not.
    """
    both: tuple[list[str], list[str]] = ([], [])
    for field in fields:
        name = escape_terminal(field.field)
        if signs := _gained_and_lost(field):
            told = {sign: few(words) for sign, words in signs}
            values = [told.get("-"), told.get("+")]
        else:
            pair = (field.before, field.after)
            values = [None if value is None else value_text(value, vantage) for value in pair]
        for side, value in zip(both, values, strict=True):
            if value is not None:
                side.append(f"{name} {value}")
    was, now = (", ".join(side) or NONE for side in both)
    return was, now


def headline(fields: Sequence[FieldChange], vantage: Vantage, *, after: bool) -> str:
    """Return what matters most of an item that is only in one version, as one line."""
    said = {field.field: field.after if after else field.before for field in fields}
    shown = [name for name in _HEADLINE if said.get(name) is not None]
    if said.keys() & _WALL_CLOCK:
        shown.append("timezone")
    return ", ".join(f"{name} {value_text(said[name], vantage)}" for name in shown)


def whole(fields: Sequence[FieldChange], vantage: Vantage, *, after: bool) -> str:
    """Return everything that is said in one version, of what the other does not have."""
    said = ((field.field, field.after if after else field.before) for field in fields)
    return ", ".join(
        f"{escape_terminal(name)} {value_text(value, vantage)}"
        for name, value in said
        if value is not None
    )


def few(words: Sequence[str]) -> str:
    """Return the first few words of others, and how many more there are."""
    shown = ", ".join(escape_terminal(word, _LONGEST_SHOWN) for word in words[:_FEW])
    more = len(words) - _FEW
    return f"{shown} and {more:,} more" if more > 0 else shown


def rate_text(per_day: Sequence[int]) -> str:
    """Return `4 a day` or `0 to 2 a day`, and `3 times` where there are too few whole days.

    The first day and the last are left out: each may have lost a run at its edge.
    """
    inner = per_day[1:-1]
    if not inner:
        return counted(sum(per_day), "time")
    low, high = min(inner), max(inner)
    return f"{low:,}{A_DAY}" if low == high else f"{low:,} to {high:,}{A_DAY}"


def rates_text(before: Sequence[int], after: Sequence[int]) -> str:
    """Return two rates as one change, `4 -> 24 a day`."""
    was, now = rate_text(before), rate_text(after)
    if not before[1:-1] and not after[1:-1]:
        return f"{sum(before):,}{ARROW}{now}"
    return f"{was.removesuffix(A_DAY) if now.endswith(A_DAY) else was}{ARROW}{now}"


def _change(field: FieldChange, vantage: Vantage) -> str:
    if signs := _gained_and_lost(field):
        return "; ".join(f"{sign}{few(words)}" for sign, words in signs)
    return f"{value_text(field.before, vantage)}{ARROW}{value_text(field.after, vantage)}"


def _gained_and_lost(field: FieldChange) -> list[tuple[str, tuple[str, ...]]]:
    """Return what two sets do not share, by its sign; nothing where both can be shown whole."""
    sets = [part for part in (field.before, field.after) if isinstance(part, frozenset) and part]
    if len(sets) < _BOTH or sum(map(len, sets)) <= _FEW:
        return []
    return [(sign, words) for sign, words in (("+", field.gained), ("-", field.lost)) if words]
