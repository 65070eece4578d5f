"""The controller: a cycle whenever something falls due or changes, and sleep in between."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

from msgspec import Struct

from reconcile.applying.ports import StopCause
from reconcile.clock import wall_clock
from reconcile.controller.cycle import (
    SHORTEST,
    Cycles,
    Observer,
    Outcome,
    Unobserved,
    Verdict,
    failed_cycle,
)
from reconcile.controller.report import Desk, Relay, Teller
from reconcile.controller.watch import Keeper, absence, file_sight, state_sight
from reconcile.model.desired import Desired
from reconcile.model.plan import Await
from reconcile.model.recorded import Recorded, Signals
from reconcile.planning.plan import plan
from reconcile.state.backend import backend

LISTEN_EVERY_REMOTE_S = 10.0
"""How often the inbox in a store is asked for."""

LOOK_EVERY_REMOTE_S = 30.0
"""How often a state in a store is looked at, in which somebody else may have marked an item."""

LONGEST_STEP_S = 60.0
"""Every wait within a cycle ends before this, but for those its loop itself counts."""

_CLOCK_SET_S = 3.0
"""By so much the wall clock and the loop's come apart where the one is set, or the machine was
suspended. Whoever sleeps until an instant would sleep on."""


class Parts(Struct, frozen=True, kw_only=True):
    """What a controller is put together from.

    `cycles` makes them; `keeper` has the files; `desk` is told everything; `tell` logs. `observe`
    gives a further observer of each cycle. `look_every_s`: how often files are looked at, and
    `listen_every_s` the inbox beside a local state.
    """

    cycles: Cycles
    keeper: Keeper
    desk: Desk
    tell: Teller
    now: Callable[[], datetime] = wall_clock
    observe: Callable[[], Observer] = Unobserved
    after: Callable[[Outcome], None] = lambda _: None
    look_every_s: float = 2.0
    listen_every_s: float = 0.5


class Controller:
    """Reconciles one instance until it is told to stop. Make it inside a loop."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._rhythm = Rhythm()
        self._woken = asyncio.Event()
        self._stopping = self._acting = self._greeted = False
        self._state_seen = state_sight(parts.keeper.kept.desired.state_url)
        self._entry: tuple[str, int] | None = None
        self._heard: Signals = {}
        self._patience: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._turned_s = self._loop.time()

    async def run(self, *, once: bool = False) -> Outcome:
        """Make cycles until `stop`, or one; return what the last came to.

        Never ends because of a cycle that went wrong.
        """
        parts = self._parts
        parts.tell.warned(parts.keeper.kept.warnings)
        watching = [
            asyncio.create_task(watch) for watch in (self._watch(), self._listen(), self._look())
        ]
        try:
            while True:
                outcome = await self._cycle()
                if once:
                    return outcome
                await self._sleep(self._rhythm.wake_at(outcome))
                if self._stopping:
                    return outcome
        finally:
            for task in watching:
                task.cancel()
            await asyncio.wait(watching)
            parts.desk.sleeps(None)

    def stop(self) -> None:
        """End soon: no further call begins, and those in flight are given a few seconds."""
        self._stopping = True
        self._woken.set()
        self._parts.cycles.call_off(StopCause.INTERRUPTED)

    def stalled(self) -> str | None:
        """Say why there is no progress; None while there is, or nothing to be done."""
        long_ago_s = self._loop.time() - LONGEST_STEP_S
        if self._turned_s < long_ago_s:
            return "the loop stands still"
        hangs = self._acting and self._parts.cycles.stirred_s < long_ago_s
        return "the cycle under way stands still" if hangs else None

    def signalled(self) -> None:
        """Make a cycle now; the one that is being made is left alone for a while, and then ended.

        What a signal makes due must not wait for the jobs of an earlier apply.
        """
        self._woken.set()
        if self._acting and self._patience is None:
            self._patience = self._loop.call_later(SHORTEST.total_seconds(), self._hurry)

    def _hurry(self) -> None:
        self._patience = None
        if self._acting and self._woken.is_set():
            self._parts.cycles.call_off(StopCause.SOMETHING_DUE)

    def reload(self) -> None:
        """Load the files now, changed or not."""
        self._parts.keeper.reload()
        self._reloaded()

    def _greet(self, desired: Desired, recorded: Recorded) -> None:
        """Say what happened while nobody reconciled, once the first cycle has read the state."""
        if self._greeted:
            return
        self._greeted, now = True, self._parts.now()
        # What is wrong with them the cycle tells.
        with suppress(Exception):
            found = absence(desired, recorded, plan(desired, recorded, now))
            if found is not None:
                self._parts.tell.absent(found, now)

    async def _cycle(self) -> Outcome:
        parts = self._parts
        self._woken.clear()
        parts.desk.begins()
        observer = Relay(self._loop, parts.desk, parts.tell, self._greet, parts.observe())
        self._acting, began_at = True, parts.now()
        try:
            outcome = await parts.cycles.make(parts.keeper.kept.desired, observer)
        except Exception as error:  # noqa: BLE001 -- a machine that is short of threads or sockets
            outcome = failed_cycle(error, began_at, parts.now())
        self._acting = False
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        self._rhythm = self._rhythm.after(outcome)
        self._state_seen = state_sight(parts.keeper.kept.desired.state_url)
        self._entry = None if outcome.recorded is None else _entry_of(outcome.recorded)
        wake_at = self._rhythm.wake_at(outcome)
        parts.desk.ended(outcome, wake_at)
        parts.tell.ended(outcome, wake_at)
        parts.after(outcome)
        return outcome

    async def _sleep(self, wake_at: datetime | None) -> None:
        now = self._parts.now
        self._parts.desk.sleeps(wake_at)
        while not self._woken.is_set() and (wake_at is None or now() < wake_at):
            left_s = None if wake_at is None else (wake_at - now()).total_seconds()
            with suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._woken.wait()

    async def _watch(self) -> None:
        parts = self._parts
        seen, ahead_s = self._state_seen, self._ahead_s()
        while True:
            await asyncio.sleep(parts.look_every_s)
            self._turned_s = self._loop.time()
            if abs(self._ahead_s() - ahead_s) > _CLOCK_SET_S:
                ahead_s = self._ahead_s()
                self.signalled()
            before, seen = seen, state_sight(parts.keeper.kept.desired.state_url)
            with suppress(OSError):  # A folder may not be looked into just now.
                if parts.keeper.look():
                    self._reloaded()
                    continue
            cycle = parts.desk.situation.cycle
            locked = cycle is None or cycle.verdict == Verdict.LOCKED.value
            if not self._acting and not locked and seen == before != self._state_seen:
                # Somebody else has applied or mended, and is through with it.
                self._woken.set()

    def _ahead_s(self) -> float:
        return self._parts.now().timestamp() - self._loop.time()

    async def _listen(self) -> None:
        """Notice signals that others put into the inbox: the command, another machine's door."""
        parts = self._parts
        inbox = backend(parts.keeper.kept.desired.state_url).inbox
        seen = inbox.file and file_sight(inbox.file)
        while True:
            await asyncio.sleep(parts.listen_every_s if inbox.file else LISTEN_EVERY_REMOTE_S)
            inbox = backend(parts.keeper.kept.desired.state_url).inbox
            if inbox.file is not None:
                before, seen = seen, file_sight(inbox.file)
                if seen == before:
                    continue
            # What is wrong with it the cycle tells.
            with suppress(Exception):
                there = await asyncio.to_thread(inbox.waiting)
                if any(kept != self._heard.get(name) for name, kept in there.items()):
                    self.signalled()
                self._heard = there

    async def _look(self) -> None:
        """Notice that somebody else changed a state that is no file here, as `state mark` does."""
        parts = self._parts
        while True:
            await asyncio.sleep(LOOK_EVERY_REMOTE_S)
            url = parts.keeper.kept.desired.state_url
            if self._acting or self._entry is None or backend(url).file is not None:
                continue
            # What is wrong with it the cycle tells.
            with suppress(Exception):
                loaded = await asyncio.to_thread(backend(url).load)
                if not self._acting and _entry_of(loaded.recorded) != self._entry:
                    self._woken.set()

    def _reloaded(self) -> None:
        kept = self._parts.keeper.kept
        self._parts.desk.refused(kept.refused)
        self._parts.tell.reloaded(kept)
        if not kept.refused:
            self._rhythm = Rhythm()
            self._parts.cycles.call_off(StopCause.SOMETHING_DUE)
            self._woken.set()


