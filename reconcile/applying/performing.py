"""One action at a time, from its first wait to its result."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from reconcile.applying.entries import completion
from reconcile.applying.jobs import Follower, Job, JobEnd
from reconcile.applying.ports import Ports
from reconcile.applying.results import GOES_ON, NOT_BEGUN, Results, addresses_of
from reconcile.applying.scheduling import Scheduler
from reconcile.applying.sending import Refused, Sender, Taken, item_call
from reconcile.applying.stopping import Stop
from reconcile.model.address import Address
from reconcile.model.outcome import RefreshAccepted
from reconcile.model.plan import Await, Refresh, ResetCache
from reconcile.model.progress import JobAccepted
from reconcile.model.schedule_action import CreateSchedule, DeleteSchedule, UpdateSchedule
from reconcile.planning.budget.order import Called
from reconcile.planning.requests import stamp_text


class Performer:
    """Carries out actions, and keeps what each has come to so far."""

    def __init__(self, ports: Ports, stop: Stop) -> None:
        self.ports = ports
        self.sender = Sender(ports, stop)
        self.follower = Follower(ports, stop)
        self.results = Results(ports)
        self.scheduler = Scheduler(ports, self.sender, self.results)
        self._groups: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._completions: dict[Address, asyncio.Future[datetime | None]] = {}

    def expect(self, action: Called) -> None:
        """Announce an action before any begins, so that a reset can wait for its refresh."""
        self.results.put(action, "skipped", NOT_BEGUN)
        if isinstance(action, Refresh | Await):
            for coverage in action.covers:
                self._completions[coverage.address] = asyncio.get_running_loop().create_future()

    async def perform(self, action: Called) -> None:
        """Carry out one action and leave its result."""
        match action:
            case Refresh():
                await self._refresh(action)
            case Await():
                await self._await(action)
            case ResetCache():
                await self._reset(action)
            case CreateSchedule() | UpdateSchedule() | DeleteSchedule():
                await self.scheduler.perform(action)
            case _ as unreachable:
                assert_never(unreachable)

    async def _refresh(self, action: Refresh) -> None:
        call = item_call(
            "refresh",
            action.covers,
            action.request,
            lambda: self.ports.omni.send_refresh(action.request),
        )
        end: JobEnd | None = None
        try:
            async with self._alone(action):
                what = f"{action.mode.value} refresh"
                taken = await self.sender.send(call, self.results.tracker(action, what))
                if isinstance(taken, Refused):
                    self.results.refuse(action, taken)
                    return
                end = await self._ended(action, taken)
        finally:
            self._complete(action, end)

    async def _ended(self, action: Refresh, taken: Taken[RefreshAccepted]) -> JobEnd:
        answer = taken.answer
        if answer.job_id is None or answer.finished is not None:
            failed = answer.finished is False
            end = JobEnd(
                None if failed else completion(self.ports.now(), answer.server_date),
                failed=failed,
                message="Omni reports that the refresh failed" if failed else None,
            )
        else:
            job = Job(
                answer.job_id,
                taken.operation,
                addresses_of(action),
                taken.sent_at,
                action.timeout_s,
                action.expected_s,
            )
            end = await self._follow(action, job, at_once=False)
        self.results.conclude(action, end, taken.operation, taken.sent_at)
        return end

    async def _await(self, action: Await) -> None:
        end: JobEnd | None = None
        try:
            async with self._alone(action):
                job = Job(
                    action.job_id,
                    action.operation,
                    addresses_of(action),
                    action.since,
                    action.timeout_s,
                    action.expected_s,
                )
                end = await self._follow(action, job, at_once=True)
                self.results.conclude(action, end, action.operation, action.since)
        finally:
            self._complete(action, end)

    @asynccontextmanager
    async def _alone(self, action: Refresh | Await) -> AsyncIterator[None]:
        """Let no other job of its connection and branch run meanwhile."""
        group = self._groups[action.group]
        if group.locked():
            self.results.wait(action, f"waits for the job that runs on {action.group}")
        async with group:
            yield

    async def _follow(self, action: Refresh | Await, job: Job, *, at_once: bool) -> JobEnd:
        self.results.put(action, "running", GOES_ON, job.operation)
        accepted = JobAccepted(at=self.ports.now(), addresses=job.addresses, job_id=job.job_id)
        self.ports.report(accepted)
        return await self.follower.follow(job, at_once=at_once)

    async def _reset(self, action: ResetCache) -> None:
        completed_at: datetime | None = None
        if action.waits_for is not None:
            completed_at = await asyncio.shield(self._completions[action.waits_for])
            if completed_at is None:
                self.results.skip(action, f"{action.waits_for} did not complete")
                return
        coverage = action.covers[0]
        stamp = coverage.stamp or completed_at
        if stamp is None:
            raise AssertionError(action)
        coverage = replace(coverage, stamp=stamp, slot=coverage.slot or completed_at)
        request = replace(action.request, body={"resetAt": stamp_text(stamp)})
        call = item_call(
            "reset",
            (coverage,),
            request,
            lambda: self.ports.omni.send_reset(
                request, model_id=action.model_id, policy=action.policy, reset_at=stamp
            ),
        )
        what = f"reset to {stamp_text(stamp)}"
        taken = await self.sender.send(call, self.results.tracker(action, what))
        if isinstance(taken, Refused):
            self.results.refuse(action, taken)
        else:
            end = JobEnd(self.ports.now(), failed=False, message=None)
            self.results.conclude(action, end, taken.operation, taken.sent_at)

    def _complete(self, action: Refresh | Await, end: JobEnd | None) -> None:
        """Release the resets that wait for this refresh, whichever way it ended."""
        for coverage in action.covers:
            future = self._completions[coverage.address]
            if not future.done():
                future.set_result(None if end is None else end.completed_at)
