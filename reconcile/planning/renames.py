"""Which items are declared under another address: the same model, kind, and branch or policy."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from reconcile.model.address import Address
from reconcile.model.cadence import AfterRefresh
from reconcile.model.desired import Item, RefreshItem
from reconcile.model.recorded import Declaration, Recorded
from reconcile.planning.transition import readdressed

Identity = tuple[str, object, object]
"""What an item's calls act on: the kind, the model's id, and the branch or the policy."""

Moves = tuple[tuple[Address, Address], ...]
"""From, to. Sorted by where they come from."""


def identity_of(item: Item) -> Identity:
    """Return what an item's calls act on, whatever it is called."""
    if isinstance(item, RefreshItem):
        return "refresh", item.model_id, item.branch_id
    return "reset", item.model_id, item.policy


def renames(before: Mapping[Address, Identity], after: Mapping[Address, Identity]) -> Moves:
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
    declared: dict[Address, Identity] = {}
    strangers = False
    for item in items:
        declared[item.address] = identity = identity_of(item)
        record = records.get(item.address)
        if record is None or (record.declared is not None and not _is(record.declared, identity)):
            strangers = True
    if not strangers or not records:
        return (), recorded
    recorded_as = {
        address: _identity_recorded(record.declared)
        for address, record in records.items()
        if record.declared is not None
    }
    known = {address: told for address, told in recorded_as.items() if told is not None}
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


def _by_identity(known: Mapping[Address, Identity]) -> Mapping[Identity, list[Address]]:
    addresses: defaultdict[Identity, list[Address]] = defaultdict(list)
    for address, identity in known.items():
        addresses[identity].append(address)
    return addresses


def _is(declared: Declaration, identity: Identity) -> bool:
    """Tell whether a record was declared for that identity, at the price of two comparisons."""
    known = declared.get("identity")
    if not isinstance(known, Mapping) or known.get("model_id") != identity[1]:
        return False
    return known.get("branch_id" if identity[0] == "refresh" else "policy") == identity[2]


def _identity_recorded(declared: Declaration) -> Identity | None:
    match declared.get("identity"):
        case {"model_id": model_id, "branch_id": branch_id}:
            return "refresh", model_id, branch_id
        case {"model_id": model_id, "policy": policy}:
            return "reset", model_id, policy
        case _:
            return None
