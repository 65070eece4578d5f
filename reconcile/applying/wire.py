"""Every request of an apply goes out here: one at a time until Omni's clock is known, then many.

An apply under a wrong clock would write down instants that never were, and send stamps that cover
too much or are refused. So the first reply's Date is compared before anything else is sent, and
every later one too.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconcile.applying.ports import Ports, Stop, StopCause
from reconcile.errors import Diagnostic, diagnose
from reconcile.model import journal
from reconcile.omni.http import CONNECTIONS
from reconcile.planning.budget import Turn
from reconcile.render.words import duration_text

SET_THE_CLOCK = "sudo chronyc makestep, or sudo timedatectl set-ntp true"


class Troubles:
    """What keeps calls back and is no item's fault, in the order it came up, each kind once."""

    def __init__(self) -> None:
        self._found: dict[str, Diagnostic] = {}

    def add(self, trouble: Diagnostic) -> None:
        """Take note of one."""
        self._found.setdefault(trouble.code, trouble)

    def all(self) -> tuple[Diagnostic, ...]:
        """Return what there was to say."""
        return tuple(self._found.values())


def token_refused(host: str, message: str) -> Diagnostic:
    """Say that Omni takes the token for no call at all."""
    return diagnose(
        "token-refused",
        f"{host} answered {message.rstrip('.')}. Every call would be refused as well, so "
        "nothing further was sent. No item is to blame: all of them stay due.",
        hint="reconcile explain token-refused",
    )


def all_refused(host: str, messages: str) -> Diagnostic:
    """Say that whatever was tried was forbidden, before anything was accepted."""
    return diagnose(
        "token-refused",
        f"{host} answered 403 to all that was tried first, and accepted nothing: {messages}."
        " While nothing is accepted that is taken for the token's lack of permission and for no "
        "item's fault: nothing further was sent, and all items stay due.",
        hint="reconcile explain token-refused",
    )


def clock_differs(host: str, ours: datetime, omnis: datetime) -> Diagnostic:
    """Say that this machine's clock and Omni's are too far apart to go by ours."""
    return diagnose(
        "clock-differs",
        f"This machine says {_instant(ours)}, {host} says {_instant(omnis)}: it is "
        f"{apart_text(ours - omnis)}. Slots would be reckoned by the wrong time, so nothing "
        "further was sent, and what this run wrote is dated by Omni's clock.",
        hint=SET_THE_CLOCK,
    )


def stamp_refused(host: str, ours: datetime, omnis: datetime | None, message: str) -> Diagnostic:
    """Say that Omni took a stamp for one of its future, which no item can be blamed for."""
    theirs = "sent no clock of its own" if omnis is None else f"says {_instant(omnis)}"
    return diagnose(
        "stamp-refused",
        f"This machine says {_instant(ours)}, {host} {theirs}, and it refused a cache reset "
        f"as future dated: {message.rstrip('.')}. No further reset was sent; they stay due.",
        hint=SET_THE_CLOCK,
    )


def apart_text(ahead: timedelta) -> str:
    """Return `2d ahead` or `6 m behind`."""
    apart = duration_text(60 * round(abs(ahead).total_seconds() / 60))
    return f"{apart} {'ahead' if ahead > timedelta() else 'behind'}"


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


APART = timedelta(minutes=5)
"""Two clocks that differ by more than this are not both right."""

DATELESS_TRIES = 3
"""A server that sent no Date in so many replies sends none, and there is nothing to wait for."""


class MachineClock:
    """This machine's clock, corrected by what was found to be wrong with it. UTC."""

    def __init__(self, read: Callable[[], datetime]) -> None:
        self.read = read
        self.ahead = timedelta()

    def now(self) -> datetime:
        """Return the instant by which this run dates what it writes."""
        return self.read() - self.ahead


