"""Carrying out a plan for real: the client, the budget and the journal put together."""

from collections.abc import Callable
from random import Random
from uuid import uuid4

from reconcile.applying.execute import execute
from reconcile.applying.history import sent_lately_s
from reconcile.applying.ports import Ledger, Ports
from reconcile.applying.stopping import Stop
from reconcile.clock import wall_clock
from reconcile.model.plan import Plan
from reconcile.model.progress import Event, Summary
from reconcile.model.recorded import Recorded
from reconcile.omni.client import OmniClient
from reconcile.omni.credential import Credential
from reconcile.omni.limiter import PacedLimiter


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
