"""Why a native schedule stands as it does, or is acted on: closed unions of facts."""

from datetime import datetime

from reconcile.model.due import Forced
from reconcile.model.noun import noun


@noun(frozen=True, slots=True)
class ScheduleUnmade:
    """Declared, and never made as far as is recorded."""


@noun(frozen=True, slots=True)
class ScheduleVanished:
    """It was made, and Omni has it no more."""

    schedule_id: str


@noun(frozen=True, slots=True)
class ScheduleFound:
    """Omni has it as declared, which is not recorded yet."""

    schedule_id: str


@noun(frozen=True, slots=True)
class ScheduleEdited:
    """The file says otherwise than what was applied; `changed` names the keys."""

    changed: tuple[str, ...]


@noun(frozen=True, slots=True)
class ScheduleDrifted:
    """Omni has it otherwise than it was applied; `changed` names the keys."""

    changed: tuple[str, ...]


@noun(frozen=True, slots=True)
class ScheduleInDoubt:
    """An earlier write may or may not have happened; repeating it is harmless."""

    since: datetime


@noun(frozen=True, slots=True)
class ScheduleInPlace:
    """It was applied as declared; a live look would find out whether it still is."""

    schedule_id: str


@noun(frozen=True, slots=True)
class ScheduleUndeclared:
    """It was made here and is no longer declared, or not on this connection."""


@noun(frozen=True, slots=True)
class ScheduleForeign:
    """Nobody declares it, and the connection is managed whole."""


ScheduleDue = (
    ScheduleUnmade
    | ScheduleVanished
    | ScheduleFound
    | ScheduleEdited
    | ScheduleDrifted
    | ScheduleInDoubt
    | ScheduleUndeclared
    | ScheduleForeign
)

ScheduleReason = ScheduleDue | Forced
"""Why a schedule is acted on."""
