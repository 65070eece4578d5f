"""What an apply writes down, one entry at a time: a closed union. The state is their fold.

A call's phases: intent, then not_sent | rejected | accepted, then done | failed. `Doubted` says in
so many words that the outcome is unknown; an intent with nothing after it means the same.
"""

from datetime import datetime

from reconcile.model.address import Address
from reconcile.model.noun import noun
from reconcile.model.plan import Request
from reconcile.model.recorded import Coverage, Declaration, Kind
from reconcile.model.schedule_journal import ScheduleEntry


@noun(frozen=True, slots=True)
class Intent:
    """Written and fsynced before the call; the call may or may not have been sent."""

    at: datetime
    operation: str
    kind: Kind
    covers: tuple[Coverage, ...]
    request: Request
    host: str


@noun(frozen=True, slots=True)
class NotSent:
    """The call certainly never reached Omni; says nothing about the item."""

    at: datetime
    operation: str
    message: str


@noun(frozen=True, slots=True)
class Rejected:
    """Omni answered that it did not do it.

    `blames_item`: False where the answer says nothing about the item (429, a bad token).
    """

    at: datetime
    operation: str
    message: str
    blames_item: bool = True


@noun(frozen=True, slots=True)
class Accepted:
    """Omni took the call. With a job id its end can be awaited."""

    at: datetime
    operation: str
    job_id: str | None


@noun(frozen=True, slots=True)
class Doubted:
    """Neither sent nor unsent could be proved."""

    at: datetime
    operation: str
    message: str


@noun(frozen=True, slots=True)
class Done:
    """The call succeeded; `completed_at` is when that was seen, never in Omni's future.

    `lasted_s`: for how long its job is taken to have run, None where nothing was learned of it.
    """

    at: datetime
    operation: str
    completed_at: datetime
    lasted_s: float | None = None


@noun(frozen=True, slots=True)
class Failed:
    """The call was made and failed."""

    at: datetime
    operation: str
    message: str


@noun(frozen=True, slots=True)
class Noted:
    """An apply saw this declaration of an item, first or in changed form."""

    at: datetime
    address: Address
    declared: Declaration


@noun(frozen=True, slots=True)
class Missed:
    """A slot passed its deadline and will not be run."""

    at: datetime
    address: Address
    slot: datetime


@noun(frozen=True, slots=True)
class Forgotten:
    """The address is no longer declared; its record is dropped."""

    at: datetime
    address: Address


@noun(frozen=True, slots=True)
class Marked:
    """A person said that an item is done (`covers` says what) or due again (`covers` is None).

    Either way doubts, failures and holds of the item end.
    """

    at: datetime
    address: Address
    covers: Coverage | None


@noun(frozen=True, slots=True)
class Moved:
    """A record now belongs to another address."""

    at: datetime
    address: Address
    to: Address


@noun(frozen=True, slots=True)
class Waived:
    """An operator let one apply pass one limit."""

    at: datetime
    limit: str
    value: float


Entry = (
    Intent
    | NotSent
    | Rejected
    | Accepted
    | Doubted
    | Done
    | Failed
    | Noted
    | Missed
    | Forgotten
    | Marked
    | Moved
    | Waived
    | ScheduleEntry
)


@noun(frozen=True, slots=True)
class Numbered:
    """An entry and its place in the journal, counted from 1 over the life of a lineage."""

    sequence: int
    entry: Entry