def _entry_of(recorded: Recorded) -> tuple[str, int]:
    """Tell up to which entry of its journal a state reaches."""
    return recorded.lineage, recorded.sequence


# When to make the next cycle. Pure.

LONGEST_WAIT = timedelta(seconds=300)
"""After trouble that does not end: it may have ended without anybody telling."""

LONGEST_LOOK = timedelta(seconds=240)
"""Between two looks at jobs that were left behind, while nothing else is due."""

_FIRST_LOOK = timedelta(seconds=60)
_LONGEST_LOCKED = timedelta(seconds=30)
_FIRST_WAIT = timedelta(seconds=5)
_FIRST_SPACE = timedelta(seconds=1)
_DOUBLINGS = 10
_SHORT = timedelta(seconds=8)


class Rhythm(Struct, frozen=True):
    """How often in a row cycles failed (`troubles`), or left what was due at once (`repeats`).

    `looks`: how often in a row all they left was jobs that had outlasted them.
    """

    troubles: int = 0
    repeats: int = 0
    looks: int = 0

    def after(self, outcome: Outcome) -> "Rhythm":
        """Return the rhythm once that cycle has ended."""
        if not outcome.well:
            return Rhythm(self.troubles + 1, self.repeats, self.looks)
        if _left_only_jobs(outcome):
            return Rhythm(looks=self.looks + 1)
        return Rhythm(0, self.repeats + 1 if _left_work(outcome) and _in_vain(outcome) else 0)

    def wake_at(self, outcome: Outcome) -> datetime | None:
        """Return when to make the next cycle after that one; None: not before something changes."""
        ended_at = outcome.ended_at
        if outcome.verdict is Verdict.LOCKED:
            return ended_at + doubled(_FIRST_WAIT, self.troubles, _LONGEST_LOCKED)
        if not outcome.well:
            return ended_at + doubled(_FIRST_WAIT, self.troubles, LONGEST_WAIT)
        if not _left_work(outcome):
            return outcome.wake_at
        if self.looks:
            again_at = ended_at + doubled(_FIRST_LOOK, self.looks, LONGEST_LOOK)
        elif self.repeats:
            again_at = ended_at + doubled(_FIRST_SPACE, self.repeats, LONGEST_WAIT)
        else:
            return ended_at
        # Something else may fall due before that.
        other_at = None if outcome.plan is None else outcome.plan.valid_until
        return again_at if other_at is None else min(again_at, max(other_at, ended_at))


