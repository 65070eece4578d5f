"""When an item should happen, in the words of the file."""

from collections.abc import Iterable
from itertools import groupby
from typing import assert_never

from reconcile.model.desired import (
    ALL_DAYS,
    AfterRefresh,
    At,
    Cadence,
    Cron,
    Every,
    ResetAt,
    WhenChanged,
)
from reconcile.render.escape import escape_terminal
from reconcile.render.instants import Vantage, interval_text
from reconcile.render.names import address_text, paths_text

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The days as files spell them."""

_EXPRESSION_LIMIT = 120
_TIMES_SHOWN = 6
_SHORTEST_RANGE = 3


def cadence_text(cadence: Cadence, vantage: Vantage) -> str:
    """Return `every 6h`, `cron 0 6 * * *`, `at 06:00 mon-fri` or the like."""
    match cadence:
        case Every(interval):
            return f"every {interval_text(interval)}"
        case Cron(expression):
            return f"cron {escape_terminal(expression, _EXPRESSION_LIMIT)}"
        case At(times, days):
            shown = ", ".join(f"{time:%H:%M}" for time in times[:_TIMES_SHOWN])
            more = f" and {len(times) - _TIMES_SHOWN} more" if len(times) > _TIMES_SHOWN else ""
            on = "" if days == ALL_DAYS else f" {days_text(days)}"
            return f"at {shown}{more}{on}"
        case WhenChanged(paths=paths):
            return f"when {paths_text(paths)} changes"
        case AfterRefresh(refresh):
            return f"after {address_text(refresh)}"
        case ResetAt(instant):
            return f"once at {vantage.both(instant)}"
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
