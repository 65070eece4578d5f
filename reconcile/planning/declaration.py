"""What an item declares, as plain values that can be stored, compared and explained."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, time, timedelta
from enum import Enum
from types import MappingProxyType

from msgspec import Struct

from reconcile.model.address import Address
from reconcile.model.desired import (
    AfterRefresh,
    Cadence,
    Item,
    RefreshItem,
    ResetItem,
    Timing,
    WhenChanged,
)
from reconcile.model.recorded import Declaration, Record, Recorded
from reconcile.model.struct import replace
from reconcile.planning.replay import readdressed

# An item is followed by what it is where its address has changed.

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


def declaration(item: Item) -> Declaration:
    """Describe an item in three parts and one observation.

    `identity`: what the calls act on; a change means that nothing recorded applies any more.
    `timing`: what its slots are; a change is what `on_change` speaks of. `call`: the rest.
    `observed`: the content of watched files when this was written; never compared.
    """
    identity, timing, call = _parts(item)
    described: dict[str, object] = {"identity": identity, "timing": timing, "call": call}
    cadence = item.timing.cadence
    if isinstance(cadence, WhenChanged):
        described["observed"] = cadence.content
    return described


def same_declaration(item: Item, recorded: Declaration | None) -> bool:
    """Tell whether the item still declares what was recorded, whatever its files contain."""
    if recorded is None:
        return False
    identity, timing, call = _parts(item)
    return (
        recorded.get("timing") == timing
        and recorded.get("identity") == identity
        and recorded.get("call") == call
    )


def same_timing(item: Item, record: Record) -> bool:
    """Tell whether an apply has seen the item's present timing before."""
    return record.declared is not None and (
        record.declared.get("timing") == _described(item.timing)[0]
    )


def same_identity(item: Item, record: Record) -> bool:
    """Tell whether the record speaks of the same model, branch and policy as the item."""
    return record.declared is None or record.declared.get("identity") == _parts(item)[0]


def identity_of(item: Item) -> str:
    """Name what an item's calls act on: it stays the same whatever the item is called."""
    if isinstance(item, ResetItem):
        return f"{item.model_id}/reset/{item.policy}"
    return f"{item.model_id}/refresh/{item.branch_id or ''}"


def identity_recorded(declared: Declaration) -> str | None:
    """Name what a recorded item's calls act on, as `identity_of` names it; None if untold."""
    match declared.get("identity"):
        case {"model_id": str() as model_id, "policy": policy}:
            return f"{model_id}/reset/{policy}"
        case {"model_id": str() as model_id, "branch_id": branch_id}:
            return f"{model_id}/refresh/{branch_id or ''}"
        case _:
            return None


_Described = dict[str, object]


def _parts(item: Item) -> tuple[_Described, _Described, _Described]:
    """Describe what an item's calls act on, its timing, and the rest."""
    timing, judgement = _described(item.timing)
    if isinstance(item, ResetItem):
        identity: _Described = {"model_id": item.model_id, "policy": item.policy}
        return identity, timing, {"after": item.after, **judgement}
    return (
        {"model_id": item.model_id, "branch_id": item.branch_id},
        timing,
        {
            "connection": item.connection,
            "mode": item.mode.value,
            "schemas": list(item.schemas),
            "tables": list(item.tables),
            "timeout": item.timeout.total_seconds(),
            "coalesce_within": item.coalesce_within.total_seconds(),
            **judgement,
        },
    )


_MOST_REMEMBERED = 4096
_remembered: dict[int, tuple[Timing, tuple[_Described, _Described]]] = {}


def _described(timing: Timing) -> tuple[_Described, _Described]:
    """Return a timing's description and judgement, found by which object it is.

    Items that say the same share one object. Hashing its value, as a cache by value does, takes
    longer than all that a plan of settled items does besides. An entry holds its object, so that
    no other can come to have the same id.
    """
    if known := _remembered.get(id(timing)):
        return known[1]
    if len(_remembered) >= _MOST_REMEMBERED:
        _remembered.clear()
    described = _timing(timing), _judgement(timing)
    _remembered[id(timing)] = timing, described
    return described


def _timing(timing: Timing) -> _Described:
    return {
        "cadence": _cadence(timing.cadence),
        "zone": timing.zone,
        "spread": _plain(timing.spread),
        "pause": _plain(timing.pause),
    }


def _judgement(timing: Timing) -> _Described:
    return {
        "deadline": _plain(timing.deadline),
        "on_change": timing.on_change.value,
        "hold_after": timing.hold_after,
    }


def _cadence(cadence: Cadence) -> _Described:
    described: dict[str, object] = {"form": type(cadence).__name__}
    for name in cadence.__struct_fields__:
        if name not in {"content", "missing"}:
            described[name] = _plain(getattr(cadence, name))
    return described


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, time):
        return value.isoformat("minutes")
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if isinstance(value, Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    return value
