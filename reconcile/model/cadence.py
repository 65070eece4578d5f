"""When an item should happen: a closed union of cadences, and the days they keep to."""

from datetime import datetime, time, timedelta

from reconcile.model.address import Address
from reconcile.model.noun import noun

ALL_DAYS = frozenset(range(7))
"""Every weekday, 0 = Monday as in `datetime.weekday`."""


@noun(frozen=True, slots=True)
class Every:
    """A slot falls one interval after the last success was sent; at once if there never was one."""

    interval: timedelta


@noun(frozen=True, slots=True)
class Cron:
    """Five-field cron in the item's zone (grammar: `reconcile.planning.calendar.cron`)."""

    expression: str


@noun(frozen=True, slots=True)
class At:
    """Wall-clock times, to the minute, in the item's zone on the given weekdays (0 = Monday)."""

    times: tuple[time, ...]
    days: frozenset[int] = ALL_DAYS


@noun(frozen=True, slots=True)
class WhenChanged:
    """A slot falls when the content of the files changes.

    `content` is the hash of all files as they were read, or None while `missing` lists files
    that do not exist yet and the item is told to wait for them.
    """

    paths: tuple[str, ...]
    content: str | None
    missing: tuple[str, ...] = ()


@noun(frozen=True, slots=True)
class AfterRefresh:
    """No time of its own: a slot falls at each completion of that refresh."""

    refresh: Address


@noun(frozen=True, slots=True)
class ResetAt:
    """One slot, once, at that instant (UTC)."""

    instant: datetime


Cadence = Every | Cron | At | WhenChanged | AfterRefresh | ResetAt
