"""One cycle: look at what is due, and if anything is, do it under the lock. Prints nothing."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from reconcile.applying.guard import has_effects, require_same_host, require_within_limits
from reconcile.applying.ports import Ledger, Stop, StopCause
from reconcile.controller.instance import Instance, Surroundings, load_instance
from reconcile.controller.mishaps import mishap
from reconcile.controller.observing import Observer, Unobserved
from reconcile.controller.outcome import Outcome, verdict_of, verdict_on
from reconcile.model.desired import Desired
from reconcile.model.diagnostic import Diagnostic
from reconcile.model.plan import Plan
from reconcile.model.progress import Summary
from reconcile.model.recorded import Recorded
from reconcile.planning.plan import plan
from reconcile.state.load import load as load_recorded
from reconcile.state.origin import origin_here
from reconcile.state.session import open_session

SHORTEST = timedelta(seconds=10)
"""An apply is left alone for this long: each one that follows asks anew after the jobs that run."""

SHORTEST_WITH_CALLS = timedelta(seconds=60)
"""And for this long while calls wait for a turn. Whatever the budget, one goes in every minute, so
a stop that came sooner each time could keep all of them from going."""

_PAUSE_S = 1.0


async def reconcile_once(
    instance: Instance,
    *,
    desired: Desired | None = None,
    stop: Stop | None = None,
    observer: Observer | None = None,
    surroundings: Surroundings | None = None,
) -> Outcome:
    """Make the calls that are due on one instance, once. Never raises an `Exception`.

    `desired` spares loading the files. It never passes a limit, and it is done early once
    something else falls due: jobs that still run then are left to the next cycle. Reading and
    writing the state is blocking, so many instances in a process need a thread and a loop each;
    `stop` is to be asked from that loop.
    """
    around = surroundings or Surroundings()
    cycle = _Cycle(instance, stop or Stop(), observer or Unobserved(), around)
    began_at = around.now()
    try:
        return await cycle.run(desired, began_at)
    except Exception as error:  # noqa: BLE001 -- one bad cycle is told of, and the next one is made
        return Outcome(
            verdict=verdict_of(error),
            began_at=began_at,
            ended_at=around.now(),
            plan=cycle.planned,
            desired=cycle.desired,
            recorded=cycle.recorded,
            warnings=tuple(cycle.warnings),
            problems=mishap(error),
        )


class _Cycle:
    """One cycle in progress: what it knows so far."""

    def __init__(
        self, instance: Instance, stop: Stop, observer: Observer, around: Surroundings
    ) -> None:
        self._instance, self._stop = instance, stop
        self._observer, self._around = observer, around
        self.desired: Desired | None = None
        self.recorded: Recorded | None = None
        self.planned: Plan | None = None
        self.warnings: list[Diagnostic] = []

    async def run(self, desired: Desired | None, began_at: datetime) -> Outcome:
        """Look without a lock first: most cycles find nothing to do."""
        if desired is None:
            desired, warnings = load_instance(self._instance)
            self.warnings += warnings
        self.desired = desired
        loaded = load_recorded(desired.state_url)
        self._look(desired, loaded.recorded, began_at)
        summary = None
        if self.planned is None or has_effects(self.planned):
            summary = await self._apply(desired)
        else:
            self.warnings += loaded.warnings
        return self._outcome(summary, began_at)

    async def _apply(self, desired: Desired) -> Summary:
        instance = self._instance
        with open_session(
            desired.state_url,
            command=instance.command,
            lock_timeout_s=instance.lock_timeout_s,
            now=self._around.now(),
            lock_ttl_s=desired.lock_ttl_s,
            origin=origin_here(instance.file),
        ) as session:
            try:
                planned = self._look(desired, session.recorded, self._around.now())
                require_within_limits(planned, desired, session.recorded, {})
                summary = await self._carry(planned, session.recorded, session)
                self._look(desired, session.recorded, self._around.now())
            finally:
                self.warnings += session.warnings
                known = len(session.warnings)
        self.warnings += session.warnings[known:]
        return summary

    async def _carry(self, planned: Plan, recorded: Recorded, ledger: Ledger) -> Summary:
        self._observer.begin(planned)
        with self._called_off(planned):
            summary = await self._around.carry(
                planned,
                ledger=self._observer.overhear(ledger),
                recorded=recorded,
                access=self._instance.access,
                report=self._observer.report,
                stop=self._stop,
            )
        self._observer.end(summary)
        return summary

    @contextmanager
    def _called_off(self, planned: Plan) -> Iterator[None]:
        """End the apply once its plan no longer holds: what is due then cannot wait for jobs."""
        if planned.valid_until is None:
            yield
            return
        loop, spent = asyncio.get_running_loop(), self._instance.access.spent
        patient_until = loop.time() + SHORTEST_WITH_CALLS.total_seconds()

        wait = max(planned.valid_until - planned.now, SHORTEST).total_seconds()
        timers: list[asyncio.TimerHandle] = []

        def call_off() -> None:
            if spent.calls_waiting and loop.time() < patient_until:
                timers.append(loop.call_later(_PAUSE_S, call_off))
            else:
                self._stop.request(StopCause.SOMETHING_DUE)

        timers.append(loop.call_later(wait, call_off))
        try:
            yield
        finally:
            timers[-1].cancel()

    def _look(self, desired: Desired, recorded: Recorded, now: datetime) -> Plan:
        origin = str(self._instance.access.credential.origin)
        require_same_host(origin, recorded, "The credential is for")
        self.recorded = recorded
        self._observer.know(desired, recorded)
        self.planned = plan(desired, recorded, now, self._instance.choice)
        return self.planned

    def _outcome(self, summary: Summary | None, began_at: datetime) -> Outcome:
        ended_at, planned = self._around.now(), self.planned
        wake_at = None if planned is None else planned.valid_until
        if planned is not None and has_effects(planned):
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
