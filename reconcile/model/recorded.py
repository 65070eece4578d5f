"""The recorded state: what is known to have happened. The only memory there is."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from reconcile.model.address import Address
from reconcile.model.native import ScheduleSpec
from reconcile.model.noun import noun

Declaration = Mapping[str, object]
"""What an item declared when an apply last saw it, as plain JSON values."""

Kind = Literal["refresh", "reset"]


@noun(frozen=True, slots=True)
class Coverage:
    """What one call settles for one address once it succeeds.

    `slot` is the slot it makes up, None for a first `every` run. `stamp` is the `resetAt` sent,
    for resets only. `content` is the content hash, for `when_changed` only.
    """

    address: Address
    slot: datetime | None = None
    stamp: datetime | None = None
    content: str | None = None


@noun(frozen=True, slots=True)
class Pending:
    """A call that was begun and whose outcome is not known yet.

    With a `job_id` Omni accepted it and it can be awaited; without one it is in doubt: it may or
    may not have been sent. `since` is when its intent was written.
    """

    operation: str
    kind: Kind
    since: datetime
    coverage: Coverage
    job_id: str | None = None
    accepted: bool = False


@noun(frozen=True, slots=True)
class Failure:
    """The last failure since the last success. `message` is Omni's own words or ours."""

    at: datetime
    message: str


@noun(frozen=True, slots=True, kw_only=True)
class Record:
    """What is known about one address. All instants UTC.

    `since`: when an apply first saw the present timing. `covered_slot`: the newest slot a success
    made up. `stamp`: the newest `resetAt` Omni acknowledged. `last_success`: when the last
    successful call was *sent*. `completed_at`: when its job was seen to end. `missed_slot`: the
    newest slot that passed its deadline.
    """

    declared: Declaration | None = None
    since: datetime | None = None
    covered_slot: datetime | None = None
    stamp: datetime | None = None
    content: str | None = None
    last_success: datetime | None = None
    completed_at: datetime | None = None
    missed_slot: datetime | None = None
    failures: int = 0
    last_failure: Failure | None = None
    pending: Pending | None = None
    durations_s: tuple[float, ...] = ()


@noun(frozen=True, slots=True)
class PendingWrite:
    """A write to a schedule whose outcome is not known yet. `since`: when its intent was written.

    `first`: nothing was known under the address before it, so its refusal leaves nothing there.
    `after_doubt`: an earlier write is in doubt as well, so its refusal settles nothing.
    """

    operation: str
    since: datetime
    first: bool = False
    after_doubt: bool = False


@noun(frozen=True, slots=True, kw_only=True)
class ScheduleRecord:
    """One of Omni's own schedules that is ours. `spec`: what was last applied.

    Without a `schedule_id` its creation is in doubt, and `spec` is what that asked for.
    """

    connection_id: str
    spec: ScheduleSpec
    schedule_id: str | None = None
    pending: PendingWrite | None = None


@noun(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The fold of the journal.

    `serial` grows by one with every saved change; `sequence` is the last journal entry folded in;
    `host` is the origin the state is bound to once a call was made. `schedules`: Omni's own
    schedules that are ours, by the address they were declared under.
    """

    lineage: str
    serial: int = 0
    sequence: int = 0
    host: str | None = None
    items: Mapping[Address, Record] = field(default_factory=lambda: MappingProxyType({}))
    schedules: Mapping[Address, ScheduleRecord] = field(
        default_factory=lambda: MappingProxyType({})
    )
