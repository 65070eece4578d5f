"""Carrying out a plan for real: the client, the budget and the journal put together."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple, Self, TypeVar
from uuid import uuid4

from msgspec import Struct, field

from reconcile.applying.execute import execute
from reconcile.applying.ports import Ledger, Limiter, Ports, Stop
from reconcile.clock import wall_clock
from reconcile.errors import ReconcileError, fail
from reconcile.model import journal
from reconcile.model.observed import ObservedModel
from reconcile.model.plan import Plan
from reconcile.model.progress import Event, Summary
from reconcile.model.recorded import Recorded
from reconcile.model.struct import replace
from reconcile.omni.credential import Credential, Secret
from reconcile.omni.http import OmniClient
from reconcile.omni.limiter import BudgetUse, PacedLimiter, SharedLog
from reconcile.omni.reads import (
    Absent,
    Choose,
    Forbidden,
    Found,
    LiveLook,
    OmniReader,
    Permissions,
    Unreadable,
    observe,
)
from reconcile.planning.budget import WINDOW_S, Turn
from reconcile.state.session import Session, begin

# What has been spent of the request budget already, by earlier applies.


def sent_lately_s(recorded: Recorded, now: datetime) -> Sequence[float]:
    """Ages in seconds of calls that an earlier run made in the last minute, as far as recorded.

    Omni counts them still, whatever process made them.
    """
    sent: set[tuple[datetime, str]] = set()
    before = now - timedelta(seconds=WINDOW_S)
    for address, record in recorded.items.items():
        begun = None if record.pending is None else record.pending.since
        for instant in (record.last_success, begun):
            if instant is not None and before < instant <= now:
                # A merged refresh leaves one instant in several records, and is one request.
                sent.add((instant, "refresh" if address.endswith(".refresh") else address))
    return [(now - instant).total_seconds() for instant, _ in sent]


class Spent:
    """The requests of this process in the last minute, for applies that follow each other closely.

    The state remembers calls, but no polls. Instants are of the loop's clock, which all loops of a
    process share. `calls_waiting`: how many wait for a turn right now.
    """

    def __init__(self) -> None:
        self._at: deque[float] = deque()
        self.calls_waiting = 0

    def add(self) -> None:
        """Count a request that is sent now."""
        self._at.append(asyncio.get_running_loop().time())

    def ages_s(self) -> list[float]:
        """Return how long ago each was sent, forgetting what no longer counts."""
        now = asyncio.get_running_loop().time()
        while self._at and now - self._at[0] >= WINDOW_S:
            self._at.popleft()
        return [now - at for at in self._at]


class CountingLimiter:
    """A limiter that notes every turn it gives."""

    def __init__(self, limiter: Limiter, spent: Spent) -> None:
        self._limiter, self._spent = limiter, spent

    async def turn(self, kind: Turn) -> None:
        """Wait until one request may be sent right now, and count it."""
        waits = kind is Turn.CALL
        self._spent.calls_waiting += waits
        try:
            await self._limiter.turn(kind)
        finally:
            self._spent.calls_waiting -= waits
        self._spent.add()

    def penalise(self, retry_after_s: float | None) -> float:
        """Slow down after a 429; returns for how many seconds nothing is sent."""
        return self._limiter.penalise(retry_after_s)

    def snapshot(self) -> BudgetUse:
        """Return the budget as it stands now."""
        return self._limiter.snapshot()


class OmniAccess(Struct, frozen=True):
    """The right to call one instance, and how far it was used. A process has one for each key.

    `sends`: the file in which processes of this machine that use the key tell each other.
    `still_mine`: whether the lock still keeps others out, asked in the moment before each call.
    """

    credential: Credential
    spent: Spent = field(default_factory=Spent)
    sends: Path | None = None
    still_mine: Callable[[], bool] = lambda: True


class MaskedLedger:
    """Keeps the token out of what is written down, should an outcome's words ever hold it."""

    def __init__(self, ledger: Ledger, token: Secret) -> None:
        self._ledger = ledger
        self._token = token

    @property
    def recorded(self) -> Recorded:
        """The state as it stands."""
        return self._ledger.recorded

    def append(self, *entries: journal.Entry) -> Awaitable[Recorded]:
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
    access: OmniAccess,
    report: Callable[[Event], None],
    stop: Stop,
) -> Summary:
    """Make the calls of a plan on one instance. The one way an apply happens, whoever asks.

    Raises ReconcileError when the journal can no longer be written.
    """
    credential = access.credential
    async with OmniClient(credential, may_call=access.still_mine) as omni:
        ports = Ports(
            omni=omni,
            schedules=omni,
            ledger=MaskedLedger(ledger, credential.token),
            limiter=_limiter(access, plan.load.requests_per_minute, recorded),
            now=wall_clock,
            report=report,
            new_operation=lambda: str(uuid4()),
            host=str(credential.origin),
        )
        return await execute(plan, ports, stop)


