"""The tables of a model as the file spells them."""

from typing import Annotated, Literal

from reconcile.config.shape.table import (
    Table,
    key,
    never_beside,
    one_of_at_most,
    publishing,
    required,
)
from reconcile.config.shape.words import (
    Checked,
    Days,
    DaysList,
    Duration,
    Instant,
    Name,
    Texts,
    TimeOfDay,
    TimesOfDay,
    Uuid,
)
from reconcile.model.noun import noun


@noun(frozen=True, slots=False, kw_only=True)
class PauseTable(Table):
    """Defers an item. Slots that pass meanwhile are made up once it ends, as one."""

    until: Instant | None = key(
        "The pause ends by itself at this instant; without it, when it leaves the file.",
        "2026-12-01T07:00:00-05:00",
    )
    reason: str = required("Why; shown in every plan.", "warehouse migration")


@noun(frozen=True, slots=False, kw_only=True)
class TimedTable(Table):
    """What a refresh and a cache reset have in common: when they are due."""

    every: Duration | None = key("Due again this long after its last success was sent.", "6h", "1d")
    cron: str | None = key("Five-field cron, in the item's time zone.", "0 */6 * * *")
    at: TimeOfDay | TimesOfDay | None = key(
        "Wall-clock times, in the item's time zone.", "06:00", ["06:00", "18:00"]
    )
    days: Days | DaysList | None = key(
        "Days on which the times in `at` hold; every day if not given.", "mon-fri", ["mon", "thu"]
    )
    when_changed: Texts | None = key(
        "Due when the content of these files changes. Relative to this file's folder.",
        ["target/run_results.json"],
    )
    missing: Literal["error", "wait"] | None = key(
        "What a file in `when_changed` that does not exist means.", default="error"
    )
    timezone: str | None = key(
        "IANA time zone; else the model's, else that of [defaults].",
        "America/New_York",
        default="UTC",
    )
    deadline: Duration | None = key(
        "A slot older than this is not run any more, but recorded as missed.", "2h"
    )
    on_change: Literal["now", "next"] | None = key(
        "What a new, edited or resumed item does with a slot that has already passed.",
        default="now",
    )
    spread: Duration | None = key(
        "Shifts the slots of `cron` or `at` by a fixed part of this, derived from the address.",
        "10m",
    )
    pause: PauseTable | None = key(
        "Defers this item.", {"until": "2026-12-01T07:00:00Z", "reason": "warehouse migration"}
    )
    hold_after: Annotated[int, Checked(ge=1, le=1000)] | None = key(
        "Failures in a row after which the item is held until someone looks.", default=5
    )


_COMMON = ("every", "cron", "at", "when_changed")
_CLOCKLESS = ("every", "when_changed")


@noun(frozen=True, slots=False, kw_only=True)
class RefreshTable(TimedTable):
    """When a model's schema is refreshed, and how."""

    __pydantic_config__ = publishing(
        {
            **one_of_at_most(*_COMMON),
            "dependentSchemas": {
                "days": never_beside("every", "cron", "when_changed"),
                "missing": never_beside("every", "cron", "at"),
                "spread": never_beside(*_CLOCKLESS),
                "schemas": {"properties": {"mode": {"const": "soft"}}},
                "tables": {"properties": {"mode": {"const": "soft"}}},
            },
        }
    )

    mode: Literal["hard", "soft"] | None = key(
        "hard drops what vanished from the source, soft keeps it. Always sent.", default="hard"
    )
    schemas: Texts | None = key("Refresh only these schemas; with mode soft.", ["analytics"])
    tables: Texts | None = key("Refresh only these tables; with mode soft.", ["analytics.orders"])
    branch_id: Uuid | None = key(
        "Branch to refresh, where branch-based schema refresh is on for the connection.",
        "5e0c1a52-9f7c-4d8e-8a53-0d0f2ac0a6a1",
    )
    timeout: Duration | None = key(
        "How long an apply waits for the refresh to end.", "1h", default="15m"
    )
    coalesce_within: Duration | None = key(
        "Ride along with a refresh of the connection that is made now, if due this soon.", "30m"
    )


@noun(frozen=True, slots=False, kw_only=True)
class CacheTable(TimedTable):
    """When the cached results of one policy become invalid."""

    __pydantic_config__ = publishing(
        {
            **one_of_at_most(*_COMMON, "reset_at"),
            "dependentSchemas": {
                "days": never_beside("every", "cron", "when_changed", "reset_at"),
                "missing": never_beside("every", "cron", "at", "reset_at"),
                "spread": never_beside(*_CLOCKLESS, "reset_at"),
            },
        }
    )

    reset_at: Instant | None = key("One reset, at this instant.", "2026-12-01T07:00:00-05:00")
    after: str | None = key(
        "Address of a refresh. Alone: reset whenever it completes. Beside a time: in one apply, "
        "only once it has completed.",
        "models.sales.refresh",
    )


@noun(frozen=True, slots=False, kw_only=True)
class ModelTable(Table):
    """One model of the instance."""

    __pydantic_config__ = publishing(
        {"dependentRequired": {own: ["id"] for own in ("connection", "timezone", "refresh")}}
    )

    id: Uuid | None = key(
        "The model's id in Omni. Only one file of a directory gives it.",
        "bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed",
    )
    connection: Name | None = key(
        "The connection below the model: Omni's id of it, or a name of your own. Models that "
        "share one share one refresh call.",
        "warehouse",
    )
    timezone: str | None = key("IANA time zone of this model's items.", "America/New_York")
    refresh: RefreshTable | None = key("When the schema is refreshed.", {"every": "6h"})
    cache: dict[str, CacheTable] | None = key(
        "Cache policies by their name in Omni.", {"daily_cache_policy": {"at": "06:00"}}
    )
