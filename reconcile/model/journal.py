"""What an apply writes down, one entry at a time: a closed union. The state is their fold.

A call's phases: intent, then not_sent | rejected | accepted, then done | failed. `Doubted` says in
so many words that the outcome is unknown; an intent with nothing after it means the same.
"""

import re
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from reconcile.model.address import Address
from reconcile.model.desired import ScheduleSpec
from reconcile.model.plan import Request, ScheduleAct
from reconcile.model.recorded import Carrier, Coverage, Declaration, Kind, Signal
from reconcile.model.struct import Instant

_BETWEEN: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Written(
    Struct,
    frozen=True,
    tag_field="entry",
    tag=lambda name: _BETWEEN.sub("_", name).lower(),
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """One entry: when it was written, UTC. `entry` names its class in the journal."""

    at: Instant


# What an apply writes down of Omni's own schedules.
#
# A write's phases: intent, then not_sent | rejected | doubted as of any call, or kept | gone.


class ScheduleIntent(Written, frozen=True, kw_only=True):
    """Written and fsynced before the write; it may or may not have been sent.

    `spec`: what a creation or an update asks for; of a deletion, what is removed.
    """

    operation: str
    act: ScheduleAct
    address: Address
    connection_id: str
    schedule_id: str | None
    spec: ScheduleSpec
    request: Request
    host: str


class ScheduleKept(Written, frozen=True, kw_only=True):
    """Omni has the schedule so, and it is ours. Without an `operation` it was adopted."""

    address: Address
    connection_id: str
    schedule_id: str
    spec: ScheduleSpec
    operation: str | None = None


class ScheduleGone(Written, frozen=True, kw_only=True):
    """Omni has the schedule no more. Without an `operation` it was found so."""

    address: Address
    operation: str | None = None


ScheduleEntry = ScheduleIntent | ScheduleKept | ScheduleGone


Lack = Literal["absent", "forbidden", "unreadable"]
"""Why a look at a job showed nothing: Omni does not know it (404, 400), it may not be read (403),
or there was no usable answer, which says nothing of the job."""


class Intent(Written, frozen=True):
    """Written and fsynced before the call; the call may or may not have been sent.

    `carrier`: whose model id carries a refresh for more than one model.
    """

    operation: str
    kind: Kind
    covers: tuple[Coverage, ...]
    request: Request
    host: str
    carrier: Carrier | None = None


class NotSent(Written, frozen=True):
    """The call certainly never reached Omni; says nothing about the item."""

    operation: str
    message: str


class Rejected(Written, frozen=True):
    """Omni answered that it did not do it.

    `blames`: the addresses whose failure it is; None for all that the call covered, and none where
    the answer says nothing about any item (429, a bad token, a stamp of the future).
    """

    operation: str
    message: str
    blames: tuple[Address, ...] | None = None


class Blamed(Written, frozen=True):
    """A refusal that blamed nobody when it came turned out to be these items' own."""

    addresses: tuple[Address, ...]
    message: str


class Accepted(Written, frozen=True):
    """Omni took the call. With a job id its end can be awaited."""

    operation: str
    job_id: str | None = None


class Doubted(Written, frozen=True):
    """Neither sent nor unsent could be proved.

    `cut_off`: our own end cut the call off; it is sent again at once, not after backoff.
    """

    operation: str
    message: str
    cut_off: bool = False


class Looked(Written, frozen=True):
    """A job was looked at and left to later applies. `answer`: Omni's word, or why there was none.

    `lack`: why it showed nothing; None where Omni said how the job stands.
    """

    operation: str
    answer: str
    lack: Lack | None = None


class EndUnseen(Written, frozen=True, tag="unseen"):
    """An accepted refresh is no longer awaited, though nobody knows how it ended.

    `forbidden`: because the job may not be read, which is a failure of its items.
    """

    operation: str
    answer: str
    forbidden: bool = False


class Done(Written, frozen=True):
    """The call succeeded; `completed_at` is when that was seen, never in Omni's future.

    `lasted_s`: for how long its job is taken to have run, None where nothing was learned of it.
    """

    operation: str
    completed_at: Instant
    lasted_s: float | None = None


class Failed(Written, frozen=True):
    """The call was made and failed."""

    operation: str
    message: str


class Noted(Written, frozen=True):
    """An apply saw this declaration of an item, first or in changed form."""

    address: Address
    declared: Declaration


class Missed(Written, frozen=True):
    """A slot passed its deadline and will not be run."""

    address: Address
    slot: Instant


class Forgotten(Written, frozen=True):
    """The address is no longer declared; its record is dropped."""

    address: Address


class Marked(Written, frozen=True):
    """A person said that an item is done (`covers` says what) or due again (`covers` is None).

    Either way doubts, failures and holds of the item end.
    """

    address: Address
    covers: Coverage | None = None


class Moved(Written, frozen=True):
    """A record now belongs to another address."""

    address: Address
    to: Address


class Renamed(Written, frozen=True):
    """Records that now belong to other addresses of the same items, all at once: from, to."""

    moves: tuple[tuple[Address, Address], ...]


class ClockMended(Written, frozen=True):
    """Instants of any record that lie in the future of `at`, a confirmed clock, are void."""


_AGES_S: Final = 1e12
"""More than clocks can differ by: their years have four digits."""


class Redated(Written, frozen=True):
    """These operations were dated by a clock `ahead_s` ahead of Omni's, or behind it (< 0)."""

    operations: tuple[str, ...]
    ahead_s: Annotated[float, Meta(ge=-_AGES_S, le=_AGES_S)]


class Began(Written, frozen=True, kw_only=True):
    """An apply began: who made it, where, and from what. Said of every entry up to the next."""

    command: str
    who: str | None = None
    machine: str | None = None
    commit: str | None = None
    run: str | None = None


class Waived(Written, frozen=True):
    """An operator let one apply pass one limit."""

    limit: str
    value: float


class Signalled(Written, frozen=True):
    """A signal of that name came, said in the inbox of the state."""

    name: str
    signal: Signal


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
    | Signalled
    | ScheduleEntry
)


class Numbered(Struct, frozen=True):
    """An entry and its place in the journal, counted from 1 over the life of a lineage."""

    sequence: int
    entry: Entry
