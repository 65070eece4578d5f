"""Declared items beside an observed instance: what to ask for, and what was seen.

An absence proves nothing unless the part was seen.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

from reconcile.model.address import Address, is_uuid
from reconcile.model.desired import (
    Desired,
    Item,
    Manage,
    NativeSchedule,
    RefreshItem,
    ResetItem,
    ScheduleSpec,
)
from reconcile.model.observed import (
    Observed,
    ObservedConnection,
    ObservedModel,
    Shadowed,
    branch_of,
)
from reconcile.model.plan import Action, Await, Plan, Refresh, ResetCache
from reconcile.model.struct import replace
from reconcile.planning.requests import without_blamed

# What a live instance says otherwise than the files: a closed union of findings.


class Weight(StrEnum):
    """How much a finding says. `DIFFERS`: files and instance contradict each other."""

    DIFFERS = "differs"
    WARNS = "warns"
    NOTES = "notes"


class _About(Struct, frozen=True, kw_only=True):
    """`addresses`: the items a finding is about, sorted; empty where none is declared yet."""

    weight: ClassVar[Weight] = Weight.DIFFERS
    addresses: tuple[Address, ...]


class ScheduleMissing(_About, frozen=True, kw_only=True):
    """A connection has no native schedule that says what is declared; an apply makes it so."""

    declared: ScheduleSpec


class ScheduleDiffers(_About, frozen=True, kw_only=True):
    """The native schedule that an apply made for this one says something else than the file."""

    declared: ScheduleSpec
    schedule: NativeSchedule


class ScheduleDisabled(_About, frozen=True, kw_only=True):
    """A declared native schedule is there and disabled, which only Omni can undo."""

    schedule: NativeSchedule


class ForeignSchedule(_About, frozen=True, kw_only=True):
    """A connection that is managed whole has a native schedule that nobody declared."""

    connection: str
    schedule: NativeSchedule


class ModelMissing(_About, frozen=True, kw_only=True):
    """Omni lists no model of that id: there is none, or the token may not see it.

    `alike`: the id of a live model that bears the name the files use.
    """

    model_id: str
    alike: str | None = None


class ModelDeleted(_About, frozen=True, kw_only=True):
    """The model was deleted. `deleted_at` is UTC; `name` is Omni's."""

    model_id: str
    name: str | None
    deleted_at: datetime


class ConnectionDiffers(_About, frozen=True, kw_only=True):
    """The model lives on another connection than the one that is declared by its id.

    `declared`: as the files say it. `lives_on`: Omni's id, `name` Omni's name of it.
    """

    model_id: str
    declared: str
    lives_on: str
    name: str | None = None


class ConnectionSplit(_About, frozen=True, kw_only=True):
    """Models declared on one connection live on several: one call would not refresh them all."""

    declared: str
    lives_on: tuple[str, ...]


class ConnectionShared(_About, frozen=True, kw_only=True):
    """Models declared on several connections live on one: it would be refreshed once for each."""

    declared: tuple[str, ...]
    lives_on: str
    name: str | None = None


class ConnectionGone(_About, frozen=True, kw_only=True):
    """A connection that is declared by its id is not listed, or was deleted."""

    declared: str
    deleted_at: datetime | None = None


class BranchMissing(_About, frozen=True, kw_only=True):
    """The model has no active branch of that id. `branches`: the names of those it has."""

    model_id: str
    branch_id: str
    branches: tuple[str, ...] = ()


class PolicyUnknown(_About, frozen=True, kw_only=True):
    """The model's own file has no cache policy of that name; Omni accepts the reset all the same.

    No proof: a policy may live on an extension or a workbook model (omni-api.md 3.4 [infer]).
    `near`: the name that was probably meant. `known`: those the model has.
    """

    model_id: str
    policy: str
    near: str | None = None
    known: tuple[str, ...] = ()


class SchemaUnknown(_About, frozen=True, kw_only=True):
    """A name in a refresh's filter is of no schema that Omni lists; it would refresh nothing.

    No proof: a schema that no refresh has brought in yet is not listed either. `key`: the filter;
    `name`: as the file spells it. `near`: the schema that was probably meant. `known`: all listed.
    """

    model_id: str
    key: Literal["schemas", "tables"]
    name: str
    near: str | None = None
    known: tuple[str, ...] = ()


class ConnectionFilled(_About, frozen=True, kw_only=True):
    """The files leave the connection out, and Omni told it: refreshes on it share one call."""

    weight: ClassVar[Weight] = Weight.NOTES
    lives_on: str
    name: str | None = None


