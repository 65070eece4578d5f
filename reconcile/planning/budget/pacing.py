"""When the next request may go, with time as an argument. No clock, no waiting, no I/O.

The bound is a log of actual sends: the n-th send back must be older than the window. A bucket
cannot give it: one of capacity c lets c + rate x window - 1 through.
"""

from collections import deque
from collections.abc import Iterable
from enum import StrEnum

from reconcile.model.noun import noun

WINDOW_S = 60.0
"""The window Omni counts requests in (omni-api.md 1.5: 60 requests per minute and key)."""

_GUARD_S = 0.5
_LARGEST_BURST = 10
_BURST_DIVISOR = 6
_RESERVE_DIVISOR = 4
_PATIENCE_S = 15.0
_LEAST_SHARE = 1 / 16
_RECOVERY_S = 600.0
_NEVER = float("-inf")


class Turn(StrEnum):
    """What a turn is for. Calls do the work; polls only ask how it goes."""

    CALL = "call"
    POLL = "poll"


@noun(frozen=True, slots=True)
class Closure:
    """What a 429 asked for: nothing until an instant, and that share of the limit from then on."""

    until_s: float
    share: float


class Pacer:
    """Says when a turn may be taken, and remembers those that were. Instants are seconds.

    - At most `limit` turns in any window, plus a guard: what leaves evenly may arrive bunched, so
      the log is kept a little longer than the window.
    - The first few turns of a window go at once, the others evenly apart.
    - Polls are twice as far apart as calls, and leave a reserve, so that a call that comes due
      finds room. A poll that has waited `_PATIENCE_S` may use the reserve, in place of a call.
    """

    def __init__(
        self,
        limit: int,
        *,
        window_s: float = WINDOW_S,
        guard_s: float = _GUARD_S,
        history: Iterable[float] = (),
    ) -> None:
        if limit < 1:
            raise ValueError("a limit of less than one request")
        self._full_limit = limit
        self._window_s = window_s
        self._span_s = window_s + guard_s
        self._burst = max(1, min(_LARGEST_BURST, limit // _BURST_DIVISOR))
        self._own = deque(sorted(history))
        self._sent = self._own.copy()
        self._last_call = _NEVER
        self._last_poll = _NEVER
        self._polled_last = False
        self._closed_until = _NEVER
        self._share = 1.0

    def limit(self, now: float) -> int:
        """Return the present limit: the full one, or less for a while after a 429."""
        if self._share == 1:
            return self._full_limit
        return max(1, int(self._full_limit * self.share(now)))

    def share(self, now: float) -> float:
        """Return the share of the limit in use: it grows back evenly once a wait is over."""
        if now <= self._closed_until:
            return self._share
        return min(1.0, self._share + (now - self._closed_until) / _RECOVERY_S)

    def used(self, now: float) -> int:
        """Return how many turns were taken in the window that ends now."""
        return sum(1 for sent in self._sent if sent > now - self._window_s)

    def call_due(self, now: float) -> float:
        """Return the first instant at which a call may go; `now` or earlier means at once."""
        due = max(self._closed_until, self._room_at(now, self.limit(now)))
        if self._room_at(now, self._burst) <= now:
            return due
        return max(due, self._last_call + self._interval_s(now))

    def poll_due(self, now: float, *, since: float, call_waits: bool) -> float:
        """Return the first instant at which a poll waiting `since` may go."""
        limit = self.limit(now)
        spaced = max(self._closed_until, self._last_poll + 2 * self._interval_s(now))
        impatient = max(spaced, since + _PATIENCE_S, self.call_due(now))
        if call_waits:
            return impatient
        spared = max(1, limit - max(1, limit // _RESERVE_DIVISOR))
        return min(impatient, max(spaced, self._room_at(now, spared)))

    def next_turn(
        self, now: float, *, call_waits: bool, poll_since: float | None
    ) -> tuple[Turn, float]:
        """Choose whose turn is next and when, of those that wait (at least one of them must)."""
        call_at = self.call_due(now)
        if poll_since is None:
            return Turn.CALL, call_at
        poll_at = self.poll_due(now, since=poll_since, call_waits=call_waits)
        if not call_waits:
            return Turn.POLL, poll_at
        # While calls wait, no two polls in a row: polls never take more than half.
        if self._polled_last or max(poll_at, now) > max(call_at, now):
            return Turn.CALL, call_at
        return Turn.POLL, poll_at

    def take(self, turn: Turn, now: float, *, call_waits: bool = False) -> None:
        """Count one turn, taken now. `call_waits`: a poll took it in place of a waiting call."""
        self._forget(now)
        self._own.append(now)
        self._sent.append(now)
        if turn is Turn.POLL:
            self._last_poll = now
        if turn is Turn.CALL or call_waits:
            self._last_call = now
        self._polled_last = turn is Turn.POLL

    def take_calls(self, now: float, until: float, most: int) -> list[float]:
        """Take the turns of up to `most` calls, none of them after `until`; tell when they were.

        What `next_turn` and `take` come to while no poll waits, several times as fast: a forecast
        counts tens of thousands. After a 429 the limit changes with time, so it is one at a time.
        """
        limit, burst, span_s, sent = self.limit(now), self._burst, self._span_s, self._sent
        interval_s, last_s, taken = span_s / limit, self._last_call, list[float]()
        for _ in range(most if self._share == 1 else 1):
            due_s = self._closed_until
            if len(sent) >= limit:
                due_s = max(due_s, sent[-limit] + span_s)
            if len(sent) >= burst and sent[-burst] + span_s > now:
                due_s = max(due_s, last_s + interval_s)
            if due_s > until:
                break
            now = last_s = max(now, due_s)
            sent.append(now)
            taken.append(now)
            if now >= until:
                break
        if taken:
            self._own.extend(taken)
            self._forget(now)
            self._last_call, self._polled_last = now, False
        return taken

    def learn(
        self, others: Iterable[tuple[Turn, float]], closure: Closure | None, now: float
    ) -> None:
        """Count what other processes sent, in place of what was known of them, as if sent here."""
        taken = list(others)
        self._sent = deque(sorted((*self._own, *(sent for _, sent in taken))))
        calls = (sent for turn, sent in taken if turn is Turn.CALL)
        self._last_call = max(self._last_call, *calls, _NEVER)
        polls = (sent for turn, sent in taken if turn is Turn.POLL)
        self._last_poll = max(self._last_poll, *polls, _NEVER)
        if closure is not None and closure.until_s > self._closed_until:
            self._share = min(self.share(now), closure.share)
            self._closed_until = closure.until_s

    def closure(self) -> Closure | None:
        """Return what the latest 429 asked for; None if there was none."""
        return None if self._closed_until == _NEVER else Closure(self._closed_until, self._share)

    def close(self, now: float, wait_s: float) -> None:
        """Let nothing go for a while after a 429, and halve the rate that follows.

        Requests already under way when the first 429 came bring more of them; those only lengthen
        the wait, they do not halve again.
        """
        if now >= self._closed_until:
            self._share = max(_LEAST_SHARE, self.share(now) / 2)
        self._closed_until = max(self._closed_until, now + wait_s)

    def _forget(self, now: float) -> None:
        for log in (self._own, self._sent):
            while log and log[0] <= now - self._span_s:
                log.popleft()

    def _interval_s(self, now: float) -> float:
        return self._span_s / self.limit(now)

    def _room_at(self, now: float, limit: int) -> float:
        """Return when fewer than `limit` turns are left in the log."""
        if len(self._sent) < limit:
            return now
        return self._sent[-limit] + self._span_s
