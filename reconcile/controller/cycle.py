"""One cycle: look at what is due, and if anything is, do it under the lock. Prints nothing."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from shlex import quote
from threading import Lock
from time import monotonic
from typing import Protocol

from msgspec import Struct, field

from reconcile.applying.apply import GroupCommit, OmniAccess, Spent, carry_out
from reconcile.applying.ports import Ledger, Stop, StopCause
from reconcile.clock import wall_clock
from reconcile.config.load import kept_at, load
from reconcile.config.toml import Locations
from reconcile.errors import Diagnostic, ExitCode, ReconcileError, mishap
from reconcile.model.address import OperatorUrl
from reconcile.model.desired import Desired
from reconcile.model.plan import Choice, Forget, Plan
from reconcile.model.progress import Event, Result, Summary
from reconcile.model.recorded import Recorded
from reconcile.model.struct import replace
from reconcile.omni.credential import require_same_origin
from reconcile.planning import guards
from reconcile.planning.plan import plan
from reconcile.state.backend import Backend, backend, open_session
from reconcile.state.errors import refusal
from reconcile.state.origin import origin_here
from reconcile.state.session import Session

# What one cycle came to.


class Verdict(StrEnum):
    """How a cycle ended.

    `idle`: nothing was due, and no lock was taken. `done`: all that was due is settled or goes on
    in Omni. `partly`: some items failed, are in doubt or were not seen to end; their backoff
    decides about them. `stopped`: asked to end before it was through. `blocked`: a limit forbids
    this plan to anybody who cannot be asked. `locked`: another run has the state. `failed`:
    anything else, and where nothing was done for a reason that is no item's.
    """

    IDLE = "idle"
    DONE = "done"
    PARTLY = "partly"
    STOPPED = "stopped"
    BLOCKED = "blocked"
    LOCKED = "locked"
    FAILED = "failed"


_SETTLED = frozenset({"done", "running"})
_WELL = frozenset({Verdict.IDLE, Verdict.DONE, Verdict.PARTLY})


class Outcome(Struct, frozen=True, kw_only=True):
    """One cycle, from `began_at` to `ended_at`, UTC.

    `wake_at`: when another cycle would have something to do; `ended_at` or earlier if it has
    already, None if never, or if the cycle could not tell. `summary`: what an apply came to, None
    if there was none. `plan`, `desired`, `recorded`: how everything stands at the end, as far as
    it became known. `problems`: why it did not end well, or what kept calls of many items back.
    `called_off`: it was ended early, for what fell due meanwhile.
    """

    verdict: Verdict
    began_at: datetime
    ended_at: datetime
    wake_at: datetime | None = None
    summary: Summary | None = None
    plan: Plan | None = None
    desired: Desired | None = None
    recorded: Recorded | None = None
    warnings: tuple[Diagnostic, ...] = ()
    problems: tuple[Diagnostic, ...] = ()
    called_off: bool = False

    @property
    def well(self) -> bool:
        """Tell whether the reconciler did its part, whatever became of single items."""
        return self.verdict in _WELL


def verdict_on(summary: Summary | None, stop: Stop) -> Verdict:
    """Judge a cycle by what its apply came to; None if there was none."""
    if summary is None:
        return Verdict.IDLE
    if stop.cause is StopCause.INTERRUPTED:
        return Verdict.STOPPED
    if summary.troubles and not summary.acted:
        return Verdict.FAILED
    left = [result for result in summary.results if not _settled(result, stop)]
    return Verdict.PARTLY if left or summary.troubles else Verdict.DONE


def failed_cycle(error: Exception, began_at: datetime, ended_at: datetime) -> Outcome:
    """Return what a cycle came to that this ended."""
    code = error.exit_code if isinstance(error, ReconcileError) else ExitCode.ERROR
    verdict = {ExitCode.BLOCKED: Verdict.BLOCKED, ExitCode.LOCKED: Verdict.LOCKED}
    return Outcome(
        verdict=verdict.get(code, Verdict.FAILED),
        began_at=began_at,
        ended_at=ended_at,
        problems=mishap(error),
    )


def _settled(result: Result, stop: Stop) -> bool:
    if isinstance(result.action, Forget) or result.status in _SETTLED:
        return True
    # Left for the next cycle, which follows at once.
    return result.status == "skipped" and stop.cause is StopCause.SOMETHING_DUE


# Who is told of a cycle while it runs.


class Observer(Protocol):
    """Is told of one apply, step by step, from the thread that makes it. Changes nothing."""

    def know(self, desired: Desired, recorded: Recorded) -> None:
        """Learn what is declared and what is recorded, as of now."""

    def begin(self, planned: Plan) -> None:
        """Learn that a plan is being carried out."""

    def overhear(self, ledger: Ledger) -> Ledger:
        """Return the ledger to write to: the same, perhaps listened to."""

    def report(self, event: Event) -> None:
        """Learn of progress."""

    def end(self, summary: Summary) -> None:
        """Learn what it came to."""


class Unobserved:
    """Tells nobody."""

    def know(self, *_: object, **__: object) -> None:
        """Let it pass."""

    begin = report = end = know

    def overhear(self, ledger: Ledger) -> Ledger:
        """Return the ledger itself."""
        return ledger


# What a cycle is given: an instance, and the surroundings to reconcile it in.


class Reached(Struct, frozen=True):
    """How far a cycle's record went, and where it was kept."""

    url: str
    lineage: str
    sequence: int


