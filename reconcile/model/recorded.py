"""The recorded state: what is known to have happened. The only memory there is."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from msgspec import Struct

from reconcile.model.address import Address
from reconcile.model.desired import ScheduleSpec
from reconcile.model.struct import Count, Instant

Declaration = Mapping[str, object]
"""What an item declared when an apply last saw it, as plain JSON values."""

Kind = Literal["refresh", "reset"]


class Signal(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Something happened at `at`, such as the end of a load, and we were told at `received`.

    `by`: who said so. `note`: the sender's own words.
    """

    at: Instant
    received: Instant
    by: str | None = None
    note: str | None = None


Signals = Mapping[str, tuple[Signal, ...]]
"""The newest signals of each name, ascending, no two of one instant."""

Consumed = tuple[tuple[str, Instant], ...]
"""The signals that made up a slot which needs several, each by its name, sorted."""


class Coverage(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What one call settles for one address once it succeeds.

    `slot` is the slot it makes up, None for a first `every` run. `stamp` is the `resetAt` sent,
    for resets only. `content` is the content hash, for `when_changed` only. `attempt` counts the
    calls made for one slot whose predecessors were accepted and never seen to end. `consumed`: of a
    slot that needs several signals, these.
    """

    address: Address
    slot: Instant | None = None
    stamp: Instant | None = None
    content: str | None = None
    attempt: Count = 1
    consumed: Consumed = ()


class Carrier(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The model whose id carried a call for others too, and the group of refreshes it stood for."""

    model_id: str
    group: str


class Look(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What was last learned of a job. `answer`: Omni's word for its status, or why there was none.

    `absent` and `forbidden` count the looks, two minutes apart at least, at which Omni did not
    know the job (404, 400) or did not let it be read (403); `counted_at` is the newest of these.
    """

    at: Instant
    answer: str
    absent: Count = 0
    forbidden: Count = 0
    counted_at: Instant | None = None


class Pending(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A call that was begun and whose outcome is not known yet.

    With a `job_id` Omni accepted it and it can be awaited; without one it is in doubt: it may or
    may not have been sent. `since` is when its intent was written. `carrier`: whose id carried it,
    where that is another model's. `look`: what later looks at its job showed.
    """

    operation: str
    kind: Kind
    since: Instant
    coverage: Coverage
    accepted: bool
    job_id: str | None = None
    carrier: Carrier | None = None
    look: Look | None = None


class Unseen(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """An accepted refresh whose end was not seen, although it was looked for long enough.

    `at`: when it was given up. `answer`: what the last look showed. `forbidden`: the job may not be
    read, so the call is not made again before its next slot.
    """

    at: Instant
    answer: str
    call: Pending
    forbidden: bool = False


class Failure(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The last failure since the last success. `message` is Omni's own words or ours."""

    at: Instant
    message: str


class Record(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is known about one address. All instants UTC.

    `since`: when an apply first saw the present timing. `covered_slot`: the newest slot a success
    made up. `stamp`: the newest `resetAt` Omni acknowledged. `last_success`: when the last
    successful call was *sent*. `completed_at`: when its job was seen to end. `missed_slot`: the
    newest slot that passed its deadline. `carrier`: through whose call it is covered, where that
    was another model's. `doubts`: how many calls in a row had an unknown outcome, and `last_doubt`
    the newest; of one that our own end cut off it tells once that is made again. `unseen`: the last
    accepted refresh, while its end is not known. `marked_at`: when a person said that it is due
    again, until it has run. `consumed`: the signals of the covered slot.
    """

    declared: Declaration | None = None
    since: Instant | None = None
    covered_slot: Instant | None = None
    stamp: Instant | None = None
    content: str | None = None
    last_success: Instant | None = None
    completed_at: Instant | None = None
    missed_slot: Instant | None = None
    failures: Count = 0
    last_failure: Failure | None = None
    pending: Pending | None = None
    durations_s: tuple[float, ...] = ()
    carrier: Carrier | None = None
    doubts: Count = 0
    last_doubt: Failure | None = None
    unseen: Unseen | None = None
    marked_at: Instant | None = None
    consumed: Consumed = ()


NO_RECORD: Final = Record()


class PendingWrite(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A write to a schedule whose outcome is not known yet. `since`: when its intent was written.

    `first`: nothing was known under the address before it, so its refusal leaves nothing there.
    `after_doubt`: an earlier write is in doubt as well, so its refusal settles nothing.
    """

    operation: str
    since: Instant
    first: bool = False
    after_doubt: bool = False


class ScheduleRecord(Struct, frozen=True, kw_only=True):
    """One of Omni's own schedules that is ours. `spec`: what was last applied.

    Without a `schedule_id` its creation is in doubt, and `spec` is what that asked for.
    """

    connection_id: str
    spec: ScheduleSpec
    schedule_id: str | None = None
    pending: PendingWrite | None = None


class Recorded(Struct, frozen=True, kw_only=True):
    """The fold of the journal.

    `serial` grows by one with every saved change; `sequence` is the last journal entry folded in;
    `host` is the origin the state is bound to once a call was made. `schedules`: Omni's own
    schedules that are ours, by the address they were declared under. `clock_wrong_at`: when (by
    Omni's clock) an apply last found its machine's clock wrong, until one finds it right.
    `signals`: those that came, the ones that no session has written down yet among them.
    """

    lineage: str
    serial: Count = 0
    sequence: Count = 0
    host: str | None = None
    clock_wrong_at: Instant | None = None
    items: Mapping[Address, Record] = MappingProxyType({})
    schedules: Mapping[Address, ScheduleRecord] = MappingProxyType({})
    signals: Signals = MappingProxyType({})
