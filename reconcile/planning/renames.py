"""Which items are declared under another address: the same model, kind, and branch or policy."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from reconcile.model.address import Address
from reconcile.model.desired import AfterRefresh, Item, RefreshItem
from reconcile.model.recorded import Record, Recorded
from reconcile.model.struct import replace
from reconcile.planning.declaration import identity_of, identity_recorded
from reconcile.planning.replay import readdressed

Moves = tuple[tuple[Address, Address], ...]
"""From, to. Sorted by where they come from."""


def renames(before: Mapping[Address, str], after: Mapping[Address, str]) -> Moves:
    """Return where each identity has gone that exactly one address left and exactly one got.

    Two items that swap their names are two moves. Where an identity has several addresses on one
    side, nobody can tell which became which, and none of them moves.
    """
    left = _by_identity({a: known for a, known in before.items() if after.get(a) != known})
    came = _by_identity({a: known for a, known in after.items() if before.get(a) != known})
    return tuple(
        sorted(
            (left[identity][0], addresses[0])
            for identity, addresses in came.items()
            if len(addresses) == 1 and len(left.get(identity, ())) == 1
        )
    )


def follow(items: Iterable[Item], recorded: Recorded) -> tuple[Moves, Recorded]:
    """Return which records have to move, and the state as it is once they have."""
    records = recorded.items
    listed = tuple(items)
    if not records or all(_is_recorded(item, records.get(item.address)) for item in listed):
        return (), recorded
    recorded_as = {
        address: identity_recorded(record.declared)
        for address, record in records.items()
        if record.declared is not None
    }
    known = {address: told for address, told in recorded_as.items() if told is not None}
    declared = {item.address: identity_of(item) for item in listed}
    moves = renames(known, declared)
    if not moves:
        return (), recorded
    return moves, replace(recorded, items=MappingProxyType(readdressed(records, dict(moves))))


def under_new_names(items: Iterable[Item], moves: Moves) -> tuple[Item, ...]:
    """Return items as they are declared by the addresses they will have, sorted by these."""
    to = dict(moves)
    renamed = (_under_new_name(item, to) for item in items)
    return tuple(sorted(renamed, key=lambda item: item.address))


def _under_new_name(item: Item, to: Mapping[Address, Address]) -> Item:
    address = to.get(item.address, item.address)
    if isinstance(item, RefreshItem):
        return item if address == item.address else replace(item, address=address)
    after = None if item.after is None else to.get(item.after, item.after)
    if (address, after) == (item.address, item.after):
        return item
    timing, cadence = item.timing, item.timing.cadence
    if isinstance(cadence, AfterRefresh):
        followed = AfterRefresh(to.get(cadence.refresh, cadence.refresh))
        timing = replace(timing, cadence=followed)
    return replace(item, address=address, after=after, timing=timing)


def _by_identity(known: Mapping[Address, str]) -> Mapping[str, list[Address]]:
    addresses: defaultdict[str, list[Address]] = defaultdict(list)
    for address, identity in known.items():
        addresses[identity].append(address)
    return addresses


def _is_recorded(item: Item, record: Record | None) -> bool:
    """Tell whether nothing can have been renamed to this item: its record is its own, as a rule."""
    if record is None:
        return False
    known = None if record.declared is None else record.declared.get("identity")
    if not isinstance(known, Mapping):
        return True
    if isinstance(item, RefreshItem):
        own: object = item.branch_id
        told = known.get("branch_id", _UNTOLD)
    else:
        own, told = item.policy, known.get("policy", _UNTOLD)
    return known.get("model_id") == item.model_id and told == own


_UNTOLD = object()
