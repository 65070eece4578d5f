"""One call: its intent on disk, then the request, then its outcome on disk, in that order."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from reconcile.applying.entries import entries
from reconcile.applying.ports import Ports
from reconcile.applying.stopping import Stop, StopCause
from reconcile.model import journal
from reconcile.model.outcome import (
    CallNotSent,
    CallRejected,
    CallUnknown,
    Proof,
    RefreshAccepted,
    ResetAccepted,
)
from reconcile.model.plan import Request
from reconcile.model.progress import ResultStatus, Throttled
from reconcile.model.recorded import Coverage, Kind
from reconcile.planning.budget.pacing import Turn

THROTTLED_TRIES = 8
UNREACHABLE_TRIES = 3
UNREACHABLE_WAIT_S = 2.0

AcceptedT = TypeVar("AcceptedT", RefreshAccepted, ResetAccepted)
Tracker = Callable[[ResultStatus, str], None]
"""Told at each step what would be true if a stop came right then, and under which operation."""


@dataclass(frozen=True, slots=True)
class Call:
    """What is about to be sent, for whom."""

    kind: Kind
    covers: tuple[Coverage, ...]
    request: Request


@dataclass(frozen=True, slots=True)
class Taken(Generic[AcceptedT]):
    """Omni took the call; it is journalled under `operation`. `sent_at` is its intent's instant."""

    operation: str
    sent_at: datetime
    answer: AcceptedT


@dataclass(frozen=True, slots=True)
class Refused:
    """A call that came to nothing, or (`unknown`) may have."""

    operation: str
    message: str
    status: ResultStatus


class Sender:
    """Sends calls under the budget and keeps the journal true whatever comes back."""

    def __init__(self, ports: Ports, stop: Stop) -> None:
        self._ports = ports
        self._stop = stop
        self.in_flight: set[asyncio.Task[Any] | None] = set()
        self.calls = 0

    async def send(
        self,
        call: Call,
        post: Callable[[], Awaitable[AcceptedT | CallNotSent | CallRejected | CallUnknown]],
        track: Tracker,
    ) -> Taken[AcceptedT] | Refused:
        """Send until there is an answer about the call itself, or tries run out.

        A 429 and a connection that was never made prove that nothing happened, so the call may be
        sent again; after anything else it may not.
        """
        tries = _Tries()
        while True:
            track("skipped", "")
            await self._ports.limiter.turn(Turn.CALL)
            operation, sent_at = self._ports.new_operation(), self._ports.now()
            self._ports.ledger.append(_intent(call, operation, sent_at, self._ports.host))
            track("unknown", operation)
            outcome = await self._once(operation, post)
            self._ports.ledger.append(*entries(self._ports.now(), operation, outcome))
            match outcome:
                case CallUnknown(message):
                    return Refused(operation, message, "unknown")
                case CallNotSent() | CallRejected():
                    final = await self._unless_again(outcome, operation, tries)
                    if final is not None:
                        return final
                case _:
                    return Taken(operation, sent_at, outcome)

    async def _unless_again(
        self, outcome: CallNotSent | CallRejected, operation: str, tries: "_Tries"
    ) -> Refused | None:
        """Wait before another try, or say why there is none."""
        if isinstance(outcome, CallNotSent):
            tries.unreachable += 1
            if tries.unreachable >= UNREACHABLE_TRIES:
                return Refused(operation, outcome.message, "not_sent")
            await asyncio.sleep(UNREACHABLE_WAIT_S * tries.unreachable)
            return None
        if outcome.proof is Proof.THROTTLED:
            tries.throttled += 1
            wait_s = self._ports.limiter.penalise(outcome.retry_after_s)
            self._ports.report(Throttled(at=self._ports.now(), wait_s=wait_s))
            if tries.throttled < THROTTLED_TRIES:
                return None
        if outcome.proof is Proof.AUTH:
            self._stop.request(StopCause.CREDENTIAL_REFUSED)
        return Refused(operation, outcome.message, "failed")

    async def _once(
        self,
        operation: str,
        post: Callable[[], Awaitable[AcceptedT | CallNotSent | CallRejected | CallUnknown]],
    ) -> AcceptedT | CallNotSent | CallRejected | CallUnknown:
        self.calls += 1
        task = asyncio.current_task()
        self.in_flight.add(task)
        try:
            return await post()
        except asyncio.CancelledError:
            message = "stopped while the call was in flight"
            doubted = journal.Doubted(self._ports.now(), operation, message)
            self._ports.ledger.append(doubted)
            raise
        finally:
            self.in_flight.discard(task)


@dataclass(slots=True)
class _Tries:
    throttled: int = 0
    unreachable: int = 0


def _intent(call: Call, operation: str, at: datetime, host: str) -> journal.Intent:
    return journal.Intent(at, operation, call.kind, call.covers, call.request, host)