class _Single:
    """Lets one go at a time, in the order in which they came, or before all that wait."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def taken(self, *, first: bool) -> None:
        """Return once it is this one's turn, which ends with `release`."""
        if not self._taken:
            self._taken = True
            return
        turn = asyncio.get_running_loop().create_future()
        if first:
            self._waiting.appendleft(turn)
        else:
            self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # given to one that was cancelled in the same moment
                self.release()
            raise

    def release(self) -> None:
        """Let the next go."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._taken = False


@dataclass(slots=True)
class Admission:
    """What a request holds that may be sent right now: a connection, or that it goes alone."""

    connection: asyncio.Semaphore | None = None
    alone: _Single | None = None

    def answered(self) -> None:
        """Give the connection back: a call that is only written down holds up no other."""
        if self.connection is not None:
            self.connection.release()
            self.connection = None

    def leave(self) -> None:
        """Give back all that is held still."""
        self.answered()
        if self.alone is not None:
            self.alone.release()
            self.alone = None


class StoppedError(Exception):
    """Nothing further may be sent."""


class Wire:
    """Lets requests out, and compares the clocks by what comes back.

    `clock` is the machine's own, which `ports.now` goes by. `supposed`: entries that are true only
    if it is right. `mends`: the state has instants of the future, void once the clock is confirmed.
    While `undecided`, requests go one at a time as well, since each may be the last. `wrong`: the
    clocks were found to differ.
    """

    def __init__(  # noqa: PLR0913 -- what tells it who may go, and when
        self,
        ports: Ports,
        stop: Stop,
        clock: MachineClock,
        troubles: Troubles,
        *,
        undecided: Callable[[], bool],
        supposed: Sequence[journal.Entry],
        mends: bool,
    ) -> None:
        self._ports, self._stop, self._clock, self._troubles = ports, stop, clock, troubles
        self._undecided, self._supposed, self._mends = undecided, supposed, mends
        self._alone = _Single()
        self._connections = asyncio.Semaphore(CONNECTIONS)
        self._known = False
        self.wrong = False
        self._dateless = 0
        self._begun: dict[str, tuple[datetime, float]] = {}

    @property
    def ahead(self) -> timedelta:
        """By how much this machine's clock was found to be ahead of Omni's."""
        return self._clock.ahead

    @asynccontextmanager
    async def turn(self, kind: Turn) -> AsyncIterator[None]:
        """Wait as `take` does, and hold what was taken until the end of the block."""
        admission = await self.take(kind)
        try:
            yield
        finally:
            admission.leave()

    async def take(self, kind: Turn, *, first: bool = False) -> Admission:
        """Wait until one request may be sent right now, and let out no other that must be alone.

        `first`: before others that wait for the same. Raises StoppedError once a stop was asked
        for. What is returned is to be left, whatever comes.
        """
        admission = Admission()
        if not self._is_open():
            await self._alone.taken(first=first)
            admission.alone = self._alone
            if self._is_open():
                admission.leave()
        try:
            # A call takes its turn once there is a connection for it: one that waits is not sent
            # now. Polls would hold all of them while they wait, and so keep the calls back.
            if kind is Turn.CALL:
                await self._connections.acquire()
                admission.connection = self._connections
            await self._due(kind)
        except BaseException:
            admission.leave()
            raise
        return admission

    def begun(self, operation: str, at: datetime) -> None:
        """Learn that a call was written down as begun at that instant."""
        self._begun[operation] = at, asyncio.get_running_loop().time()

    def heard(self, sent_at: datetime, server_date: datetime | None) -> Sequence[journal.Entry]:
        """Compare a reply's Date with this machine's clock, which read `sent_at` when it was asked.

        Returns what is to be written before the reply's own outcome.
        """
        if self.wrong:
            return ()
        if server_date is None:
            self._dateless += 1
            return ()
        now = self._ports.now()
        if sent_at - APART <= server_date <= now + APART:
            first, self._known = not self._known, True
            return self._once_confirmed(now) if first else ()
        self.wrong = True
        self._stop.request(StopCause.CLOCK_WRONG)
        self._troubles.add(clock_differs(self._ports.host, now, server_date))
        self._clock.ahead += now - server_date
        return self._redated(now - server_date)

    def settled(self) -> Sequence[journal.Entry]:
        """Return what is still to be written once an apply ends that heard no clock at all."""
        return () if self.wrong or self._known else self._supposed

    def _once_confirmed(self, now: datetime) -> Sequence[journal.Entry]:
        return (journal.ClockMended(now), *self._supposed) if self._mends else self._supposed

    def _is_open(self) -> bool:
        known = self._known or self.wrong or self._dateless >= DATELESS_TRIES
        return known and not self._undecided()

    async def _due(self, kind: Turn) -> None:
        if self._stop.requested():
            raise StoppedError
        await self._ports.limiter.turn(kind)
        if self._stop.requested():
            raise StoppedError

    def _redated(self, ahead: timedelta) -> Sequence[journal.Entry]:
        """Date anew what still waits and was begun while the clock was as wrong as it is now."""
        now, loop_s = self._ports.now(), asyncio.get_running_loop().time()
        waiting = {
            record.pending.operation
            for record in self._ports.ledger.recorded.items.values()
            if record.pending is not None
        }
        began = now - timedelta(seconds=loop_s)
        operations = tuple(
            operation
            for operation, (at, begun_s) in self._begun.items()
            if operation in waiting and abs(at - began - timedelta(seconds=begun_s)) > APART
        )
        if not operations:
            return ()
        return (journal.Redated(now, operations, float(round(ahead.total_seconds()))),)
