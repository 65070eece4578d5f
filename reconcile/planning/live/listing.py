"""What of an instance is listed, and in what order. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from reconcile.model.desired import NativeSchedule
from reconcile.model.observed import (
    Inventory,
    ListedConnection,
    ListedModel,
    ListedSchedule,
    Observed,
    ObservedConnection,
    ObservedModel,
)
from reconcile.planning.calendar.cron_fields import CronError
from reconcile.planning.calendar.eventbridge import newest_and_next
from reconcile.planning.calendar.wall_clock import UnknownZoneError


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What to list. Globs over names, or ids; case counts in names. No pattern: everything.

    `kinds` are Omni's words; none: any kind. `deleted`: also what is deleted.
    """

    patterns: tuple[str, ...] = ()
    connection: str | None = None
    kinds: frozenset[str] = frozenset()
    deleted: bool = False


def listed_models(filters: Filters, observed: Observed) -> tuple[ObservedModel, ...]:
    """Return the models that are listed, sorted by name."""
    names = {place.connection_id: place.name for place in observed.connections or ()}
    found = [
        model
        for model in observed.models or ()
        if (filters.deleted or model.deleted_at is None)
        and (not filters.kinds or model.kind in filters.kinds)
        and _matches(filters.patterns, model.name, model.model_id)
        and _is_on(filters.connection, model.connection_id, names)
    ]
    return tuple(sorted(found, key=lambda model: (model.name or "", model.model_id)))


def listed_connections(
    filters: Filters, observed: Observed
) -> tuple[ObservedConnection | None, ...]:
    """Return the connections that are listed: all that match, or those of the models asked for.

    One that models name and no list does is known by its id alone; None is for models without any.
    """
    known = {place.connection_id: place for place in observed.connections or ()}
    names = {identity: place.name for identity, place in known.items()}
    used = {model.connection_id for model in listed_models(filters, observed)}
    every = [
        place
        for place in known.values()
        if not filters.patterns
        and (filters.deleted or place.deleted_at is None)
        and _is_on(filters.connection, place.connection_id, names)
    ]
    chosen: dict[str | None, ObservedConnection | None] = {p.connection_id: p for p in every}
    for identity in used:
        unlisted = identity and ObservedConnection(connection_id=identity)
        chosen[identity] = known.get(identity or "", unlisted or None)
    return tuple(sorted(chosen.values(), key=_by_name))


def inventory(filters: Filters, observed: Observed, *, brief: bool = False) -> Inventory:
    """Put what was seen of the listed models and connections together."""
    on: defaultdict[str | None, list[ListedModel]] = defaultdict(list)
    for model in listed_models(filters, observed):
        on[model.connection_id].append(ListedModel(model, observed.policies.get(model.model_id)))
    return Inventory(
        at=observed.at,
        brief=brief,
        connections=tuple(
            ListedConnection(
                connection=place,
                models=tuple(on[None if place is None else place.connection_id]),
                schedules=_schedules(place, observed.schedules, observed.at),
            )
            for place in listed_connections(filters, observed)
        ),
    )


def _schedules(
    place: ObservedConnection | None,
    schedules: Mapping[str, tuple[NativeSchedule, ...]],
    now: datetime,
) -> tuple[ListedSchedule, ...] | None:
    found = () if place is None else schedules.get(place.connection_id)
    if found is None:
        return None
    ordered = sorted(found, key=lambda one: (one.spec.cron, one.spec.zone, one.schedule_id))
    return tuple(ListedSchedule(schedule, _next_run(schedule, now)) for schedule in ordered)


def _next_run(schedule: NativeSchedule, now: datetime) -> datetime | None:
    if schedule.disabled_at is not None:
        return None
    try:
        return newest_and_next(schedule.spec.cron, schedule.spec.zone, now)[1]
    except (CronError, UnknownZoneError):
        return None


def _matches(patterns: Iterable[str], name: str | None, identity: str) -> bool:
    listed = tuple(patterns)
    return not listed or any(
        fnmatchcase(name or "", pattern) or identity.casefold() == pattern.casefold()
        for pattern in listed
    )


def _is_on(pattern: str | None, identity: str | None, names: Mapping[str, str | None]) -> bool:
    if pattern is None:
        return True
    return identity is not None and _matches((pattern,), names.get(identity), identity)


def _by_name(place: ObservedConnection | None) -> tuple[bool, str, str]:
    return (place is None, (place and place.name) or "", place.connection_id if place else "")
