"""An asyncio loop whose clock jumps to the next timer instead of waiting for it."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")

_LONGEST_REAL_WAIT_S = 5.0


class _JumpingSelector(selectors.DefaultSelector):
    """Polls real files without blocking; where the loop would block, advances its clock."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:  # no timer: only a thread or a socket can wake the loop
            ready = super().select(_LONGEST_REAL_WAIT_S)
            if not ready:
                raise RuntimeError("every task waits for something that will never happen")
            return list(ready)
        ready = super().select(0)
        if not ready:
            self.now += max(0.0, timeout)
        return list(ready)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Runs hours of timers in milliseconds, in the order a real loop would. Starts at second 0."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the virtual seconds since the loop was made."""
        return self._jumping.now


def run_in_virtual_time(main: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end; sleeping costs nothing.

    Raises RuntimeError if it waits for something that no timer will bring about.
    """
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
