"""One call: its intent on disk, then the request, then its outcome on disk, in that order."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
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
    ScheduleAccepted,
)
from reconcile.model.plan import Request
from reconcile.model.progress import ResultStatus, Throttled
from reconcile.model.recorded import Coverage, Kind
from reconcile.planning.budget.pacing import Turn

THROTTLED_TRIES = 8
UNREACHABLE_TRIES = 3
UNREACHABLE_WAIT_S = 2.0

AcceptedT = TypeVar("AcceptedT", RefreshAccepted, ResetAccepted, ScheduleAccepted)
SettledT = TypeVar("SettledT", RefreshAccepted, ResetAccepted)
NotTaken = CallNotSent | CallRejected | CallUnknown

_AHEAD = 3
"""Calls that stand before the limiter at once; those behind them wait in the same order."""

_PATIENCE_S = 5.0
"""A wait for the budget that is shorter is the even pace, and nothing to tell of."""


@dataclass(frozen=True, slots=True)
class Tracker:
    """Told at each step what would be true if a stop came right then, and under which operation.

    `waits`: told why a call cannot begin yet.
    """

    status: Callable[[ResultStatus, str], None]
    waits: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Call(Generic[AcceptedT]):
    """What is about to be sent, and what the journal says of it.

    `begun`: the intent, for an operation, an instant and a host. `ended`: what an outcome proves.
    `blames_key`: whether a refusal of the credential is of every call, not of this one alone.
    """

    post: Callable[[], Awaitable[AcceptedT | NotTaken]]
    begun: Callable[[str, datetime, str], journal.Entry]
    ended: Callable[[datetime, str, AcceptedT | NotTaken], Iterable[journal.Entry]]
    blames_key: Callable[[CallRejected], bool] = lambda _: True


def item_call(
    kind: Kind,
    covers: tuple[Coverage, ...],
    request: Request,
    post: Callable[[], Awaitable[SettledT | NotTaken]],
) -> Call[SettledT]:
    """Return a call that settles declared items."""
    return Call(
        post,
        lambda operation, at, host: journal.Intent(at, operation, kind, covers, request, host),
        entries,
    )


@dataclass(frozen=True, slots=True)
class Taken(Generic[AcceptedT]):
    """Omni took the call; it is journalled under `operation`. `sent_at` is its intent's instant."""

    operation: str
    sent_at: datetime
    answer: AcceptedT


@dataclass(frozen=True, slots=True)
class Refused:
    """A call that came to nothing, or (`unknown`) may have."""

    operation: str | None
    message: str
    status: ResultStatus


class Sender:
    """Sends calls under the budget and keeps the journal true whatever comes back."""

    def __init__(self, ports: Ports, stop: Stop) -> None:
        self._ports = ports
        self._stop = stop
        self._ahead = asyncio.Semaphore(_AHEAD)
        self.in_flight: set[asyncio.Task[Any] | None] = set()
        self.calls = 0

    async def send(
        self,
        call: Call[AcceptedT],
        track: Tracker,
    ) -> Taken[AcceptedT] | Refused:
        """Send until there is an answer about the call itself, or tries run out.

        A 429 and a connection that was never made prove that nothing happened, so the call may be
        sent again; after anything else it may not.
        """
        tries = _Tries()
        while True:
            track.status("skipped", "")
            await self._turn(track)
            operation, sent_at = self._ports.new_operation(), self._ports.now()
            self._ports.ledger.append(call.begun(operation, sent_at, self._ports.host))
            track.status("unknown", operation)
            outcome = await self._once(operation, call.post)
            self._ports.ledger.append(*call.ended(self._ports.now(), operation, outcome))
            match outcome:
                case CallUnknown(message):
                    return Refused(operation, message, "unknown")
                case CallNotSent() | CallRejected():
                    final = await self._unless_again(call, outcome, operation, tries)
                    if final is not None:
                        return final
                case _:
                    return Taken(operation, sent_at, outcome)

    async def _turn(self, track: Tracker) -> None:
        async with self._ahead:
            loop = asyncio.get_running_loop()
            told = loop.call_later(_PATIENCE_S, track.waits, "waits for the request budget")
            try:
                await self._ports.limiter.turn(Turn.CALL)
            finally:
                told.cancel()

    async def _unless_again(
        self,
        call: Call[AcceptedT],
        outcome: CallNotSent | CallRejected,
        operation: str,
        tries: "_Tries",
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
        if outcome.proof in {Proof.TOKEN, Proof.FORBIDDEN} and call.blames_key(outcome):
            self._stop.request(StopCause.CREDENTIAL_REFUSED)
        return Refused(operation, outcome.message, "failed")

    async def _once(
        self,
        operation: str,
        post: Callable[[], Awaitable[AcceptedT | NotTaken]],
    ) -> AcceptedT | NotTaken:
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
