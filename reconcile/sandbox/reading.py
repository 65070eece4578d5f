"""Read the parts of a request as Omni does: every wrong one is refused with 400, by name."""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from reconcile.sandbox.exchange import bad_request
from reconcile.sandbox.seeding import is_uuid

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def read_uuid(name: str, text: str) -> str:
    """Read a UUID, lower-cased; `Refusal` 400 `name: Invalid uuid`."""
    if not is_uuid(text):
        raise bad_request(f"{name}: Invalid uuid")
    return text.lower()


@dataclass(frozen=True, slots=True)
class Query:
    """The query of a request. Unknown names are ignored; a repeated known one is refused."""

    pairs: tuple[tuple[str, str], ...]

    def text(self, name: str) -> str | None:
        """Read a parameter as it is given, None if it is not."""
        values = [value for key, value in self.pairs if key == name]
        if len(values) > 1:
            raise bad_request(f"{name}: Expected string, received array")
        return values[0] if values else None

    def uuid(self, name: str) -> str | None:
        """Read a UUID, lower-cased."""
        text = self.text(name)
        return None if text is None else read_uuid(name, text)

    def choice(self, name: str, choices: Collection[str]) -> str | None:
        """Read one of a few words."""
        text = self.text(name)
        if text is not None and text not in choices:
            expected = " | ".join(f"'{choice}'" for choice in choices)
            raise bad_request(f"{name}: Invalid enum value. Expected {expected}")
        return text

    def flag(self, name: str, *, default: bool) -> bool:
        """Read `true` or `false`, in lower case only [SPEC-B: a string enum]."""
        text = self.choice(name, ("true", "false"))
        return default if text is None else text == "true"

    def names(self, name: str) -> tuple[str, ...]:
        """Read a comma-separated list."""
        text = self.text(name) or ""
        return tuple(part.strip() for part in text.split(",") if part.strip())

    def number(self, name: str, *, default: int, most: int) -> int:
        """Read a whole number from 1 to `most`."""
        text = self.text(name)
        if text is None:
            return default
        if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= most:
            raise bad_request(f"{name}: Expected a number from 1 to {most}")
        return int(text)


def read_reset_at(body: bytes) -> datetime | None:
    """Read `resetAt` from an optional JSON body, None if it is not given.

    Only RFC 3339 with an offset is taken: whether Omni reads other ISO-8601 forms is unknown, and a
    sandbox that takes more than Omni would hide a client's mistake. Truncated to milliseconds.
    """
    if not body.strip():
        return None
    document = read_object(body)
    if "resetAt" not in document:
        return None
    text = document["resetAt"]
    if not isinstance(text, str):
        raise bad_request("resetAt: Expected string")
    return _read_instant(text)


def read_object(body: bytes) -> Mapping[str, object]:
    """Read a body that has to be a JSON object."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise bad_request("body: Invalid JSON") from None
    if not isinstance(document, dict):
        raise bad_request("body: Expected object")
    return document


def _read_instant(text: str) -> datetime:
    spelled = text.upper() if _RFC_3339.fullmatch(text) else ""
    try:
        instant = datetime.fromisoformat(spelled).astimezone(UTC)
    except (ValueError, OverflowError):
        raise bad_request("resetAt: Invalid timestamp") from None
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)
