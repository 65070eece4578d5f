"""Which fields of two declarations differ, named and valued as the files say them."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, assert_never

from reconcile.model.address import quote_key
from reconcile.model.comparison import FieldChange, Value
from reconcile.model.desired import (
    ALL_DAYS,
    AfterRefresh,
    At,
    Cadence,
    Cron,
    Desired,
    Every,
    Freeze,
    FrozenSpan,
    Item,
    Mode,
    OpenHours,
    RefreshItem,
    ResetAt,
    ResetItem,
    Timing,
    WhenChanged,
)

if TYPE_CHECKING:
    from deepdiff import DeepDiff

Fields = Mapping[str, Value]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def item_fields(item: Item) -> Fields:
    """Return everything an item declares, defaults included, under the keys of the files."""
    match item:
        case RefreshItem():
            own: dict[str, Value] = {
                "connection": item.connection,
                "branch_id": item.branch_id,
                "mode": item.mode.value,
                "schemas": frozenset(item.schemas),
                "tables": frozenset(item.tables),
                "timeout": item.timeout,
                "coalesce_within": item.coalesce_within,
            }
        case ResetItem():
            own = {"after": item.after}
        case _ as unreachable:
            assert_never(unreachable)
    return {"id": item.model_id} | _cadence(item.timing.cadence) | own | _timing(item.timing)


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
        yield name, {"id": connection.id, "manage": connection.manage.value}
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


@lru_cache(maxsize=4096)
def _explained(unequal: tuple[tuple[str, Value, Value], ...]) -> tuple[FieldChange, ...]:
    from deepdiff import DeepDiff  # noqa: PLC0415 -- 150 ms, paid only where something changed

    left = {field: value for field, value, _ in unequal if value is not None}
    right = {field: value for field, _, value in unequal if value is not None}
    # Above 0, two sets of fields with few names in common would only be told apart as a whole.
    found = DeepDiff(left, right, view="tree", threshold_to_diff_deeper=0)
    gained, lost = _members(found, "set_item_added"), _members(found, "set_item_removed")
    told = {str(level.path(output_format="list")[0]) for kind in found.values() for level in kind}
    return tuple(
        FieldChange(field, was, now, gained.get(field, ()), lost.get(field, ()))
        for field, was, now in unequal
        if field in told
    )


def _members(found: "DeepDiff", kind: str) -> dict[str, tuple[str, ...]]:
    """Collect the members that only one of two sets has, field by field."""
    members: dict[str, list[str]] = {}
    for level in found.get(kind, ()):
        member = level.t2 if kind == "set_item_added" else level.t1
        members.setdefault(level.path(output_format="list")[0], []).append(member)
    return {field: tuple(sorted(listed)) for field, listed in members.items()}


@lru_cache(maxsize=4096)
def _timing(timing: Timing) -> dict[str, Value]:
    pause: dict[str, Value] = {}
    if timing.pause is not None:
        pause = {"pause.until": timing.pause.until, "pause.reason": timing.pause.reason}
    return {
        "timezone": timing.zone,
        "spread": timing.spread,
        "deadline": timing.deadline,
        "on_change": timing.on_change.value,
        "hold_after": timing.hold_after,
        **pause,
    }


def _cadence(cadence: Cadence) -> dict[str, Value]:
    match cadence:
        case Every(interval):
            return {"every": interval}
        case Cron(expression):
            return {"cron": expression}
        case At(times, days):
            at = frozenset(time.isoformat("minutes") for time in times)
            return {"at": at} | ({} if days == ALL_DAYS else {"days": _day_names(days)})
        case WhenChanged(paths):
            return {"when_changed": paths}
        case AfterRefresh():
            return {}
        case ResetAt(instant):
            return {"reset_at": instant}
        case _ as unreachable:
            assert_never(unreachable)


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
    return tuple(_DAYS[day] for day in sorted(days))
