"""What a plan costs against the request budget, played through before it is made."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from heapq import heappop, heappush
from types import MappingProxyType

from reconcile.model.address import Address
from reconcile.model.noun import noun
from reconcile.model.plan import Await, Load, Refresh, ResetCache, ScheduleWrite, asks_first
from reconcile.planning.budget.order import Called
from reconcile.planning.budget.pacing import WINDOW_S, Pacer, Turn
from reconcile.planning.budget.polling import SHORTEST_S, UNKNOWN_DURATION_S, next_poll_s

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


@noun(frozen=True, slots=True)
class _Lookup:
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
            self._take(turn)

    def _make_calls(self) -> bool:
        """Make the calls that go before anybody can want a poll; tell whether any did."""
        until_s = self.now_s + SHORTEST_S
        if self._later:
            until_s = min(until_s, self._later[0].wanted_s)
        turns_s = self._pacer.take_calls(self.now_s, until_s, len(self._calls))
        for at_s in turns_s:
            self._call(at_s)
        return bool(turns_s)

    def _take(self, turn: Turn) -> None:
        self._pacer.take(turn, self.now_s, call_waits=bool(self._calls))
        if turn is Turn.CALL:
            self._call(self.now_s)
        else:
            self._poll()

    def _call(self, at_s: float) -> None:
        self.now_s = at_s
        self.turns_s.append(at_s)
        match action := self._calls.popleft():
            case ResetCache():
                self.sent.append((action, at_s))
            case Refresh():
                self.sent.append((action, at_s))
                first_s = next_poll_s(0.0, action.expected_s)
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
            again_s = self.now_s + next_poll_s(age_s, poll.action.expected_s)
            heappush(self._later, replace(poll, wanted_s=again_s))

    def _want_poll(self, action: Refresh | Await, at_s: float, *, sent_s: float) -> None:
        self._jobs += 1
        lasts_s = action.expected_s or UNKNOWN_DURATION_S
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
