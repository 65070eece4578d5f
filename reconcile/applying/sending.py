"""One call: its intent on disk, then the request, then its outcome on disk, in that order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from reconcile.applying.blame import Blame, Subject, Undecided, Verdict
from reconcile.applying.entries import entries
from reconcile.applying.ports import Ports
from reconcile.applying.troubles import Troubles, stamp_refused
from reconcile.applying.wire import StoppedError, Wire
from reconcile.model import journal
from reconcile.model.address import Address
from reconcile.model.plan import Request
from reconcile.model.progress import (
    CallNotSent,
    CallRejected,
    CallUnknown,
    Proof,
    RefreshAccepted,
    ResetAccepted,
    ResultStatus,
    ScheduleAccepted,
    Throttled,
)
from reconcile.model.recorded import Carrier, Coverage, Kind
from reconcile.planning.budget import Turn

THROTTLED_TRIES = 8
UNREACHABLE_TRIES = 3
UNREACHABLE_WAIT_S = 2.0

AcceptedT = TypeVar("AcceptedT", RefreshAccepted, ResetAccepted, ScheduleAccepted)
SettledT = TypeVar("SettledT", RefreshAccepted, ResetAccepted)
NotTaken = CallNotSent | CallRejected | CallUnknown

NOT_BEGUN = "stopped before it was sent"
TOKEN_REFUSED = "Omni refuses the token"  # noqa: S105 -- words
STAMPS_REFUSED = "this machine's clock is ahead of Omni's"

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

    `begun`: the intent, for an operation, an instant and a host. `ended`: what an outcome proves,
    and of whom. `subject`: None where a 403 says nothing of the token's other rights. `stamped`:
    it names an instant that Omni's clock must have passed. `again`: it goes before others that
    wait.
    """

    post: Callable[[], Awaitable[AcceptedT | NotTaken]]
    begun: Callable[[str, datetime, str], journal.Entry]
    ended: Callable[
        [datetime, str, AcceptedT | NotTaken, tuple[Address, ...] | None], Iterable[journal.Entry]
    ]
    subject: Subject | None = None
    stamped: bool = False
    again: bool = False


def item_call(  # noqa: PLR0913 -- what there is to say of a call
    kind: Kind,
    covers: tuple[Coverage, ...],
    request: Request,
    post: Callable[[], Awaitable[SettledT | NotTaken]],
    subject: Subject,
    *,
    carrier: Carrier | None = None,
    again: bool = False,
) -> Call[SettledT]:
    """Return a call that settles declared items."""
    return Call(
        post,
        lambda operation, at, host: journal.Intent(
            at, operation, kind, covers, request, host, carrier
        ),
        entries,
        subject,
        stamped=kind == "reset",
        again=again,
    )


@dataclass(frozen=True, slots=True)
class Taken(Generic[AcceptedT]):
    """Omni took the call; it is journalled under `operation`. `sent_at` is its intent's instant."""

    operation: str
    sent_at: datetime
    answer: AcceptedT


@dataclass(frozen=True, slots=True)
class Refused:
    """A call that came to nothing, or (`unknown`) may have.

    `undecided`: whose refusal it is turns out later. `of_carrier`: it is of the model that carries
    the call, and the others may be tried through another.
    """

    operation: str | None
    message: str
    status: ResultStatus
    undecided: Undecided | None = None
    of_carrier: bool = False


