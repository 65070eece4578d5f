"""What the files lack of an instance, under names that they do not use yet."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import count

from reconcile.model.address import schedule_address
from reconcile.model.desired import Desired, NativeSchedule, ScheduleSpec, Selection
from reconcile.model.observed import (
    Imported,
    ImportedConnection,
    ImportedModel,
    Mentioned,
    Observed,
    ObservedModel,
)
from reconcile.planning.calendar.cron_fields import CronError
from reconcile.planning.calendar.eventbridge_grammar import parse_eventbridge
from reconcile.planning.calendar.wall_clock import UnknownZoneError, zone_info
from reconcile.planning.live.connections import declared_ids
from reconcile.planning.live.seen import Seen
from reconcile.planning.live.selecting import folded, matching, take_name


def candidates(
    observed: Observed, desired: Desired, patterns: Iterable[str], kind: str, connection: str | None
) -> tuple[ObservedModel, ...]:
    """Return the live models that a glob over Omni's name or an id names, sorted by name."""
    seen = Seen.of(observed)
    labels = {place: label for label, place in declared_ids(desired).items()}
    chosen: dict[str, ObservedModel] = {}
    for pattern in patterns:
        one = Selection(number=1, name=pattern, kind=kind, connection=connection)
        named = matching((seen.models or {}).values(), one, seen, labels)
        chosen.update((model.model_id, model) for model in named)
        if (by_id := seen.there(pattern)) is not None:
            chosen[by_id.model_id] = by_id
    return tuple(sorted(chosen.values(), key=lambda model: (model.name or "", model.model_id)))


def imported(
    desired: Desired,
    observed: Observed,
    models: Sequence[ObservedModel],
    known: Mentioned,
    *,
    with_schedules: bool,
) -> Imported:
    """Return what to add for these models. Policies are added where they were looked at."""
    fresh = [model for model in models if model.model_id.lower() not in known.model_ids]
    places = {place for model in models if (place := _place(model))}
    connections = _connections(
        desired, observed, places, known, schedules=observed.schedules if with_schedules else {}
    )
    labels = {place: label for label, place in declared_ids(desired).items()}
    labels |= {connection.connection_id: connection.name for connection in connections}
    taken = set(map(folded, known.model_names))
    added = tuple(
        ImportedModel(
            name=take_name(model.name, model.model_id, taken),
            model_id=model.model_id.lower(),
            title=model.name,
            connection=labels.get(place, place) if (place := _place(model)) else None,
            policies=_policies(observed, model),
        )
        for model in fresh
    )
    used = {model.connection for model in added}
    kept = (c for c in connections if c.schedules or (c.is_new and c.name in used))
    return Imported(tuple(kept), added)


def _place(model: ObservedModel) -> str | None:
    return model.connection_id.lower() if model.connection_id else None


def _policies(observed: Observed, model: ObservedModel) -> tuple[str, ...]:
    looked = {model_id.lower(): names for model_id, names in observed.policies.items()}
    return looked.get(model.model_id.lower(), ())


def _connections(
    desired: Desired,
    observed: Observed,
    places: Collection[str],
    known: Mentioned,
    *,
    schedules: Mapping[str, Sequence[NativeSchedule]],
) -> tuple[ImportedConnection, ...]:
    """Name each connection as the files do, else after Omni's name, and list what it lacks."""
    seen = Seen.of(observed)
    labels = {place: label for label, place in declared_ids(desired).items()}
    there = {place.lower(): found for place, found in schedules.items()}
    taken = set(map(folded, known.connection_names))
    found: list[ImportedConnection] = []
    for place in sorted(places, key=lambda p: (seen.connection_name(p) or "", p)):
        title = seen.connection_name(place)
        if place not in labels and title is None:
            continue
        found.append(
            ImportedConnection(
                name=labels.get(place) or take_name(title, place, taken),
                connection_id=place,
                is_new=place not in labels,
                schedules=_schedules(desired, place, there.get(place, ())),
            )
        )
    return tuple(found)


def _schedules(
    desired: Desired, place: str, there: Sequence[NativeSchedule]
) -> tuple[tuple[str, ScheduleSpec], ...]:
    """Name the schedules that are not declared: they have no name in Omni.

    Of equal ones only the first, and none that only Omni can read: a file cannot declare them.
    """
    declared = [item for item in desired.schedules if item.connection_id.lower() == place]
    known = {item.spec for item in declared}
    taken = {item.address for item in declared}
    names = (f"native_{number}" for number in count(len(declared) + 1))
    free = (
        n for n in names if not any(schedule_address(i.connection, n) in taken for i in declared)
    )
    lacking: list[tuple[str, ScheduleSpec]] = []
    for schedule in sorted(there, key=lambda schedule: schedule.schedule_id):
        if schedule.spec not in known and _is_readable(schedule.spec):
            known.add(schedule.spec)
            lacking.append((next(free), schedule.spec))
    return tuple(lacking)


def _is_readable(spec: ScheduleSpec) -> bool:
    try:
        parse_eventbridge(spec.cron)
        zone_info(spec.zone)
    except (CronError, UnknownZoneError):
        return False
    return True
