"""Making the calls of a plan: concurrently, in order where order matters, and stoppable."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import cached_property
from typing import Any, assert_never

from reconcile.applying.blame import Blame, Subject, model_way, reset_group, reset_way
from reconcile.applying.call import (
    GOES_ON,
    NOT_BEGUN,
    Follower,
    Job,
    JobEnd,
    Refused,
    Results,
    Sender,
    Taken,
    completion,
    item_call,
)
from reconcile.applying.ports import Ports, Stop, StopCause
from reconcile.applying.schedules import Scheduler
from reconcile.applying.wire import MachineClock, StoppedError, Troubles, Wire
from reconcile.model import journal
from reconcile.model.address import Address
from reconcile.model.plan import (
    AdoptSchedule,
    Await,
    CreateSchedule,
    DeleteSchedule,
    Forget,
    Plan,
    Refresh,
    Rename,
    ResetCache,
    UpdateSchedule,
    addresses_of,
)
from reconcile.model.progress import RefreshAccepted, Summary
from reconcile.model.struct import replace
from reconcile.planning.budget import Called, Turn, order
from reconcile.planning.item import LONGEST_AWAIT
from reconcile.planning.requests import carrier_of, stamp_text, without_blamed

# One action at a time, from its first wait to its result.

CARRIERS = 2
"""Through so many models of a merged call it is tried in one apply."""

ASK_ANOTHER = "refused through two of its models; the next apply tries another"


class Performer:
    """Carries out actions, and keeps what each has come to so far."""

    def __init__(
        self, ports: Ports, stop: Stop, wire: Wire, blame: Blame, troubles: Troubles
    ) -> None:
        self.ports = ports
        self.sender = Sender(ports, wire, blame, troubles)
        self.follower = Follower(ports, stop, wire, blame)
        self.results = Results(ports)
        self._wire, self._blame = wire, blame
        self._groups: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._completions: dict[Address, asyncio.Future[datetime | str]] = {}

    @cached_property
    def _scheduler(self) -> Scheduler:
        return Scheduler(self.ports, self.sender, self.results, self._wire, self._blame)

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
                await self._scheduler.perform(action)
            case _ as unreachable:
                assert_never(unreachable)

    async def _refresh(self, action: Refresh) -> None:
        try:
            async with self._alone(action):
                due = await self._look_back(action)
                for tried in range(CARRIERS):
                    if due is None:
                        return
                    due = await self._call(due, again=tried > 0)
                if due is not None:
                    self.results.skip(due, ASK_ANOTHER)
        finally:
            self._complete(action, None)

    async def _look_back(self, action: Refresh) -> Refresh | None:
        """Look at jobs that may have done it already; returns what is left to be called for."""
        due: Refresh | None = action
        for job in action.earlier:
            try:
                completed_at = await self.follower.look_back(job, action.group)
            except StoppedError:
                return due
            if completed_at is None or due is None:
                continue
            done, due = self._parted(due, job.addresses)
            end = JobEnd(completed_at, failed=False, message=None)
            self.results.conclude(done, end, job.operation, self.ports.now())
            self._complete(done, end)
        return due

    def _parted(
        self, action: Refresh, addresses: Collection[Address]
    ) -> tuple[Refresh, Refresh | None]:
        """Part an action into what becomes of these addresses, and what is due without them."""
        rest = without_blamed(action, addresses)
        if rest is None:
            return action, None
        both = tuple(zip(action.covers, action.reasons, strict=True))
        mine = [(coverage, why) for coverage, why in both if coverage.address in addresses]
        part = replace(
            action,
            covers=tuple(coverage for coverage, _ in mine),
            reasons=tuple(why for _, why in mine),
            members=tuple(m for m in action.members if m.coverage.address in addresses),
        )
        self.results.split(action, part, rest)
        return part, rest

    async def _call(self, action: Refresh, *, again: bool) -> Refresh | None:
        """Make a call; returns what is to be called for through another model, if anything."""
        carrier = carrier_of(action)
        mine = tuple(
            member.coverage.address
            for member in action.members
            if member.model_id == action.model_id
        )
        call = item_call(
            "refresh",
            action.covers,
            action.request,
            lambda: self.ports.omni.send_refresh(action.request),
            Subject(
                action.group,
                model_way(action.model_id),
                addresses_of(action),
                None if carrier is None else mine,
            ),
            carrier=carrier,
            again=again,
        )
        what = f"{action.mode.value} refresh"
        taken = await self.sender.send(call, self.results.tracker(action, what))
        if isinstance(taken, Taken):
            self._complete(action, await self._ended(action, taken))
            return None
        refused, rest = self._parted(action, mine) if taken.of_carrier else (action, None)
        self.results.refuse(refused, taken)
        unknown = "may or may not have run" if taken.status == "unknown" else None
        self._complete(refused, None, unknown)
        return rest

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
            job = _job(action, answer.job_id, taken.operation, taken.sent_at)
            end = await self._follow(action, job, at_once=False)
        self.results.conclude(action, end, taken.operation, taken.sent_at)
        return end

    async def _await(self, action: Await) -> None:
        end: JobEnd | None = None
        try:
            async with self._alone(action):
                job = _job(action, action.job_id, action.operation, action.since)
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

        def cut_off(end: JobEnd) -> None:
            self.results.conclude(action, end, job.operation, job.since)

        return await self.follower.follow(job, cut_off, at_once=at_once)

    async def _reset(self, action: ResetCache) -> None:
        completed_at: datetime | None = None
        if action.waits_for is not None:
            ended = await asyncio.shield(self._completions[action.waits_for])
            if isinstance(ended, str):
                self.results.skip(action, f"{action.waits_for} {ended}")
                return
            completed_at = ended
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
            Subject(reset_group(action), reset_way(action), (coverage.address,)),
        )
        what = f"reset to {stamp_text(stamp)}"
        taken = await self.sender.send(call, self.results.tracker(action, what))
        if isinstance(taken, Refused):
            self.results.refuse(action, taken)
        else:
            end = JobEnd(self.ports.now(), failed=False, message=None)
            self.results.conclude(action, end, taken.operation, taken.sent_at)

    def _complete(
        self, action: Refresh | Await, end: JobEnd | None, why: str | None = None
    ) -> None:
        """Release the resets that wait for this refresh, whichever way it ended."""
        told = why or "did not complete"
        if end is not None and end.left is not None and not end.failed:
            told = "still runs" if end.left.until is not None else "was not seen to end"
        for coverage in action.covers:
            future = self._completions[coverage.address]
            if not future.done():
                future.set_result(told if end is None else end.completed_at or told)


def _job(action: Refresh | Await, job_id: str, operation: str, since: datetime) -> Job:
    return Job(
        job_id,
        operation,
        addresses_of(action),
        since,
        min(action.timeout_s, LONGEST_AWAIT.total_seconds()),
        action.expected_s,
        action.guess_s,
        action.group,
    )


GRACE_S = 4.0
"""How long a call in flight may still finish after a stop; the whole stop stays under 5 s."""


NO_JOB = "00000000-0000-4000-8000-000000000000"
"""An id that no job of Omni's has."""

