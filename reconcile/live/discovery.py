"""What an instance has that the files lack: listed, imported, or selected by a template."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from difflib import get_close_matches
from itertools import count
from typing import Literal

from msgspec import Struct
from msgspec.structs import asdict

from reconcile.config.values import check_name, fold_name
from reconcile.errors import LeafError
from reconcile.live.observed import (
    Finding,
    Seen,
    SelectionJoined,
    SelectionLeft,
    addresses_of,
    declared_ids,
    declared_labels,
    plain,
)
from reconcile.model.address import fits, is_uuid, schedule_address
from reconcile.model.desired import (
    Desired,
    LockedModel,
    LockFile,
    NativeSchedule,
    RefreshItem,
    ScheduleSpec,
    Selection,
    spelled,
)
from reconcile.model.observed import (
    Imported,
    ImportedConnection,
    ImportedModel,
    Mentioned,
    Observed,
    ObservedConnection,
    ObservedModel,
)
from reconcile.model.struct import Instant
from reconcile.planning.time.cron import CronError
from reconcile.planning.time.eventbridge import newest_and_next, parse_eventbridge
from reconcile.planning.time.wall_clock import UnknownZoneError, zone_info
from reconcile.render.documents import Count

# What of an instance is listed, and in what order. Pure.


class Filters(Struct, frozen=True, kw_only=True):
    """What to list. Globs over names or ids; case counts in names. No pattern: everything.

    `kinds` are Omni's words; none: any kind. `deleted`: also what is deleted.
    """

    patterns: tuple[str, ...] = ()
    connection: str | None = None
    kinds: frozenset[str] = frozenset()
    deleted: bool = False


def listed_models(filters: Filters, observed: Observed) -> tuple[ObservedModel, ...]:
    """Return the models that are listed, sorted by name."""
    names = {place.connection_id: place.name for place in observed.connections or ()}
    kinds = {kind.upper() for kind in filters.kinds}
    found = [
        model
        for model in observed.models or ()
        if (filters.deleted or model.deleted_at is None)
        and (not kinds or (model.kind or "").upper() in kinds)
        and (
            not filters.patterns
            or any(_answers(one, model.name, model.model_id) for one in filters.patterns)
        )
        and _is_on(filters.connection, model.connection_id, names.get(model.connection_id or ""))
    ]
    return tuple(sorted(found, key=lambda model: (model.name or "", model.model_id)))


def listed_connections(
    filters: Filters, observed: Observed
) -> tuple[ObservedConnection | None, ...]:
    """Return the connections that are listed: all that match, or those of the models asked for.

    One that models name and no list does is known by its id alone; None is for models without any.
    """
    known = {place.connection_id: place for place in observed.connections or ()}
    used = {model.connection_id for model in listed_models(filters, observed)}
    every = [
        place
        for place in known.values()
        if not filters.patterns
        and (filters.deleted or place.deleted_at is None)
        and _is_on(filters.connection, place.connection_id, place.name)
    ]
    chosen: dict[str | None, ObservedConnection | None] = {p.connection_id: p for p in every}
    for identity in used:
        unlisted = identity and ObservedConnection(connection_id=identity)
        chosen[identity] = known.get(identity or "", unlisted or None)
    named = (place for place in chosen.values() if place is not None)
    ordered = sorted(named, key=lambda place: (place.name or "", place.connection_id))
    return (*ordered, *(place for place in chosen.values() if place is None))


# What an instance has, connection by connection. Null: not seen, or not asked for.


class NotListed(Struct, frozen=True):
    """A part that could not be read, in Omni's words."""

    part: str
    id: str | None
    message: str


class ScheduleDocument(Struct, frozen=True, kw_only=True):
    """One of Omni's own schedules."""

    id: str
    cron: str
    timezone: str
    hard: bool
    disabled_at: Instant | None
    next_run: Instant | None


class BranchDocument(Struct, frozen=True):
    """An active branch of a model."""

    id: str
    name: str


