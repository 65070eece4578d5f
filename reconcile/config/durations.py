"""Durations as people write them: `90s`, `15m`, `6h`, `2d`, `1w`, `1h30m`."""

import re
from datetime import timedelta
from functools import lru_cache

from reconcile.config.problems import LeafError

LONGEST = timedelta(days=366)
"""No cadence, deadline or timeout is longer than a leap year."""

DURATION_PATTERN = (
    r"^(?=[0-9])(?:[0-9]{1,9}w)?(?:[0-9]{1,9}d)?(?:[0-9]{1,9}h)?(?:[0-9]{1,9}m)?(?:[0-9]{1,9}s)?$"
)
"""Shared with the published schema, so written in the syntax both regex dialects know."""

_DURATION = re.compile(DURATION_PATTERN)
_PART = re.compile(r"([0-9]+)([wdhms])")
_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}


@lru_cache(maxsize=65_536)
def parse_duration(text: str) -> timedelta:
    """Read a duration, zero included; raise `LeafError` if it is none or longer than `LONGEST`."""
    if not _DURATION.fullmatch(text):
        raise LeafError(
            "bad-duration",
            f'"{text[:60]}" is not a duration. One is made of numbers with a unit, the longest '
            "unit first: w (7 days), d (24 hours), h, m, s.",
            'Write, for instance, "15m", "6h" or "1h30m".',
        )
    seconds = sum(int(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
    if seconds > LONGEST.total_seconds():
        raise LeafError(
            "bad-duration",
            f'"{text[:60]}" is longer than 366 days, the longest duration that is accepted.',
        )
    return timedelta(seconds=seconds)


def parse_positive_duration(text: str) -> timedelta:
    """Read a duration that must be longer than nothing; raise `LeafError` otherwise."""
    duration = parse_duration(text)
    if not duration:
        raise LeafError("bad-duration", f'"{text}" is no time at all, and must be some.')
    return duration