_MINUTE_S = 60


async def execute(plan: Plan, ports: Ports, stop: Stop) -> Summary:
    """Carry out a plan. Raises ReconcileError when the journal can no longer be written.

    One failing item never stops the others. A stop lets no further call begin, gives those in
    flight GRACE_S (or all the time they need, if it is only to plan anew), and leaves running jobs
    to the next apply, which awaits them.
    """
    began_s = asyncio.get_running_loop().time()
    clock, troubles = MachineClock(ports.now), Troubles()
    ports = replace(ports, now=clock.now)
    actions = order(plan.actions, plan.standings, plan.now)
    missed = _missed(plan)
    await _note(plan, ports, () if actions else missed)
    recorded = ports.ledger.recorded
    blame = Blame(actions, ports.host, stop, troubles)
    wire = Wire(
        ports,
        stop,
        clock,
        troubles,
        undecided=lambda: blame.undecided,
        supposed=missed if actions else (),
        mends=plan.clock_went_back is not None or recorded.clock_wrong_at is not None,
    )
    run = Performer(ports, stop, wire, blame, troubles)
    looks = 0
    if actions and recorded.clock_wrong_at is not None:
        looks = await _look_at_the_clock(wire, ports)
    for action in actions:
        run.expect(action)
    tasks = [asyncio.create_task(run.perform(action)) for action in _ranked(actions, plan, ports)]
    await _until_done_or_stopped(tasks, run, stop)
    finished = await asyncio.gather(*tasks, return_exceptions=True)
    for problem in finished:
        if isinstance(problem, BaseException) and not isinstance(problem, asyncio.CancelledError):
            raise problem
    blame.end()
    if late := wire.settled():
        await ports.ledger.append(*late)
    return Summary(
        results=run.results.of(actions),
        calls=run.sender.calls,
        polls=run.follower.polls + run.results.lookups + looks,
        took_s=asyncio.get_running_loop().time() - began_s,
        noted=len(plan.noted),
        interrupted=stop.cause is StopCause.INTERRUPTED,
        troubles=troubles.all(),
    )