class ModelDocument(Struct, frozen=True, kw_only=True):
    """One model, its branches by name, and its own cache policies."""

    id: str
    name: str | None
    kind: str | None
    base_model_id: str | None
    deleted_at: Instant | None
    branches: tuple[BranchDocument, ...]
    policies: tuple[str, ...] | None


class ConnectionDocument(Struct, frozen=True, kw_only=True):
    """One connection with what lives on it."""

    id: str | None
    name: str | None
    dialect: str | None
    database: str | None
    deleted_at: Instant | None
    schedules: tuple[ScheduleDocument, ...] | None
    models: tuple[ModelDocument, ...]


class InventoryDocument(Struct, frozen=True, kw_only=True):
    """What `reconcile discover --format json` prints. Null: not seen, or not asked for."""

    format_version: Literal[1] = 1
    host: str
    observed_at: Instant
    connections: tuple[ConnectionDocument, ...]
    unseen: tuple[NotListed, ...]
    requests: Count


def inventory(
    filters: Filters,
    observed: Observed,
    host: str,
    unseen: Iterable[NotListed] = (),
    requests: int = 0,
) -> InventoryDocument:
    """Put what was seen of the listed models and connections together. `unseen`: each gap."""
    on: defaultdict[str | None, list[ModelDocument]] = defaultdict(list)
    for model in listed_models(filters, observed):
        on[model.connection_id].append(_listed(model, observed.policies.get(model.model_id)))
    return InventoryDocument(
        host=host,
        observed_at=observed.at,
        connections=tuple(
            ConnectionDocument(
                id=known.get("connection_id"),
                name=known.get("name"),
                dialect=known.get("dialect"),
                database=known.get("database"),
                deleted_at=known.get("deleted_at"),
                schedules=_schedules_listed(place, observed),
                models=tuple(on[known.get("connection_id")]),
            )
            for place in listed_connections(filters, observed)
            for known in [{} if place is None else asdict(place)]
        ),
        unseen=tuple(unseen),
        requests=requests,
    )


def _listed(model: ObservedModel, policies: tuple[str, ...] | None) -> ModelDocument:
    branches = sorted(model.branches.items(), key=lambda branch: (branch[1], branch[0]))
    return ModelDocument(
        id=model.model_id,
        name=model.name,
        kind=model.kind,
        base_model_id=model.base_model_id,
        deleted_at=model.deleted_at,
        branches=tuple(BranchDocument(*branch) for branch in branches),
        policies=policies,
    )


def _schedules_listed(
    place: ObservedConnection | None, observed: Observed
) -> tuple[ScheduleDocument, ...] | None:
    found = () if place is None else observed.schedules.get(place.connection_id)
    if found is None:
        return None
    return tuple(
        ScheduleDocument(
            id=one.schedule_id,
            cron=one.spec.cron,
            timezone=one.spec.zone,
            hard=one.spec.hard,
            disabled_at=one.disabled_at,
            next_run=_next_run(one, observed.at),
        )
        for one in sorted(found, key=lambda one: (one.spec.cron, one.spec.zone, one.schedule_id))
    )


def _next_run(schedule: NativeSchedule, now: datetime) -> datetime | None:
    if schedule.disabled_at is not None:
        return None
    try:
        return newest_and_next(schedule.spec.cron, schedule.spec.zone, now)[1]
    except (CronError, UnknownZoneError):
        return None


def _is_on(pattern: str | None, identity: str | None, *names: str | None) -> bool:
    return pattern is None or any(identity and _answers(pattern, it, identity) for it in names)


def _answers(pattern: str, name: str | None, identity: str) -> bool:
    """Tell whether a glob fits one of Omni's names, or an id, in which case does not count."""
    return fits(pattern, name or "") or fits(pattern.lower(), identity.lower())


# What the files lack of an instance, under names that they do not use yet.


