"""The request budget: who goes first, when the next request may go, what a plan costs.

Time is an argument everywhere: no clock, no waiting, no I/O.
"""

from bisect import bisect_right, insort
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from heapq import heappop, heappush
from itertools import chain
from math import inf
from types import MappingProxyType

from msgspec import Struct

from reconcile.model.address import Address
from reconcile.model.plan import (
    Action,
    AdoptSchedule,
    Await,
    Forget,
    Load,
    Refresh,
    Rename,
    ResetCache,
    ScheduleWrite,
    Standing,
    addresses_of,
    asks_first,
)
from reconcile.model.reason import PulledForward, Status

# The order in which calls go out when the request budget cannot take them all at once.

_LAST = datetime.max.replace(tzinfo=UTC)
_DAY = timedelta(days=1)


Called = Refresh | ResetCache | Await | ScheduleWrite
"""The actions that cause requests."""


def order(
    actions: Iterable[Action], standings: Iterable[Standing], now: datetime
) -> tuple[Called, ...]:
    """Put the actions that cause requests in order: what is most late by its own cadence first.

    An hourly item an hour late goes before a daily one two hours late, and both before either that
    is due just now. Lateness grows with every slot missed, so nothing waits for ever however much
    else is due: a plain deadline would move on with each slot. Ties: the older slot, then the
    address. Writes to native schedules come last: nothing waits for them.
    """
    calls: list[Refresh | ResetCache | Await] = []
    writes: list[ScheduleWrite] = []
    for action in actions:
        match action:
            case ResetCache() | Refresh() | Await():
                calls.append(action)
            case Forget() | Rename() | AdoptSchedule():
                pass
            case _:
                writes.append(action)
    if calls:
        due = (standing for standing in standings if standing.status is Status.DUE)
        lateness = {standing.address: _lateness(standing, now) for standing in due}
        calls.sort(key=lambda action: _rank(action, lateness))
    return (*calls, *writes)


def _rank(
    action: Refresh | ResetCache | Await, lateness: Mapping[Address, float]
) -> tuple[float, datetime, str]:
    first, *others = action.covers
    latest, oldest = lateness.get(first.address, 0.0), first.slot or _LAST
    for coverage in others:
        latest = max(latest, lateness.get(coverage.address, 0.0))
        oldest = min(oldest, coverage.slot or _LAST)
    return -latest, oldest, first.address


def _lateness(standing: Standing, now: datetime) -> float:
    """Count the slots an item is behind, the present one in part; days where it has no next slot.

    What has no slot at all never ran: it is behind by more than can be counted.
    """
    if isinstance(standing.reason, PulledForward):
        return 0.0
    if standing.newest_slot is None:
        return inf
    behind, following = now - standing.newest_slot, standing.next_slot
    period = _DAY if following is None else following - standing.newest_slot
    return standing.missed + behind / period


def addresses(actions: Iterable[Action]) -> Iterable[Address]:
    """Every address the actions touch."""
    return chain.from_iterable(map(addresses_of, actions))


# When the next request may go, with time as an argument. No clock, no waiting, no I/O.
#
# The bound is a log of actual sends: the n-th send back must be older than the window. A bucket
# cannot give it: one of capacity c lets c + rate x window - 1 through.

WINDOW_S = 60.0
"""The window Omni counts requests in (omni-api.md 1.5: 60 requests per minute and key)."""

_SPAN_S = WINDOW_S + 0.5
_LARGEST_BURST = 10
_BURST_DIVISOR = 6
_RESERVE_DIVISOR = 4
_PATIENCE_S = 15.0
_CATCH_UP_S = 1.0
_LEAST_SHARE = 1 / 16
_RECOVERY_S = 600.0
_NEVER = float("-inf")


class Turn(StrEnum):
    """What a turn is for. Calls do the work; polls only ask how it goes."""

    CALL = "call"
    POLL = "poll"


class Closure(Struct, frozen=True):
    """What a 429 asked for: nothing until an instant, and that share of the limit from then on."""

    until_s: float
    share: float


