"""Carrying out a plan for real: the client, the budget and the journal put together."""

from collections.abc import Callable, Iterable
from datetime import datetime
from random import Random
from uuid import uuid4

from reconcile.applying.execute import execute
from reconcile.applying.ports import Ledger, Ports
from reconcile.applying.stopping import Stop
from reconcile.clock import wall_clock
from reconcile.model.plan import Plan
from reconcile.model.progress import Event, Summary
from reconcile.model.recorded import Recorded
from reconcile.omni.client import OmniClient
from reconcile.omni.credential import Credential
from reconcile.omni.limiter import PacedLimiter

WINDOW_S = 60.0


async def carry_out(
    plan: Plan,
    *,
    ledger: Ledger,
    recorded: Recorded,
    credential: Credential,
    report: Callable[[Event], None],
    stop: Stop,
) -> Summary:
    """Make the calls of a plan on one instance. The one way an apply happens, whoever asks.

    Raises ReconcileError when the journal can no longer be written.
    """
    history = sent_lately_s(recorded, wall_clock())
    async with OmniClient(credential) as omni:
        limiter = PacedLimiter(
            plan.load.requests_per_minute,
            random=Random(),  # noqa: S311 -- spreads waits apart, keeps no secret
            history=history,
        )
        ports = Ports(
            omni=omni,
            ledger=ledger,
            limiter=limiter,
            now=wall_clock,
            report=report,
            new_operation=lambda: str(uuid4()),
            host=str(credential.origin),
        )
        return await execute(plan, ports, stop)


def sent_lately_s(recorded: Recorded, now: datetime) -> Iterable[float]:
    """Ages in seconds of calls that an earlier run made in the last minute, as far as recorded.

    Omni counts them still, whatever process made them.
    """
    # A merged call leaves the same instant in several records, and is one request.
    sent = {record.last_success for record in recorded.items.values()}
    sent |= {record.pending.since for record in recorded.items.values() if record.pending}
    for instant in sent:
        if instant is not None and 0 <= (now - instant).total_seconds() < WINDOW_S:
            yield (now - instant).total_seconds()
