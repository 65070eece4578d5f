"""When an item should happen, in the words of the file."""

from typing import assert_never

from reconcile.model.cadence import (
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

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_EXPRESSION_LIMIT = 120
_TIMES_SHOWN = 6


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
            return f"at {shown}{more}{_days_text(days)}"
        case WhenChanged(paths=paths):
            return f"when {paths_text(paths)} changes"
        case AfterRefresh(refresh):
            return f"after {address_text(refresh)}"
        case ResetAt(instant):
            return f"once at {vantage.both(instant)}"
        case _:
            assert_never(cadence)


def _days_text(days: frozenset[int]) -> str:
    if days == ALL_DAYS:
        return ""
    listed = sorted(days)
    first, last = listed[0], listed[-1]
    if len(listed) > 2 and listed == list(range(first, last + 1)):  # noqa: PLR2004 (a range)
        return f" {_DAYS[first]}-{_DAYS[last]}"
    return " " + ", ".join(_DAYS[day] for day in listed)
