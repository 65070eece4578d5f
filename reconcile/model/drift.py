"""What a live instance says otherwise than the files: a closed union of findings."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, assert_never

from reconcile.model.address import Address
from reconcile.model.desired import NativeSchedule, ScheduleSpec

# What a live instance says of native schedules otherwise than the files.


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleMissing:
    """A connection has no native schedule that says what is declared; an apply makes it so."""

    addresses: tuple[Address, ...]
    declared: ScheduleSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleDiffers:
    """The native schedule that an apply made for this one says something else than the file."""

    addresses: tuple[Address, ...]
    declared: ScheduleSpec
    schedule: NativeSchedule


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleDisabled:
    """A declared native schedule is there and disabled, which only Omni can undo."""

    addresses: tuple[Address, ...]
    schedule: NativeSchedule


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleForeign:
    """A connection that is managed whole has a native schedule that nobody declared."""

    addresses: tuple[Address, ...]
    connection: str
    schedule: NativeSchedule


ShadowKind = Literal["redundant", "close"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadowed:
    """Omni itself refreshes the connection of a declared refresh.

    `redundant`: all that the declared one would do is done by then. `close`: both run within an
    hour; `ours` and `theirs` are the first such pair of instants (UTC).
    """

    addresses: tuple[Address, ...]
    schedule: NativeSchedule
    kind: ShadowKind
    ours: datetime | None = None
    theirs: datetime | None = None


Addresses = tuple[Address, ...]
"""The items a finding is about, sorted; empty where none is declared yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelMissing:
    """Omni lists no model of that id: there is none, or the token may not see it.

    `alike`: the id of a live model that bears the name the files use.
    """

    addresses: Addresses
    model_id: str
    alike: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDeleted:
    """The model was deleted. `deleted_at` is UTC; `name` is Omni's."""

    addresses: Addresses
    model_id: str
    name: str | None
    deleted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionDiffers:
    """The model lives on another connection than the one that is declared by its id.

    `declared`: as the files say it. `lives_on`: Omni's id, `name` Omni's name of it.
    """

    addresses: Addresses
    model_id: str
    declared: str
    lives_on: str
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSplit:
    """Models declared on one connection live on several: one call would not refresh them all."""

    addresses: Addresses
    declared: str
    lives_on: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionShared:
    """Models declared on several connections live on one: it would be refreshed once for each."""

    addresses: Addresses
    declared: tuple[str, ...]
    lives_on: str
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionGone:
    """A connection that is declared by its id is not listed, or was deleted."""

    addresses: Addresses
    declared: str
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchMissing:
    """The model has no active branch of that id. `branches`: the names of those it has."""

    addresses: Addresses
    model_id: str
    branch_id: str
    branches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyUnknown:
    """The model's own file has no cache policy of that name; Omni accepts the reset all the same.

    No proof: a policy may live on an extension or a workbook model (omni-api.md 3.4 [infer]).
    `near`: the name that was probably meant. `known`: those the model has.
    """

    addresses: Addresses
    model_id: str
    policy: str
    near: str | None = None
    known: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionFilled:
    """The files leave the connection out, and Omni told it: refreshes on it share one call."""

    addresses: Addresses
    lives_on: str
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionJoined:
    """A [[select]] matches a model that the lock file does not hold."""

    addresses: Addresses
    model_id: str
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionLeft:
    """The lock file holds a model that no [[select]] matches any more. `name` is the file's."""

    addresses: Addresses
    model_id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionEmpty:
    """A [[select]] matches no model of the instance. `number` counts from 1; `selects` spells it.

    `near`: names of models that were probably meant.
    """

    addresses: Addresses
    number: int
    selects: str
    near: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockOff:
    """Our clock and Omni's differ. `ahead_s`: how far ours runs ahead; negative behind."""

    addresses: Addresses
    ahead_s: float


Part = Literal["connections", "policies", "schedules"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotChecked:
    """A part of the instance that was asked for and not told, so nothing follows about it.

    `count`: of how many models' policies or connections' schedules it is. `why`: in Omni's words or
    ours; None where an earlier look kept none. `declared`: something in the files depends on it,
    and is not known to be right; else it would only have told more.
    """

    part: Part
    count: int
    why: str | None
    declared: bool


Finding = (
    ModelMissing
    | ModelDeleted
    | ConnectionDiffers
    | ConnectionSplit
    | ConnectionShared
    | ConnectionGone
    | BranchMissing
    | PolicyUnknown
    | ConnectionFilled
    | ScheduleMissing
    | ScheduleDiffers
    | ScheduleDisabled
    | ScheduleForeign
    | Shadowed
    | SelectionJoined
    | SelectionLeft
    | SelectionEmpty
    | ClockOff
)


class Weight(StrEnum):
    """How much a finding says. `DIFFERS`: files and instance contradict each other."""

    DIFFERS = "differs"
    WARNS = "warns"
    NOTES = "notes"


def weight(finding: Finding) -> Weight:
    """Tell a contradiction from a warning, and both from what is only worth knowing."""
    match finding:
        case ConnectionFilled():
            return Weight.NOTES
        case Shadowed() | ClockOff() | SelectionEmpty():
            return Weight.WARNS
        case (
            ModelMissing()
            | ModelDeleted()
            | ConnectionDiffers()
            | ConnectionSplit()
            | ConnectionShared()
            | ConnectionGone()
            | BranchMissing()
            | PolicyUnknown()
            | ScheduleMissing()
            | ScheduleDiffers()
            | ScheduleDisabled()
            | ScheduleForeign()
            | SelectionJoined()
            | SelectionLeft()
        ):
            return Weight.DIFFERS
        case _ as unreachable:
            assert_never(unreachable)
