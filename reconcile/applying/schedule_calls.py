"""One write to a native schedule: how it is sent, and what the journal says of it."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from reconcile.applying.ports import Schedules
from reconcile.applying.sending import Call, NotTaken
from reconcile.model import journal
from reconcile.model.address import Address
from reconcile.model.desired import NativeSchedule, ScheduleSpec
from reconcile.model.journal import ScheduleGone, ScheduleIntent, ScheduleKept
from reconcile.model.plan import Request, ScheduleAct
from reconcile.model.progress import (
    CallNotSent,
    CallRejected,
    CallUnknown,
    Proof,
    ScheduleAccepted,
    ScheduleOutcome,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """What is about to be written, for which address. `schedule_id`: None for a creation."""

    act: ScheduleAct
    address: Address
    connection_id: str
    schedule_id: str | None
    spec: ScheduleSpec
    request: Request


def schedule_call(write: Write, omni: Schedules) -> Call[ScheduleAccepted]:
    """Return the call that makes a write."""

    def begun(operation: str, at: datetime, host: str) -> ScheduleIntent:
        return ScheduleIntent(
            at=at,
            operation=operation,
            act=write.act,
            address=write.address,
            connection_id=write.connection_id,
            schedule_id=write.schedule_id,
            spec=write.spec,
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


def _post(write: Write, omni: Schedules) -> Callable[[], Awaitable[ScheduleOutcome]]:
    request, connection_id, spec = write.request, write.connection_id, write.spec
    match write.act, write.schedule_id:
        case "update", str() as schedule_id:
            return lambda: omni.send_schedule_update(
                request, connection_id=connection_id, schedule_id=schedule_id, spec=spec
            )
        case "delete", _:
            return lambda: _deleted(omni, request)
        case _:
            return lambda: omni.send_schedule_create(
                request, connection_id=connection_id, spec=spec
            )


async def _deleted(omni: Schedules, request: Request) -> ScheduleOutcome:
    """Delete; what is gone already is as it should be."""
    outcome = await omni.send_schedule_delete(request)
    if isinstance(outcome, CallRejected) and outcome.proof is Proof.NOT_FOUND:
        return ScheduleAccepted(None, None)
    return outcome


def _ended(
    write: Write,
    at: datetime,
    operation: str,
    outcome: ScheduleAccepted | NotTaken,
    blames: tuple[Address, ...] | None,
) -> Iterable[journal.Entry]:
    match outcome:
        case CallNotSent(message):
            yield journal.NotSent(at, operation, message)
        case CallUnknown(message):
            yield journal.Doubted(at, operation, message)
        case CallRejected(proof=Proof.NOT_FOUND) if write.act == "update":
            yield ScheduleGone(at=at, address=write.address, operation=operation)
        case CallRejected(message=message):
            yield journal.Rejected(at, operation, message, blames)
        case ScheduleAccepted(None):
            yield ScheduleGone(at=at, address=write.address, operation=operation)
        case ScheduleAccepted(NativeSchedule() as schedule):
            yield ScheduleKept(
                at=at,
                address=write.address,
                connection_id=write.connection_id,
                schedule_id=schedule.schedule_id,
                # In the spelling asked for, which is what the file is compared with.
                spec=replace(write.spec, hard=schedule.spec.hard),
                operation=operation,
            )
        case _:
            raise AssertionError(outcome)