def candidates(
    observed: Observed, desired: Desired, patterns: Iterable[str], kind: str, connection: str | None
) -> tuple[ObservedModel, ...]:
    """Return the live models that a glob over Omni's names or ids names, sorted by name.

    A whole id names its model, whatever its kind and connection.
    """
    seen = Seen.of(observed)
    every = Selection(number=1, kind=kind, connection=connection)
    there = tuple(matching(every, seen, declared_labels(desired)))
    chosen: dict[str, ObservedModel] = {}
    for pattern in patterns:
        named = (model for model in there if _answers(pattern, model.name, model.model_id))
        chosen.update((model.model_id, model) for model in named)
        if (by_id := seen.there(pattern)) is not None:
            chosen[by_id.model_id] = by_id
    return tuple(sorted(chosen.values(), key=lambda model: (model.name or "", model.model_id)))


def lacking(
    models: Iterable[ObservedModel], known: Mentioned, patterns: Iterable[str] = ()
) -> list[ObservedModel]:
    """Return the models that the files lack.

    They do not lack one that a selection stands for, unless a pattern is its very name or id.
    """
    named = {*patterns}
    named |= {pattern.lower() for pattern in named}
    return [
        model
        for model in models
        if (model_id := model.model_id.lower()) not in known.model_ids
        and (model_id not in known.locked or {model.name, model_id} & named)
    ]


def imported(
    desired: Desired,
    observed: Observed,
    models: Sequence[ObservedModel],
    known: Mentioned,
    *,
    with_schedules: bool,
    patterns: Iterable[str] = (),
) -> Imported:
    """Return what to add for these models. Policies are added where they were looked at.

    `patterns`: what they were asked for by. One that a selection stood for keeps its name.
    """
    fresh = lacking(models, known, patterns)
    places = {place for model in models if (place := _place(model))}
    connections = _connections(
        desired, observed, places, known, schedules=observed.schedules if with_schedules else {}
    )
    labels = {connection.connection_id: connection.name for connection in connections}
    policies = {model_id.lower(): _usable(there) for model_id, there in observed.policies.items()}
    taken = set(map(fold_name, (*known.model_names, *known.locked.values())))
    added = tuple(
        ImportedModel(
            name=known.locked.get(model.model_id.lower())
            or take_name(model.name, model.model_id, taken),
            model_id=model.model_id.lower(),
            title=model.name,
            connection=labels.get(place, place) if (place := _place(model)) else None,
            policies=usable,
            left_out=left_out,
        )
        for model in fresh
        for usable, left_out in [policies.get(model.model_id.lower(), ((), ()))]
    )
    used = {model.connection for model in added}
    kept = (c for c in connections if c.schedules or (c.is_new and c.name in used))
    return Imported(tuple(kept), added)