class Instance(Struct, frozen=True, kw_only=True):
    """What is reconciled: files, a state, and the right to call Omni.

    `state_url` replaces the files'. `command` says in the lock who holds it. `before`: what the
    state has to continue, where something is known of it.
    """

    file: Locations
    access: OmniAccess
    state_url: str | None = None
    choice: Choice = field(default_factory=Choice)
    command: str = "reconcile run"
    lock_timeout_s: float = 0.0
    before: Reached | None = None


class Carrying(Protocol):
    """Makes the calls of a plan: `applying.apply.carry_out`, or a simulation of it."""

    async def __call__(
        self,
        plan: Plan,
        *,
        ledger: Ledger,
        recorded: Recorded,
        access: OmniAccess,
        report: Callable[[Event], None],
        stop: Stop,
    ) -> Summary:
        """Carry out a plan. Raises ReconcileError when the journal can no longer be written."""


class CyclePorts(Struct, frozen=True, kw_only=True):
    """What a cycle touches besides files: the clock (UTC), and Omni.

    `threads`: time goes on while a thread works.
    """

    now: Callable[[], datetime] = wall_clock
    carry: Carrying = carry_out
    threads: bool = True


def load_instance(instance: Instance) -> tuple[Desired, tuple[Diagnostic, ...]]:
    """Load the desired state and its warnings, the state's URL replaced where that is asked.

    Raises ReconcileError with every mistake in the files, or if they are for another instance.
    """
    desired, warnings = load_with_state(instance.file, instance.state_url)
    backend(desired.state_url)  # A URL that names no place is a mistake in the files.
    require_same_origin(desired.base_url, instance.access.credential)
    guards.require_selected(instance.choice.select, desired)
    return desired, warnings


def load_with_state(
    file: Locations, state_url: str | None
) -> tuple[Desired, tuple[Diagnostic, ...]]:
    """Load a desired state and its warnings, its state where `state_url` says, if it does.

    Raises ReconcileError with every mistake in the files.
    """
    loaded = load(file)
    if state_url is None or isinstance(state_url, OperatorUrl):
        return kept_at(loaded, state_url), loaded.warnings
    absolute = state_url if "://" in state_url else str(Path(state_url).absolute())
    return replace(loaded.desired, state_url=absolute), loaded.warnings


# What a controller knows of the state, which nobody may take from it without a word.


def reached(outcome: Outcome) -> Reached | None:
    """Tell how far the record went when a cycle ended; None if nobody knows, or there is none."""
    desired, recorded = outcome.desired, outcome.recorded
    if desired is None or recorded is None or not _was_written(recorded):
        return None
    return Reached(desired.state_url, recorded.lineage, recorded.sequence)


def _require_continued(url: str, recorded: Recorded, before: Reached | None) -> None:
    """Refuse to begin anew where a state was. Raises ReconcileError unless it is continued."""
    ours = before is not None and recorded.lineage == before.lineage
    if before is None or (ours and recorded.sequence >= before.sequence):
        return
    name, was = backend(url).name, backend(before.url).name
    code, why = "state-replaced", "is another state, of another lineage"
    if not _was_written(recorded):
        code, why = "state-missing", "is none"
    elif ours:
        why = f"is an earlier version, which ends at entry {recorded.sequence:,}"
    hint = "Put back what was there, or start `run` anew to go on from what there is."
    if url != before.url and (ours or code == "state-missing"):
        hint = f"reconcile state migrate {quote(str(was))} {quote(str(name))}"
    raise refusal(
        code,
        f"The last cycle left a state at {was} that reaches to entry {before.sequence:,}. At "
        f"{name} {why}: what was done would be done again, so nothing is sent.",
        path=name,
        hint=hint,
    )


