"""What a plan costs against the request budget, played through before it is made."""

from collections import deque
from collections.abc import Iterable, Sequence
from heapq import heappop, heappush

from reconcile.model.plan import Await, Load, Refresh, ResetCache
from reconcile.planning.polling import UNKNOWN_DURATION_S, next_poll_s

WINDOW_S = 60.0
"""Omni counts requests per minute (omni-api.md 1.5)."""

BURST_SHARE = 6
LARGEST_BURST = 10
_CALL, _POLL = 0, 1


def initial_burst(requests_per_minute: int) -> int:
    """How many requests may go out at once before they are paced."""
    return max(1, min(LARGEST_BURST, requests_per_minute // BURST_SHARE))


def load(calls: Sequence[Refresh | ResetCache | Await], requests_per_minute: int) -> Load:
    """Play the calls and their polls through the budget, in the order given, from second 0."""
    play = _Play(requests_per_minute)
    for action in calls:
        if isinstance(action, ResetCache) and action.waits_for is not None:
            continue
        play.want(0.0, _CALL if not isinstance(action, Await) else _POLL, action)
    waiting = [a for a in calls if isinstance(a, ResetCache) and a.waits_for is not None]
    play.run(waiting)
    return Load(
        calls=sum(not isinstance(action, Await) for action in calls),
        polls=play.polls,
        duration_s=play.end_s,
        peak_per_minute=_peak(play.sent_s),
        requests_per_minute=requests_per_minute,
    )


class _Play:
    """One play-through: requests wanted at an instant, sent when the pace allows."""

    def __init__(self, requests_per_minute: int) -> None:
        self.pace_s = WINDOW_S / requests_per_minute
        self.burst = initial_burst(requests_per_minute)
        self.sent_s: list[float] = []
        self.polls = 0
        self.end_s = 0.0
        self._allowed_s = 0.0
        self._wanted: list[tuple[float, int, int, Refresh | ResetCache | Await, float]] = []
        self._count = 0

    def want(
        self, at_s: float, kind: int, action: Refresh | ResetCache | Await, begun_s: float = -1.0
    ) -> None:
        self._count += 1
        heappush(self._wanted, (at_s, kind, self._count, action, begun_s))

    def run(self, waiting: Iterable[ResetCache]) -> None:
        waiters = list(waiting)
        while self._wanted:
            at_s, _, _, action, begun_s = heappop(self._wanted)
            sent_s = self._send(at_s)
            if isinstance(action, ResetCache):
                continue
            begun_s = sent_s if begun_s < 0 else begun_s
            polled = at_s > 0 or isinstance(action, Await)
            self.polls += polled
            duration_s = UNKNOWN_DURATION_S if action.expected_s is None else action.expected_s
            age_s = sent_s - begun_s
            if polled and (age_s >= duration_s or isinstance(action, Await)):
                addresses = {coverage.address for coverage in action.covers}
                for waiter in [w for w in waiters if w.waits_for in addresses]:
                    waiters.remove(waiter)
                    self.want(sent_s, _CALL, waiter)
            else:
                self.want(sent_s + next_poll_s(age_s, action.expected_s), _POLL, action, begun_s)

    def _send(self, at_s: float) -> float:
        """Take the next turn: a token bucket of the burst's size, refilled at the pace."""
        earliest_s = max(at_s, self._allowed_s - (self.burst - 1) * self.pace_s)
        self._allowed_s = max(self._allowed_s, earliest_s) + self.pace_s
        self.sent_s.append(earliest_s)
        self.end_s = max(self.end_s, earliest_s)
        return earliest_s


def _peak(sent_s: Iterable[float]) -> int:
    window: deque[float] = deque()
    peak = 0
    for instant_s in sorted(sent_s):
        window.append(instant_s)
        while window[0] <= instant_s - WINDOW_S:
            window.popleft()
        peak = max(peak, len(window))
    return peak
