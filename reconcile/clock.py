"""The wall clock. The one place that reads it."""

from datetime import UTC, datetime
from typing import Final

from reconcile.errors import fail

_YEARS: Final = range(1970, 2200)
"""In which anything is planned; beyond, much of Python cannot tell the time either."""


def wall_clock() -> datetime:
    """Return the present instant, UTC. Raises ReconcileError in a year that is beyond all plans."""
    now = datetime.now(UTC)
    if now.year in _YEARS:
        return now
    detail = f"It says {now:%Y-%m-%d}, and instants lie between 1970 and 2200."
    raise fail("bad-instant", detail, headline="the clock of this machine is wrong")
