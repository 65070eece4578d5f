"""Declared connections beside those the models live on."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from reconcile.model.desired import Desired, RefreshItem
from reconcile.model.drift import (
    ConnectionDiffers,
    ConnectionFilled,
    ConnectionGone,
    ConnectionShared,
    ConnectionSplit,
    Finding,
)
from reconcile.model.observed import Observed
from reconcile.planning.live.seen import Seen, addresses_of, is_id


def resolved(desired: Desired, observed: Observed) -> Desired:
    """Return the desired state with each refresh knowing which connection it really acts on.

    What is declared stays as it is, so that a live plan and a plain one note the same. Only which
    refreshes share a call follows the instance: a plan that merged what lives apart would leave
    one of them out.
    """
    live = _Live.of(desired, Seen.of(observed))
    items = tuple(
        replace(item, lives_on=place)
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
    yield from _filled(live)
    yield from _shared(live, apart)


@dataclass(frozen=True, slots=True)
class _Live:
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
        ids = {label: label.lower() for label in by_label if is_id(label)}
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


def _filled(live: _Live) -> Iterator[Finding]:
    for place, items in live.places(live.unlabelled).items():
        name = live.seen.connection_name(place)
        yield ConnectionFilled(addresses=addresses_of(items), lives_on=place, name=name)


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