def _was_written(recorded: Recorded) -> bool:
    return bool(recorded.serial or recorded.sequence)


# How a controller has its cycles made: in a thread of their own.


class Cycles(Protocol):
    """Makes one cycle after another, never two at once.

    `stirred_s`: when the cycle being made last showed that it does not hang, by the clock of loops.
    """

    @property
    def stirred_s(self) -> float:
        """When that was."""

    async def make(self, desired: Desired, observer: Observer) -> Outcome:
        """Reconcile once."""

    def call_off(self, cause: StopCause) -> None:
        """Ask the cycle that is being made, if there is one, to end."""


_PAUSE_S = 1.0


class ThreadedCycles:
    """Makes cycles in a thread with a loop of its own.

    A slow disk, a distant store or a large plan then holds up neither a signal nor a page.
    `instance` is asked in that thread, anew for each cycle; what it raises fails the cycle.
    """

    def __init__(self, instance: Callable[[], Instance]) -> None:
        self._instance = instance
        self._guard = Lock()
        self._making: tuple[asyncio.AbstractEventLoop, Stop] | None = None
        self._called_off: StopCause | None = None
        self._reached: Reached | None = None
        self.stirred_s = monotonic()

    async def make(self, desired: Desired, observer: Observer) -> Outcome:
        """Reconcile once."""
        self._called_off, self.stirred_s = None, monotonic()
        return await asyncio.to_thread(lambda: asyncio.run(self._make(desired, observer)))

    def call_off(self, cause: StopCause) -> None:
        """Ask the cycle that is being made, if there is one, to end."""
        with self._guard:
            self._called_off = cause
            if self._making is None:
                return
            loop, stop = self._making
            with suppress(RuntimeError):  # it has just ended by itself
                loop.call_soon_threadsafe(stop.request, cause)

    async def _make(self, desired: Desired, observer: Observer) -> Outcome:
        stop, stirring = Stop(), asyncio.create_task(self._stir())
        with self._guard:
            self._making = asyncio.get_running_loop(), stop
            if self._called_off is not None:
                stop.request(self._called_off)
        try:
            instance = replace(self._instance(), before=self._reached)
            outcome = await reconcile_once(instance, desired=desired, stop=stop, observer=observer)
            self._reached = reached(outcome) or self._reached
            return outcome
        finally:
            stirring.cancel()
            with self._guard:
                self._making = None

    async def _stir(self) -> None:
        while True:
            self.stirred_s = monotonic()
            await asyncio.sleep(_PAUSE_S)


SHORTEST = timedelta(seconds=10)
"""An apply is left alone for this long: each one that follows asks anew after the jobs that run."""

SHORTEST_WITH_CALLS = timedelta(seconds=60)
"""And for this long while calls wait for a turn. Whatever the budget, one goes in every minute, so
a stop that came sooner each time could keep all of them from going."""


def is_left_alone(spent: Spent, began_s: float) -> bool:
    """Tell whether an apply is not to be ended just now, for the calls that wait for a turn.

    `began_s`: when it began, on the clock of loops.
    """
    age_s = asyncio.get_running_loop().time() - began_s
    return spent.calls_waiting > 0 and age_s < SHORTEST_WITH_CALLS.total_seconds()


async def reconcile_once(
    instance: Instance,
    *,
    desired: Desired | None = None,
    stop: Stop | None = None,
    observer: Observer | None = None,
    surroundings: CyclePorts | None = None,
    sure: bool = False,
) -> Outcome:
    """Make the calls that are due on one instance, once. Never raises an `Exception`.

    `sure`: something is due by all that is known, so no look is spent before the lock is taken.
    `desired` spares loading the files. It never passes a limit, and it is done early once
    something else falls due: jobs that still run then are left to the next cycle. Reading and
    writing the state is blocking, so many instances in a process need a thread and a loop each;
    `stop` is to be asked from that loop.
    """
    around = surroundings or CyclePorts()
    cycle = _Cycle(instance, stop or Stop(), observer or Unobserved(), around, sure=sure)
    began_at = around.now()
    try:
        return await cycle.run(desired, began_at)
    except Exception as error:  # noqa: BLE001 -- one bad cycle is told of, and the next one is made
        return replace(
            failed_cycle(error, began_at, around.now()),
            plan=cycle.planned,
            desired=cycle.desired,
            recorded=cycle.recorded,
            warnings=tuple(cycle.warnings),
        )


