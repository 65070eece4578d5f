"""That morning told in nouns: its plan, a worse one, and their parts."""

from datetime import datetime, timedelta

from reconcile.model.address import Address, refresh_address, reset_address
from reconcile.model.desired import Mode
from reconcile.model.plan import (
    Action,
    Await,
    Forget,
    Load,
    Plan,
    Refresh,
    Request,
    ResetCache,
    Standing,
)
from reconcile.model.reason import (
    BlockedBy,
    JobRunningSince,
    NeverRun,
    PausedUntil,
    Reason,
    SlotPassed,
    Status,
    WaitsForNextSlot,
    WaitsUntil,
)
from reconcile.model.recorded import Coverage
from tests.render.moments import (
    CLOSE,
    DAILY,
    FINANCE,
    HOURLY,
    NEW_YORK,
    NOW,
    OPS,
    SALES,
    SIX,
    ago,
    later,
)
from tests.render.reasons import BACKING_OFF, COVERED, ELAPSED, HELD, MISSED

MODEL_ID = "bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed"


def standing(  # noqa: PLR0913 (a row of a table)
    address: Address,
    status: Status = Status.COVERED,
    reason: Reason = COVERED,
    *,
    next_slot: datetime | None = None,
    until: datetime | None = None,
    zone: str = NEW_YORK,
    selected: bool = True,
    missed: int = 0,
) -> Standing:
    return Standing(
        address=address,
        status=status,
        zone=zone,
        newest_slot=SIX,
        next_slot=next_slot,
        missed=missed,
        reason=reason,
        until=until,
        selected=selected,
    )


def refresh(*addresses: Address, mode: Mode = Mode.HARD, reason: Reason = ELAPSED) -> Refresh:
    query = (("hard_refresh", "true" if mode is Mode.HARD else "false"),)
    return Refresh(
        covers=tuple(Coverage(address, ago(12)) for address in addresses),
        request=Request("POST", f"/api/v1/models/{MODEL_ID}/refresh", query),
        mode=mode,
        model_id=MODEL_ID,
        reasons=(reason,) * len(addresses),
        timeout_s=900.0,
        expected_s=38.0,
    )


def reset(
    address: Address, reason: Reason, *, stamp: datetime | None = SIX, waits: Address | None = None
) -> ResetCache:
    body = None if stamp is None else {"resetAt": "2026-11-23T11:00:00Z"}
    return ResetCache(
        covers=(Coverage(address, SIX, stamp),),
        request=Request("POST", f"/api/v1/models/{MODEL_ID}/cache_reset/daily", (), body),
        model_id=MODEL_ID,
        policy="daily",
        waits_for=waits,
        reasons=(reason,),
    )


def awaiting(address: Address) -> Await:
    return Await(
        covers=(Coverage(address),),
        operation="op-7",
        job_id="job-42",
        since=ago(4),
        reasons=(JobRunningSince(ago(4)),),
        timeout_s=900.0,
        expected_s=None,
    )


MORNING: tuple[Action, ...] = (
    refresh(SALES),
    reset(DAILY, SlotPassed(SIX, 0), waits=SALES),
    reset(HOURLY, SlotPassed(SIX, 3)),
)


def plan(actions: tuple[Action, ...] = MORNING, standings: tuple[Standing, ...] = ()) -> Plan:
    calls = sum(isinstance(action, Refresh | ResetCache) for action in actions)
    return Plan(
        now=NOW,
        valid_until=later(38),
        digest="sha256:4c1d6a0f9b2e7d3380",
        actions=actions,
        standings=standings,
        load=Load(calls, 4, 40.0, 7, 60),
    )


def morning_standings() -> tuple[Standing, ...]:
    covered = tuple(
        standing(refresh_address(f"team_{number:02}"), next_slot=later(100 + number))
        for number in range(12)
    )
    due = tuple(
        standing(address, Status.DUE, ELAPSED, next_slot=later(348))
        for address in (SALES, DAILY, HOURLY)
    )
    waiting = standing(CLOSE, Status.DEFERRED, WaitsUntil(later(38)), until=later(38))
    return (*due, *covered, waiting)


def troubled_plan() -> Plan:
    """Every kind of action, and every way to stand still."""
    marketing, hr, web = (refresh_address(name) for name in ("marketing", "hr", "web"))
    standings = (
        *morning_standings(),
        standing(OPS, Status.DUE, SlotPassed(SIX, 1)),
        standing(FINANCE, Status.HELD, HELD),
        standing(marketing, Status.BACKING_OFF, BACKING_OFF, until=later(3)),
        standing(hr, Status.PAUSED, PausedUntil(later(2880), "migration"), until=later(38)),
        standing(web, Status.BLOCKED, BlockedBy(marketing, BACKING_OFF), until=later(3)),
        standing(reset_address("web", "hourly"), Status.DEFERRED, MISSED),
        standing(
            refresh_address("left_out"), Status.DUE, NeverRun(timedelta(hours=6)), selected=False
        ),
        standing(
            refresh_address("tokyo"),
            Status.DEFERRED,
            WaitsForNextSlot(SIX),
            next_slot=later(600),
            zone="Asia/Tokyo",
        ),
    )
    actions = (
        refresh(SALES, OPS),
        *MORNING[1:],
        awaiting(refresh_address("logistics")),
        Forget(address=refresh_address("gone")),
    )
    base = plan(actions, standings)
    missed = ((reset_address("web", "hourly"), ago(150)),)
    return Plan(
        now=base.now,
        valid_until=later(3),
        digest=base.digest,
        actions=actions,
        standings=standings,
        load=base.load,
        noted={OPS: {}, SALES: {}},
        missed=missed,
    )
