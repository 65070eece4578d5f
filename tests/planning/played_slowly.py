"""The load forecast, one request after another: what the quick one has to come to."""

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from heapq import heappop, heappush

from reconcile.model.address import Address
from reconcile.model.plan import Await, Load, Refresh, ResetCache
from reconcile.planning.budget import UNKNOWN_DURATION_S, WINDOW_S, Called, Pacer, Turn, next_poll_s

Poll = tuple[float, int, Refresh | Await, float, float]
"""When it is wanted; the number of the job, what it is, when it was sent, how long it lasts."""


def load_slowly(
    calls: Sequence[Called], limit: int, now: datetime, following: Mapping[Address, datetime]
) -> Load:
    """Play refreshes, resets and awaited jobs turn by turn."""
    play = _Play(calls, limit, now)
    while play.ready or play.waiting or play.later:
        play.step()
    return Load(
        calls=sum(not isinstance(call, Await) for call in calls),
        polls=play.polls,
        duration_s=round(play.now_s, 3),
        peak_per_minute=_peak(play.turns_s),
        requests_per_minute=limit,
        overtaken=tuple(
            address
            for address, at_s in play.sent_s.items()
            if address in following and following[address] <= now + timedelta(seconds=at_s)
        ),
    )


class _Play:
    def __init__(self, calls: Sequence[Called], limit: int, now: datetime) -> None:
        self.now_s, self.polls, self._jobs = 0.0, 0, 0
        self.turns_s: list[float] = []
        self.sent_s: dict[Address, float] = {}
        self.waiting: deque[Poll] = deque()
        self.later: list[Poll] = []
        self._pacer = Pacer(limit)
        self._resets = [call for call in calls if isinstance(call, ResetCache)]
        ready = (call for call in calls if isinstance(call, Refresh | ResetCache))
        self.ready = deque(call for call in ready if not getattr(call, "waits_for", None))
        for call in calls:
            if isinstance(call, Await):
                self._follow(call, 0.0, min(0.0, (call.since - now).total_seconds()))

    def step(self) -> None:
        """Take one turn, or let time pass until somebody wants one."""
        while self.later and self.later[0][0] <= self.now_s:
            self.waiting.append(heappop(self.later))
        if not self.ready and not self.waiting:
            self.now_s = self.later[0][0]
            return
        since = self.waiting[0][0] if self.waiting else None
        calls = bool(self.ready)
        turn, at_s = self._pacer.next_turn(self.now_s, call_waits=calls, poll_since=since)
        if self.later and self.later[0][0] < at_s:
            self.now_s = self.later[0][0]
            return
        self.now_s = max(self.now_s, at_s)
        self.turns_s.append(self.now_s)
        self._pacer.take(turn, self.now_s, call_waits=calls)
        if turn is Turn.CALL:
            self._call()
        else:
            self._poll()

    def _call(self) -> None:
        call = self.ready.popleft()
        self.sent_s.update((coverage.address, self.now_s) for coverage in call.covers)
        if isinstance(call, Refresh):
            first_s = next_poll_s(0.0, call.expected_s, call.guess_s)
            self._follow(call, self.now_s + first_s, self.now_s)

    def _poll(self) -> None:
        self.polls += 1
        _, number, job, sent_s, lasts_s = self.waiting.popleft()
        age_s = self.now_s - sent_s
        if age_s >= lasts_s:
            over = {coverage.address for coverage in job.covers}
            self.ready.extend(reset for reset in self._resets if reset.waits_for in over)
        else:
            again_s = self.now_s + next_poll_s(age_s, job.expected_s, job.guess_s)
            heappush(self.later, (again_s, number, job, sent_s, lasts_s))

    def _follow(self, job: Refresh | Await, at_s: float, sent_s: float) -> None:
        self._jobs += 1
        lasts_s = (job.expected_s or job.guess_s or UNKNOWN_DURATION_S) * (
            1 if self._jobs % 4 else 1.1
        )
        heappush(self.later, (at_s, self._jobs, job, sent_s, lasts_s))


def _peak(turns_s: Sequence[float]) -> int:
    windows = (sum(end - WINDOW_S < turn <= end for turn in turns_s) for end in turns_s)
    return max(windows, default=0)
