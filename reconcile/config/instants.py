"""Instants: a date and a time with an offset, as TOML or RFC 3339 spells them."""

import re
from datetime import UTC, datetime

from reconcile.config.problems import LeafError

_DATE_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
INSTANT_PATTERN = rf"^{_DATE_TIME}(?:[Zz]|[+-][0-9]{{2}}:[0-9]{{2}})$"

FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""No slot is looked for before the first or from the last on."""

RANGE = "Instants lie between 1970 and 2200"

_INSTANT = re.compile(INSTANT_PATTERN)
_WITHOUT_OFFSET = re.compile(_DATE_TIME)


def parse_instant(value: datetime | str) -> datetime:
    """Return the instant in UTC; raise `LeafError` if it has no offset or is not one."""
    instant = _from_text(value) if isinstance(value, str) else value
    if instant.tzinfo is None:
        raise _without_offset(instant.isoformat())
    if not is_in_range(instant):
        raise _out_of_range(str(value))
    return instant.astimezone(UTC)


def is_in_range(instant: datetime) -> bool:
    """Tell whether an instant with an offset is one that anything is planned for."""
    return FIRST <= instant < LAST


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


def _out_of_range(text: str) -> LeafError:
    return LeafError(
        "bad-instant",
        f"{text[:60]} is out of range. {RANGE}.",
        "Leave an end out where there is to be none.",
    )


def _not_an_instant(text: str) -> LeafError:
    return LeafError(
        "bad-instant",
        f'"{text[:60]}" is not an instant. One is a date, a time with seconds, and an offset.',
        'Write, for instance, "2026-12-01T07:00:00-05:00".',
    )
