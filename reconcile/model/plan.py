"""The plan: a closed set of actions, and where every declared item stands."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Literal

from msgspec import Struct, field

from reconcile.model.address import Address
from reconcile.model.desired import Mode, ScheduleSpec
from reconcile.model.reason import Reason, ScheduleReason, Status
from reconcile.model.recorded import Coverage, Declaration
from reconcile.model.struct import figure

# What a plan does about Omni's own schedules of a connection: real resources, kept by their id.


ActionKind = Literal[
    "refresh",
    "reset",
    "await",
    "forget",
    "rename",
    "create_schedule",
    "update_schedule",
    "delete_schedule",
    "adopt_schedule",
]
"""What an action is called in JSON and in saved plans."""


class _OnSchedule(Struct, frozen=True, kw_only=True):
    address: Address
    connection_id: str
    spec: ScheduleSpec
    reason: ScheduleReason


class CreateSchedule(_OnSchedule, frozen=True, kw_only=True):
    """A schedule to be made, unless the connection turns out to have an equal one that is nobody's.

    `doubted`: what an earlier creation of unknown outcome asked for. If the connection has such a
    one that is nobody's, it is taken for ours and edited.
    """

    kind: ClassVar[ActionKind] = "create_schedule"
    request: "Request"
    doubted: ScheduleSpec | None = None


class UpdateSchedule(_OnSchedule, frozen=True, kw_only=True):
    """A schedule to be set from `before` to `spec`; every value is sent, changed or not."""

    kind: ClassVar[ActionKind] = "update_schedule"
    schedule_id: str
    before: ScheduleSpec
    request: "Request"


class DeleteSchedule(_OnSchedule, frozen=True, kw_only=True):
    """A schedule to be removed.

    Without a `schedule_id`, and so without a request, its creation is in doubt: the connection is
    asked for one that is equal and nobody's. `recorded_at`: the address whose record speaks of it,
    where that address is declared on another connection now.
    """

    kind: ClassVar[ActionKind] = "delete_schedule"
    schedule_id: str | None
    request: "Request | None"
    recorded_at: Address | None = None


class AdoptSchedule(_OnSchedule, frozen=True, kw_only=True):
    """A schedule Omni has already, as declared, to be kept from now on; sends nothing."""

    kind: ClassVar[ActionKind] = "adopt_schedule"
    schedule_id: str


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


LimitName = Literal["calls", "hard_refreshes", "share", "forget_all"]


class Excess(Struct, frozen=True):
    """A plan's figure that is over its limit. `share` is a fraction of the declared items."""

    limit: LimitName
    allowed: float
    planned: float

    @property
    def waiver(self) -> str:
        """What lets one apply of this plan pass the limit: `--allow calls=5`."""
        return f"--allow {self.limit}={figure(self.planned)}"


