"""Short ways to say items, records and instants in tests of the planner."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from types import MappingProxyType
from typing import Any

from reconcile.model.address import Address, refresh_address, reset_address
from reconcile.model.cadence import AfterRefresh, At, Cadence, Every
from reconcile.model.desired import Desired, Item, RefreshItem, ResetItem, Timing
from reconcile.model.journal import (
    Accepted,
    Done,
    Entry,
    Failed,
    Forgotten,
    Intent,
    Missed,
    Noted,
    Numbered,
    Renamed,
)
from reconcile.model.plan import Action, Await, Forget, Plan, Refresh, Rename, ResetCache, Standing
from reconcile.model.recorded import Coverage, Kind, Record, Recorded
from reconcile.planning.replay import replay

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SIX = At((time(6),))
HOURS_6 = Every(timedelta(hours=6))


def model_id(name: str) -> str:
    return f"00000000-0000-4000-8000-{sum(map(ord, name)):012d}"


def timing(cadence: Cadence, **more: Any) -> Timing:
    return Timing(cadence=cadence, **more)


def refresh(name: str, cadence: Cadence = HOURS_6, **more: Any) -> RefreshItem:
    parts = {key: more.pop(key) for key in list(more) if key in Timing.__dataclass_fields__}
    return RefreshItem(
        address=refresh_address(name),
        model=name,
        model_id=model_id(name),
        timing=timing(cadence, **parts),
        **more,
    )


def reset(name: str, cadence: Cadence = SIX, policy: str = "daily", **more: Any) -> ResetItem:
    parts = {key: more.pop(key) for key in list(more) if key in Timing.__dataclass_fields__}
    after = cadence.refresh if isinstance(cadence, AfterRefresh) else None
    return ResetItem(
        address=reset_address(name, policy),
        model=name,
        model_id=model_id(name),
        policy=policy,
        timing=timing(cadence, **parts),
        **({"after": after} | more),
    )


def desired(*items: Item, **more: Any) -> Desired:
    ordered = tuple(sorted(items, key=lambda item: item.address))
    return Desired(items=ordered, state_url="state.json", **more)


def recorded(**records: Record) -> Recorded:
    """Records by model name: each is of that model's refresh."""
    return of({refresh_address(name): record for name, record in records.items()})


def of(items: dict[Address, Record]) -> Recorded:
    return Recorded(lineage="here", items=MappingProxyType(items))


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def standing(planned: Plan, item: Item) -> Standing:
    return next(s for s in planned.standings if s.address == item.address)


def only_refresh(planned: Plan) -> Refresh:
    (action,) = planned.actions
    assert isinstance(action, Refresh)
    return action


def the_reset(planned: Plan) -> ResetCache:
    (action,) = (action for action in planned.actions if isinstance(action, ResetCache))
    return action


def carried_out(
    planned: Plan, before: Recorded, *, fails: frozenset[Address] = frozenset()
) -> Recorded:
    """Replay what an apply would journal if every call of the plan took no time."""
    return replay(before, _numbered(_entries(planned, fails), before.sequence))


def _entries(planned: Plan, fails: frozenset[Address]) -> Iterable[Entry]:
    now = planned.now
    for action in planned.actions:
        if isinstance(action, Rename):
            yield Renamed(now, action.moves)
    for address, declared in planned.noted.items():
        yield Noted(now, address, declared)
    for address, slot in planned.missed:
        yield Missed(now, address, slot)
    for number, action in enumerate(planned.actions):
        yield from _called(action, now, f"{now.isoformat()}/{number}", fails)


def _called(
    action: Action, now: datetime, operation: str, fails: frozenset[Address]
) -> Iterable[Entry]:
    match action:
        case Forget():
            yield Forgotten(now, action.address)
        case Await():
            yield Done(now, action.operation, now)
        case Refresh() | ResetCache():
            kind: Kind = "refresh" if isinstance(action, Refresh) else "reset"
            covers = action.covers
            if isinstance(action, ResetCache) and covers[0].stamp is None:
                covers = (Coverage(covers[0].address, now, now),)
            yield Intent(now, operation, kind, covers, action.request, "http://omni")
            if fails & {coverage.address for coverage in covers}:
                yield Failed(now, operation, "no")
            else:
                yield Accepted(now, operation, None)
                yield Done(now, operation, now)


def _numbered(entries: Iterable[Entry], sequence: int) -> Iterable[Numbered]:
    for number, entry in enumerate(entries, sequence + 1):
        yield Numbered(number, entry)
