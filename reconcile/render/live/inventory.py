"""What an instance has, connection by connection: for people, and for programs."""

from collections.abc import Iterable, Iterator, Sequence

from reconcile.model.observed import (
    Inventory,
    ListedConnection,
    ListedModel,
    ListedSchedule,
    ObservedConnection,
    ObservedModel,
)
from reconcile.render.escape import escape_terminal
from reconcile.render.instants import Vantage, rfc3339
from reconcile.render.json_text import encode, instant_json
from reconcile.render.layout import LEAST_WIDTH, Ink, both_ends, pad, paint, wrap
from reconcile.render.names import counted

INVENTORY_FORMAT_VERSION = 1

_NAME_LIMIT = 60
_POLICY_LIMIT = 200
"""Longer than a name: a policy's is copied into the file letter by letter."""

_ORDINARY = "SHARED"
_LABEL = 10
_STEP = 2


def inventory_text(inventory: Inventory, *, host: str, width: int, colour: bool) -> str:
    """Return the listing; ends with a line break. Runs are in each schedule's own zone."""
    room = max(width, LEAST_WIDTH)
    places = inventory.connections
    models = sum(len(place.models) for place in places)
    known = sum(place.connection is not None for place in places)
    told = f"{host}: {counted(known, 'connection')}, {counted(models, 'model')}"
    lines = wrap(told, room)
    for place in places:
        lines.append("")
        lines += _connection(place, inventory, room, colour=colour)
    return "\n".join(lines) + "\n"


def inventory_json(
    inventory: Inventory, *, host: str, unseen: Sequence[tuple[str, str | None, str]], requests: int
) -> str:
    """Return the listing as one JSON object. `unseen`: part, id and Omni's words of each gap.

    What was not seen or not asked for is null.
    """
    return encode(
        {
            "format_version": INVENTORY_FORMAT_VERSION,
            "host": host,
            "observed_at": rfc3339(inventory.at),
            "connections": [_connection_document(place) for place in inventory.connections],
            "unseen": [
                {"part": part, "id": subject, "message": message}
                for part, subject, message in unseen
            ],
            "requests": requests,
        }
    )


def _connection(
    place: ListedConnection, inventory: Inventory, width: int, *, colour: bool
) -> Iterator[str]:
    yield from (paint(line, Ink.BOLD, colour=colour) for line in _heading(place.connection, width))
    if not inventory.brief and place.connection is not None:
        yield from _schedules(place.schedules, inventory, width)
    for listed in place.models:
        yield from _model(listed, width, brief=inventory.brief)


def _heading(connection: ObservedConnection | None, width: int) -> list[str]:
    if connection is None:
        return ["(on no connection)"]
    about = [connection.dialect, connection.database]
    if connection.deleted_at is not None:
        about.append(f"deleted {rfc3339(connection.deleted_at)}")
    facts = ", ".join(_shown(fact) for fact in about if fact)
    name = _shown(connection.name)
    return both_ends(f"{name}  {facts}" if facts else name, _shown(connection.connection_id), width)


def _schedules(
    schedules: Sequence[ListedSchedule] | None, inventory: Inventory, width: int
) -> Iterator[str]:
    if schedules is None:
        yield from _facts("schedules", ["not seen"], width, indent=_STEP)
    for listed in schedules or ():
        spec = listed.schedule.spec
        mode = "hard" if spec.hard else "soft"
        parts = [f"{_shown(spec.cron)}  {_shown(spec.zone)}", mode, _next(listed, inventory)]
        yield from _facts("schedule", parts, width, indent=_STEP)


def _next(listed: ListedSchedule, inventory: Inventory) -> str:
    if listed.schedule.disabled_at is not None:
        return f"disabled {rfc3339(listed.schedule.disabled_at)}"
    if listed.next_run is None:
        return "no next run"
    return f"next {Vantage(listed.schedule.spec.zone, inventory.at).local(listed.next_run)}"


def _model(listed: ListedModel, width: int, *, brief: bool) -> Iterator[str]:
    model = listed.model
    marks = [model.kind] if model.kind and model.kind != _ORDINARY else []
    if model.deleted_at is not None:
        marks.append(f"deleted {rfc3339(model.deleted_at)}")
    marked = f"  ({_shown(', '.join(marks))})" if marks else ""
    for line in both_ends(f"{_shown(model.name)}{marked}", _shown(model.model_id), width - _STEP):
        yield " " * _STEP + line
    if listed.policies is None and not brief and model.deleted_at is None:
        yield from _facts("policies", ["not seen"], width, indent=2 * _STEP)
    if listed.policies:
        policies = (_shown(policy, _POLICY_LIMIT) for policy in listed.policies)
        yield from _facts("policies", policies, width, indent=2 * _STEP)
    if model.branches:
        names = sorted(_shown(name) for name in model.branches.values())
        yield from _facts("branches", names, width, indent=2 * _STEP)


def _facts(label: str, values: Iterable[str], width: int, *, indent: int) -> Iterator[str]:
    first, *rest = wrap(", ".join(values), width - indent - _LABEL, ", ")
    yield " " * indent + pad(label, _LABEL) + first
    yield from (" " * (indent + _LABEL) + line for line in rest)


def _shown(text: str | None, limit: int = _NAME_LIMIT) -> str:
    return escape_terminal(text, limit) if text else "(unnamed)"


def _connection_document(place: ListedConnection) -> dict[str, object]:
    connection = place.connection
    schedules = place.schedules
    return {
        "id": connection and connection.connection_id,
        "name": connection and connection.name,
        "dialect": connection and connection.dialect,
        "database": connection and connection.database,
        "deleted_at": instant_json(connection.deleted_at if connection else None),
        "schedules": None if schedules is None else [_schedule_document(one) for one in schedules],
        "models": [_model_document(listed) for listed in place.models],
    }


def _schedule_document(listed: ListedSchedule) -> dict[str, object]:
    schedule = listed.schedule
    return {
        "id": schedule.schedule_id,
        "cron": schedule.spec.cron,
        "timezone": schedule.spec.zone,
        "hard": schedule.spec.hard,
        "disabled_at": instant_json(schedule.disabled_at),
        "next_run": instant_json(listed.next_run),
    }


def _model_document(listed: ListedModel) -> dict[str, object]:
    model: ObservedModel = listed.model
    branches = sorted(model.branches.items(), key=lambda branch: (branch[1], branch[0]))
    return {
        "id": model.model_id,
        "name": model.name,
        "kind": model.kind,
        "base_model_id": model.base_model_id,
        "deleted_at": instant_json(model.deleted_at),
        "branches": [{"id": identity, "name": name} for identity, name in branches],
        "policies": None if listed.policies is None else list(listed.policies),
    }