class Sender:
    """Sends calls under the budget and keeps the journal true whatever comes back."""

    def __init__(self, ports: Ports, wire: Wire, blame: Blame, troubles: Troubles) -> None:
        self._ports, self._wire = ports, wire
        self._blame, self._troubles = blame, troubles
        self._ahead = asyncio.Semaphore(_AHEAD)
        self._stampless = False
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
            try:
                async with self._turn(call, track):
                    if call.stamped and self._stampless:
                        return Refused(None, STAMPS_REFUSED, "skipped")
                    ended = await self._exchange(call, track)
            except StoppedError:
                return Refused(None, NOT_BEGUN, "skipped")
            if isinstance(ended, Taken):
                return ended
            final = await self._unless_again(ended, tries)
            if final is not None:
                return final

    async def _exchange(
        self, call: Call[AcceptedT], track: Tracker
    ) -> "Taken[AcceptedT] | _Missed":
        """Write down the intent, send, and write down what came of it."""
        ports = self._ports
        operation, sent_at = ports.new_operation(), ports.now()
        ports.ledger.append(call.begun(operation, sent_at, ports.host))
        self._wire.begun(operation, sent_at)
        track.status("unknown", operation)
        outcome = await self._once(operation, call.post)
        date = None if isinstance(outcome, CallNotSent) else outcome.server_date
        believed = self._wire.ahead
        first: Sequence[journal.Entry] = self._wire.heard(sent_at, date)
        sent_at -= self._wire.ahead - believed
        at: datetime = ports.now()
        verdict = Verdict(None)
        if isinstance(outcome, CallRejected):
            verdict = self._blame.judge(call.subject, outcome)
        elif not isinstance(outcome, CallNotSent | CallUnknown):
            first = (*first, *self._blame.accept(at))
        self._wire.undecided = self._blame.undecided
        ports.ledger.append(*first, *call.ended(at, operation, outcome, verdict.blames))
        if isinstance(outcome, CallRejected | CallNotSent | CallUnknown):
            return _Missed(operation, outcome, verdict)
        return Taken(operation, sent_at, outcome)

    @asynccontextmanager
    async def _turn(self, call: Call[AcceptedT], track: Tracker) -> AsyncIterator[None]:
        async with AsyncExitStack() as until_answered:
            queue = nullcontext() if call.again else self._ahead
            async with queue:
                loop = asyncio.get_running_loop()
                told = loop.call_later(_PATIENCE_S, track.waits, "waits for the request budget")
                try:
                    turn = self._wire.turn(Turn.CALL, first=call.again)
                    await until_answered.enter_async_context(turn)
                finally:
                    told.cancel()
            yield

    async def _unless_again(self, missed: "_Missed", tries: "_Tries") -> Refused | None:
        """Wait before another try, or say why there is none."""
        operation, outcome, verdict = missed.operation, missed.outcome, missed.verdict
        match outcome:
            case CallUnknown(message):
                return Refused(operation, message, "unknown")
            case CallNotSent(message):
                tries.unreachable += 1
                if tries.unreachable >= UNREACHABLE_TRIES:
                    return Refused(operation, message, "not_sent")
                await asyncio.sleep(UNREACHABLE_WAIT_S * tries.unreachable)
                return None
            case CallRejected(proof=Proof.THROTTLED):
                tries.throttled += 1
                wait_s = self._ports.limiter.penalise(outcome.retry_after_s)
                self._ports.report(Throttled(at=self._ports.now(), wait_s=wait_s))
                if tries.throttled < THROTTLED_TRIES:
                    return None
            case CallRejected(proof=Proof.TOKEN):
                return Refused(operation, TOKEN_REFUSED, "skipped")
            case CallRejected(proof=Proof.FUTURE_STAMP):
                self._refuse_stamps(outcome)
                return Refused(operation, STAMPS_REFUSED, "skipped")
            case _:
                pass
        return Refused(
            operation, outcome.message, "failed", verdict.undecided, of_carrier=verdict.of_carrier
        )

    def _refuse_stamps(self, outcome: CallRejected) -> None:
        self._stampless = True
        if not self._wire.wrong:  # which has been said then
            host, now = self._ports.host, self._ports.now()
            self._troubles.add(stamp_refused(host, now, outcome.server_date, outcome.message))

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
            doubted = journal.Doubted(self._ports.now(), operation, message, cut_off=True)
            self._ports.ledger.append(doubted)
            raise
        finally:
            self.in_flight.discard(task)


@dataclass(slots=True)
class _Tries:
    throttled: int = 0
    unreachable: int = 0


@dataclass(frozen=True, slots=True)
class _Missed:
    """One request that Omni did not take, or may not have."""

    operation: str
    outcome: NotTaken
    verdict: Verdict
