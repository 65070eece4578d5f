"""One file, as a person writes it. The published JSON Schema is made from these classes."""

from typing import Annotated, Literal

from reconcile.config.shape.connections import ConnectionTable
from reconcile.config.shape.items import CacheTable, ModelTable, RefreshTable
from reconcile.config.shape.select import SelectTable
from reconcile.config.shape.table import Table, key, publishing, required, spelled
from reconcile.config.shape.words import (
    ARRAY,
    Checked,
    Days,
    DaysList,
    Duration,
    Instant,
    Name,
    Texts,
    Window,
    Windows,
)
from reconcile.model.noun import noun

_MOST = 1_000_000_000


@noun(frozen=True, slots=False, kw_only=True)
class OmniTable(Table):
    """The instance these files are about."""

    base_url: str | None = key(
        "Asserts the instance: nothing is sent if the credential is for another one. It never "
        "chooses where a token goes.",
        "https://myorg.omniapp.co",
    )
    api: Literal["v1", "legacy"] | None = key(
        "Generation of Omni's API. legacy: the older calls, whose end cannot be observed.",
        default="v1",
    )
    requests_per_minute: Annotated[int, Checked(ge=1, le=10_000)] | None = key(
        "Requests sent in any minute at most.", 50, default=60
    )


@noun(frozen=True, slots=False, kw_only=True)
class StateTable(Table):
    """Where what has happened is remembered."""

    url: str = required(
        "Path of the state file, relative to this file's folder, or a URL: s3://, "
        "gs://, az:// or postgresql://HOST/DATABASE#KEY. Never with a password.",
        "state/prod.json",
        "s3://acme-omni/prod.json",
        minLength=1,
    )
    lock_ttl: Duration | None = key(
        "Of a state that is not a local file: how long its lock outlives the death of its "
        "holder, 3s to 1h.",
        "60s",
        default="60s",
    )


@noun(frozen=True, slots=False, kw_only=True)
class DefaultsTable(Table):
    """What items have unless they say otherwise, key by key."""

    timezone: str | None = key("IANA time zone.", "America/New_York", default="UTC")
    deadline: Duration | None = key("Of every refresh and reset.", "2h")
    on_change: Literal["now", "next"] | None = key("Of every refresh and reset.", default="now")
    spread: Duration | None = key("Of every refresh and reset with cron or at.", "10m")
    hold_after: Annotated[int, Checked(ge=1, le=1000)] | None = key(
        "Of every refresh and reset.", default=5
    )
    coalesce_within: Duration | None = key("Of every refresh.", "30m")
    timeout: Duration | None = key("Of every refresh.", "1h", default="15m")
    refresh: RefreshTable | None = key(
        "Inherited by every refresh. A cadence here gives way to an item's own.",
        {"every": "6h", "mode": "soft"},
    )
    cache: CacheTable | None = key(
        "Inherited by every cache reset. A cadence here gives way to an item's own.",
        {"at": "06:00"},
    )


@noun(frozen=True, slots=False, kw_only=True)
class LimitsTable(Table):
    """What one apply may not pass, unless an operator waives it."""

    calls: Annotated[int, Checked(ge=0, le=_MOST)] | None = key("Calls of one apply.", 50)
    hard_refreshes: Annotated[int, Checked(ge=0, le=_MOST)] | None = key(
        "Hard refreshes of one apply.", 10
    )
    share: Annotated[float, Checked(gt=0, le=1, allow_inf_nan=False)] | None = key(
        "Share of all declared items that one apply may touch.", 0.5
    )


@noun(frozen=True, slots=False, kw_only=True)
class FreezeTable(Table):
    """Defers the items it matches: for one stretch of time, or outside windows."""

    __pydantic_config__ = publishing(
        {
            "oneOf": [
                {
                    "required": ["from", "until"],
                    "properties": {"allow": False, "days": False, "timezone": False},
                },
                {"required": ["allow"], "properties": {"from": False, "until": False}},
            ]
        }
    )

    name: Name = required("Shown where the freeze holds.", "quarter close")
    match: Texts | None = key(
        "Globs over addresses; everything if not given.", ["models.finance.*"], default=["*"]
    )
    start: Instant | None = spelled("from", "First instant of the freeze.", "2026-12-30T00:00:00Z")
    until: Instant | None = key("First instant after the freeze.", "2027-01-03T00:00:00Z")
    allow: Window | Windows | None = key(
        "Windows in which work is allowed; frozen outside them.", ["22:00-06:00"]
    )
    days: Days | DaysList | None = key(
        "Days on which the windows open; every day if not given.", "mon-fri"
    )
    timezone: str | None = key("IANA time zone of the windows; else that of [defaults].", "UTC")


@noun(frozen=True, slots=False, kw_only=True)
class Document(Table):
    """When Omni models are refreshed and their caches reset."""

    omni: OmniTable | None = key("The instance.", {"base_url": "https://myorg.omniapp.co"})
    state: StateTable | None = key("The state.", {"url": "state/prod.json"})
    defaults: DefaultsTable | None = key("Inherited by the items.", {"timezone": "UTC"})
    limits: LimitsTable | None = key("Protections.", {"calls": 50})
    freeze: Annotated[tuple[FreezeTable, ...], ARRAY] | None = key(
        "Stretches of time in which nothing is done.",
        [{"name": "close", "from": "2026-12-30T00:00:00Z", "until": "2027-01-03T00:00:00Z"}],
    )
    select: Annotated[tuple[SelectTable, ...], ARRAY] | None = key(
        "Templates for models of the instance, as the lock file lists them.",
        [{"name": "Sales*", "refresh": {"every": "6h"}}],
    )
    connections: dict[str, ConnectionTable] | None = key(
        "Connections by a name of your own, and Omni's own schedules of them.",
        {"warehouse": {"id": "8d1f6f0e-5b52-4c8f-9c3e-1f2a3b4c5d6e"}},
    )
    models: dict[str, ModelTable] | None = key(
        "Models by a name of your own; it becomes part of the address.",
        {"sales": {"id": "bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed", "refresh": {"every": "6h"}}},
    )
