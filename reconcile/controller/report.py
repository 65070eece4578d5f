"""What a controller tells: its log, what it keeps for whoever looks, and its heartbeat."""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from types import MappingProxyType

from msgspec.structs import asdict

from reconcile.controller.cycle import Observer, Outcome
from reconcile.controller.situation import (
    Cycle,
    Level,
    LogLine,
    Recent,
    RecentWord,
    Situation,
    Value,
    diagnostic_line,
)
from reconcile.controller.watch import Absence, Kept
from reconcile.errors import Diagnostic, ReconcileError
from reconcile.model.address import Address
from reconcile.model.desired import Desired
from reconcile.model.forecast import Timeline
from reconcile.model.plan import Plan
from reconcile.model.progress import Budget, Event, FailedCall, Finished, Left, Skipped, Throttled
from reconcile.model.recorded import Recorded
from reconcile.model.struct import replace
from reconcile.omni.http import Heart
from reconcile.planning.forecast import timeline
from reconcile.planning.item import overdue
from reconcile.render.apply import Board, left_job_text
from reconcile.render.outline import board_of
from reconcile.render.words import addresses_text, duration_text

# What a controller logs.

_LATE_SHOWN = 5


class Teller:
    """Turns what happens into lines. `write` takes each line; `now` is UTC."""

    def __init__(self, write: Callable[[LogLine], None], now: Callable[[], datetime]) -> None:
        self._write, self._now = write, now
        self._warned: dict[str, frozenset[str]] = {}
        self._failing: dict[tuple[Address, ...], str] = {}

    def say(self, event: str, level: Level = "info", **fields: Value) -> None:
        """Log one event, now."""
        self._write(LogLine(self._now(), level, event, fields))

    def ended(self, outcome: Outcome, wake_at: datetime | None) -> None:
        """Log what a cycle came to."""
        self.warned(outcome.warnings)
        for problem in outcome.problems:
            self._write(diagnostic_line(problem, self._now(), "cycle-problem"))
        summary = outcome.summary
        self.say(
            "cycle",
            "info" if outcome.well else "warning",
            verdict=outcome.verdict.value,
            calls=summary.calls if summary else None,
            polls=summary.polls if summary else None,
            took_s=(outcome.ended_at - outcome.began_at).total_seconds(),
            next=wake_at,
        )

    def warned(self, warnings: Iterable[Diagnostic], source: str = "cycle") -> None:
        """Log warnings, unless they were all there when this source told its last."""
        warnings = tuple(warnings)
        codes = frozenset(warning.code for warning in warnings)
        if codes - self._warned.get(source, frozenset()):
            for warning in warnings:
                self._write(diagnostic_line(warning, self._now(), "note"))
        self._warned[source] = codes

    def reloaded(self, kept: Kept) -> None:
        """Log that the files were read anew, or why what they say is not used."""
        if not kept.refused:
            self.say("files-reloaded", items=len(kept.desired.items))
            return
        for diagnostic in kept.refused:
            self._write(diagnostic_line(diagnostic, self._now(), "files-refused"))
        self.say("files-kept", "error", why="the earlier version goes on until the new is valid")

    def absent(self, found: Absence, now: datetime) -> None:
        """Log for how long nobody reconciled, and what that touched."""
        self.say(
            "absent",
            "warning" if found.late or found.slots_missed else "info",
            last_seen=found.last_seen,
            for_s=(now - found.last_seen).total_seconds(),
            slots_missed=found.slots_missed,
            items_late=len(found.late),
        )
        for address, since in found.late[:_LATE_SHOWN]:
            self.say("item-late", "warning", item=address, since=since)

    def progress(self, event: Event) -> None:
        """Log what a person should know of an apply in progress."""
        match event:
            case FailedCall(addresses=addresses, message=message):
                if self._failing.get(addresses) == message:
                    return  # said already, and nothing else happened to it since
                self._failing[addresses] = message
                self.say(
                    "item-failed",
                    "warning",
                    item=addresses_text(addresses),
                    message=message,
                    may_have_happened=event.may_have_happened,
                )
            case Left(addresses=addresses, job=job):
                told: dict[str, Value] = asdict(job)
                told = {"item": addresses_text(addresses), "job": told.pop("job_id"), **told}
                if job.until is None:
                    self.say("end-unseen", "warning", **told)
                else:
                    self.say("job-left", "info", **told)
            case Finished(addresses=addresses):
                self._failing.pop(addresses, None)
            case Throttled(wait_s=wait_s):
                self.say("throttled", "warning", wait_s=wait_s)
            case _:
                pass


# What a controller knows, kept for whoever looks: the page, the probes, the metrics.

AHEAD = timedelta(days=3)
_RECENT = 200


def next_days(desired: Desired, recorded: Recorded, planned: Plan) -> Timeline | None:
    """Lay out what a page shows; None where that would be more than may be walked one by one."""
    try:
        return timeline(desired, recorded, planned, AHEAD)
    except ReconcileError:
        return None


