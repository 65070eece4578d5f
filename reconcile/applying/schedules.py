"""Writing Omni's own schedules: look first, then make, set or remove one at a time."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import assert_never

from msgspec import Struct

from reconcile.applying.blame import Blame
from reconcile.applying.call import (
    NOT_BEGUN,
    TOKEN_REFUSED,
    Call,
    JobEnd,
    NotTaken,
    Refused,
    Results,
    Sender,
    entries,
)
from reconcile.applying.ports import Ports, Schedules
from reconcile.applying.wire import StoppedError, Wire
from reconcile.model import journal, plan, progress
from reconcile.model.address import Address
from reconcile.model.desired import NativeSchedule
from reconcile.model.journal import ScheduleGone, ScheduleIntent, ScheduleKept
from reconcile.model.struct import replace
from reconcile.omni.reads import Finding, Forbidden, Found, Unreadable
from reconcile.planning.budget import Turn
from reconcile.planning.schedules import Pool, adopt, delete_request, update_request

# One write to a native schedule: how it is sent, and what the journal says of it.


class Write(Struct, frozen=True):
    """What is about to be written, and for which action. `schedule_id`: None for a creation."""

    act: plan.ScheduleAct
    action: plan.ScheduleWrite
    schedule_id: str | None
    request: plan.Request


def schedule_call(write: Write, omni: Schedules) -> Call[progress.ScheduleAccepted]:
    """Return the call that makes a write."""
    action = write.action

    def begun(operation: str, at: datetime, host: str) -> ScheduleIntent:
        return ScheduleIntent(
            at=at,
            operation=operation,
            act=write.act,
            address=action.address,
            connection_id=action.connection_id,
            schedule_id=write.schedule_id,
            spec=action.spec,
            request=write.request,
            host=host,
        )

    return Call(
        _post(write, omni),
        begun,
        lambda at, operation, outcome, blames: _ended(write, at, operation, outcome, blames),
        # Schedules need a right that refreshes may not: its lack must not keep those back.
        subject=None,
    )


def _post(write: Write, omni: Schedules) -> Callable[[], Awaitable[progress.ScheduleOutcome]]:
    if write.act == "delete":
        return lambda: _deleted(omni, write.request)
    return lambda: omni.send_schedule(
        write.request,
        connection_id=write.action.connection_id,
        spec=write.action.spec,
        schedule_id=write.schedule_id,
    )


async def _deleted(omni: Schedules, request: plan.Request) -> progress.ScheduleOutcome:
    """Delete; what is gone already is as it should be."""
    outcome = await omni.send_schedule_delete(request)
    if isinstance(outcome, progress.CallRejected) and outcome.proof is progress.Proof.NOT_FOUND:
        return progress.ScheduleAccepted(None, None)
    return outcome


def _ended(
    write: Write,
    at: datetime,
    operation: str,
    outcome: progress.ScheduleAccepted | NotTaken,
    blames: tuple[Address, ...] | None,
) -> Iterable[journal.Entry]:
    action = write.action
    match outcome:
        case progress.CallRejected(proof=progress.Proof.NOT_FOUND) if write.act == "update":
            yield ScheduleGone(at=at, address=action.address, operation=operation)
        case progress.CallNotSent() | progress.CallUnknown() | progress.CallRejected():
            yield from entries(at, operation, outcome, blames)
        case progress.ScheduleAccepted(None):
            yield ScheduleGone(at=at, address=action.address, operation=operation)
        case progress.ScheduleAccepted(NativeSchedule() as schedule):
            yield ScheduleKept(
                at=at,
                address=action.address,
                connection_id=action.connection_id,
                schedule_id=schedule.schedule_id,
                # In the spelling asked for, which is what the file is compared with.
                spec=replace(action.spec, hard=schedule.spec.hard),
                operation=operation,
            )
        case _:
            raise AssertionError(outcome)


LOOKUP_TRIES = 4
LOOKUP_WAIT_S = 2.0

NOT_HARD = "Omni keeps the schedule, but not as hard as asked: its API may only know soft ones"


class Scheduler:
    """Carries out writes to schedules."""

    def __init__(
        self, ports: Ports, sender: Sender, results: Results, wire: Wire, blame: Blame
    ) -> None:
        self._ports, self._sender, self._results = ports, sender, results
        self._wire, self._blame = wire, blame
        self._connections: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._seen: dict[str, tuple[NativeSchedule, ...]] = {}
        self._touched: set[str | None] = set()

    async def perform(self, action: plan.ScheduleWrite) -> None:
        """Carry out one write and leave its result.

        One at a time on a connection: what is nobody's must not be taken twice.
        """
        async with self._connections[action.connection_id]:
            match action:
                case plan.CreateSchedule():
                    await self._create(action)
                case plan.UpdateSchedule(schedule_id=schedule_id, request=request):
                    await self._write(Write("update", action, schedule_id, request))
                case plan.DeleteSchedule():
                    await self._delete(action)
                case _ as unreachable:
                    assert_never(unreachable)

    async def _create(self, action: plan.CreateSchedule) -> None:
        """Make a schedule, unless there is one: a creation without an answer may have made it.

        The plan may follow a look that is older than what was made since, which is then still ours.
        """
        pool = await self._look(action)
        if pool is None:
            return
        ours = pool.claim(action.doubted) if action.doubted else None
        found = self._kept(action) or ours or pool.claim(action.spec)
        if found is None:
            await self._write(Write("create", action, None, action.request))
            return
        await self._adopt(action, found)
        if found.spec == action.spec:
            # Nothing was created, and the result is not to say so.
            adoption = adopt(action, found)
            self._results.split(action, adoption)
            self._done(adoption)
        else:
            request = update_request(action.connection_id, found.schedule_id, action.spec)
            await self._write(Write("update", action, found.schedule_id, request))

    async def _delete(self, action: plan.DeleteSchedule) -> None:
        schedule_id = action.schedule_id
        if schedule_id is None:
            pool = await self._look(action)
            if pool is None:
                return
            ours = pool.claim(action.spec)
            if ours is None:
                gone = ScheduleGone(at=self._ports.now(), address=action.address)
                await self._ports.ledger.append(gone)
                self._done(action)
                return
            await self._adopt(action, ours)
            schedule_id = ours.schedule_id
        request = delete_request(action.connection_id, schedule_id)
        await self._write(Write("delete", action, schedule_id, request))

    async def _look(self, action: plan.CreateSchedule | plan.DeleteSchedule) -> Pool | None:
        """Ask what the connection has, once; None after leaving why that cannot be known."""
        connection_id = action.connection_id
        if connection_id not in self._seen:
            found = await self._ask(connection_id)
            if isinstance(found, Refused):
                self._results.refuse(action, found)
                return None
            self._seen[connection_id] = found
        # With what this apply has made so far.
        ours = self._ports.ledger.recorded.schedules.values()
        taken = self._touched | {record.schedule_id for record in ours}
        return Pool(self._seen[connection_id], taken)

    def _kept(self, action: plan.CreateSchedule) -> NativeSchedule | None:
        """Return the schedule that is recorded under the address, if the connection has it."""
        record = self._ports.ledger.recorded.schedules.get(action.address)
        there = self._seen[action.connection_id]
        return next((s for s in there if record and s.schedule_id == record.schedule_id), None)

    async def _ask(self, connection_id: str) -> tuple[NativeSchedule, ...] | Refused:
        tries = 0
        while True:
            try:
                async with self._wire.turn(Turn.CALL):
                    finding = await self._fetched(connection_id)
            except StoppedError:
                return Refused(None, NOT_BEGUN, "skipped")
            match finding:
                case Found(value):
                    return value
                case Forbidden(token=True):
                    return Refused(None, TOKEN_REFUSED, "skipped")
                case _:
                    tries += 1
            lasting = not isinstance(finding, Unreadable)
            if lasting or tries >= LOOKUP_TRIES:
                status: progress.ResultStatus = "failed" if lasting else "not_sent"
                return Refused(None, f"its schedules cannot be listed: {finding.message}", status)
            await asyncio.sleep(LOOKUP_WAIT_S * tries)

    async def _fetched(self, connection_id: str) -> Finding[tuple[NativeSchedule, ...]]:
        """Ask once, and learn what the answer tells of the clock and of the token."""
        self._results.lookups += 1
        asked_at = self._ports.now()
        finding = await self._omni().fetch_schedules(connection_id)
        first = [*self._wire.heard(asked_at, finding.server_date)]
        match finding:
            case Found():
                first += self._blame.accept(self._ports.now())
            case Forbidden(message=message, token=True):
                self._blame.refuse_token(message)
            case _:
                pass
        if first:
            await self._ports.ledger.append(*first)
        return finding

    async def _write(self, write: Write) -> None:
        # What was seen of it no longer holds, whatever comes of the write.
        self._touched.add(write.schedule_id)
        action, call = write.action, schedule_call(write, self._omni())
        tracker = self._results.tracker(action, f"{write.act} schedule")
        taken = await self._sender.send(call, tracker)
        if isinstance(taken, Refused):
            self._results.refuse(action, taken)
            return
        kept = taken.answer.schedule
        soft = kept is not None and kept.spec.hard != action.spec.hard
        end = JobEnd(None if soft else self._ports.now(), failed=soft, message=NOT_HARD)
        self._results.conclude(action, end, taken.operation, taken.sent_at)

    async def _adopt(
        self, action: plan.CreateSchedule | plan.DeleteSchedule, found: NativeSchedule
    ) -> None:
        kept = ScheduleKept(
            at=self._ports.now(),
            address=action.address,
            connection_id=action.connection_id,
            schedule_id=found.schedule_id,
            spec=found.spec,
        )
        await self._ports.ledger.append(kept)

    def _done(self, action: plan.ScheduleAction) -> None:
        now = self._ports.now()
        end = JobEnd(now, failed=False, message=None)
        self._results.conclude(action, end, None, now)

    def _omni(self) -> Schedules:
        if self._ports.schedules is None:
            raise AssertionError("a plan with schedules needs somewhere to write them")
        return self._ports.schedules