class Pacer:
    """Says when a turn may be taken, and remembers those that were. Instants are seconds.

    - At most `limit` turns in any window, plus a guard: what leaves evenly may arrive bunched, so
      the log is kept a little longer than the window.
    - The first few turns of a window go at once, the others evenly apart: each is due an interval
      after the one before was due, so that what goes late makes none of those behind it late. Up to
      `_CATCH_UP_S` is made up for.
    - Polls are twice as far apart as calls, and leave a reserve, so that a call that comes due
      finds room. A poll that has waited `_PATIENCE_S` may use the reserve, in place of a call.
    """

    def __init__(self, limit: int, *, history: Iterable[float] = ()) -> None:
        if limit < 1:
            raise ValueError("a limit of less than one request")
        self._full_limit = limit
        self._burst = max(1, min(_LARGEST_BURST, limit // _BURST_DIVISOR))
        self._sent = deque(sorted(history))
        self._call_was_due = _NEVER
        self._poll_was_due = _NEVER
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
        return len(self._sent) - bisect_right(self._sent, now - WINDOW_S)

    def call_due(self, now: float) -> float:
        """Return the first instant at which a call may go; `now` or earlier means at once."""
        due = max(self._closed_until, self._room_at(self.limit(now)))
        if self._room_at(self._burst) <= now:
            return max(due, now)
        return max(due, self._call_was_due + self._interval_s(now))

    def poll_due(self, now: float, *, since: float, call_waits: bool) -> float:
        """Return the first instant at which a poll waiting `since` may go."""
        limit = self.limit(now)
        spaced = self._poll_spaced(now)
        impatient = max(spaced, since + _PATIENCE_S, self.call_due(now))
        if call_waits:
            return impatient
        spared = max(1, limit - max(1, limit // _RESERVE_DIVISOR))
        return min(impatient, max(spaced, self._room_at(spared)))

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

    def take(self, turn: Turn, now: float, *, call_waits: bool = False) -> float:
        """Count one turn, taken now; returns when it was due.

        `call_waits`: a poll took it in place of a waiting call.
        """
        call_was_due = _was_due(self.call_due(now), now)
        poll_was_due = _was_due(self._poll_spaced(now), now)
        self._sent.append(now)
        self._forget(now)
        self._polled_last = turn is Turn.POLL
        if self._polled_last:
            self._poll_was_due = poll_was_due
        if call_waits or not self._polled_last:
            self._call_was_due = call_was_due
        return poll_was_due if self._polled_last else call_was_due

    def take_calls(self, now: float, until: float, most: int) -> list[float]:
        """Take the turns of up to `most` calls, none of them after `until`; tell when they were.

        What `next_turn` and `take` come to while no poll waits, several times as fast: a forecast
        counts tens of thousands. After a 429 the limit changes with time, so it is one at a time.
        """
        limit, burst, sent = self.limit(now), self._burst, self._sent
        interval_s, was_due_s, taken = _SPAN_S / limit, self._call_was_due, list[float]()
        for _ in range(most if self._share == 1 else 1):
            due_s = self._closed_until
            if len(sent) >= limit:
                due_s = max(due_s, sent[-limit] + _SPAN_S)
            if len(sent) >= burst and sent[-burst] + _SPAN_S > now:
                due_s = max(due_s, was_due_s + interval_s)
            else:
                due_s = max(due_s, now)
            if due_s > until:
                break
            now, was_due_s = max(now, due_s), max(due_s, now - _CATCH_UP_S)
            sent.append(now)
            taken.append(now)
            if now >= until:
                break
        if taken:
            self._forget(now)
            self._call_was_due, self._polled_last = was_due_s, False
        return taken

    def learn(
        self, others: Iterable[tuple[Turn, float, float]], closure: Closure | None, now: float
    ) -> None:
        """Count what other processes sent, when it was due and when it went, as if sent here."""
        for turn, due, sent in others:
            insort(self._sent, sent)
            if turn is Turn.CALL:
                self._call_was_due = max(self._call_was_due, due)
            else:
                self._poll_was_due = max(self._poll_was_due, due)
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
        while self._sent and self._sent[0] <= now - _SPAN_S:
            self._sent.popleft()

    def _poll_spaced(self, now: float) -> float:
        return max(self._closed_until, self._poll_was_due + 2 * self._interval_s(now))

    def _interval_s(self, now: float) -> float:
        return _SPAN_S / self.limit(now)

    def _room_at(self, limit: int) -> float:
        """Return when fewer than `limit` turns are left in the log."""
        return _NEVER if len(self._sent) < limit else self._sent[-limit] + _SPAN_S


def _was_due(due: float, now: float) -> float:
    return min(now, max(due, now - _CATCH_UP_S))


# What a plan costs against the request budget, played through before it is made.

_SOME = 4
_LONGER = 1.1
_NOTHING: Mapping[Address, datetime] = MappingProxyType({})


@dataclass(order=True, slots=True)
class _Poll:
    """A status request that is wanted at an instant, for a job sent at `sent_s`."""

    wanted_s: float
    number: int
    action: Refresh | Await = field(compare=False)
    sent_s: float = field(compare=False)
    lasts_s: float = field(compare=False)


def load(
    calls: Sequence[Called],
    requests_per_minute: int,
    *,
    now: datetime,
    following: Mapping[Address, datetime] = _NOTHING,
) -> Load:
    """Play the calls and their polls through the real pacing, in the order given, from `now` on.

    `following`: the next slot of an address, after which its call comes too late to be one of its
    own.
    """
    play = _Play(calls, requests_per_minute, now)
    play.run()
    ends = now + timedelta(seconds=play.now_s)
    close = {address: slot for address, slot in following.items() if slot <= ends}
    return Load(
        calls=sum(not isinstance(action, Await) for action in calls),
        polls=play.polls,
        duration_s=round(play.now_s, 3),
        peak_per_minute=_peak(play.turns_s),
        requests_per_minute=requests_per_minute,
        overtaken=tuple(
            coverage.address
            for action, sent_s in play.sent
            for coverage in action.covers
            if (slot := close.get(coverage.address)) and slot <= now + timedelta(seconds=sent_s)
        ),
    )


class _Lookup(Struct, frozen=True):
    """The schedules of a connection are asked for, once, before the first that is to be made."""

    connection_id: str


class _Play:
    """One play-through. Replies take no time; jobs take what they are expected to.

    Every fourth takes a little longer, and another poll: three of four are over when expected.
    """

    def __init__(
        self, actions: Sequence[Called], requests_per_minute: int, began: datetime
    ) -> None:
        self.now_s = 0.0
        self.polls = 0
        self.turns_s: list[float] = []
        self.sent: list[tuple[Refresh | ResetCache, float]] = []
        self._jobs = 0
        self._pacer = Pacer(requests_per_minute)
        self._calls: deque[Refresh | ResetCache | ScheduleWrite | _Lookup] = deque()
        self._later: list[_Poll] = []
        self._waiting: deque[_Poll] = deque()
        self._followers: dict[Address, list[ResetCache]] = defaultdict(list)
        for action in actions:
            match action:
                case ResetCache(waits_for=str() as refresh):
                    self._followers[Address(refresh)].append(action)
                case Refresh() | ResetCache():
                    self._calls.append(action)
                case Await(since=since):
                    self._want_poll(action, 0.0, sent_s=min(0.0, (since - began).total_seconds()))
                case _:
                    self._calls.extend(self._writing(action))

    def _writing(self, action: ScheduleWrite) -> Iterable[ScheduleWrite | _Lookup]:
        lookup = _Lookup(action.connection_id)
        if asks_first(action) and lookup not in self._calls:
            yield lookup
        yield action

    def run(self) -> None:
        """Take turns until nothing is left to ask."""
        while self._calls or self._waiting or self._later:
            while self._later and self._later[0].wanted_s <= self.now_s:
                self._waiting.append(heappop(self._later))
            if self._calls and not self._waiting and self._make_calls():
                continue
            if not self._calls and not self._waiting:
                self.now_s = self._later[0].wanted_s
                continue
            turn, at_s = self._pacer.next_turn(
                self.now_s,
                call_waits=bool(self._calls),
                poll_since=self._waiting[0].wanted_s if self._waiting else None,
            )
            if self._later and self._later[0].wanted_s < at_s:
                self.now_s = self._later[0].wanted_s
                continue
            self.now_s = max(self.now_s, at_s)
            self._pacer.take(turn, self.now_s, call_waits=bool(self._calls))
            if turn is Turn.CALL:
                self._call(self.now_s)
            else:
                self._poll()

    def _make_calls(self) -> bool:
        """Make the calls that go before anybody can want a poll; tell whether any did."""
        until_s = self.now_s + SHORTEST_S
        if self._later:
            until_s = min(until_s, self._later[0].wanted_s)
        turns_s = self._pacer.take_calls(self.now_s, until_s, len(self._calls))
        for at_s in turns_s:
            self._call(at_s)
        return bool(turns_s)

    def _call(self, at_s: float) -> None:
        self.now_s = at_s
        self.turns_s.append(at_s)
        match action := self._calls.popleft():
            case ResetCache():
                self.sent.append((action, at_s))
            case Refresh():
                self.sent.append((action, at_s))
                first_s = next_poll_s(0.0, action.expected_s, action.guess_s)
                self._want_poll(action, at_s + first_s, sent_s=at_s)
            case _Lookup():
                self.polls += 1
            case _:
                pass  # Writes to native schedules: no slot is waiting for them, and no job begins.

    def _poll(self) -> None:
        self.turns_s.append(self.now_s)
        poll = self._waiting.popleft()
        self.polls += 1
        age_s = self.now_s - poll.sent_s
        if age_s >= poll.lasts_s:
            for coverage in poll.action.covers:
                self._calls.extend(self._followers.pop(coverage.address, ()))
        else:
            action = poll.action
            poll.wanted_s = self.now_s + next_poll_s(age_s, action.expected_s, action.guess_s)
            heappush(self._later, poll)

    def _want_poll(self, action: Refresh | Await, at_s: float, *, sent_s: float) -> None:
        self._jobs += 1
        lasts_s = action.expected_s or action.guess_s or UNKNOWN_DURATION_S
        if self._jobs % _SOME == 0:
            lasts_s *= _LONGER
        heappush(self._later, _Poll(at_s, self._jobs, action, sent_s, lasts_s))


def _peak(turns_s: Sequence[float]) -> int:
    """Return the most turns in any window. They are in the order in which they were taken."""
    first = peak = 0
    for number, turn_s in enumerate(turns_s, 1):
        while turns_s[first] <= turn_s - WINDOW_S:
            first += 1
        peak = max(peak, number - first)
    return peak


# When to ask for a job's status, and what an answer tells of how long the job ran.
#
# One rule, shared by the load forecast and the executor.

SHORTEST_S = 2.0
"""Omni's docs advise a poll every 2 to 5 s (omni-api.md 2.2)."""

FIRST_S = 4.0
"""The first poll of a job of which nothing is known, and nothing of its connection either."""

LONGEST_S = 30.0
"""Between two polls, except of jobs that have run for so long that a sixth of it is more."""

_GROWTH = 0.25
_LONG = 6

UNKNOWN_DURATION_S = 30.0
"""What the load forecast assumes of a job that was never measured."""

_LESS = 5
"""Which part of the wait for another poll a job that had ended at the first is taken to be shorter.

Found running, it is recorded as half of that wait longer. So whatever the wait, expectations of
durations that do not scatter far settle where about one job in four needs another poll.
"""

_ENOUGH = 6
"""Recorded durations of which it means something that they came in order."""


@lru_cache(maxsize=4096)  # Those who share their calls were measured together.
def expected_duration_s(durations_s: tuple[float, ...]) -> float | None:
    """Return by when three of four recorded jobs were over; None if there are none.

    Not their median: the first poll is placed there, and each that comes too early costs another.
    Where none was longer than the one before, the job had ended at each first look and has become
    quicker by nobody knows how much: then it is the newest, the shortest of them.
    """
    # `statistics` says it in a word, and its import takes as long as planning a thousand items.
    longest_first = sorted(durations_s, reverse=True)
    if len(durations_s) >= _ENOUGH and longest_first == list(durations_s):
        return durations_s[-1]
    return longest_first[len(durations_s) // 4] if durations_s else None


def next_poll_s(age_s: float, expected_s: float | None, guess_s: float | None = None) -> float:
    """Seconds to wait before the next poll of a job that has run for `age_s`.

    With known durations the first poll is placed where the job should have ended, since one before
    that is a request spent on an answer that is already known. Later ones are ever further apart.
    With none, `guess_s` says where the first is placed, and each that follows comes at twice the
    age of the one before.
    """
    if expected_s is None:
        first_s = guess_s or FIRST_S
        if age_s < first_s:
            return max(SHORTEST_S, first_s - age_s)
        return min(max(LONGEST_S, age_s / _LONG), age_s)
    if age_s < expected_s:
        return max(SHORTEST_S, expected_s - age_s)
    return _another_poll_s(age_s)


@lru_cache(maxsize=1024)
def poll_ages_s(lasts_s: float | None) -> tuple[float, ...]:
    """Ages of a job when it is asked after, the last time once it has ended."""
    duration_s = UNKNOWN_DURATION_S if lasts_s is None else lasts_s
    ages_s = [next_poll_s(0.0, lasts_s)]
    while ages_s[-1] < duration_s:
        ages_s.append(ages_s[-1] + next_poll_s(ages_s[-1], lasts_s))
    return tuple(ages_s)


def lasted_s(running_s: float | None, ended_s: float, expected_s: float | None) -> float:
    """Estimate how long a job ran that was found ended at `ended_s`, polled by the rule above.

    `running_s`: its age when it was last found running, None if it never was. Then all that is
    known is that it ran no longer than expected, however late the look was. Were the instant of
    that look recorded, each run would be expected to last as long as the one before was waited for.
    A little less is recorded instead, until a poll comes too early once: so the expectation settles
    where most jobs need one poll, and follows jobs that become quicker.
    """
    if running_s is not None:
        return (running_s + ended_s) / 2
    most_s = ended_s if expected_s is None else min(ended_s, expected_s)
    return max(most_s - _another_poll_s(most_s) / _LESS, min(ended_s, SHORTEST_S))


def _another_poll_s(age_s: float) -> float:
    return min(max(LONGEST_S, age_s / _LONG), max(SHORTEST_S, age_s * _GROWTH))
