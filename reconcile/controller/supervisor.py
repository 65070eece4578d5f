"""What a supervisor is told: systemd's protocol, and only as long as there is progress."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress

_PINGS_A_TIMEOUT = 3


class Supervisor:
    """The systemd unit this process is the main process of; without one, nobody is told.

    `stalled` says why there is no progress: then the watchdog is not told of any.
    """

    def __init__(
        self, stalled: Callable[[], str | None], environment: Mapping[str, str] = os.environ
    ) -> None:
        self._stalled = stalled
        self._place = environment.get("NOTIFY_SOCKET", "")
        ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        timeout = environment.get("WATCHDOG_USEC", "") if ours else ""
        self._timeout_s = int(timeout) / 1_000_000 if timeout.isdecimal() else 0.0

    def tell(self, *words: str) -> None:
        """Send lines such as `READY=1`. That nobody hears them is no fault of ours."""
        if not self._place:
            return
        address = "\0" + self._place[1:] if self._place.startswith("@") else self._place
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.settimeout(0)
            line.sendto("\n".join(words).encode(), address)

    def reloading(self) -> None:
        """Say that the files are loaded again, and at once that they are."""
        self.tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1_000}")
        self.tell("READY=1")

    @asynccontextmanager
    async def told(self) -> AsyncIterator[None]:
        """Say that the service is up, and then that it gets on, while the block runs."""
        self.tell("READY=1")
        pinging = asyncio.create_task(self._ping())
        try:
            yield
        finally:
            pinging.cancel()
            self.tell("STOPPING=1")

    async def _ping(self) -> None:
        while self._timeout_s:
            if self._stalled() is None:
                self.tell("WATCHDOG=1")
            await asyncio.sleep(self._timeout_s / _PINGS_A_TIMEOUT)
