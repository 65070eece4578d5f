"""Heartbeats for a dead man's switch: after every good cycle, and while nothing is due."""

import asyncio
from contextlib import suppress

from reconcile.controller.desk import Desk
from reconcile.controller.outcome import Outcome
from reconcile.controller.telling import Teller
from reconcile.omni.http import Heart

EVERY_S = 60.0
"""Shorter than any switch waits."""

SHORTEST_GAP_S = 5.0


class Pulse:
    """Sends heartbeats for as long as the last cycle went well. Failures are told, once in a row.

    An invalid new version of the files does not stop them: what was declared before goes on.
    """

    def __init__(self, heart: Heart, desk: Desk, tell: Teller) -> None:
        self._heart, self._desk, self._tell = heart, desk, tell
        self._wanted = asyncio.Event()
        self._failing = False

    def after(self, outcome: Outcome) -> None:
        """Send one soon if the cycle went well."""
        if outcome.well:
            self._wanted.set()

    async def beat_on(self) -> None:
        """Send for ever."""
        while True:
            # Not wait_for: before Python 3.12 it can swallow the cancellation that ends this task.
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S):
                    await self._wanted.wait()
            self._wanted.clear()
            cycle = self._desk.situation.cycle
            if cycle is not None and cycle.well:
                await self.beat()
                await asyncio.sleep(SHORTEST_GAP_S)

    async def beat(self) -> None:
        """Send one."""
        why = await self._heart.beat()
        if why is not None and not self._failing:
            self._tell.say("heartbeat-failed", "warning", why=why)
        elif why is None and self._failing:
            self._tell.say("heartbeat-resumed")
        self._failing = why is not None
