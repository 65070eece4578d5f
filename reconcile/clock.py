"""The wall clock. The one place that reads it."""

from datetime import UTC, datetime


def wall_clock() -> datetime:
    """Return the present instant, UTC."""
    return datetime.now(UTC)
