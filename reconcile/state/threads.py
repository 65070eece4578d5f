"""Threads that are used again: to start one costs more than most of what is done in them."""

import os
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

_MOST_IDLE = 64


class _Hand:
    """A thread that does one thing after another.

    A daemon, unlike those of a pool: one that hangs holds up neither others nor the end.
    """

    def __init__(self) -> None:
        self._given: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._thread = Thread(target=self._work, name="reconcile-hand", daemon=True)
        self._thread.start()

    def give(self, work: Callable[[], None]) -> int:
        self._given.put(work)
        return self._thread.ident or 0

    def _work(self) -> None:
        while True:
            self._given.get()()
            if len(_idle) >= _MOST_IDLE:
                return
            _idle.append(self)


_idle: list[_Hand] = []
os.register_at_fork(after_in_child=_idle.clear)  # Threads stay behind.


def begin(work: Callable[[], None]) -> int:
    """Have something done in another thread, and return that thread's identity.

    `work` raises nothing, and tells by itself how it ended.
    """
    try:
        hand = _idle.pop()
    except IndexError:
        hand = _Hand()
    return hand.give(work)