# Before the first call: is the token taken, are the models there, do the clocks agree.

MOST_SINGLE = 10
"""Models asked for one by one; for more of them the list of all takes fewer requests."""

MOST_ROLES = 50
"""Models whose roles are asked for: their ids go into one URL."""


class Cleared(Struct, frozen=True, kw_only=True):
    """What was learned. `missing`: ids of models that are not there or deleted, in lower case.

    `permissions`: where the instance tells them, by ids in lower case. `clock_ahead_s`: ours before
    Omni's.
    """

    missing: frozenset[str]
    permissions: Permissions
    clock_ahead_s: float | None
    requests: int


async def clear(
    access: OmniAccess, model_ids: Collection[str], requests_per_minute: int
) -> Cleared:
    """Try the token on each model that the calls are about to act on.

    Two requests, or one for each model if they are few, or one for every hundred models there are.
    Raises ReconcileError: `preflight-refused` (the token), `preflight-failed` (no answer).
    """
    host = str(access.credential.origin)
    async with reading(access, requests_per_minute) as reader:
        wanted = sorted(model_ids)
        who = await reader.fetch_whoami(wanted[:MOST_ROLES])
        if isinstance(who, Forbidden):
            raise _refused(who.message, host)
        # An instance may not tell [SPEC-A], or not plainly.
        told = who.value if isinstance(who, Found) else {}
        there = await _models_there(reader, wanted, host)
        return Cleared(
            missing=frozenset(wanted) - there,
            permissions={model_id.lower(): words for model_id, words in told.items()},
            clock_ahead_s=reader.clock_ahead_s,
            requests=reader.requests,
        )


async def _models_there(reader: OmniReader, wanted: Sequence[str], host: str) -> frozenset[str]:
    if len(wanted) <= MOST_SINGLE:
        answers = list(await asyncio.gather(*map(reader.fetch_models, wanted)))
    else:
        answers = [await reader.fetch_models()]
        if isinstance(answers[0], Absent):
            # No list at all says nothing of any model, unlike a model that is asked for by its id.
            raise _failed(answers[0].message, host)
    models: list[ObservedModel] = []
    for answer in answers:
        match answer:
            case Found(found):
                models.extend(found)
            case Absent():
                continue
            case Forbidden(message):
                raise _refused(message, host)
            case Unreadable(message):
                raise _failed(message, host)
    return frozenset(model.model_id.lower() for model in models if model.deleted_at is None)


def _refused(message: str, host: str) -> ReconcileError:
    return fail(
        "preflight-refused",
        f"{host} answered: {message.rstrip('.')}. Every call would be refused as well. "
        "No call was made.",
        hint="reconcile explain preflight-refused",
    )


def _failed(message: str, host: str) -> ReconcileError:
    return fail(
        "preflight-failed",
        f"{host}: {message.rstrip('.')}. No call was made.",
        hint="reconcile apply --no-preflight",
    )


# Looking at an instance for real: reads only, under the same budget as an apply.


async def look(access: OmniAccess, wanted: Choose, requests_per_minute: int) -> LiveLook:
    """Make one look. Every failure to see a part is a gap in it, and none is raised."""
    async with OmniClient(access.credential) as omni:
        return await observe(omni, _limiter(access, requests_per_minute), wanted, wall_clock)


@asynccontextmanager
async def reading(access: OmniAccess, requests_per_minute: int) -> AsyncIterator[OmniReader]:
    """Give what reads single facts of the instance."""
    async with OmniClient(access.credential) as omni:
        yield OmniReader(omni, _limiter(access, requests_per_minute), wall_clock)


