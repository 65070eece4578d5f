"""Reads what Omni's replies are made of, strictly, and words out of whatever errors look like."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import NoReturn

_LONGEST_RAW = 200
_LONGEST_MESSAGE = 500
_DEEPEST_WORDS = 4
_LONGEST_WAIT_S = 300.0
_SHORTEST_WAIT_S = 1.0
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

# ASCII digits are spelled out: \d, int() and isdigit() all take digits of other scripts.
_SECONDS = re.compile(r"[0-9]{1,20}")
_HTTP_DATE = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4})"
    r" ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
)


class UnusableReplyError(Exception):
    """A 2xx reply that does not say what it has to; the text says why."""


def decode_object(content: bytes) -> dict[str, object]:
    """Decode one JSON object, as strictly as `decode_json`. Raises UnusableReplyError."""
    value = decode_json(content)
    if isinstance(value, dict):
        return value
    raise UnusableReplyError(f"the reply is not a JSON object: {_raw_text(content)}")


def decode_json(content: bytes) -> object:
    """Decode any JSON. UTF-8 only; repeated keys, NaN and lone surrogates are refused.

    Raises UnusableReplyError.
    """
    try:
        return json.loads(
            content.decode("utf-8-sig"), object_pairs_hook=_refuse_oddities, parse_constant=_refuse
        )
    except (ValueError, RecursionError):
        pass  # raised below, outside: the decoder's error holds the whole reply
    raise UnusableReplyError(f"the reply is not usable JSON: {_raw_text(content)}")


def decode_instant(value: object, name: str) -> datetime | None:
    """Decode a time of Omni's: ISO text (v1), epoch seconds as a float (unstable), or null.

    Both forms are documented (omni-api.md 4, row 7). Text without a zone is taken as UTC.
    Raises UnusableReplyError.
    """
    try:
        match value:
            case None:
                return None
            case bool():
                pass
            case int() | float():
                return datetime.fromtimestamp(value, UTC)
            case str():
                instant = datetime.fromisoformat(value)
                zoned = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
                return zoned.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise UnusableReplyError(f"{name} is not an instant")


def parse_http_date(text: str | None) -> datetime | None:
    """Read an IMF-fixdate, the one form servers may send (RFC 9110 5.6.7); None for others."""
    match = _HTTP_DATE.fullmatch(text or "")
    if match is None or match[2] not in _MONTHS:
        return None
    month = _MONTHS.index(match[2]) + 1
    try:
        return datetime(
            int(match[3]), month, int(match[1]), int(match[4]), int(match[5]), int(match[6]),
            tzinfo=UTC,
        )  # fmt: skip
    except ValueError:
        return None


def parse_retry_after(text: str | None, *, now: datetime | None) -> float | None:
    """Read a Retry-After as seconds between 1 and 300; None if it is absent or no sane wait.

    A date counts from `now`, the reply's own Date where there is one: two clocks of one server
    agree, ours and the server's may not. A date that has passed is no wait.
    """
    stripped = (text or "").strip(" \t")
    if _SECONDS.fullmatch(stripped):
        wait_s = float(stripped)
    else:
        date = parse_http_date(stripped)
        if date is None or now is None or date <= now:
            return None
        wait_s = (date - now) / timedelta(seconds=1)
    return min(max(wait_s, _SHORTEST_WAIT_S), _LONGEST_WAIT_S)


def error_text(content: bytes) -> str:
    """Find Omni's own words in the body of an error.

    Clients that met real errors look for detail, message, error, errors in turn (omni-api.md 1.4
    [code]); failing these, the first 200 characters of whatever came.
    """
    try:
        body = decode_object(content)
    except UnusableReplyError:
        return _raw_text(content)
    for name in ("detail", "message", "error", "errors"):
        words = "; ".join(_words(body.get(name)))
        if words:
            return words[:_LONGEST_MESSAGE]
    return _raw_text(content)


def _words(value: object, depth: int = 0) -> Iterator[str]:
    """Yield the texts in a value: a string, or strings a few lists and objects down."""
    match value:
        case str():
            if value.strip():
                yield value.strip()
        case list() if depth < _DEEPEST_WORDS:
            for element in value:
                yield from _words(element, depth + 1)
        case dict() if depth < _DEEPEST_WORDS:
            named = [value[name] for name in ("detail", "message", "msg", "error") if name in value]
            for element in named or value.values():
                yield from _words(element, depth + 1)


def _raw_text(content: bytes) -> str:
    text = content[: 4 * _LONGEST_RAW].decode("utf-8", "replace").strip()
    return text[:_LONGEST_RAW] or "the body is empty"


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _refuse_oddities(pairs: list[tuple[str, object]]) -> Mapping[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a repeated key")
    for name, value in pairs:
        name.encode()  # a lone surrogate raises UnicodeEncodeError, which is a ValueError
        if isinstance(value, str):
            value.encode()
    return fields
