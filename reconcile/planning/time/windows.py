"""When a freeze holds. A freeze defers what it matches; it never forgets a slot."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final, assert_never

from msgspec import Struct

from reconcile.model.address import Address
from reconcile.model.desired import Freeze, FrozenSpan, OpenHours
from reconcile.planning.time.wall_clock import FIRST_YEAR, LAST_YEAR, local, resolve

HORIZON: Final = timedelta(days=366)
"""How far ahead recurring windows are looked at: a year has shown every kind of day there is."""

_DAY: Final = timedelta(days=1)
_LONGEST_WINDOW_DAYS: Final = 3
"""A window covers one night, at most two days where clocks repeat a day."""
_MOST_LINKS: Final = 1000
"""Freezes that took turns this often, twice a day for over a year, are taken to go on for ever."""
_EARLIEST: Final = datetime(FIRST_YEAR + 2, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(LAST_YEAR - 2, 1, 1, tzinfo=UTC)
"""Past these no window ever opens: local times there are beyond what can be resolved."""


class Frozen(Struct, frozen=True):
    """A freeze that holds until an instant (UTC); None if no end comes within `HORIZON`."""

    name: str
    until: datetime | None


def matches(freeze: Freeze, address: Address) -> bool:
    """Whether a freeze is about an item: case counts, and `*` also spans dots."""
    return any(fnmatchcase(address, pattern) for pattern in freeze.match)


def frozen_until(freeze: Freeze, at: datetime) -> Frozen | None:
    """Return until when a freeze holds, None if it does not hold at that instant (UTC)."""
    if not _holds(freeze.window, at):
        return None
    return Frozen(freeze.name, next_change(freeze, at))


def next_change(freeze: Freeze, at: datetime) -> datetime | None:
    """Return the first instant (UTC) after `at` from which a freeze holds, or no longer does.

    None if there is none within `HORIZON`, or for a fixed span, ever.
    """
    return _next_change(freeze.window, at)


def frozen_by(freezes: tuple[Freeze, ...], address: Address, at: datetime) -> Frozen | None:
    """Return what keeps an item from running at an instant (UTC), and until when.

    Freezes that follow each other without a break count as one; it is named after the last.
    """
    about = tuple(freeze for freeze in freezes if matches(freeze, address))
    return _held_by(about, at) if about else None


@lru_cache(maxsize=4096)
def _held_by(freezes: tuple[Freeze, ...], at: datetime) -> Frozen | None:
    holding: Frozen | None = None
    moment: datetime | None = at
    for _ in range(_MOST_LINKS):
        if moment is None:
            break
        latest = _longest(freezes, moment)
        if latest is None:
            return holding
        holding, moment = latest, latest.until
    return holding and Frozen(holding.name, None)


def _longest(freezes: tuple[Freeze, ...], at: datetime) -> Frozen | None:
    held = [frozen for freeze in freezes if (frozen := frozen_until(freeze, at)) is not None]
    endless = [frozen for frozen in held if frozen.until is None]
    if endless or not held:
        return next(iter(endless), None)
    return max(held, key=lambda frozen: frozen.until or at)


@lru_cache(maxsize=4096)
def _holds(window: FrozenSpan | OpenHours, at: datetime) -> bool:
    match window:
        case FrozenSpan(start, until):
            return start <= at < until
        case OpenHours():
            return not any(opens <= at < closes for opens, closes in _openings(window, at, at))
        case _:
            assert_never(window)


@lru_cache(maxsize=4096)
def _next_change(window: FrozenSpan | OpenHours, at: datetime) -> datetime | None:
    match window:
        case FrozenSpan(start, until):
            ahead = [instant for instant in (start, until) if start < until and instant > at]
            return min(ahead, default=None)
        case OpenHours():
            return _next_flip(window, at)
        case _:
            assert_never(window)


def _next_flip(hours: OpenHours, at: datetime) -> datetime | None:
    """Walk the openings in order, joining those that touch, to the first edge after `at`."""
    open_until: datetime | None = None
    for opens, closes in _openings(hours, at, _clamped(at) + HORIZON):
        if closes <= at:
            continue
        if open_until is None:
            if opens > at:
                return opens
            open_until = closes
        elif opens > open_until:
            break
        open_until = max(open_until, closes)
    return None if open_until is None or open_until - at > HORIZON else open_until


def _openings(
    hours: OpenHours, start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Yield (opens, closes), by opening instant, of all windows that meet [start, end].

    Local times never run backwards through `resolve`, so days in order give instants in order.
    Windows a gap swallowed whole are left out.
    """
    first = local(hours.zone, _clamped(start)).date() - _LONGEST_WINDOW_DAYS * _DAY
    last = local(hours.zone, _clamped(end)).date() + _DAY
    for ahead in range((last - first).days + 1):
        day = first + ahead * _DAY
        if day.weekday() in hours.days:
            for opening, closing in sorted(hours.allow):
                opens, closes = _resolved(hours.zone, day, opening, closing)
                if opens < closes:
                    yield opens, closes


def _clamped(instant: datetime) -> datetime:
    return min(max(instant, _EARLIEST), _LATEST)


@lru_cache(maxsize=8192)
def _resolved(zone: str, day: date, opening: time, closing: time) -> tuple[datetime, datetime]:
    closes_on = day if closing > opening else day + _DAY
    return (
        resolve(zone, datetime.combine(day, opening)),
        resolve(zone, datetime.combine(closes_on, closing)),
    )
