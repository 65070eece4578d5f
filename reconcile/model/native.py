"""Omni's own schedules of a connection: the one thing at Omni that can be read back."""

from datetime import datetime

from reconcile.model.noun import noun


@noun(frozen=True, slots=True)
class ScheduleSpec:
    """What a native schedule says, and all that tells two of them apart.

    `cron`: EventBridge's six fields in canonical spelling (no leading zeros, names in capitals),
    so that equal schedules are equal text. `zone`: an IANA name. `hard`: the refresh it makes
    rebuilds the schema; absent in the older published API, which only knows soft ones.
    """

    cron: str
    zone: str
    hard: bool = False


@noun(frozen=True, slots=True, kw_only=True)
class NativeSchedule:
    """One schedule as Omni has it. Its identity is `schedule_id` alone; it has no name.

    `disabled_at` (UTC) can be read but not set.
    """

    schedule_id: str
    connection_id: str
    spec: ScheduleSpec
    disabled_at: datetime | None = None
