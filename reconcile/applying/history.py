"""What has been spent of the request budget already, by earlier applies."""

import asyncio
from collections import deque
from collections.abc import Iterable
from datetime import datetime

from reconcile.applying.ports import Limiter
from reconcile.model.recorded import Recorded
from reconcile.omni.limiter import Budget
from reconcile.planning.budget import Turn

WINDOW_S = 60.0


def sent_lately_s(recorded: Recorded, now: datetime) -> Iterable[float]:
    """Ages in seconds of calls that an earlier run made in the last minute, as far as recorded.

    Omni counts them still, whatever process made them.
    """
    sent: set[tuple[datetime | None, str]] = set()
    for address, record in recorded.items.items():
        # A merged refresh leaves the same instant in several records, and is one request.
        what = "refresh" if address.endswith(".refresh") else address
        begun = None if record.pending is None else record.pending.since
        sent |= {(record.last_success, what), (begun, what)}
    for instant, _ in sent:
        if instant is not None and 0 <= (now - instant).total_seconds() < WINDOW_S:
            yield (now - instant).total_seconds()


class Spent:
    """The requests of this process in the last minute, for applies that follow each other closely.

    The state remembers calls, but no polls. Instants are of the loop's clock, which all loops of a
    process share. `calls_waiting`: how many wait for a turn right now.
    """

    def __init__(self) -> None:
        self._at: deque[float] = deque()
        self.calls_waiting = 0

    def add(self) -> None:
        """Count a request that is sent now."""
        self._at.append(asyncio.get_running_loop().time())

    def ages_s(self) -> list[float]:
        """Return how long ago each was sent, forgetting what no longer counts."""
        now = asyncio.get_running_loop().time()
        while self._at and now - self._at[0] >= WINDOW_S:
            self._at.popleft()
        return [now - at for at in self._at]


class CountingLimiter:
    """A limiter that notes every turn it gives."""

    def __init__(self, limiter: Limiter, spent: Spent) -> None:
        self._limiter, self._spent = limiter, spent

    async def turn(self, kind: Turn) -> None:
        """Wait until one request may be sent right now, and count it."""
        waits = kind is Turn.CALL
        self._spent.calls_waiting += waits
        try:
            await self._limiter.turn(kind)
        finally:
            self._spent.calls_waiting -= waits
        self._spent.add()

    def penalise(self, retry_after_s: float | None) -> float:
        """Slow down after a 429; returns for how many seconds nothing is sent."""
        return self._limiter.penalise(retry_after_s)

    def snapshot(self) -> Budget:
        """Return the budget as it stands now."""
        return self._limiter.snapshot()
