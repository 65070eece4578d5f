"""Processes that are there to be killed."""

import os
import select
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Child:
    """A forked process that says through a pipe what it has done."""

    pid: int
    pipe: int
    ended: bool = False

    def hears(self, timeout_s: float = 20) -> bytes:
        """Wait for news from the child; empty once it is gone."""
        ready, _, _ = select.select([self.pipe], [], [], timeout_s)
        return os.read(self.pipe, 1 << 16) if ready else b""

    def kill(self) -> bytes:
        """End the child this instant, and return what it had still said."""
        if not self.ended:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.ended = True
        said = b""
        while piece := os.read(self.pipe, 1 << 16):
            said += piece
        return said


@contextmanager
def child(live: Callable[[Callable[[bytes], object]], object]) -> Iterator[Child]:
    """Fork a process that runs `live(say)`, and make sure of its end."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        status = 1
        try:
            os.close(reading)
            live(lambda words: os.write(writing, words))
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    forked = Child(pid, reading)
    try:
        yield forked
    finally:
        forked.kill()
        os.close(reading)
