"""What is declared and planned, as fields under the keys of the files, and which of them differ."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Protocol, assert_never

from reconcile.model.address import Address, quote_key
from reconcile.model.comparison import (
    CallChange,
    ChangeKind,
    FieldChange,
    PlanDifference,
    PrintedPlan,
    Shift,
    StatusChange,
    Value,
)
from reconcile.model.desired import (
    WEEK,
    Desired,
    Freeze,
    FrozenSpan,
    Item,
    Mode,
    OnSignal,
    OpenHours,
)
from reconcile.model.recorded import Declaration
from reconcile.planning.record import declaration

# Which fields of two declarations differ, named and valued as the files say them.

Fields = Mapping[str, Value]

_CADENCES = ("every", "cron", "at", "days", "when_changed", "reset_at", "on_signal")
_CALLS = ("connection", "branch_id", "mode", "schemas", "tables", "timeout", "coalesce_within")
_TIMINGS = ("timezone", "spread", "deadline", "on_change", "hold_after")
_KEYS = ("id", *_CADENCES, *_CALLS, "after", *_TIMINGS, "pause.until", "pause.reason")
"""What an item may declare, in the order in which it is told."""


def item_fields(item: Item) -> Fields:
    """Return everything an item declares, defaults included, under the keys of the files."""
    told = declared_fields(declaration(item))
    fields = {key: told[key] for key in _KEYS if key in told}
    cadence = item.timing.cadence
    if isinstance(cadence, OnSignal) and cadence.all:
        fields["on_signal"] = f"all of {', '.join(cadence.names)}"
    return fields


def section_fields(desired: Desired) -> Mapping[str, Fields]:
    """Return what a desired state declares beside its items, section by section."""
    sections: dict[str, Fields] = {
        "omni": {
            "base_url": desired.base_url,
            "api": desired.generation.value,
            "requests_per_minute": desired.requests_per_minute,
        },
        "state": {"url": desired.state_url},
        "limits": {
            "calls": desired.limits.calls,
            "hard_refreshes": desired.limits.hard_refreshes,
            "share": desired.limits.share,
        },
    }
    for freeze in sorted(desired.freezes, key=repr):
        name = wanted = f"freeze.{quote_key(freeze.name)}"
        number = 1
        while name in sections:
            # Nothing keeps two freezes from having one name.
            number += 1
            name = f"{wanted}#{number}"
        sections[name] = _freeze(freeze)
    return sections | dict(_connections(desired))


def _connections(desired: Desired) -> Iterator[tuple[str, Fields]]:
    for connection in desired.connections:
        name = f"connections.{quote_key(connection.name)}"
        yield (
            name,
            {
                "id": connection.id,
                "manage": connection.manage.value,
                "merge": "true" if connection.merge else "false",
            },
        )
    for schedule in desired.schedules:
        spec = schedule.spec
        mode = Mode.HARD if spec.hard else Mode.SOFT
        yield schedule.address, {"cron": spec.cron, "timezone": spec.zone, "mode": mode.value}


def changed_fields(before: Fields, after: Fields) -> tuple[FieldChange, ...]:
    """Explain what differs between two sets of fields; a field that is missing is None.

    Equal values never reach deepdiff, and an inequality that many items share reaches it once: a
    new default time zone costs one explanation, not one an item.
    """
    fields = [*before, *(field for field in after if field not in before)]
    unequal = [
        (field, before.get(field), after.get(field))
        for field in fields
        if before.get(field) != after.get(field)
    ]
    return _explained(tuple(unequal)) if unequal else ()


def kind_of_change(
    before: object | None, after: object | None, fields: tuple[FieldChange, ...]
) -> ChangeKind:
    """Say what became of something by its two versions, None where it is missing."""
    if before is None:
        return "added"
    if after is None:
        return "removed"
    return "changed" if fields else "moved"


@lru_cache(maxsize=4096)
def _explained(unequal: tuple[tuple[str, Value, Value], ...]) -> tuple[FieldChange, ...]:
    from deepdiff import DeepDiff  # noqa: PLC0415 -- 150 ms, paid only where something changed

    left = {field: value for field, value, _ in unequal if value is not None}
    right = {field: value for field, _, value in unequal if value is not None}
    # Above 0, two sets of fields with few names in common would only be told apart as a whole.
    found = DeepDiff(left, right, view="tree", threshold_to_diff_deeper=0)
    gained = _by_field((level, level.t2) for level in found.get("set_item_added", ()))
    lost = _by_field((level, level.t1) for level in found.get("set_item_removed", ()))
    told = {str(level.path(output_format="list")[0]) for kind in found.values() for level in kind}
    return tuple(
        FieldChange(field, was, now, gained.get(field, ()), lost.get(field, ()))
        for field, was, now in unequal
        if field in told
    )


class _Level(Protocol):
    """Where deepdiff found something."""

    def path(self, *, output_format: str) -> list[str]: ...


def _by_field(found: Iterable[tuple[_Level, str]]) -> dict[str, tuple[str, ...]]:
    """Sort what only one of two sets has by the field of these."""
    members: dict[str, list[str]] = {}
    for level, member in found:
        members.setdefault(level.path(output_format="list")[0], []).append(member)
    return {field: tuple(sorted(listed)) for field, listed in members.items()}


def _freeze(freeze: Freeze) -> Fields:
    match freeze.window:
        case FrozenSpan(start, until):
            window: dict[str, Value] = {"from": start, "until": until}
        case OpenHours(allow, zone, days):
            window = {
                "allow": frozenset(f"{opens:%H:%M}-{closes:%H:%M}" for opens, closes in allow),
                "timezone": zone,
                "days": _day_names(days),
            }
        case _ as unreachable:
            assert_never(unreachable)
    return {**window, "match": frozenset(freeze.match)}


def _day_names(days: frozenset[int]) -> tuple[str, ...]:
    return tuple(WEEK[day] for day in sorted(days))


# What a declaration that was recorded or saved says, under the same keys.

_NAMES = {
    "model_id": "id",
    "zone": "timezone",
    "interval": "every",
    "expression": "cron",
    "times": "at",
    "paths": "when_changed",
    "names": "on_signal",
    "instant": "reset_at",
    "refresh": "after",
}
"""What the files call what a declaration keeps under another name."""

_SPANS = frozenset({"every", "spread", "deadline", "timeout", "coalesce_within"})
_SETS = frozenset({"at", "schemas", "tables"})
_EVERY_DAY = list(range(len(WEEK)))


def declared_fields(kept: Declaration) -> Fields:
    """Return a declaration under the keys of the files. It may come from a file: it never fails."""
    fields: dict[str, Value] = {}
    for name, value in _leaves(kept):
        known = _NAMES.get(name, name)
        usual = (known == "days" and value == _EVERY_DAY) or (known == "all" and value is False)
        if known != "form" and not usual:
            fields[known] = _value(known, value)
    return fields


def _leaves(kept: Declaration) -> list[tuple[str, object]]:
    """List the values of all parts; a cadence is told by its own keys, a pause by dotted ones."""
    leaves: list[tuple[str, object]] = []
    for name, value in kept.items():
        if not isinstance(value, dict):
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
            return tuple(WEEK[day] for day in value)
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


# What changed between two plans as they were printed: between the one approved and a later one.


def diff_plans(before: PrintedPlan, after: PrintedPlan) -> PlanDifference:
    """Compare two plans address by address, whatever the order of their actions."""
    old, new = _calls(before), _calls(after)
    was, now = dict(before.statuses), dict(after.statuses)
    changes = tuple(_changes(old, new))
    changed = {change.address for change in changes}
    return PlanDifference(
        now=Shift(before.now, after.now),
        digest=Shift(before.digest, after.digest),
        host=Shift(before.host, after.host),
        calls=changes,
        statuses=tuple(
            StatusChange(address, status)
            for address in sorted(was.keys() | now.keys())
            if (status := Shift(was.get(address), now.get(address))).is_change
        ),
        unchanged=sum(address not in changed for address in new),
    )


def _calls(plan: PrintedPlan) -> Mapping[Address, Fields]:
    return {call.address: dict(call.fields) for call in plan.calls}


def _changes(old: Mapping[Address, Fields], new: Mapping[Address, Fields]) -> Iterator[CallChange]:
    for address in sorted(old.keys() | new.keys()):
        was, now = old.get(address), new.get(address)
        fields = changed_fields(was or {}, now or {})
        kind = kind_of_change(was, now, fields)
        if kind != "moved":
            yield CallChange(address, kind, fields)
