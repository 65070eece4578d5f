"""How an apply is asked to stop, and by whom."""

import asyncio
from enum import Enum


class StopCause(Enum):
    """Why no further call may be sent."""

    INTERRUPTED = "interrupted"
    CREDENTIAL_REFUSED = "credential refused"
    CLOCK_WRONG = "clock wrong"
    JOURNAL_FAILED = "journal failed"
    SOMETHING_DUE = "something else is due"


class Stop:
    """Set by a signal, a refused token, a wrong clock, a journal that fails, or to plan anew.

    All but the last are in a hurry. Make it anywhere; call it from the loop that waits for it.
    """

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self._hurried = asyncio.Event()
        self.cause: StopCause | None = None

    def request(self, cause: StopCause) -> None:
        """Ask for the stop; the first cause stands, unless it had time and the next has not."""
        if self.cause in {None, StopCause.SOMETHING_DUE}:
            self.cause = cause
        if self.cause is not StopCause.SOMETHING_DUE:
            self._hurried.set()
        self._asked.set()

    def requested(self) -> bool:
        """Tell whether a stop was asked for."""
        return self._asked.is_set()

    async def wait(self) -> None:
        """Return once a stop is asked for."""
        await self._asked.wait()

    async def wait_for_hurry(self) -> None:
        """Return once a stop is asked for that does not wait for calls in flight."""
        await self._hurried.wait()