def _usable(policies: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Part those that a file can declare, of names that look the same the first, from the rest."""
    usable: dict[str, str] = {}
    for name in policies:
        with suppress(LeafError):
            check_name(name)
            usable.setdefault(fold_name(name), name)
    kept = tuple(usable.values())
    return kept, tuple(name for name in policies if name not in kept)


def _place(model: ObservedModel) -> str | None:
    return model.connection_id.lower() if model.connection_id else None


def _connections(
    desired: Desired,
    observed: Observed,
    places: Collection[str],
    known: Mentioned,
    *,
    schedules: Mapping[str, Sequence[NativeSchedule]],
) -> tuple[ImportedConnection, ...]:
    """Name each connection as the files do, else after Omni's name, and list what it lacks.

    A name that models use without an id in `[connections]` is given to no other connection.
    """
    seen = Seen.of(observed)
    declared = declared_labels(desired)
    labels = _proven(desired, seen) | declared
    there = {place.lower(): found for place, found in schedules.items()}
    taken = set(map(fold_name, known.connection_names))
    found: list[ImportedConnection] = []
    for place in sorted(places, key=lambda p: (seen.connection_name(p) or "", p)):
        title = seen.connection_name(place)
        if place not in labels and title is None:
            continue
        found.append(
            ImportedConnection(
                name=labels.get(place) or take_name(title, place, taken),
                connection_id=place,
                is_new=place not in declared,
                schedules=_schedules_imported(desired, place, there.get(place, ())),
            )
        )
    return tuple(found)


def _proven(desired: Desired, seen: Seen) -> dict[str, str]:
    """Return, by id, each name that is used of one connection alone and is given no id."""
    places = defaultdict[str, set[str | None]](set)
    for item in desired.items:
        if isinstance(item, RefreshItem) and item.connection and not is_uuid(item.connection):
            places[item.connection].add(seen.lives_on(item.model_id))
    free = places.keys() - declared_ids(desired).keys()
    return {
        place: name
        for name in sorted(free)
        if len(places[name]) == 1
        for place in places[name]
        if place
    }


def _schedules_imported(
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


# What a person asked for by a pattern that nothing of the instance answers to. Pure.

_GLOB = re.compile(r"\[[^\]]*\]|[*?]")
_MOST_NEAR = 3


class Unmatched(Struct, frozen=True, kw_only=True):
    """A pattern that no `what` matches. `near`: names probably meant, the nearest first.

    `elsewhere`: how many models match it, and were left out for their kind, their connection, or
    because they are deleted.
    """

    what: str
    pattern: str
    near: tuple[str, ...] = ()
    elsewhere: int = 0


def unmatched(
    observed: Observed,
    *,
    patterns: Iterable[str],
    connection: str | None,
    kinds: Iterable[str],
    labels: Mapping[str, str],
    found: Callable[[str], Sequence[ObservedModel]],
) -> tuple[Unmatched, ...]:
    """Return what was asked for and matches nothing: a connection, a kind, or else patterns.

    `found`: the models that one pattern stands for, among those of the connection and the kinds.
    `labels`: the files' names of connections, by id. What was not listed concludes nothing.
    """
    told = (*_connection(connection, observed, labels), *_kinds(kinds, observed))
    return told or tuple(
        Unmatched(
            what="model",
            pattern=pattern,
            near=near(pattern, (m.name for m in observed.models or () if m.deleted_at is None)),
            elsewhere=sum(_answers(pattern, m.name, m.model_id) for m in observed.models or ()),
        )
        for pattern in patterns
        if not found(pattern)
    )


def unmatched_selections(desired: Desired, seen: Seen) -> tuple[Selection, ...]:
    """Return the `[[select]]` blocks that match no model, be it declared by hand or not."""
    labels = declared_labels(desired)
    return tuple(
        selection
        for selection in desired.selections
        if next(matching(selection, seen, labels), None) is None
    )


def near(pattern: str, names: Iterable[str | None]) -> tuple[str, ...]:
    """Return the names that a pattern was probably meant for; case, blanks and signs are ignored.

    A name that holds what the pattern spells out is nearer than one that is only spelled alike.
    """
    wanted = plain(_GLOB.sub("", pattern[:200]))
    by_plain = {plain(name): name for name in sorted(filter(None, names), reverse=True)}
    if not wanted:
        return ()
    holding = sorted((name for name in by_plain if wanted in name), key=lambda it: (len(it), it))
    alike = get_close_matches(wanted, by_plain, n=_MOST_NEAR, cutoff=0.6)
    nearest = list(dict.fromkeys((*holding, *alike)))[:_MOST_NEAR]
    return tuple(by_plain[name] for name in nearest)


def _connection(
    pattern: str | None, observed: Observed, labels: Mapping[str, str]
) -> Iterator[Unmatched]:
    if pattern is None or observed.connections is None:
        return
    listed = [(place.name, place.connection_id) for place in observed.connections]
    used = [(None, model.connection_id) for model in observed.models or () if model.connection_id]
    own = [(label, place) for place, label in labels.items()]
    known = (*listed, *used, *own)
    if not any(_answers(pattern, name, identity) for name, identity in known):
        yield Unmatched(
            what="connection", pattern=pattern, near=near(pattern, (name for name, _ in known))
        )


def _kinds(kinds: Iterable[str], observed: Observed) -> Iterator[Unmatched]:
    known = {model.kind.upper(): model.kind for model in observed.models or () if model.kind}
    for kind in kinds:
        if kind.upper() not in known:
            yield Unmatched(what="kind of model", pattern=kind, near=near(kind, known.values()))


# Which models of an instance the `[[select]]` blocks stand for, under which names.

LONGEST_SLUG = 60

_NOT_PLAIN = re.compile(r"[^a-z0-9]+")


def lock_of(desired: Desired, observed: Observed) -> LockFile:
    """Return what the lock file should hold. A model keeps the name that it is locked under.

    A model that is declared by hand is not selected; of several blocks the first counts.
    Connections are told by Omni's ids: the files may give their names to others.
    """
    seen = Seen.of(observed)
    known = {model.model_id: model.name for model in desired.locked}
    by_hand = (name for name, _ in desired.by_hand)
    taken = {fold_name(name) for name in (*known.values(), *by_hand)}
    chosen = [
        LockedModel(
            name=known.get(model_id) or take_name(model.name, model_id, taken),
            model_id=model_id,
            selection=selection.number,
            title=model.name,
            connection=_place(model),
        )
        for model_id, model, selection in _chosen(desired, seen)
    ]
    made_for = tuple(spelled(selection) for selection in desired.selections)
    return LockFile(made_for, tuple(sorted(chosen, key=lambda model: model.name)))


def selection_findings(desired: Desired, seen: Seen) -> Iterator[Finding]:
    """Yield the models that a new lock file would add or leave out."""
    if not can_tell(desired, seen):
        return
    matched = {model_id: model for model_id, model, _ in _chosen(desired, seen)}
    locked = {model.model_id: model for model in desired.locked}
    for model_id in matched.keys() - locked.keys():
        yield SelectionJoined(addresses=(), model_id=model_id, name=matched[model_id].name)
    for model_id in locked.keys() - matched.keys():
        model = locked[model_id]
        items = (item for item in desired.items if item.model == model.name)
        yield SelectionLeft(addresses=addresses_of(items), model_id=model_id, name=model.name)


def can_tell(desired: Desired, seen: Seen) -> bool:
    """Tell whether enough was seen to say which models match: some blocks name a connection."""
    by_connection = any(selection.connection is not None for selection in desired.selections)
    return seen.models is not None and not (by_connection and seen.connections is None)


def matching(
    selection: Selection, seen: Seen, labels: Mapping[str, str]
) -> Iterator[ObservedModel]:
    """Yield the models that a selection stands for. `labels`: the files' names of connections."""
    for model in (seen.models or {}).values():
        if model.deleted_at is None and (model.kind or "").upper() == selection.kind.upper():
            place = (model.connection_id or "").lower()
            names = (seen.connection_name(place), labels.get(place))
            if _is_on(selection.connection, place, *names) and fits(
                selection.name, model.name or ""
            ):
                yield model


def take_name(title: str | None, model_id: str, taken: set[str]) -> str:
    """Make a name for addresses out of Omni's, unlike any in `taken` (folded), and add it there."""
    name = slug(title) or f"model_{model_id[:8]}"
    number, unique = 1, name
    while unique in taken:
        number += 1
        unique = f"{name}_{number}"
    taken.add(unique)
    return unique


def slug(title: str | None) -> str:
    """Reduce a name to what a TOML key and a shell take without quotes; empty if nothing is left.

    `Ventes (Île-de-France)` becomes `ventes_ile_de_france`.
    """
    decomposed = unicodedata.normalize("NFKD", (title or "")[: 4 * LONGEST_SLUG])
    plain = decomposed.encode("ascii", "ignore").decode().lower()
    return _NOT_PLAIN.sub("_", plain)[:LONGEST_SLUG].strip("_")


def _chosen(desired: Desired, seen: Seen) -> Iterator[tuple[str, ObservedModel, Selection]]:
    """Yield each model once, ordered by Omni's name of it, with the block that matches first."""
    labels = declared_labels(desired)
    models = sorted((seen.models or {}).items(), key=lambda pair: (pair[1].name or "", pair[0]))
    met = {model_id for _, model_id in desired.by_hand}
    for selection in desired.selections:
        matched = {id(model) for model in matching(selection, seen, labels)}
        for model_id, model in models:
            if id(model) in matched and model_id not in met:
                met.add(model_id)
                yield model_id, model, selection
