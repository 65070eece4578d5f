"""Taking turns with other processes: what they sent is learned and a turn noted in one lock."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress

from reconcile.omni.sends import Send, Sends
from reconcile.omni.shared_log import SharedLog
from reconcile.planning.budget import Pacer, Turn

_PAUSES_S = (0.001, 0.002, 0.005, 0.01, 0.02, *[0.05] * 40)
"""Two seconds: a lock held for longer belongs to a process that was stopped in its very moment."""

_SAME_S = 0.1
"""A call is journalled at once when its turn is taken; within this, both speak of one request."""


class Sharing:
    """Keeps a pacer and a shared log in step.

    `history`: instants of the loop's clock at which earlier processes made calls, by the journal.
    The pacer counts them already, and the log may hold them as well.
    """

    def __init__(self, log: SharedLog, pacer: Pacer, history: Iterable[float]) -> None:
        self._log = log
        self._pacer = pacer
        self._history = sorted(history)

    async def take(self, turn: Turn, take: Callable[[], bool]) -> bool:
        """Take a turn if `take` still finds it due once the others' requests are known.

        Where the file fails, or its lock stays taken, the pacer's own knowledge has to do.
        """
        with suppress(OSError):
            for pause_s in _PAUSES_S:
                now = asyncio.get_running_loop().time()
                with self._log.held(now) as sends:
                    if sends is not None:
                        self._learn(sends, now)
                        return self._noted(turn, take, now)
                await asyncio.sleep(pause_s)
        return self._noted(turn, take, asyncio.get_running_loop().time())

    def tell_closure(self) -> None:
        """Let the others know of a 429, unless the log is busy: then the next turn tells."""
        now = asyncio.get_running_loop().time()
        with suppress(OSError), self._log.held(now) as sends:
            if sends is not None:
                self._learn(sends, now)

    def _noted(self, turn: Turn, take: Callable[[], bool], now: float) -> bool:
        taken = take()
        if taken:
            self._log.note(turn, now)
        return taken

    def _learn(self, sends: Sends, now: float) -> None:
        others = [(send.turn, send.at_s) for send in self._unknown(sends.sends)]
        self._pacer.learn(others, sends.closure, now)
        self._log.closure = self._pacer.closure()

    def _unknown(self, sends: Iterable[Send]) -> Iterable[Send]:
        """Leave out what the journal told of already."""
        told = self._history.copy()
        for send in sends:
            same = next((at for at in told if abs(at - send.at_s) <= _SAME_S), None)
            if same is None:
                yield send
            else:
                told.remove(same)
