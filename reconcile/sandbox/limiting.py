"""The rate limit: a sliding log per token. Refused requests count too [DOC: per key, 60/min]."""

from collections import deque
from datetime import datetime, timedelta

from reconcile.sandbox.exchange import Refusal

WINDOW = timedelta(seconds=60)


class SlidingLog:
    """Remembers as many requests of each token as are needed to judge the next one."""

    def __init__(self, requests_per_minute: int | None) -> None:
        self._limit = requests_per_minute
        self._seen: dict[str, deque[datetime]] = {}

    def admit(self, token_name: str, now: datetime) -> None:
        """Count a request; `Refusal` 429, without any Retry-After [live], if it is one too many."""
        if self._limit is None:
            return
        seen = self._seen.setdefault(token_name, deque(maxlen=self._limit))
        full = len(seen) == self._limit and now - seen[0] < WINDOW
        seen.append(now)
        if full:
            raise Refusal(429, "Too Many Requests: rate limit exceeded")
