"""A reason as its bare facts, for programs that would rather not read sentences."""

import re
from dataclasses import fields
from datetime import datetime, timedelta
from types import UnionType
from typing import get_args

from reconcile.model.reason import Reason
from reconcile.render.instants import rfc3339

_Fact = datetime | timedelta | tuple[str, ...] | str | int | Reason | None

_WORD_START = re.compile(r"(?<!^)(?=[A-Z])")


def reason_json(reason: Reason) -> dict[str, object]:
    """Return the kind of the reason and each of its facts; durations in seconds (`_s`)."""
    facts: dict[str, object] = {"kind": _kind(type(reason))}
    for field in fields(reason):
        value = getattr(reason, field.name)
        name = f"{field.name}_s" if isinstance(value, timedelta) else field.name
        facts[name] = _fact(value)
    return facts


def reason_kinds() -> list[str]:
    """Return every kind `reason_json` can give, sorted."""
    return sorted(map(_kind, _members(Reason)))


def _members(union: UnionType) -> tuple[type[object], ...]:
    return get_args(union)


def _kind(reason: type[object]) -> str:
    return _WORD_START.sub("_", reason.__name__).lower()


def _fact(value: _Fact) -> object:
    match value:
        case datetime():
            return rfc3339(value)
        case timedelta():
            return value.total_seconds()
        case tuple():
            return list(value)
        case str() | int() | None:
            return value
        case _:  # BlockedBy.why: the reason of the item it waits for
            return reason_json(value)
