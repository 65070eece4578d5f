"""What Omni sees of a simulation, counted in bounded memory."""

from collections import deque
from datetime import datetime, timedelta
from http import HTTPStatus

from reconcile.model.simulation import RequestCounts

_MINUTE = timedelta(minutes=1)


class Meter:
    """Counts requests by kind, and the most that arrived in any 60 s."""

    def __init__(self) -> None:
        self.refreshes = 0
        self.resets = 0
        self.polls = 0
        self._throttled = 0
        self._peak = 0
        self._lately: deque[datetime] = deque()

    def arrived(self, at: datetime, status: int) -> None:
        """Count a request that reached Omni; instants never run backwards."""
        self._throttled += status == HTTPStatus.TOO_MANY_REQUESTS
        self._lately.append(at)
        while self._lately[0] <= at - _MINUTE:
            self._lately.popleft()
        self._peak = max(self._peak, len(self._lately))

    def counts(self, requests_per_minute: int) -> RequestCounts:
        """Return the figures so far."""
        return RequestCounts(
            refreshes=self.refreshes,
            resets=self.resets,
            polls=self.polls,
            throttled=self._throttled,
            peak_per_minute=self._peak,
            requests_per_minute=requests_per_minute,
        )
