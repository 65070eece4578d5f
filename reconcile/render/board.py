"""What is known of an apply in progress: its events, folded into one value."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from reconcile.model.address import Address
from reconcile.model.plan import Action, AdoptSchedule, Forget, Rename, ResetCache
from reconcile.model.progress import (
    Budget,
    Event,
    FailedCall,
    Finished,
    JobAccepted,
    Left,
    Polled,
    Skipped,
    Started,
    Throttled,
    Waiting,
)

Addresses = tuple[Address, ...]
"""What a call is known by: an address is in one action at most."""


@dataclass(frozen=True, slots=True)
class Running:
    """A call that was sent and has not ended. `word`: Omni's last word on its job, or empty."""

    addresses: Addresses
    what: str
    since: datetime
    word: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """A call that cannot begin yet, and why."""

    addresses: Addresses
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """What runs, what waits and why, and what has ended. `total`: actions that cause requests.

    `left`: jobs that were left to later applies.
    """

    total: int
    running: tuple[Running, ...] = ()
    waiting: tuple[Held, ...] = ()
    done: int = 0
    failed: int = 0
    left: int = 0
    skipped: int = 0
    budget: Budget | None = None
    throttled_until: datetime | None = None

    @staticmethod
    def of(actions: Iterable[Action]) -> "Board":
        """Return the board of an apply that has not begun: resets already wait."""
        calling = [a for a in actions if not isinstance(a, Forget | Rename | AdoptSchedule)]
        waiting = tuple(
            Held((action.covers[0].address,), f"waits for {action.waits_for}")
            for action in calling
            if isinstance(action, ResetCache) and action.waits_for is not None
        )
        return Board(total=len(calling), waiting=waiting)

    def after(self, event: Event) -> "Board":
        """Return the board once that event is known."""
        match event:
            case Budget():
                return replace(self, budget=event)
            case Throttled(at=at, wait_s=wait_s):
                return replace(self, throttled_until=at + timedelta(seconds=wait_s))
            case Started() | Waiting() | JobAccepted() | Polled():
                return self._while_open(event)
            case _:
                return self._at_end(event)

    def _while_open(self, event: Started | Waiting | JobAccepted | Polled) -> "Board":
        addresses = event.addresses
        match event:
            case Started(at=at, what=what):
                return self._running(Running(addresses, what, at))
            case Waiting(why=why):
                rest = self._without(addresses)
                return replace(rest, waiting=(*rest.waiting, Held(addresses, why)))
            case JobAccepted(at=at):
                # A job of an earlier apply is awaited without having been started in this one.
                known = self._line(addresses) or Running(addresses, "await", at)
                return self._running(replace(known, word="accepted"))
            case Polled(at=at, word=word, age_s=age_s):
                since = at - timedelta(seconds=age_s)
                known = self._line(addresses) or Running(addresses, "await", since)
                return self._running(replace(known, since=since, word=word))
            case _:
                assert_never(event)

    def _at_end(self, event: Finished | FailedCall | Left | Skipped) -> "Board":
        rest = self._without(event.addresses)
        match event:
            case Finished():
                return replace(rest, done=self.done + 1)
            case FailedCall():
                return replace(rest, failed=self.failed + 1)
            case Left():
                return replace(rest, left=self.left + 1)
            case Skipped():
                return replace(rest, skipped=self.skipped + 1)
            case _:
                assert_never(event)

    def _line(self, addresses: Addresses) -> Running | None:
        return next((line for line in self.running if line.addresses == addresses), None)

    def _running(self, line: Running) -> "Board":
        if self._line(line.addresses) is None:
            rest = self._without(line.addresses)
            return replace(rest, running=(*rest.running, line))
        lines = (line if old.addresses == line.addresses else old for old in self.running)
        return replace(self, running=tuple(lines))

    def _without(self, addresses: Addresses) -> "Board":
        return replace(
            self,
            running=tuple(line for line in self.running if line.addresses != addresses),
            waiting=tuple(held for held in self.waiting if held.addresses != addresses),
        )
