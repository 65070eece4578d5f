"""Waits for turns on asyncio: the pacer says when, this room keeps the queues."""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from reconcile.omni.shared_log import SharedLog
from reconcile.omni.sharing import Sharing
from reconcile.planning.budget import WINDOW_S, Pacer, Turn

_SHORTEST_PENALTY_S = 5.0
_JITTER_S = 1.0

# A timer may fire a rounding error early; the pacer's guard is half a million times as long.
_EARLY_S = 1e-6


@dataclass(frozen=True, slots=True)
class Budget:
    """The request budget as it stands: requests in the last 60 s, the present limit, the queue."""

    used: int
    limit: int
    waiting: int


@dataclass(slots=True, eq=False)
class _Waiter:
    turn: Turn
    since: float
    signal: asyncio.Future[None]


class PacedLimiter:
    """At most `requests_per_minute` turns in any 60 s, calls before polls. Make it inside a loop.

    `history`: how many seconds ago earlier processes made the calls of the last minute. `shared`:
    where processes that use the same key tell each other. `random` spreads the waits after a 429.
    Time is the loop's own monotonic clock.
    """

    def __init__(
        self,
        requests_per_minute: int,
        *,
        random: Random,
        history: Iterable[float] = (),
        shared: SharedLog | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        now = self._loop.time()
        history = [now - max(0.0, age) for age in history]
        self._pacer = Pacer(requests_per_minute, history=history)
        self._sharing = None if shared is None else Sharing(shared, self._pacer, history)
        self._random = random
        self._queues: dict[Turn, deque[_Waiter]] = {turn: deque() for turn in Turn}
        self._woken: _Waiter | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def turn(self, kind: Turn) -> None:
        """Return when a request of this kind may be sent right now; counts it at that moment.

        A caller that is cancelled while it waits leaves nothing behind.
        """
        waiter = _Waiter(kind, self._loop.time(), self._loop.create_future())
        self._queues[kind].append(waiter)
        self._wake_next()
        while True:
            try:
                await waiter.signal
                taken = await self._taken(waiter)
            except asyncio.CancelledError:
                self._withdraw(waiter)
                raise
            if taken:
                break
            waiter.signal = self._loop.create_future()
            self._queues[kind].appendleft(waiter)
            self._woken = None
            self._wake_next()
        self._withdraw(waiter)

    def penalise(self, retry_after_s: float | None) -> float:
        """After a 429: send nothing for a while, then at half the rate, growing back slowly.

        Without a Retry-After the wait is drawn from a range that doubles with every halving
        (Omni names no figure: omni-api.md 1.5 [live]). Returns for how many seconds nothing goes.
        """
        now = self._loop.time()
        if retry_after_s is None:
            ceiling_s = min(WINDOW_S, _SHORTEST_PENALTY_S / self._pacer.share(now))
            wait_s = _SHORTEST_PENALTY_S + self._random.uniform(0, ceiling_s)
        else:
            wait_s = retry_after_s + self._random.uniform(0, _JITTER_S)
        self._pacer.close(now, wait_s)
        if self._sharing is not None:
            self._sharing.tell_closure()
        self._wake_next()
        return wait_s

    def snapshot(self) -> Budget:
        """Return the budget as it stands now."""
        now = self._loop.time()
        waiting = sum(len(queue) for queue in self._queues.values())
        return Budget(self._pacer.used(now), self._pacer.limit(now), waiting)

    def _wake_next(self) -> None:
        """Wake the waiter whose turn it is, or set the timer for when it will be.

        One at a time: the next is chosen once that one has taken its turn.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        calls, polls = self._queues[Turn.CALL], self._queues[Turn.POLL]
        if self._woken is not None or not (calls or polls):
            return
        now = self._loop.time()
        poll_since = polls[0].since if polls else None
        turn, at = self._pacer.next_turn(now, call_waits=bool(calls), poll_since=poll_since)
        if at > now + _EARLY_S:
            self._timer = self._loop.call_at(at, self._wake_next)
            return
        self._woken = self._queues[turn].popleft()
        if not self._woken.signal.done():  # done: cancelled, and about to withdraw by itself
            self._woken.signal.set_result(None)

    def _withdraw(self, waiter: _Waiter) -> None:
        """Take a waiter out, whether it was woken already or not, and go on with the others."""
        if self._woken is waiter:
            self._woken = None
        else:
            self._queues[waiter.turn].remove(waiter)
        self._wake_next()

    async def _taken(self, waiter: _Waiter) -> bool:
        """Count the turn, unless a penalty or another process came between the signal and now.

        Counted by the one who goes, not by the timer: a busy loop may resume it late.
        """

        def take() -> bool:
            if self._due(waiter) > self._loop.time() + _EARLY_S:
                return False
            calls_wait = bool(self._queues[Turn.CALL])
            self._pacer.take(waiter.turn, self._loop.time(), call_waits=calls_wait)
            return True

        return take() if self._sharing is None else await self._sharing.take(waiter.turn, take)

    def _due(self, waiter: _Waiter) -> float:
        now = self._loop.time()
        if waiter.turn is Turn.CALL:
            return self._pacer.call_due(now)
        calls_wait = bool(self._queues[Turn.CALL])
        return self._pacer.poll_due(now, since=waiter.since, call_waits=calls_wait)
