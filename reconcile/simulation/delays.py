"""Percentiles of any number of delays in bounded memory."""

from collections import Counter

from reconcile.model.simulation import Lateness

_DIGITS = 1000
"""Delays are told apart to three digits: 0 to 999 s exactly, then to 10 s, to 100 s and so on."""


class Delays:
    """A histogram of seconds with buckets that grow with the delay."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._longest_s = 0.0

    def add(self, seconds: float) -> None:
        """Count one delay; one that came early counts as none."""
        seconds = max(0.0, seconds)
        self._longest_s = max(self._longest_s, seconds)
        size = 1
        while seconds >= _DIGITS * size:
            size *= 10
        self._counts[int(seconds // size) * size] += 1

    def lateness(self) -> Lateness | None:
        """Return the figures, None if nothing was counted."""
        number = self._counts.total()
        if not number:
            return None
        return Lateness(
            slots=number,
            p50_s=self._percentile(number, 50),
            p95_s=self._percentile(number, 95),
            max_s=self._longest_s,
        )

    def _percentile(self, number: int, percent: int) -> float:
        rank = -(-number * percent // 100)
        for seconds in sorted(self._counts):
            rank -= self._counts[seconds]
            if rank <= 0:
                return float(seconds)
        return self._longest_s
