"""What wall clocks show: an instant becomes a local time, and a local time an instant.

Only the direction from instant to local time is ever asked of `zoneinfo`: it is unambiguous. Gaps
and repeats are worked out from it here, once, as spans of constant offset.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

FIRST_YEAR: Final = 2
LAST_YEAR: Final = 9998
"""Wall clocks are known for these UTC years: at the ends of `datetime` a local time overflows."""

_PROBE_EVERY: Final = timedelta(days=2)
"""Below the shortest time between two transitions anywhere in tzdata (4 days, Freetown 1939)."""
_LOOK_BACK: Final = timedelta(days=3)
"""Offsets stay under 24 hours, so nothing shown earlier than 48 hours ago can be shown again."""
_SECOND: Final = timedelta(seconds=1)


class UnknownZoneError(ValueError):
    """No IANA time zone of that name is installed."""


class Transition(Struct, frozen=True):
    """A change of a zone's offset from UTC, whatever its cause. `instant` is UTC."""

    instant: datetime
    offset_before: timedelta
    offset_after: timedelta


class OffsetSpan(Struct, frozen=True):
    """A stretch of instants, `start` up to `end`, within which the offset does not change.

    `local_start` up to `local_end` is what wall clocks show meanwhile (naive). `reached` is the
    time they had run up to before: earlier than `local_start` over a gap, later where times repeat.
    """

    start: datetime
    end: datetime
    offset: timedelta
    local_start: datetime
    local_end: datetime
    reached: datetime

    def local(self, instant: datetime) -> datetime:
        """Return what wall clocks of this span show at an instant (naive)."""
        return (instant + self.offset).replace(tzinfo=None)

    def instant(self, local: datetime) -> datetime:
        """Return the instant (UTC) at which wall clocks of this span show a local time."""
        return (local - self.offset).replace(tzinfo=UTC)


@lru_cache(maxsize=1024)
def zone_info(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name. Raises `UnknownZoneError`."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        # OSError: Python 3.11 reports a folder of zones (`America`) as IsADirectoryError.
        raise UnknownZoneError(f"there is no time zone named {name!r}") from error


def local(zone: str, instant: datetime) -> datetime:
    """Return what wall clocks in `zone` show at an instant: aware, in that zone.

    Raises `OverflowError` where the local time lies outside years 1 to 9999.
    """
    return instant.astimezone(zone_info(zone))


def resolve(zone: str, wall: datetime) -> datetime:
    """Return the instant (UTC) at which wall clocks in `zone` first reach a local time (naive).

    A time that does not exist gives the first instant that does; one that happens twice gives its
    first. Raises `OverflowError` outside years 3 to 9997.
    """
    span = _span_reaching(zone, wall)
    return max(span.start, span.instant(wall))


def resolve_end(zone: str, wall: datetime) -> datetime:
    """Return the instant (UTC) at which a stretch that lasts up to a local time (naive) is over.

    As much later as clocks skip where the end falls on or into a gap: what they skip runs when the
    gap is over, and would no longer lie in the stretch.
    """
    span = _span_reaching(zone, wall)
    if span.reached < wall <= span.local_start:
        return span.start + (wall - span.reached)
    return max(span.start, span.instant(wall))


def _span_reaching(zone: str, wall: datetime) -> OffsetSpan:
    """Return the span by whose start or in which clocks first reach a local time (naive)."""
    if not FIRST_YEAR < wall.year < LAST_YEAR:
        raise OverflowError(f"{wall} lies beyond the years that wall clocks are known for")
    earliest = wall.replace(tzinfo=UTC) - timedelta(days=1)
    return next(span for span in spans_from(zone, earliest) if wall < span.local_end)


def transitions(zone: str, after: datetime, upto: datetime) -> tuple[Transition, ...]:
    """List the changes of offset with `after` < instant <= `upto`, ascending."""
    first, last = max(after.year, FIRST_YEAR), min(upto.year, LAST_YEAR)
    return tuple(
        change
        for year in range(first, last + 1)
        for change in _changes(zone, year)
        if after < change.instant <= upto and change.instant.year == year
    )


def spans_from(zone: str, instant: datetime) -> Iterator[OffsetSpan]:
    """Yield spans in order, the first being the one that holds `instant`, up to `LAST_YEAR`."""
    for year in range(max(instant.year, FIRST_YEAR), LAST_YEAR + 1):
        for span in spans(zone, year):
            if span.end > instant:
                yield span


def spans_back(zone: str, instant: datetime) -> Iterator[OffsetSpan]:
    """Yield spans backwards, the first being the one that holds `instant`, to `FIRST_YEAR`."""
    for year in range(min(instant.year, LAST_YEAR), FIRST_YEAR - 1, -1):
        for span in reversed(spans(zone, year)):
            if span.start <= instant:
                yield span


@lru_cache(maxsize=8192)
def spans(zone: str, year: int) -> tuple[OffsetSpan, ...]:
    """Cut a UTC year, `FIRST_YEAR` to `LAST_YEAR`, into spans: where the offset changes, no more.

    A year's first span starts with the year, though the offset may have held for decades: it keeps
    zones without transitions from being searched to the beginning of time.
    """
    start, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    changes = _changes(zone, year)
    probe = start - _LOOK_BACK
    bounds = [probe, *(change.instant for change in changes), end]
    offsets = [_offset(zone_info(zone), probe), *(change.offset_after for change in changes)]
    result: list[OffsetSpan] = []
    reached = (probe + offsets[0]).replace(tzinfo=None)
    for begins, ends, offset in zip(bounds[:-1], bounds[1:], offsets, strict=True):
        local_end = (ends + offset).replace(tzinfo=None)
        if ends > start:
            shown_from = max(begins, start)
            local_start = (shown_from + offset).replace(tzinfo=None)
            if begins < start:
                reached = max(reached, local_start)
            result.append(OffsetSpan(shown_from, ends, offset, local_start, local_end, reached))
        reached = local_end
    return tuple(result)


@lru_cache(maxsize=8192)
def _changes(zone: str, year: int) -> tuple[Transition, ...]:
    """Return the transitions of a UTC year and of the days just before it."""
    info = zone_info(zone)
    probe = datetime(year, 1, 1, tzinfo=UTC) - _LOOK_BACK
    last = datetime(year + 1, 1, 1, tzinfo=UTC) - _SECOND
    offset = _offset(info, probe)
    found: list[Transition] = []
    while probe < last:
        following = min(probe + _PROBE_EVERY, last)
        offset_after = _offset(info, following)
        if offset_after != offset:
            found.append(
                Transition(_first_with_other_offset(info, probe, following), offset, offset_after)
            )
        probe, offset = following, offset_after
    return tuple(found)


def _first_with_other_offset(info: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Narrow down to the second where the offset of `before` ends; it has by `after`."""
    offset = _offset(info, before)
    while after - before > _SECOND:
        middle = before + timedelta(seconds=(after - before) // _SECOND // 2)
        if _offset(info, middle) == offset:
            before = middle
        else:
            after = middle
    return after


def _offset(info: ZoneInfo, instant: datetime) -> timedelta:
    return instant.astimezone(info).replace(tzinfo=UTC) - instant
