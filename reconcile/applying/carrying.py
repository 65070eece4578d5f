"""Carrying out a plan for real: the client, the budget and the journal put together."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from uuid import uuid4

from reconcile.applying.execute import execute
from reconcile.applying.history import CountingLimiter, Spent, sent_lately_s
from reconcile.applying.ports import Ledger, Ports
from reconcile.applying.stopping import Stop
from reconcile.clock import wall_clock
from reconcile.model import journal
from reconcile.model.plan import Plan
from reconcile.model.progress import Event, Summary
from reconcile.model.recorded import Recorded
from reconcile.omni.calls import OmniClient
from reconcile.omni.credential import Credential, Secret
from reconcile.omni.limiter import PacedLimiter, SharedLog


@dataclass(frozen=True, slots=True)
class Access:
    """The right to call one instance, and how far it was used. A process has one for each key.

    `sends`: the file in which processes of this machine that use the key tell each other.
    """

    credential: Credential
    spent: Spent = field(default_factory=Spent)
    sends: Path | None = None


class MaskedLedger:
    """Keeps the token out of what is written down, should an outcome's words ever hold it."""

    def __init__(self, ledger: Ledger, token: Secret) -> None:
        self._ledger = ledger
        self._token = token

    def append(self, *entries: journal.Entry) -> Recorded:
        """Write entries without the token in anything that Omni said."""
        return self._ledger.append(*map(self._masked, entries))

    def _masked(self, entry: journal.Entry) -> journal.Entry:
        match entry:
            case (
                journal.NotSent()
                | journal.Rejected()
                | journal.Blamed()
                | journal.Doubted()
                | journal.Failed()
            ):
                return replace(entry, message=self._token.hide_in(entry.message))
            case journal.Looked() | journal.EndUnseen():
                return replace(entry, answer=self._token.hide_in(entry.answer))
            case journal.Accepted(job_id=str(job_id)):
                return replace(entry, job_id=self._token.hide_in(job_id))
            case _:
                return entry


async def carry_out(
    plan: Plan,
    *,
    ledger: Ledger,
    recorded: Recorded,
    access: Access,
    report: Callable[[Event], None],
    stop: Stop,
) -> Summary:
    """Make the calls of a plan on one instance. The one way an apply happens, whoever asks.

    Raises ReconcileError when the journal can no longer be written.
    """
    credential, spent = access.credential, access.spent
    # The state knows what others called, we what we polled; most of either is in both.
    history = max(list(sent_lately_s(recorded, wall_clock())), spent.ages_s(), key=len)
    async with OmniClient(credential) as omni:
        limiter = PacedLimiter(
            plan.load.requests_per_minute,
            random=Random(),  # noqa: S311 -- spreads waits apart, keeps no secret
            history=history,
            shared=None if access.sends is None else SharedLog(access.sends, wall=wall_clock),
        )
        ports = Ports(
            omni=omni,
            schedules=omni,
            ledger=MaskedLedger(ledger, credential.token),
            limiter=CountingLimiter(limiter, spent),
            now=wall_clock,
            report=report,
            new_operation=lambda: str(uuid4()),
            host=str(credential.origin),
        )
        return await execute(plan, ports, stop)
