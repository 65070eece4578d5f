"""The wall clock. The one place that reads it."""

from datetime import UTC, datetime
from typing import Final

from reconcile.errors import fail

_YEARS: Final = range(1970, 2200)
"""In which anything is planned; beyond, much of Python cannot tell the time either."""


def wall_clock() -> datetime:
    """Return the present instant, UTC."""
    return datetime.now(UTC)


def require_plausible_clock() -> None:
    """Raise ReconcileError `bad-instant` if nothing is planned for the present instant.

    For the start of a command: what is under way is written down whatever the clock says.
    """
    now = wall_clock()
    if now.year not in _YEARS:
        detail = f"It says {now:%Y-%m-%d}, and instants lie between 1970 and 2200."
        raise fail("bad-instant", detail, headline="the clock of this machine is wrong")
