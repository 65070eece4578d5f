"""One morning of November 2026 in New York, 06:22: when it is, and who is spoken of."""

from datetime import UTC, datetime, timedelta

from reconcile.model.address import refresh_address, reset_address

NEW_YORK = "America/New_York"
NOW = datetime(2026, 11, 23, 11, 22, tzinfo=UTC)
SIX = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
SALES = refresh_address("sales")
OPS = refresh_address("ops")
FINANCE = refresh_address("finance")
DAILY = reset_address("sales", "daily_cache_policy")
HOURLY = reset_address("ops", "hourly")
CLOSE = reset_address("finance", "close")


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def later(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)