class SelectionJoined(_About, frozen=True, kw_only=True):
    """A [[select]] matches a model that the lock file does not hold."""

    model_id: str
    name: str | None


class SelectionLeft(_About, frozen=True, kw_only=True):
    """The lock file holds a model that no [[select]] matches any more. `name` is the file's."""

    model_id: str
    name: str


class SelectionEmpty(_About, frozen=True, kw_only=True):
    """A [[select]] matches no model of the instance. `number` counts from 1; `selects` spells it.

    `near`: names of models that were probably meant.
    """

    weight: ClassVar[Weight] = Weight.WARNS
    number: int
    selects: str
    near: tuple[str, ...] = ()


class ClockOff(_About, frozen=True, kw_only=True):
    """Our clock and Omni's differ. `ahead_s`: how far ours runs ahead; negative behind."""

    weight: ClassVar[Weight] = Weight.WARNS
    ahead_s: float


Part = Literal["connections", "policies", "schedules", "schemas"]


class NotChecked(Struct, frozen=True, kw_only=True):
    """A part of the instance that was asked for and not told, so nothing follows about it.

    `count`: of how many models' policies or schemas or connections' schedules it is. `why`: in
    Omni's words or ours; None where an earlier look kept none. `declared`: something in the files
    depends on it, and is not known to be right; else it would only have told more.
    """

    part: Part
    count: Annotated[int, Meta(extra_json_schema={"minimum": 1})]
    why: str | None
    declared: bool


Finding = (
    ModelMissing
    | ModelDeleted
    | ConnectionDiffers
    | ConnectionSplit
    | ConnectionShared
    | ConnectionGone
    | BranchMissing
    | PolicyUnknown
    | SchemaUnknown
    | ConnectionFilled
    | ScheduleMissing
    | ScheduleDiffers
    | ScheduleDisabled
    | ForeignSchedule
    | Shadowed
    | SelectionJoined
    | SelectionLeft
    | SelectionEmpty
    | ClockOff
)


def weight(finding: Finding) -> Weight:
    """Tell a contradiction from a warning, and both from what is only worth knowing."""
    return Weight.WARNS if isinstance(finding, Shadowed) else finding.weight


def differs(findings: Iterable[Finding]) -> bool:
    """Tell whether files and instance contradict each other."""
    return any(weight(finding) is Weight.DIFFERS for finding in findings)


# What was observed, made to be looked up. An absence proves nothing unless the part was seen.


class Seen(Struct, frozen=True):
    """An observation by id. None: that part was not seen, and nothing follows from it."""

    models: Mapping[str, ObservedModel] | None
    connections: Mapping[str, ObservedConnection] | None
    policies: Mapping[str, tuple[str, ...]]
    schemas: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, observed: Observed) -> "Seen":
        """Index an observation. Ids are compared in lower case: UUIDs have two spellings."""
        models, connections = observed.models, observed.connections
        return cls(
            None if models is None else {m.model_id.lower(): m for m in models},
            None if connections is None else {c.connection_id.lower(): c for c in connections},
            {model_id.lower(): names for model_id, names in observed.policies.items()},
            observed.schemas,
        )

    def there(self, model_id: str) -> ObservedModel | None:
        """Return a model that is listed and not deleted."""
        model = (self.models or {}).get(model_id.lower())
        return model if model is not None and model.deleted_at is None else None

    def lives_on(self, model_id: str) -> str | None:
        """Return the id of the connection below a model, where it is known."""
        model = self.there(model_id)
        return model.connection_id.lower() if model and model.connection_id else None

    def connection_name(self, connection_id: str) -> str | None:
        """Return Omni's name of a connection, where it is known."""
        found = (self.connections or {}).get(connection_id.lower())
        return found.name if found else None

    def alike(self, name: str) -> str | None:
        """Return the id of the one shared model whose name reads like a name in the files."""
        wanted = plain(name)
        ids = [
            model_id
            for model_id, model in (self.models or {}).items()
            if model.deleted_at is None and model.kind != "BRANCH" and plain(model.name) == wanted
        ]
        return ids[0] if wanted and len(ids) == 1 else None


def plain(name: str | None) -> str:
    """Reduce a name to its letters and digits, as people would compare two."""
    return "".join(filter(str.isalnum, (name or "").casefold()))


def by_model(items: Iterable[Item]) -> Mapping[str, Sequence[Item]]:
    """Group items by the id of their model, in lower case."""
    grouped: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        grouped[item.model_id.lower()].append(item)
    return grouped


