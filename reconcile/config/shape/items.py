"""The tables of a model as the file spells them. None is a key that is not there."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict, JsonValue

from reconcile.config.shape.words import (
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


def key(description: str, *examples: object, default: JsonValue = None, **bounds: Any) -> Any:
    """Describe an optional key; its default is stated in the schema, and applied in `lowering`."""
    extra: JsonDict = {} if default is None else {"default": default}
    return Field(
        default=None,
        description=description,
        examples=list(examples) or list(extra.values()) or None,
        json_schema_extra=extra,
        **bounds,
    )


def one_of_at_most(*cadences: str) -> dict[str, Any]:
    """Allow at most one of these keys: a table that has none may inherit one."""
    required = [{"required": [cadence]} for cadence in cadences]
    return {"oneOf": [*required, {"not": {"anyOf": required}}]}


def never_beside(*keys: str) -> dict[str, Any]:
    """Refuse a key that makes no sense beside any of these."""
    return {"not": {"anyOf": [{"required": [other]} for other in keys]}}


class Table(BaseModel):
    """Any table: unknown keys are errors, and nothing is converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PauseTable(Table):
    """Defers an item. Slots that pass meanwhile are made up once it ends, as one."""

    until: Instant | None = key(
        "The pause ends by itself at this instant; without it, when it leaves the file.",
        "2026-12-01T07:00:00-05:00",
    )
    reason: str = Field(description="Why; shown in every plan.", examples=["warehouse migration"])


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
    hold_after: Annotated[int, Field(ge=1, le=1000)] | None = key(
        "Failures in a row after which the item is held until someone looks.", default=5
    )


_COMMON = ("every", "cron", "at", "when_changed")
_CLOCKLESS = ("every", "when_changed")


class RefreshTable(TimedTable):
    """When a model's schema is refreshed, and how."""

    model_config = ConfigDict(
        json_schema_extra={
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


class CacheTable(TimedTable):
    """When the cached results of one policy become invalid."""

    model_config = ConfigDict(
        json_schema_extra={
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


class ModelTable(Table):
    """One model of the instance."""

    model_config = ConfigDict(
        json_schema_extra={
            "dependentRequired": {own: ["id"] for own in ("connection", "timezone", "refresh")}
        }
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
