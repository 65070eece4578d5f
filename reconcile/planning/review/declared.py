"""What items declare, as a saved plan keeps it: to be compared, and told in words of the files."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256

from reconcile.model.address import Address
from reconcile.model.comparison import Value
from reconcile.model.desired import Desired, Item, Mode, ScheduleItem
from reconcile.model.recorded import Declaration
from reconcile.planning.declaration import declaration
from reconcile.planning.review.fields import Fields

_PARTS = ("identity", "timing", "call")
_NAMES = {
    "model_id": "id",
    "zone": "timezone",
    "interval": "every",
    "expression": "cron",
    "times": "at",
    "paths": "when_changed",
    "instant": "reset_at",
    "refresh": "after",
}
"""What the files call what a declaration keeps under another name."""

_SPANS = frozenset({"every", "spread", "deadline", "timeout", "coalesce_within"})
_SETS = frozenset({"at", "schemas", "tables"})
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_EVERY_DAY = list(range(len(_DAYS)))


def declared(desired: Desired) -> Mapping[Address, Declaration]:
    """Return what every item declares, native schedules too, as plain JSON values."""
    items: dict[Address, Declaration] = {item.address: _kept(item) for item in desired.items}
    return items | {item.address: _schedule(item) for item in desired.schedules}


def fingerprint(kept: Declaration) -> str:
    """Return a short hash of a declaration, for where the whole of it would take too much room.

    It is what plans of the first format keep.
    """
    told: object = kept if "timing" in kept else [kept.get(key) for key in _SCHEDULE_KEYS]
    return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def declared_fields(kept: Declaration) -> Fields:
    """Return a declaration under the keys of the files. It may come from a file: it never fails."""
    fields: dict[str, Value] = {}
    for name, value in _leaves(kept):
        known = _NAMES.get(name, name)
        if known != "form" and not (known == "days" and value == _EVERY_DAY):
            fields[known] = _value(known, value)
    return fields


_SCHEDULE_KEYS = ("connection", "cron", "timezone", "hard")


def _kept(item: Item) -> Declaration:
    told = declaration(item)
    return {part: told[part] for part in _PARTS}


def _schedule(item: ScheduleItem) -> Declaration:
    spec = item.spec
    values = (item.connection_id, spec.cron, spec.zone, spec.hard)
    return dict(zip(_SCHEDULE_KEYS, values, strict=True))


def _leaves(kept: Declaration) -> list[tuple[str, object]]:
    """List the values of all parts; a cadence is told by its own keys, a pause by dotted ones."""
    leaves: list[tuple[str, object]] = []
    for name, value in kept.items():
        if not isinstance(value, Mapping):
            leaves.append((name, value))
        elif name == "pause":
            leaves += [(f"pause.{key}", part) for key, part in value.items()]
        else:
            leaves += _leaves(value)
    return leaves


def _value(name: str, value: object) -> Value:
    match value:
        case None | str():
            return _instant(value) if name in {"reset_at", "pause.until"} and value else value
        case bool() if name == "hard":
            return (Mode.HARD if value else Mode.SOFT).value
        case int() | float() if name in _SPANS:
            return _span(value)
        case int() | float():
            return value
        case list() if name == "days" and all(day in _EVERY_DAY for day in value):
            return tuple(_DAYS[day] for day in value)
        case list():
            parts = [part if isinstance(part, str) else json.dumps(part) for part in value]
            return frozenset(parts) if name in _SETS else tuple(parts)
        case _:
            return json.dumps(value)


def _instant(text: str) -> Value:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return text


def _span(seconds: float) -> Value:
    try:
        return timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        return seconds
