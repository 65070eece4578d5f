"""How an apply is asked to stop, and by whom."""

import asyncio
from enum import Enum


class StopCause(Enum):
    """Why no further call may be sent."""

    INTERRUPTED = "interrupted"
    CREDENTIAL_REFUSED = "credential refused"
    JOURNAL_FAILED = "journal failed"


class Stop:
    """Set once, by a signal, by a refused credential, or by a journal that cannot be written."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.cause: StopCause | None = None

    def request(self, cause: StopCause) -> None:
        """Ask for the stop; the first cause stands."""
        if self.cause is None:
            self.cause = cause
        self._event.set()

    def requested(self) -> bool:
        """Tell whether a stop was asked for."""
        return self._event.is_set()

    async def wait(self) -> None:
        """Return once a stop is asked for."""
        await self._event.wait()
