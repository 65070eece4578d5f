"""What an item declares, as plain values that can be stored, compared and explained."""

from datetime import datetime, time, timedelta
from enum import Enum

from msgspec import Struct

from reconcile.model.desired import Cadence, Item, ResetItem, Timing, WhenChanged
from reconcile.model.recorded import Declaration, Record


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