def _left_work(outcome: Outcome) -> bool:
    return outcome.wake_at is not None and outcome.wake_at <= outcome.ended_at


def _in_vain(outcome: Outcome) -> bool:
    """Tell whether a cycle that left work did not get on with it.

    It ended soon, as for a job that outlasts its timeout; or it took as long as an address that
    does not answer, and nothing came of it. One that was called off had to go, for what fell due.
    """
    acted = outcome.summary is not None and outcome.summary.acted
    return outcome.ended_at - outcome.began_at < _SHORT or not (acted or outcome.called_off)


def _left_only_jobs(outcome: Outcome) -> bool:
    """Tell whether all that is left are jobs which a cycle followed for as long as it does."""
    if outcome.called_off or outcome.plan is None or not _left_work(outcome):
        return False
    plan = outcome.plan
    return not plan.noted and not plan.missed and all(isinstance(a, Await) for a in plan.actions)


def doubled(first: timedelta, times: int, longest: timedelta) -> timedelta:
    """Return how long to wait after so many times in a row, of which there was at least one."""
    return min(first * (1 << min(times - 1, _DOUBLINGS)), longest)


# What a supervisor is told: systemd's protocol, and only as long as there is progress.

_PINGS_A_TIMEOUT = 3


class Supervisor:
    """The systemd unit this process is the main process of; without one, nobody is told.

    `stalled` says why there is no progress: then the watchdog is not told of any.
    """

    def __init__(
        self, stalled: Callable[[], str | None], environment: Mapping[str, str] = os.environ
    ) -> None:
        self._stalled = stalled
        self._place = environment.get("NOTIFY_SOCKET", "")
        ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        timeout = environment.get("WATCHDOG_USEC", "") if ours else ""
        self._timeout_s = int(timeout) / 1_000_000 if timeout.isdecimal() else 0.0

    def tell(self, *words: str) -> None:
        """Send lines such as `READY=1`. That nobody hears them is no fault of ours."""
        if not self._place:
            return
        address = "\0" + self._place[1:] if self._place.startswith("@") else self._place
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.settimeout(0)
            line.sendto("\n".join(words).encode(), address)

    def reloading(self) -> None:
        """Say that the files are loaded again, and at once that they are."""
        self.tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1_000}")
        self.tell("READY=1")

    @asynccontextmanager
    async def told(self) -> AsyncIterator[None]:
        """Say that the service is up, and then that it gets on, while the block runs."""
        self.tell("READY=1")
        pinging = asyncio.create_task(self._ping())
        try:
            yield
        finally:
            pinging.cancel()
            self.tell("STOPPING=1")

    async def _ping(self) -> None:
        while self._timeout_s:
            if self._stalled() is None:
                self.tell("WATCHDOG=1")
            await asyncio.sleep(self._timeout_s / _PINGS_A_TIMEOUT)
