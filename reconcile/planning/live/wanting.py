"""What a live look has to ask for so that a desired state can be compared: no more than that."""

from dataclasses import dataclass

from reconcile.model.desired import Desired, Manage, RefreshItem, ResetItem
from reconcile.model.observed import Observed
from reconcile.planning.live.connections import resolved
from reconcile.planning.live.seen import Seen, is_id

MOST_NEIGHBOURS = 20
"""Connections asked for their schedules only because Omni's own may refresh them as well."""


@dataclass(frozen=True, slots=True)
class Questions:
    """Ids of the models whose policies matter, and of the connections whose schedules do.

    `declared`: those of the connections whose schedules the files declare or manage whole.
    `connections`: whether anything in the files can only be compared with the list of them.
    """

    policies: tuple[str, ...]
    schedules: tuple[str, ...]
    declared: frozenset[str]
    connections: bool


def questions(desired: Desired, lists: Observed) -> Questions:
    """Choose what to ask once models and connections are listed.

    One request for each model with a declared cache policy and each connection whose schedules the
    files declare or manage whole, and a fixed number besides, however large the instance is.
    """
    seen = Seen.of(lists)
    bearing = {item.model_id.lower() for item in desired.items if isinstance(item, ResetItem)}
    # A model that is not there would answer 404, and is reported as missing anyway.
    policies = sorted(model_id for model_id in bearing if not seen.models or seen.there(model_id))
    declared = {schedule.connection_id.lower() for schedule in desired.schedules}
    declared |= {c.id.lower() for c in desired.connections if c.manage is Manage.ALL}
    neighbours = {
        item.lives_on
        for item in resolved(desired, lists).items
        if isinstance(item, RefreshItem) and item.lives_on is not None
    }
    extra = sorted(neighbours - declared)[:MOST_NEIGHBOURS]
    alive = [place for place in (*sorted(declared), *extra) if _may_be_there(place, seen)]
    return Questions(tuple(policies), tuple(alive), frozenset(declared), _names_one(desired))


def _names_one(desired: Desired) -> bool:
    """Tell whether the files identify a connection, or select models by one."""
    labels = {item.connection for item in desired.items if isinstance(item, RefreshItem)}
    return (
        bool(desired.connections)
        or any(label is not None and is_id(label) for label in labels)
        or any(selection.connection is not None for selection in desired.selections)
    )


def _may_be_there(place: str, seen: Seen) -> bool:
    if seen.connections is None:
        return True
    known = seen.connections.get(place)
    return known is not None and known.deleted_at is None