class Desk:
    """Holds the situation; `changed` is called after every change, from the controller's loop."""

    def __init__(self, situation: Situation) -> None:
        self._situation = situation
        self._cycles: Counter[str] = Counter()
        self._recent: deque[Recent] = deque(maxlen=_RECENT)
        self._ended: Outcome | None = None
        self._ahead: tuple[Outcome, Timeline | None] | None = None
        self.changed: Callable[[], None] = lambda: None

    @property
    def situation(self) -> Situation:
        """The situation without the timeline, which is only laid out for those who look at it."""
        return self._situation

    def with_timeline(self) -> Situation:
        """Return the situation with the next days. May be called from another thread."""
        known, ended = self._situation, self._ended
        if ended is None or not (ended.desired and ended.recorded and ended.plan):
            return known
        ahead = self._ahead
        if ahead is None or ahead[0] is not ended:
            ahead = self._ahead = ended, next_days(ended.desired, ended.recorded, ended.plan)
        return replace(known, timeline=ahead[1])

    def begins(self) -> None:
        """Learn that a cycle is being made."""
        self._put(replace(self._situation, acting=True))

    def begun(self, planned: Plan) -> None:
        """Learn that a plan is being carried out."""
        self._put(replace(self._situation, plan=planned, board=board_of(planned.actions)))

    def happened(self, event: Event) -> None:
        """Learn of progress."""
        known = self._situation
        recent = _recent(event, known.board)
        if recent is not None:
            self._recent.appendleft(recent)
        board = known.board.after(event) if known.board else None
        budget = event if isinstance(event, Budget) else known.budget
        self._put(replace(known, board=board, budget=budget, recent=tuple(self._recent)))

    def ended(self, outcome: Outcome, wake_at: datetime | None) -> None:
        """Learn what a cycle came to, and when the next is made."""
        self._cycles[outcome.verdict.value] += 1
        summary = outcome.summary
        cycle = Cycle(
            at=outcome.ended_at,
            verdict=outcome.verdict.value,
            well=outcome.well,
            took_s=(outcome.ended_at - outcome.began_at).total_seconds(),
            calls=summary.calls if summary else 0,
            polls=summary.polls if summary else 0,
        )
        known = replace(
            self._situation,
            acting=False,
            wake_at=wake_at,
            board=None,
            cycle=cycle,
            cycles=MappingProxyType(dict(self._cycles)),
            problems=outcome.problems,
        )
        if outcome.desired and outcome.recorded and outcome.plan:
            self._ended = outcome
            late = overdue(outcome.desired, outcome.recorded, outcome.plan)
            known = replace(known, plan=outcome.plan, recorded=outcome.recorded, late=late)
        self._put(known)

    def sleeps(self, wake_at: datetime | None) -> None:
        """Learn when the next cycle is to be made."""
        self._put(replace(self._situation, wake_at=wake_at))

    def refused(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        """Learn why the newest version of the files is not used, or (nothing) that it is."""
        self._put(replace(self._situation, refused=diagnostics))

    def _put(self, situation: Situation) -> None:
        self._situation = situation
        self.changed()


def _recent(event: Event, board: Board | None) -> Recent | None:
    """Return how a call ended; None where that is not what happened."""
    word: RecentWord
    job: str | None = None
    match event:
        case Finished(took_s=took_s):
            word, detail = "done", f"took {duration_text(took_s)}"
        case FailedCall(message=message):
            word, detail = "unknown" if event.may_have_happened else "failed", message
        case Left(job=left):
            word, detail, job = "running", left_job_text(left), left.job_id
        case Skipped(why=why):
            word, detail = "skipped", why
        case _:
            return None
    line = board.line(event.addresses) if board else None
    return Recent(
        at=event.at,
        addresses=event.addresses,
        word=word,
        detail=detail,
        job=job or (line.job_id if line else None),
    )


# From the thread of a cycle to the loop of the controller.


class Relay:
    """Tells the desk and the log of a cycle, in their own loop, and then the next observer."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        desk: Desk,
        tell: Teller,
        know: Callable[[Desired, Recorded], None],
        then: Observer,
    ) -> None:
        self._loop, self._desk, self._tell, self._know = loop, desk, tell, know
        self._then = then
        self.overhear, self.end = then.overhear, then.end

    def know(self, desired: Desired, recorded: Recorded) -> None:
        """Hand over what is declared and recorded."""
        self._loop.call_soon_threadsafe(self._know, desired, recorded)
        self._then.know(desired, recorded)

    def begin(self, planned: Plan) -> None:
        """Show that a plan is being carried out."""
        self._loop.call_soon_threadsafe(self._desk.begun, planned)
        self._then.begin(planned)

    def report(self, event: Event) -> None:
        """Show progress."""
        self._loop.call_soon_threadsafe(self._take, event)
        self._then.report(event)

    def _take(self, event: Event) -> None:
        self._desk.happened(event)
        self._tell.progress(event)


# Heartbeats for a dead man's switch: after every good cycle, and while nothing is due.

EVERY_S = 60.0
"""Shorter than any switch waits."""

SHORTEST_GAP_S = 5.0


class Pulse:
    """Sends heartbeats for as long as it `gets_on`. Failures are told, once in a row.

    An invalid new version of the files does not stop them: what was declared before goes on.
    """

    def __init__(self, heart: Heart, tell: Teller, gets_on: Callable[[], Awaitable[bool]]) -> None:
        self._heart, self._tell, self._gets_on = heart, tell, gets_on
        self._wanted = asyncio.Event()
        self._failing = False

    def after(self, outcome: Outcome) -> None:
        """Send one soon if the cycle went well."""
        if outcome.well:
            self._wanted.set()

    async def beat_on(self) -> None:
        """Send for ever."""
        while True:
            # Not wait_for: before Python 3.12 it can swallow the cancellation that ends this task.
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S):
                    await self._wanted.wait()
            self._wanted.clear()
            if await self._gets_on():
                await self.beat()
                await asyncio.sleep(SHORTEST_GAP_S)

    async def beat(self) -> None:
        """Send one."""
        why = await self._heart.beat()
        if why is not None and not self._failing:
            self._tell.say("heartbeat-failed", "warning", why=why)
        elif why is None and self._failing:
            self._tell.say("heartbeat-resumed")
        self._failing = why is not None
