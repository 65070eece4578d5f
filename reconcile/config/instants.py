"""Instants: a date and a time with an offset, as TOML or RFC 3339 spells them."""

import re
from datetime import UTC, datetime

from reconcile.config.problems import LeafError

_DATE_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
INSTANT_PATTERN = rf"^{_DATE_TIME}(?:[Zz]|[+-][0-9]{{2}}:[0-9]{{2}})$"

_INSTANT = re.compile(INSTANT_PATTERN)
_WITHOUT_OFFSET = re.compile(_DATE_TIME)


def parse_instant(value: datetime | str) -> datetime:
    """Return the instant in UTC; raise `LeafError` if it has no offset or is not one."""
    instant = _from_text(value) if isinstance(value, str) else value
    if instant.tzinfo is None:
        raise _without_offset(instant.isoformat())
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise _not_an_instant(str(value)) from None


def _from_text(text: str) -> datetime:
    if _WITHOUT_OFFSET.fullmatch(text):
        raise _without_offset(text)
    if not _INSTANT.fullmatch(text):
        raise _not_an_instant(text)
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        raise _not_an_instant(text) from None


def _without_offset(text: str) -> LeafError:
    return LeafError(
        "no-offset",
        f"{text} has no offset from UTC, so it is another instant in every time zone.",
        f'Add the offset it is meant in, for instance "{text}Z" for UTC.',
    )


def _not_an_instant(text: str) -> LeafError:
    return LeafError(
        "bad-instant",
        f'"{text[:60]}" is not an instant. One is a date, a time with seconds, and an offset.',
        'Write, for instance, "2026-12-01T07:00:00-05:00".',
    )
