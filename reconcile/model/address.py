"""An address is the key path of an item in the desired state, spelled as TOML spells it."""

import json
import re
from typing import NewType

Address = NewType("Address", str)
"""`models.sales.refresh` or `models.sales.cache.daily`; quoted parts where TOML needs quotes."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN = re.compile(r"models\.[A-Za-z0-9_-]+\.(?:refresh|cache\.[A-Za-z0-9_-]+)")
_PART = re.compile(r"""([A-Za-z0-9_-]+)|("(?:[^"\\]|\\.)*")|'([^']*)'""")


def quote_key(part: str) -> str:
    """Spell one key as TOML does: bare where it may be, else as a basic string."""
    if _BARE_KEY.fullmatch(part):
        return part
    return json.dumps(part, ensure_ascii=False).replace("\x7f", "\\u007f")


def refresh_address(model: str) -> Address:
    """Address of a model's schema refresh."""
    return Address(f"models.{quote_key(model)}.refresh")


def reset_address(model: str, policy: str) -> Address:
    """Address of the reset of one cache policy of a model."""
    return Address(f"models.{quote_key(model)}.cache.{quote_key(policy)}")


def schedule_address(connection: str, name: str) -> Address:
    """Address of one of Omni's own schedules of a connection."""
    return Address(f"connections.{quote_key(connection)}.schedules.{quote_key(name)}")


def split_address(text: str) -> tuple[str, ...] | None:
    """Split an address into its unquoted keys; None if the text is not a dotted TOML key."""
    parts: list[str] = []
    position = 0
    while match := _PART.match(text, position):
        bare, basic, literal = match.groups()
        try:
            parts.append(bare or (str(json.loads(basic)) if basic else literal))
        except json.JSONDecodeError:
            return None
        position = match.end()
        if position == len(text):
            return tuple(parts)
        if text[position] != ".":
            return None
        position += 1
    return None


def parse_address(text: str) -> Address | None:
    """Read an address of a refresh, reset or schedule in any valid spelling; None if it is none."""
    if _PLAIN.fullmatch(text):
        return Address(text)
    match split_address(text):
        case ("models", model, "refresh"):
            return refresh_address(model)
        case ("models", model, "cache", policy):
            return reset_address(model, policy)
        case ("connections", connection, "schedules", name):
            return schedule_address(connection, name)
        case _:
            return None