def addresses_of(items: Iterable[Item]) -> tuple[Address, ...]:
    """List addresses, sorted."""
    return tuple(sorted(item.address for item in items))


# What a live look has to ask for so that a desired state can be compared: no more than that.

MOST_NEIGHBOURS = 20
"""Connections asked for their schedules only because Omni's own may refresh them as well."""


class Questions(Struct, frozen=True, kw_only=True):
    """Ids of the models whose policies matter, and of the connections whose schedules do.

    `schemas`: the models and branches whose schemas do, as `branch_of` names them.
    `declared`: those of the connections whose schedules the files declare or manage whole.
    `connections`: whether anything in the files can only be compared with the list of them.
    """

    policies: tuple[str, ...]
    schedules: tuple[str, ...]
    schemas: tuple[str, ...]
    declared: frozenset[str]
    connections: bool


def questions(desired: Desired, lists: Observed) -> Questions:
    """Choose what to ask once models and connections are listed.

    One request for each model with a declared cache policy, each with a filtered refresh and each
    connection whose schedules the files declare or manage whole, and a fixed number besides,
    however large the instance is.
    """
    seen = Seen.of(lists)
    bearing = {item.model_id.lower() for item in desired.items if isinstance(item, ResetItem)}
    # A model that is not there would answer 404, and is reported as missing anyway.
    policies = sorted(model_id for model_id in bearing if not seen.models or seen.there(model_id))
    filtered = {
        branch_of(item.model_id, item.branch_id)
        for item in desired.items
        if isinstance(item, RefreshItem) and (item.schemas or item.tables)
        if not seen.models or seen.there(item.model_id)
    }
    declared = {schedule.connection_id.lower() for schedule in desired.schedules}
    declared |= {c.id.lower() for c in desired.connections if c.manage is Manage.ALL}
    neighbours = {
        item.lives_on
        for item in resolved(desired, lists).items
        if isinstance(item, RefreshItem) and item.lives_on is not None
    }
    extra = sorted(neighbours - declared)[:MOST_NEIGHBOURS]
    alive = [place for place in (*sorted(declared), *extra) if _may_be_there(place, seen)]
    return Questions(
        policies=tuple(policies),
        schedules=tuple(alive),
        schemas=tuple(sorted(filtered)),
        declared=frozenset(declared),
        connections=_names_one(desired),
    )


def _names_one(desired: Desired) -> bool:
    """Tell whether the files identify a connection, or select models by one."""
    labels = {item.connection for item in desired.items if isinstance(item, RefreshItem)}
    return (
        bool(desired.connections)
        or any(label is not None and is_uuid(label) for label in labels)
        or any(selection.connection is not None for selection in desired.selections)
    )


def _may_be_there(place: str, seen: Seen) -> bool:
    if seen.connections is None:
        return True
    known = seen.connections.get(place)
    return known is not None and known.deleted_at is None


# Declared connections beside those the models live on.


def resolved(desired: Desired, observed: Observed) -> Desired:
    """Return the desired state with each refresh knowing which connection it really acts on.

    What is declared stays as it is, so that a live plan and a plain one note the same. Only which
    refreshes share a call follows the instance: a plan that merged what lives apart would leave
    one of them out.
    """
    live = _Live.of(desired, Seen.of(observed))
    apart = {connection.id.lower() for connection in desired.connections if not connection.merge}
    items = tuple(
        replace(item, lives_on=place, merges=item.merges and place not in apart)
        if isinstance(item, RefreshItem) and (place := live.place_of(item))
        else item
        for item in desired.items
    )
    return replace(desired, items=items)


def connection_findings(desired: Desired, seen: Seen) -> Iterator[Finding]:
    """Yield how declared connections differ from live ones; nothing where those are unknown."""
    live = _Live.of(desired, seen)
    apart: set[str] = set()
    for label, items in live.by_label.items():
        found = list(_of_label(label, items, live))
        if found:
            apart.add(label)
        yield from found
    for place, items in live.places(live.unlabelled).items():
        name = seen.connection_name(place)
        yield ConnectionFilled(addresses=addresses_of(items), lives_on=place, name=name)
    yield from _shared(live, apart)


