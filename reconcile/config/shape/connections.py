"""The tables of a connection as the file spells them."""

from typing import Literal

from reconcile.config.shape.table import Table, key, never_beside, publishing
from reconcile.config.shape.words import Days, DaysList, TimeOfDay, TimesOfDay, Uuid
from reconcile.model.noun import noun


@noun(frozen=True, slots=False, kw_only=True)
class ScheduleTable(Table):
    """One of Omni's own schedules of a connection: Omni keeps its time, and refreshes by itself."""

    __pydantic_config__ = publishing(
        {
            "oneOf": [{"required": ["cron"]}, {"required": ["at"]}],
            "dependentSchemas": {"days": never_beside("cron")},
        }
    )

    cron: str | None = key(
        "Six fields as AWS EventBridge has them: minute, hour, day of month, month, day of week, "
        "year. One of the two day fields is `?`.",
        "0 2 * * ? *",
    )
    at: TimeOfDay | TimesOfDay | None = key(
        "Wall-clock times instead of cron. Several need the same minutes in every hour: "
        "Omni takes one expression.",
        "02:00",
    )
    days: Days | DaysList | None = key("Days on which the times in `at` hold.", "mon-fri")
    timezone: str | None = key("IANA time zone; else that of [defaults].", "America/New_York")
    hard: bool | None = key("Rebuild the schema, instead of adding to it.", default=False)


@noun(frozen=True, slots=False, kw_only=True)
class ConnectionTable(Table):
    """One connection of the instance."""

    id: Uuid | None = key(
        "The connection's id in Omni. Models name it by this id or by the name given here.",
        "8d1f6f0e-5b52-4c8f-9c3e-1f2a3b4c5d6e",
    )
    manage: Literal["declared", "all"] | None = key(
        "declared: schedules that nobody declares here are left alone. all: a plan that looked at "
        "the instance deletes them.",
        default="declared",
    )
    schedules: dict[str, ScheduleTable] | None = key(
        "Omni's own schedules of the connection, by names of your own.",
        {"nightly": {"cron": "0 2 * * ? *", "timezone": "America/New_York"}},
    )
