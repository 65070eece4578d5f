"""What a plan does about Omni's own schedules of a connection: real resources, kept by their id."""

from typing import TYPE_CHECKING, Literal, assert_never

from reconcile.model.address import Address
from reconcile.model.native import ScheduleSpec
from reconcile.model.noun import noun
from reconcile.model.schedule_reason import ScheduleReason

if TYPE_CHECKING:
    from reconcile.model.plan import Request


@noun(frozen=True, slots=True, kw_only=True)
class CreateSchedule:
    """A schedule to be made, unless the connection turns out to have an equal one that is nobody's.

    `doubted`: what an earlier creation of unknown outcome asked for. If the connection has such a
    one that is nobody's, it is taken for ours and edited.
    """

    address: Address
    connection_id: str
    spec: ScheduleSpec
    request: "Request"
    reason: ScheduleReason
    doubted: ScheduleSpec | None = None


@noun(frozen=True, slots=True, kw_only=True)
class UpdateSchedule:
    """A schedule to be set from `before` to `spec`; every value is sent, changed or not."""

    address: Address
    connection_id: str
    schedule_id: str
    before: ScheduleSpec
    spec: ScheduleSpec
    request: "Request"
    reason: ScheduleReason


@noun(frozen=True, slots=True, kw_only=True)
class DeleteSchedule:
    """A schedule to be removed.

    Without a `schedule_id`, and so without a request, its creation is in doubt: the connection is
    asked for one that is equal and nobody's. `recorded_at`: the address whose record speaks of it,
    where that address is declared on another connection now.
    """

    address: Address
    connection_id: str
    schedule_id: str | None
    spec: ScheduleSpec
    request: "Request | None"
    reason: ScheduleReason
    recorded_at: Address | None = None


@noun(frozen=True, slots=True, kw_only=True)
class AdoptSchedule:
    """A schedule Omni has already, as declared, to be kept from now on; sends nothing."""

    address: Address
    connection_id: str
    schedule_id: str
    spec: ScheduleSpec
    reason: ScheduleReason


ScheduleWrite = CreateSchedule | UpdateSchedule | DeleteSchedule
"""The schedule actions that cause requests."""

ScheduleAction = ScheduleWrite | AdoptSchedule


def asks_first(action: ScheduleWrite) -> bool:
    """Tell whether the connection's schedules are asked for before anything is written."""
    return isinstance(action, CreateSchedule) or (
        isinstance(action, DeleteSchedule) and action.schedule_id is None
    )


ScheduleAct = Literal["create", "update", "delete"]
"""What a write does to a schedule."""

ScheduleKind = Literal["create_schedule", "update_schedule", "delete_schedule", "adopt_schedule"]


def schedule_kind(action: ScheduleAction) -> ScheduleKind:
    """Name the kind of an action, as JSON and saved plans spell it."""
    match action:
        case CreateSchedule():
            return "create_schedule"
        case UpdateSchedule():
            return "update_schedule"
        case DeleteSchedule():
            return "delete_schedule"
        case AdoptSchedule():
            return "adopt_schedule"
        case _ as unreachable:
            assert_never(unreachable)