async def _look_at_the_clock(wire: Wire, ports: Ports) -> int:
    """Ask for Omni's clock by a request that changes nothing; returns how many it took.

    Without it, a machine whose clock stays wrong would make one call in each of its applies, since
    by that clock all of them are due. Asked for is a job that never was: of the refusal only the
    Date is wanted, and it takes no right that an apply does not need.
    """
    with suppress(StoppedError):
        async with wire.turn(Turn.POLL):
            asked_at = ports.now()
            outcome = await ports.omni.fetch_job(NO_JOB)
            if entries := wire.heard(asked_at, outcome.server_date):
                await ports.ledger.append(*entries)
            return 1
    return 0


def _ranked(actions: Sequence[Called], plan: Plan, ports: Ports) -> list[Called]:
    """Put first what is likely to be accepted, and then jobs before calls.

    A new call of a group has to queue behind the job that is running. And while nothing has been
    accepted a few forbidden items look like a bad token: as they are the most late, they would be
    tried first in every apply, and none of the others ever.
    """
    jobs = [action for action in actions if isinstance(action, Await)]
    calls = [action for action in actions if not isinstance(action, Await)]
    apt = [
        a
        for a in calls
        if isinstance(a, Refresh) or (isinstance(a, ResetCache) and a.waits_for is None)
    ]
    if not apt:
        return [*jobs, *calls]
    records = ports.ledger.recorded.items

    def succeeded(action: Refresh | ResetCache) -> bool:
        known = [records.get(coverage.address) for coverage in action.covers]
        return any(r is not None and r.last_success is not None and not r.failures for r in known)

    # Where nothing ever was accepted, another one each time.
    turn = apt[int(plan.now.timestamp() // _MINUTE_S) % len(apt)]
    first = next(filter(succeeded, apt), turn)
    return [*jobs, first, *(action for action in calls if action is not first)]


def _missed(plan: Plan) -> tuple[journal.Entry, ...]:
    return tuple(journal.Missed(plan.now, address, slot) for address, slot in plan.missed)


async def _note(plan: Plan, ports: Ports, missed: Iterable[journal.Entry]) -> None:
    """Remember declarations, slots let pass and addresses gone: all of it without any call."""
    entries: list[journal.Entry] = [
        journal.Renamed(plan.now, action.moves)
        for action in plan.actions
        if isinstance(action, Rename)
    ]
    entries += [
        journal.Noted(plan.now, address, declared) for address, declared in plan.noted.items()
    ]
    entries += missed
    entries += [
        journal.Forgotten(plan.now, action.address)
        for action in plan.actions
        if isinstance(action, Forget)
    ]
    entries += _noted_schedules(plan)
    if entries:
        await ports.ledger.append(*entries)


async def _until_done_or_stopped(
    tasks: Collection[asyncio.Task[None]], run: Performer, stop: Stop
) -> None:
    def watch(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception():
            stop.request(StopCause.JOURNAL_FAILED)

    if not tasks:
        return
    for task in tasks:
        task.add_done_callback(watch)
    # One wait over all, not one after each that ends: thousands of calls cost thousands of steps.
    await _either(asyncio.wait(tasks), stop.wait())
    pending = {task for task in tasks if not task.done()}
    in_flight = pending & run.sender.in_flight
    for task in pending - in_flight:
        task.cancel()
    if in_flight:
        await _either(asyncio.wait(in_flight), stop.wait_for_hurry())
        _, late = await asyncio.wait(in_flight, timeout=GRACE_S)
        for task in late:
            task.cancel()


async def _either(first: Coroutine[Any, Any, object], second: Coroutine[Any, Any, object]) -> None:
    racing = [asyncio.create_task(first), asyncio.create_task(second)]
    await asyncio.wait(racing, return_when=asyncio.FIRST_COMPLETED)
    for task in racing:
        task.cancel()


def _noted_schedules(plan: Plan) -> Iterable[journal.Entry]:
    """Say what an apply remembers of schedules without any call.

    A schedule that stays on the connection its address has left gets an address of its own first,
    so that neither it nor the one that takes its place is ever lost.
    """
    for action in plan.actions:
        if isinstance(action, DeleteSchedule) and action.recorded_at is not None:
            yield journal.Moved(plan.now, action.recorded_at, action.address)
        if isinstance(action, AdoptSchedule):
            yield journal.ScheduleKept(
                at=plan.now,
                address=action.address,
                connection_id=action.connection_id,
                schedule_id=action.schedule_id,
                spec=action.spec,
            )