class _Cycle:
    """One cycle in progress: what it knows so far."""

    def __init__(
        self,
        instance: Instance,
        stop: Stop,
        observer: Observer,
        around: CyclePorts,
        *,
        sure: bool,
    ) -> None:
        self._instance, self._stop, self._sure = instance, stop, sure
        self._observer, self._around = observer, around
        self.desired: Desired | None = None
        self.recorded: Recorded | None = None
        self.planned: Plan | None = None
        self.warnings: list[Diagnostic] = []

    async def run(self, desired: Desired | None, began_at: datetime) -> Outcome:
        """Look without a lock first, unless it is sure: most cycles find nothing to do."""
        if desired is None:
            desired, warnings = load_instance(self._instance)
            self.warnings += warnings
        self.desired = desired
        place = backend(desired.state_url)
        if not self._sure:
            loaded = place.load()
            planned = self._look(desired, loaded.recorded, began_at)
            if not guards.has_effects(planned):
                self.warnings += loaded.warnings
                return self._outcome(None, began_at)
        return self._outcome(await self._apply(desired, place), began_at)

    async def _apply(self, desired: Desired, place: Backend) -> Summary | None:
        instance, summary = self._instance, None
        with open_session(
            place,
            command=instance.command,
            lock_timeout_s=instance.lock_timeout_s,
            now=self._around.now(),
            lock_ttl_s=desired.lock_ttl_s,
            origin=origin_here(instance.file),
        ) as session:
            try:
                planned = self._look(desired, session.recorded, self._around.now())
                if guards.has_effects(planned):  # Else another run has just seen to it.
                    guards.require_within_limits(planned, {})
                    summary = await self._carry(planned, session)
                    self._look(desired, session.recorded, self._around.now())
            finally:
                self.warnings += session.warnings
                known = len(session.warnings)
        self.warnings += session.warnings[known:]
        return summary

    async def _carry(self, planned: Plan, session: Session) -> Summary:
        self._observer.begin(planned)
        async with GroupCommit(session, threads=self._around.threads) as ledger:
            calling_off = asyncio.create_task(self._call_off(planned))
            try:
                summary = await self._around.carry(
                    planned,
                    ledger=self._observer.overhear(ledger),
                    recorded=session.recorded,
                    access=replace(self._instance.access, still_mine=session.still_mine),
                    report=self._observer.report,
                    stop=self._stop,
                )
            finally:
                calling_off.cancel()
        self._observer.end(summary)
        return summary

    async def _call_off(self, planned: Plan) -> None:
        """End the apply once its plan no longer holds: what is due then cannot wait for jobs."""
        if planned.valid_until is None:
            return
        began_s = asyncio.get_running_loop().time()
        await asyncio.sleep(max(planned.valid_until - planned.now, SHORTEST).total_seconds())
        while is_left_alone(self._instance.access.spent, began_s):  # noqa: ASYNC110 -- no event
            await asyncio.sleep(_PAUSE_S)
        self._stop.request(StopCause.SOMETHING_DUE)

    def _look(self, desired: Desired, recorded: Recorded, now: datetime) -> Plan:
        origin = str(self._instance.access.credential.origin)
        guards.require_same_host(origin, recorded, "The credential is for")
        _require_continued(desired.state_url, recorded, self._instance.before)
        self.recorded = recorded
        self._observer.know(desired, recorded)
        self.planned = plan(desired, recorded, now, self._instance.choice)
        return self.planned

    def _outcome(self, summary: Summary | None, began_at: datetime) -> Outcome:
        ended_at, planned = self._around.now(), self.planned
        wake_at = None if planned is None else planned.valid_until
        if planned is not None and guards.has_effects(planned):
            wake_at = planned.now
        return Outcome(
            verdict=verdict_on(summary, self._stop),
            began_at=began_at,
            ended_at=ended_at,
            wake_at=wake_at,
            summary=summary,
            plan=planned,
            desired=self.desired,
            recorded=self.recorded,
            warnings=tuple(self.warnings),
            problems=() if summary is None else summary.troubles,
            called_off=self._stop.cause is StopCause.SOMETHING_DUE,
        )
