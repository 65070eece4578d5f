"""What a live instance says of native schedules otherwise than the files."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from reconcile.model.address import Address
from reconcile.model.native import NativeSchedule, ScheduleSpec


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
