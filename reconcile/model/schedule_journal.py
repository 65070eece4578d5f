"""What an apply writes down of Omni's own schedules.

A write's phases: intent, then not_sent | rejected | doubted as of any call, or kept | gone.
"""

from datetime import datetime

from reconcile.model.address import Address
from reconcile.model.native import ScheduleSpec
from reconcile.model.noun import noun
from reconcile.model.plan import Request
from reconcile.model.schedule_action import ScheduleAct


@noun(frozen=True, slots=True, kw_only=True)
class ScheduleIntent:
    """Written and fsynced before the write; it may or may not have been sent.

    `spec`: what a creation or an update asks for; of a deletion, what is removed.
    """

    at: datetime
    operation: str
    act: ScheduleAct
    address: Address
    connection_id: str
    schedule_id: str | None
    spec: ScheduleSpec
    request: Request
    host: str


@noun(frozen=True, slots=True, kw_only=True)
class ScheduleKept:
    """Omni has the schedule so, and it is ours. Without an `operation` it was adopted."""

    at: datetime
    address: Address
    connection_id: str
    schedule_id: str
    spec: ScheduleSpec
    operation: str | None = None


@noun(frozen=True, slots=True, kw_only=True)
class ScheduleGone:
    """Omni has the schedule no more. Without an `operation` it was found so."""

    at: datetime
    address: Address
    operation: str | None = None


ScheduleEntry = ScheduleIntent | ScheduleKept | ScheduleGone