def _limiter(
    access: OmniAccess, requests_per_minute: int, recorded: Recorded | None = None
) -> CountingLimiter:
    history: Sequence[float] = access.spent.ages_s()
    if recorded is not None:
        # The state knows what others called, we what we polled; most of either is in both.
        history = max(sent_lately_s(recorded, wall_clock()), history, key=len)
    limiter = PacedLimiter(
        requests_per_minute,
        random=Random(),  # noqa: S311 -- spreads waits apart, keeps no secret
        history=history,
        shared=None if access.sends is None else SharedLog(access.sends, wall=wall_clock),
    )
    return CountingLimiter(limiter, access.spent)


# Group commit: what waits at the same time goes in one write, and the event loop never waits.

_TICK_S = 1.0
ResultT = TypeVar("ResultT")


class _Waiting(NamedTuple):
    entries: tuple[journal.Entry, ...]
    written: "asyncio.Future[Recorded]"


class GroupCommit:
    """The journal of a session for tasks of one loop. Entries are written in the order of `append`.

    While it is entered, the session is told that the run gets on, by the loop itself: a loop that
    hangs lets go of what must be renewed.
    """

    def __init__(self, session: Session, *, threads: bool = True) -> None:
        """Write in threads; or, where time is not real, in the loop itself."""
        self._session = session
        self._aside = in_thread if threads else _at_once
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None
        self._ticking: asyncio.Task[None] | None = None
        self._rested_at = 0.0

    @property
    def recorded(self) -> Recorded:
        """The state as it stands."""
        return self._session.recorded

    async def append(self, *entries: journal.Entry) -> Recorded:
        """Write entries down: see `Session.append`. A cancellation is told at the next wait."""
        if not entries:
            return self.recorded
        written: asyncio.Future[Recorded] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(entries, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        await _to_its_end(written)
        return written.result()

    async def __aenter__(self) -> Self:
        self._ticking = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._writing is not None:
            await asyncio.wait([self._writing])
        if self._ticking is not None:
            self._ticking.cancel()
        self._session.attended(at_work=False)

    async def _tick(self) -> None:
        while True:
            self._session.attended(at_work=True)
            await asyncio.sleep(_TICK_S)

    async def _write_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            await asyncio.sleep(max(self._session.company_s, self._rested_at - loop.time()))
            began_s = loop.time()
            batch, self._waiting = self._waiting, []
            await self._write(batch)
            self._rested_at = began_s + self._session.rest_s

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        session = self._session
        entries = [entry for waiting in batch for entry in waiting.entries]
        try:
            numbered = await self._aside(lambda: session.write(entries))
        except ReconcileError as error:
            if len(batch) == 1:
                _settle(batch[0].written, error)
            else:
                # An intent may be refused where an outcome is still taken.
                for waiting in batch:
                    await self._write([waiting])
            return
        except BaseException as error:
            for waiting in batch:
                _settle(waiting.written, error)
            raise
        session.fold(numbered)
        for waiting in batch:
            try:
                session.confirm(waiting.entries)
            except ReconcileError as error:
                _settle(waiting.written, error)
            else:
                _settle(waiting.written, session.recorded)
        if session.is_long():
            await self._aside(session.tidy)


async def _to_its_end(written: "asyncio.Future[Recorded]") -> None:
    """Wait for what is under way anyhow, as if it took no time: nothing can be cancelled in it."""
    cancelled = False
    while not written.done():
        try:
            await asyncio.wait([written])
        except asyncio.CancelledError:
            cancelled = True
    task = asyncio.current_task()
    if cancelled and task is not None:
        task.cancel()


def _settle(awaited: "asyncio.Future[ResultT]", result: ResultT | BaseException) -> None:
    if awaited.done():
        return
    if isinstance(result, BaseException):
        awaited.set_exception(result)
    else:
        awaited.set_result(result)


async def _at_once(work: Callable[[], ResultT]) -> ResultT:
    return work()


async def in_thread(work: Callable[[], ResultT]) -> ResultT:
    """Do work in another thread. No pool's: that is joined at the end, however long it hangs."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[ResultT] = loop.create_future()

    def run() -> None:
        result: ResultT | BaseException
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 -- raised where it is awaited
            result = error
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(_settle, done, result)

    begin(run)
    return await done
