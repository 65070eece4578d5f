"""What an apply writes down, one entry at a time: a closed union. The state is their fold.

A call's phases: intent, then not_sent | rejected | accepted, then done | failed. `Doubted` says in
so many words that the outcome is unknown; an intent with nothing after it means the same.
"""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from reconcile.model.address import Address
from reconcile.model.desired import ScheduleSpec
from reconcile.model.plan import Request, ScheduleAct
from reconcile.model.recorded import Carrier, Coverage, Declaration, Kind

# What an apply writes down of Omni's own schedules.
#
# A write's phases: intent, then not_sent | rejected | doubted as of any call, or kept | gone.


class ScheduleIntent(Struct, frozen=True, kw_only=True):
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


class ScheduleKept(Struct, frozen=True, kw_only=True):
    """Omni has the schedule so, and it is ours. Without an `operation` it was adopted."""

    at: datetime
    address: Address
    connection_id: str
    schedule_id: str
    spec: ScheduleSpec
    operation: str | None = None


class ScheduleGone(Struct, frozen=True, kw_only=True):
    """Omni has the schedule no more. Without an `operation` it was found so."""

    at: datetime
    address: Address
    operation: str | None = None


ScheduleEntry = ScheduleIntent | ScheduleKept | ScheduleGone


Lack = Literal["absent", "forbidden", "unreadable"]
"""Why a look at a job showed nothing: Omni does not know it (404, 400), it may not be read (403),
or there was no usable answer, which says nothing of the job."""


class Intent(Struct, frozen=True):
    """Written and fsynced before the call; the call may or may not have been sent.

    `carrier`: whose model id carries a refresh for more than one model.
    """

    at: datetime
    operation: str
    kind: Kind
    covers: tuple[Coverage, ...]
    request: Request
    host: str
    carrier: Carrier | None = None


class NotSent(Struct, frozen=True):
    """The call certainly never reached Omni; says nothing about the item."""

    at: datetime
    operation: str
    message: str


class Rejected(Struct, frozen=True):
    """Omni answered that it did not do it.

    `blames`: the addresses whose failure it is; None for all that the call covered, and none where
    the answer says nothing about any item (429, a bad token, a stamp of the future).
    """

    at: datetime
    operation: str
    message: str
    blames: tuple[Address, ...] | None = None


class Blamed(Struct, frozen=True):
    """A refusal that blamed nobody when it came turned out to be these items' own."""

    at: datetime
    addresses: tuple[Address, ...]
    message: str


class Accepted(Struct, frozen=True):
    """Omni took the call. With a job id its end can be awaited."""

    at: datetime
    operation: str
    job_id: str | None


class Doubted(Struct, frozen=True):
    """Neither sent nor unsent could be proved.

    `cut_off`: our own end cut the call off; it is sent again at once, not after backoff.
    """

    at: datetime
    operation: str
    message: str
    cut_off: bool = False


class Looked(Struct, frozen=True):
    """A job was looked at and left to later applies. `answer`: Omni's word, or why there was none.

    `lack`: why it showed nothing; None where Omni said how the job stands.
    """

    at: datetime
    operation: str
    answer: str
    lack: Lack | None = None


class EndUnseen(Struct, frozen=True):
    """An accepted refresh is no longer awaited, though nobody knows how it ended.

    `forbidden`: because the job may not be read, which is a failure of its items.
    """

    at: datetime
    operation: str
    answer: str
    forbidden: bool = False


class Done(Struct, frozen=True):
    """The call succeeded; `completed_at` is when that was seen, never in Omni's future.

    `lasted_s`: for how long its job is taken to have run, None where nothing was learned of it.
    """

    at: datetime
    operation: str
    completed_at: datetime
    lasted_s: float | None = None


class Failed(Struct, frozen=True):
    """The call was made and failed."""

    at: datetime
    operation: str
    message: str


class Noted(Struct, frozen=True):
    """An apply saw this declaration of an item, first or in changed form."""

    at: datetime
    address: Address
    declared: Declaration


class Missed(Struct, frozen=True):
    """A slot passed its deadline and will not be run."""

    at: datetime
    address: Address
    slot: datetime


class Forgotten(Struct, frozen=True):
    """The address is no longer declared; its record is dropped."""

    at: datetime
    address: Address


class Marked(Struct, frozen=True):
    """A person said that an item is done (`covers` says what) or due again (`covers` is None).

    Either way doubts, failures and holds of the item end.
    """

    at: datetime
    address: Address
    covers: Coverage | None


class Moved(Struct, frozen=True):
    """A record now belongs to another address."""

    at: datetime
    address: Address
    to: Address


class Renamed(Struct, frozen=True):
    """Records that now belong to other addresses of the same items, all at once: from, to."""

    at: datetime
    moves: tuple[tuple[Address, Address], ...]


class ClockMended(Struct, frozen=True):
    """Instants of any record that lie in the future of `at`, a confirmed clock, are void."""

    at: datetime


class Redated(Struct, frozen=True):
    """These operations were dated by a clock `ahead_s` ahead of Omni's, or behind it (< 0)."""

    at: datetime
    operations: tuple[str, ...]
    ahead_s: float


class Began(Struct, frozen=True, kw_only=True):
    """An apply began: who made it, where, and from what. Said of every entry up to the next."""

    at: datetime
    command: str
    who: str | None = None
    machine: str | None = None
    commit: str | None = None
    run: str | None = None


class Waived(Struct, frozen=True):
    """An operator let one apply pass one limit."""

    at: datetime
    limit: str
    value: float


Entry = (
    Intent
    | NotSent
    | Rejected
    | Blamed
    | Accepted
    | Doubted
    | Looked
    | EndUnseen
    | Done
    | Failed
    | Noted
    | Missed
    | Forgotten
    | Marked
    | Moved
    | Renamed
    | ClockMended
    | Redated
    | Began
    | Waived
    | ScheduleEntry
)


class Numbered(Struct, frozen=True):
    """An entry and its place in the journal, counted from 1 over the life of a lineage."""

    sequence: int
    entry: Entry