class Request(Struct, frozen=True, forbid_unknown_fields=True):
    """One HTTP request below the instance's origin. `path` is percent-encoded."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, str | bool | None] | None = None


class Member(Struct, frozen=True):
    """One item that a refresh covers, and what it would ask for if it were alone.

    `failures`: how many its record holds; another member's id rather carries the call.
    """

    coverage: Coverage
    model_id: str
    mode: Mode
    branch_id: str | None = None
    schemas: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    failures: int = 0


class EarlierJob(Struct, frozen=True):
    """A job of an earlier call whose end was not seen; it is looked at before the next call."""

    operation: str
    job_id: str
    since: datetime
    addresses: tuple[Address, ...]


class Refresh(Struct, frozen=True, kw_only=True):
    """One call that refreshes a connection (and branch) and covers every address in `covers`.

    `group` names the connection and branch: at most one job of a group is in flight. `members`:
    what each covered item asks for, in the order of `covers`; `model_id` is that of the member that
    carries the call. `earlier`: jobs to look at first, since they may have done it already.
    `guess_s`: how long the quickest of the connection's models takes, where `expected_s` is None.
    """

    kind: ClassVar[ActionKind] = "refresh"
    covers: tuple[Coverage, ...]
    request: Request
    mode: Mode
    model_id: str
    reasons: tuple[Reason, ...]
    timeout_s: float
    expected_s: float | None
    guess_s: float | None = None
    group: str = ""
    members: tuple[Member, ...] = ()
    earlier: tuple[EarlierJob, ...] = ()

    @property
    def model_ids(self) -> frozenset[str]:
        """The ids of all models that it acts on, not only of the one that carries it."""
        return frozenset(member.model_id for member in self.members) or frozenset((self.model_id,))


class ResetCache(Struct, frozen=True, kw_only=True):
    """One reset. A `None` stamp is filled in with the completion of `waits_for`.

    `covers` and `reasons` hold exactly one part each; they are tuples as in every other action.
    """

    kind: ClassVar[ActionKind] = "reset"
    covers: tuple[Coverage, ...]
    request: Request
    model_id: str
    policy: str
    waits_for: Address | None
    reasons: tuple[Reason, ...]


class Await(Struct, frozen=True, kw_only=True):
    """A job that an earlier apply started: polled, never posted again. `guess_s` as above."""

    kind: ClassVar[ActionKind] = "await"
    covers: tuple[Coverage, ...]
    operation: str
    job_id: str
    since: datetime
    reasons: tuple[Reason, ...]
    timeout_s: float
    expected_s: float | None
    guess_s: float | None = None
    group: str = ""


class Forget(Struct, frozen=True, kw_only=True):
    """A record whose address is no longer declared; sends nothing."""

    kind: ClassVar[ActionKind] = "forget"
    address: Address


class Rename(Struct, frozen=True):
    """Records whose items are declared under other addresses now: from, to. Sends nothing."""

    kind: ClassVar[ActionKind] = "rename"
    moves: tuple[tuple[Address, Address], ...]


Action = Refresh | ResetCache | Await | Forget | Rename | ScheduleAction


def addresses_of(action: Action) -> tuple[Address, ...]:
    """Return every address the action touches."""
    match action:
        case Refresh() | ResetCache() | Await():
            return tuple([coverage.address for coverage in action.covers])
        case Rename():
            return tuple([to for _, to in action.moves])
        case _:
            return (action.address,)


class Standing(Struct, frozen=True):
    """One declared item at the plan's `now`.

    `newest_slot`: newest slot <= now. `next_slot`: first slot after now that is known.
    `until`: first instant at which this standing changes by itself, None if never.
    `selected`: False when `--select` left the item out of this plan.
    """

    address: Address
    status: Status
    zone: str
    newest_slot: datetime | None
    next_slot: datetime | None
    missed: int
    reason: Reason
    until: datetime | None
    selected: bool


class Load(Struct, frozen=True):
    """What the plan costs against the request budget, simulated call by call and poll by poll.

    `polls`: requests that only ask, after a job or for the schedules of a connection. `overtaken`:
    addresses whose next slot falls before their call can be sent.
    """

    calls: int
    polls: int
    duration_s: float
    peak_per_minute: int
    requests_per_minute: int
    overtaken: tuple[Address, ...] = ()


class Plan(Struct, frozen=True, kw_only=True):
    """What is due at `now`, and where everything stands.

    `valid_until`: first instant at which this plan would be different, None if never.
    `digest`: over meaning only. `noted`: declarations an apply will remember, without any call.
    `missed`: slots an apply will record as past their deadline. `clock_went_back`: the newest
    recorded instant that lies in the future of the real clock, None where there is none.
    `blocked_by`: the limits because of which an apply would refuse the plan as a whole.
    """

    now: datetime
    valid_until: datetime | None
    digest: str
    actions: tuple[Action, ...]
    standings: tuple[Standing, ...]
    load: Load
    noted: Mapping[Address, Declaration] = field(default_factory=dict)
    missed: tuple[tuple[Address, datetime], ...] = ()
    clock_went_back: datetime | None = None
    blocked_by: tuple[Excess, ...] = ()


EXCEPT = "!"
"""Before a glob: what it matches is left out. No address begins like that."""


class Choice(Struct, frozen=True):
    """What the operator asked of this one plan, beyond the files.

    `select`: globs over addresses, empty means all; one after `!` leaves out.
    `force`: addresses due whatever is recorded.
    `hold_unknown`: hold items whose last outcome is unknown instead of sending them again.
    `only`: these addresses and no others, as an approved plan names them. `as_of`: the stamp of the
    resets that are forced (UTC); None: that of their slots.
    """

    select: tuple[str, ...] = ()
    force: frozenset[Address] = frozenset()
    hold_unknown: bool = False
    only: frozenset[Address] | None = None
    as_of: datetime | None = None


def freeing(address: Address) -> tuple[str, ...]:
    """Return the command that ends a hold, a doubt, or the wait for a job: the item is due then."""
    return ("reconcile", "state", "mark", address, "--due")
