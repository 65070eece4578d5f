"""Short ways to say items, records and instants in tests of the planner."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time, timedelta
from types import MappingProxyType
from typing import Any, Literal, get_args

from reconcile.model.address import Address, refresh_address, reset_address
from reconcile.model.desired import (
    AfterRefresh,
    At,
    Cadence,
    Desired,
    Every,
    Item,
    RefreshItem,
    ResetItem,
    Timing,
)
from reconcile.model.journal import (
    Accepted,
    Done,
    Doubted,
    EndUnseen,
    Entry,
    Failed,
    Forgotten,
    Intent,
    Looked,
    Missed,
    Noted,
    NotSent,
    Numbered,
    Renamed,
)
from reconcile.model.plan import Await, Forget, Plan, Refresh, Rename, ResetCache, Standing
from reconcile.model.recorded import Coverage, Kind, Record, Recorded
from reconcile.planning.replay import replay
from reconcile.planning.requests import carrier_of

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SIX = At((time(6),))
HOURS_6 = Every(timedelta(hours=6))


def model_id(name: str) -> str:
    return f"00000000-0000-4000-8000-{sum(map(ord, name)):012d}"


def timing(cadence: Cadence, **more: Any) -> Timing:
    return Timing(cadence=cadence, **more)


def refresh(name: str, cadence: Cadence = HOURS_6, **more: Any) -> RefreshItem:
    parts = {key: more.pop(key) for key in list(more) if key in Timing.__struct_fields__}
    return RefreshItem(
        address=refresh_address(name),
        model=name,
        model_id=model_id(name),
        timing=timing(cadence, **parts),
        **more,
    )


def reset(name: str, cadence: Cadence = SIX, policy: str = "daily", **more: Any) -> ResetItem:
    parts = {key: more.pop(key) for key in list(more) if key in Timing.__struct_fields__}
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


Fate = Literal["done", "fails", "runs", "gone", "forbidden", "doubted", "cut off", "not sent"]
"""What becomes of a call: also that its job goes on, is not known, may not be read; that its reply
is lost; that our own end cuts it off; that there is no connection."""

FATES: tuple[Fate, ...] = get_args(Fate)
_JOBLESS: tuple[Fate, ...] = ("fails", "doubted", "cut off", "not sent")


def carried_out(
    planned: Plan,
    before: Recorded,
    *,
    fails: frozenset[Address] = frozenset(),
    fates: Mapping[Address, Fate] = MappingProxyType({}),
) -> Recorded:
    """Replay what an apply would journal if every call of the plan took no time.

    `fates`: by the first address that a call covers; it is done where none is told.
    """
    failing: Fate = "fails"
    told = {**fates, **dict.fromkeys(fails, failing)}
    return replay(before, _numbered(_entries(planned, told), before.sequence))


def _entries(planned: Plan, fates: Mapping[Address, Fate]) -> Iterable[Entry]:
    now = planned.now
    for action in planned.actions:
        if isinstance(action, Rename):
            yield Renamed(now, action.moves)
    for address, declared in planned.noted.items():
        yield Noted(now, address, declared)
    for address, slot in planned.missed:
        yield Missed(now, address, slot)
    done: set[Address] = set()
    for number, action in enumerate(planned.actions):
        match action:
            case Forget():
                yield Forgotten(now, action.address)
            case Await():
                fate = _fate(action.covers, fates)
                yield from _followed(now, action.operation, fate)
            case Refresh() | ResetCache():
                fate = _fate(action.covers, fates)
                if isinstance(action, ResetCache):
                    fate = fate if fate in _JOBLESS else "done"
                    if action.waits_for is not None and action.waits_for not in done:
                        continue
                yield from _called(action, now, f"{now.isoformat()}/{number}", fate)
            case _:
                continue
        if not isinstance(action, Forget) and fate == "done":
            done.update(coverage.address for coverage in action.covers)


def _fate(covers: Iterable[Coverage], fates: Mapping[Address, Fate]) -> Fate:
    return next((fates[c.address] for c in covers if c.address in fates), "done")


def _called(
    action: Refresh | ResetCache, now: datetime, operation: str, fate: Fate
) -> Iterable[Entry]:
    kind: Kind = "refresh" if isinstance(action, Refresh) else "reset"
    carrier = carrier_of(action) if isinstance(action, Refresh) else None
    covers = action.covers
    if isinstance(action, ResetCache) and covers[0].stamp is None:
        covers = (Coverage(covers[0].address, now, now),)
    yield Intent(now, operation, kind, covers, action.request, "http://omni", carrier)
    if fate == "doubted":
        yield Doubted(now, operation, "no reply")
    elif fate == "fails":
        yield Failed(now, operation, "no")
    elif fate == "not sent":
        yield NotSent(now, operation, "no connection")
    elif fate == "done":
        yield Accepted(now, operation, None)
        yield Done(now, operation, now)
    elif fate != "cut off":
        yield Accepted(now, operation, f"job of {operation}")
        yield from _followed(now, operation, fate)


def _followed(now: datetime, operation: str, fate: Fate) -> Iterable[Entry]:
    match fate:
        case "done":
            yield Done(now, operation, now)
        case "fails":
            yield Failed(now, operation, "no")
        case "gone" | "forbidden":
            yield EndUnseen(now, operation, "HTTP 404", forbidden=fate == "forbidden")
        case "runs":
            yield Looked(now, operation, "RUNNING")
        case _:
            pass


def _numbered(entries: Iterable[Entry], sequence: int) -> Iterable[Numbered]:
    for number, entry in enumerate(entries, sequence + 1):
        yield Numbered(number, entry)