class _Live(Struct, frozen=True):
    """Refreshes by the connection they declare. `ids`: Omni's id of what a label names."""

    seen: Seen
    by_label: Mapping[str, list[RefreshItem]]
    unlabelled: list[RefreshItem]
    ids: Mapping[str, str]

    @classmethod
    def of(cls, desired: Desired, seen: Seen) -> "_Live":
        by_label: dict[str, list[RefreshItem]] = defaultdict(list)
        unlabelled: list[RefreshItem] = []
        for item in desired.items:
            if isinstance(item, RefreshItem):
                (by_label[item.connection] if item.connection else unlabelled).append(item)
        ids = {label: label.lower() for label in by_label if is_uuid(label)}
        return cls(seen, by_label, unlabelled, ids | dict(declared_ids(desired)))

    def place_of(self, item: RefreshItem) -> str | None:
        """Return the connection a refresh acts on: its model's, or what its label stands for."""
        if place := self.seen.lives_on(item.model_id):
            return place
        if item.connection is None:
            return None
        places = self.places(self.by_label[item.connection])
        return next(iter(places)) if len(places) == 1 else self.ids.get(item.connection)

    def places(self, items: Iterable[RefreshItem]) -> Mapping[str, list[RefreshItem]]:
        """Group refreshes by the connection that their models are known to live on."""
        grouped: dict[str, list[RefreshItem]] = defaultdict(list)
        for item in items:
            if place := self.seen.lives_on(item.model_id):
                grouped[place].append(item)
        return grouped


def declared_ids(desired: Desired) -> Mapping[str, str]:
    """Return Omni's id of each connection that the files identify, by the name they use."""
    return {connection.name: connection.id.lower() for connection in desired.connections}


def declared_labels(desired: Desired) -> dict[str, str]:
    """Return the files' name of each connection that they identify, by Omni's id."""
    return {place: label for label, place in declared_ids(desired).items()}


def _of_label(label: str, items: list[RefreshItem], live: _Live) -> Iterator[Finding]:
    places = live.places(items)
    wanted = live.ids.get(label)
    if wanted is None:
        if len(places) > 1:
            yield ConnectionSplit(
                addresses=addresses_of(items), declared=label, lives_on=tuple(sorted(places))
            )
        return
    if live.seen.connections is not None:
        known = live.seen.connections.get(wanted)
        if known is None or known.deleted_at is not None:
            yield ConnectionGone(
                addresses=addresses_of(items),
                declared=label,
                deleted_at=known.deleted_at if known else None,
            )
    for place, there in places.items():
        for item in there if place != wanted else ():
            yield ConnectionDiffers(
                addresses=(item.address,),
                model_id=item.model_id,
                declared=label,
                lives_on=place,
                name=live.seen.connection_name(place),
            )


def _shared(live: _Live, apart: set[str]) -> Iterator[Finding]:
    labels: dict[str, list[str]] = defaultdict(list)
    for label, items in live.by_label.items():
        for place in live.places(items) if label not in apart else ():
            labels[place].append(label)
    for place, several in labels.items():
        if len(several) > 1:
            items = [item for label in several for item in live.by_label[label]]
            yield ConnectionShared(
                addresses=addresses_of(items),
                declared=tuple(sorted(several)),
                lives_on=place,
                name=live.seen.connection_name(place),
            )


# Taking out of a plan what would be called on models that are not there.


def hold_back(
    plan: Plan, desired: Desired, missing: frozenset[str]
) -> tuple[Plan, tuple[Address, ...]]:
    """Return the plan without the items of those models (ids in lower case), and their addresses.

    A refresh that others share goes on through a model of the connection that is there, and asks
    for no more than these want. A reset that follows a refresh which is held is held as well.
    """
    held = {item.address for item in desired.items if item.model_id.lower() in missing}
    kept = [action for before in plan.actions for action in _kept(before, held)]
    refreshing = {c.address for a in kept if isinstance(a, Refresh | Await) for c in a.covers}
    going = {None, *refreshing}
    waiting = [a for a in kept if isinstance(a, ResetCache) and a.waits_for not in going]
    dropped = [a for a in plan.actions if isinstance(a, Refresh | ResetCache)]
    left = tuple(action for action in kept if action not in waiting)
    remaining = {c.address for a in left if isinstance(a, Refresh | ResetCache) for c in a.covers}
    named = (c.address for a in dropped for c in a.covers if c.address not in remaining)
    return replace(plan, actions=left), tuple(sorted(named))


def _kept(action: Action, held: set[Address]) -> Iterator[Action]:
    match action:
        case Refresh():
            left = without_blamed(action, held)
            if left is not None:
                yield left
        case ResetCache():
            if action.covers[0].address not in held:
                yield action
        case _:
            yield action
