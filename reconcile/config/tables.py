"""The tables of the file, as a person writes them: what checks a file, and what editors are told.

Only shapes and types are checked here. What a text means is read in `lower`, each distinct one
once: ten thousand models rarely have a hundred different durations. So the patterns are for the
published schema alone.
"""

import re
from typing import Annotated, Any, Literal, get_args, get_origin

from msgspec import Struct
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, Strict, WithJsonSchema
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from reconcile.config import values
from reconcile.errors import KeyPath


class Table(BaseModel):
    """Any table: unknown keys are errors, and nothing is converted.

    A key that has its default may still inherit: only `model_fields_set` tells that it is absent.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


def key(meaning: str, *examples: object, default: Any = None, **bounds: Any) -> Any:
    """Say what a key means to whoever edits a file; with `...` as its default it has none."""
    return Field(default, description=meaning, examples=list(examples) or None, **bounds)


def _text(**words: object) -> WithJsonSchema:
    """Publish what else is true of a text, in the words of JSON Schema."""
    return WithJsonSchema({"type": "string", **words})


Duration = Annotated[str, _text(pattern=values.DURATION_PATTERN)]
TimeOfDay = Annotated[str, _text(pattern=values.TIME_PATTERN)]
Window = Annotated[str, _text(pattern=values.WINDOW_PATTERN)]
Days = Annotated[str, _text(pattern=values.DAYS_PATTERN)]
Uuid = Annotated[str, _text(pattern=values.UUID_PATTERN)]
Name = Annotated[str, _text(minLength=1, maxLength=values.LONGEST_NAME)]
NotEmpty = Annotated[str, _text(minLength=1)]
Instant = AwareDatetime | Annotated[str, _text(pattern=values.INSTANT_PATTERN)]

ARRAY = Strict(strict=False)
"""TOML has only lists; a tuple can be hashed, which is what finds equal items fast."""

_NOT_EMPTY = Field(json_schema_extra={"minItems": 1})
Texts = Annotated[tuple[str, ...], ARRAY, _NOT_EMPTY]
TimesOfDay = Annotated[tuple[TimeOfDay, ...], ARRAY, _NOT_EMPTY]
Windows = Annotated[tuple[Window, ...], ARRAY, _NOT_EMPTY]
SignalName = Annotated[str, _text(pattern=values.SIGNAL_PATTERN)]
SignalNames = Annotated[tuple[SignalName, ...], ARRAY, _NOT_EMPTY]
DaysList = Annotated[tuple[Days, ...], ARRAY, _NOT_EMPTY]


def _never_beside(*keys: str) -> dict[str, Any]:
    """Refuse a key that makes no sense beside any of these."""
    return {"not": {"anyOf": [{"required": [other]} for other in keys]}}


class ScheduleTable(Table):
    """One of Omni's own schedules of a connection: Omni keeps its time, and refreshes by itself."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": ["cron"]}, {"required": ["at"]}],
            "dependentSchemas": {"days": _never_beside("cron")},
        }
    )

    cron: str | None = key(
        "Six fields as AWS EventBridge has them: minute, hour, day of month, month, day of week, "
        "year. One of the two day fields is `?`.",
        "0 2 * * ? *",
    )
    at: TimeOfDay | TimesOfDay | None = key(
        "Wall-clock times instead of cron. Several need the same minutes in every hour: Omni "
        "takes one expression.",
        "02:00",
    )
    days: Days | DaysList | None = key("Days on which the times in `at` hold.", "mon-fri")
    timezone: str | None = key("IANA time zone; else that of [defaults].", "America/New_York")
    hard: bool = key("Rebuild the schema, instead of adding to it.", True, default=False)  # noqa: FBT003 -- an example


class ConnectionTable(Table):
    """One connection of the instance."""

    id: Uuid | None = key(
        "The connection's id in Omni. Models name it by this id or by the name given here.",
        "8d1f6f0e-5b52-4c8f-9c3e-1f2a3b4c5d6e",
    )
    manage: Literal["declared", "all"] = key(
        "declared: schedules that nobody declares here are left alone. all: a plan that looked at "
        "the instance deletes them.",
        default="declared",
    )
    merge: bool = key(
        "Refreshes that are due together share one call. false: each has a call of its own, one "
        "after the other.",
        False,  # noqa: FBT003 -- an example
        default=True,
    )
    schedules: dict[str, ScheduleTable] | None = key(
        "Omni's own schedules of the connection, by names of your own.",
        {"nightly": {"cron": "0 2 * * ? *", "timezone": "America/New_York"}},
    )


class PauseTable(Table):
    """Defers an item. Slots that pass meanwhile are made up once it ends, as one."""

    until: Instant | None = key(
        "The pause ends by itself at this instant; without it, when it is removed.",
        "2026-12-01T07:00:00-05:00",
    )
    reason: str = key("Why; shown in every plan.", "warehouse migration", default=...)


class AllSignals(Table):
    """Several signals that must all have come since the last run."""

    all: SignalNames = key(
        "Due once each has come since the last run; the slot is the latest of them.",
        ["fivetran-crm", "dbt-nightly"],
        default=...,
    )


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
    on_signal: SignalName | SignalNames | AllSignals | None = key(
        "Due when a signal of this name comes (`reconcile signal NAME`, or a webhook); of a list, "
        "any of them. A reset's stamp is the instant of the signal.",
        "warehouse-load",
        ["crm", "billing"],
        {"all": ["fivetran-crm", "dbt-nightly"]},
    )
    missing: Literal["error", "wait"] = key(
        "What a file in `when_changed` that does not exist means.", default="error"
    )
    timezone: str = key(
        "IANA time zone; else the model's, else that of [defaults].",
        "America/New_York",
        default="UTC",
    )
    deadline: Duration | None = key(
        "A slot older than this is not run any more, but recorded as missed.", "2h"
    )
    on_change: Literal["now", "next"] = key(
        "What a new, edited or resumed item does with a slot that has already passed.",
        default="now",
    )
    spread: Duration | None = key(
        "Shifts the slots of `cron` or `at` by a fixed part of this, derived from what the item "
        "acts on.",
        "10m",
    )
    pause: PauseTable | None = key(
        "Defers this item.", {"until": "2026-12-01T07:00:00Z", "reason": "warehouse migration"}
    )
    hold_after: int = key(
        "Failures in a row after which the item is held until someone looks.",
        3,
        default=5,
        ge=1,
        le=1000,
    )


_COMMON = ("every", "cron", "at", "when_changed", "on_signal")
_BELONGS_TO = {"days": {"at"}, "missing": {"when_changed"}, "spread": {"cron", "at"}}
_ONLY_SOFT = {"properties": {"mode": {"const": "soft"}}}


def _one_cadence(*cadences: str, **beside: dict[str, Any]) -> dict[str, Any]:
    """Allow at most one cadence, as it may be inherited, and keys only beside theirs."""
    alternatives = [{"required": [cadence]} for cadence in cadences]
    companions = {
        key: _never_beside(*(cadence for cadence in cadences if cadence not in owners))
        for key, owners in _BELONGS_TO.items()
    }
    return {
        "oneOf": [*alternatives, {"not": {"anyOf": alternatives}}],
        "dependentSchemas": {**companions, **beside},
    }


class RefreshTable(TimedTable):
    """When a model's schema is refreshed, and how."""

    model_config = ConfigDict(
        json_schema_extra=_one_cadence(*_COMMON, schemas=_ONLY_SOFT, tables=_ONLY_SOFT)
    )

    mode: Literal["hard", "soft"] = key(
        "hard drops what vanished from the source, soft keeps it. Always sent.", default="hard"
    )
    schemas: Texts | None = key("Refresh only these schemas; with mode soft.", ["analytics"])
    tables: Texts | None = key("Refresh only these tables; with mode soft.", ["analytics.orders"])
    branch_id: Uuid | None = key(
        "Branch to refresh, where branch-based schema refresh is on for the connection.",
        "5e0c1a52-9f7c-4d8e-8a53-0d0f2ac0a6a1",
    )
    timeout: Duration = key("How long an apply waits for the refresh to end.", "1h", default="15m")
    coalesce_within: Duration | None = key(
        "Ride along with a refresh of the connection that is made now, if due this soon.", "30m"
    )


class CacheTable(TimedTable):
    """When the cached results of one policy become invalid."""

    model_config = ConfigDict(json_schema_extra=_one_cadence(*_COMMON, "reset_at"))

    reset_at: Instant | None = key("One reset, at this instant.", "2026-12-01T07:00:00-05:00")
    after: str | None = key(
        "Address of a refresh. Alone: reset whenever it completes. Beside a time: in one apply, "
        "only once it has completed.",
        "models.sales.refresh",
    )


class InheritedRefresh(RefreshTable):
    """What refreshes inherit, key by key: its keys need not make sense beside each other."""

    model_config = ConfigDict(json_schema_extra={})


class InheritedCache(CacheTable):
    """What cache resets inherit, key by key: its keys need not make sense beside each other."""

    model_config = ConfigDict(json_schema_extra={})


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


class SelectTable(Table):
    """One template for every model it matches. `reconcile lock` writes down which those are."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["refresh"]}, {"required": ["cache"]}]}
    )

    name: str = key("Glob over Omni's names of models.", "Sales*", default="*")
    kind: str = key("Omni's kind of model.", "SHARED_EXTENSION", default="SHARED")
    connection: str | None = key(
        "Glob over the connection: Omni's name or id of it, or your own name. Any if not given.",
        "warehouse",
    )
    timezone: str | None = key("IANA time zone of these models' items.", "America/New_York")
    refresh: RefreshTable | None = key("When the schema of each is refreshed.", {"every": "6h"})
    cache: dict[str, CacheTable] | None = key(
        'Cache policies of each, by their name in Omni. after = "refresh" is the model\'s own.',
        {"daily_cache_policy": {"at": "06:00", "after": "refresh"}},
    )


_MOST = 1_000_000_000


class OmniTable(Table):
    """The instance these files are about."""

    base_url: str | None = key(
        "Asserts the instance: nothing is sent if the credential is for another one. It never "
        "chooses where a token goes.",
        "https://myorg.omniapp.co",
    )
    api: Literal["v1", "legacy"] = key(
        "Generation of Omni's API. legacy: the older calls, whose end cannot be observed.",
        default="v1",
    )
    requests_per_minute: int = key(
        "Requests sent in any minute at most.", 50, default=60, ge=1, le=10_000
    )


class StateTable(Table):
    """Where what has happened is remembered."""

    url: NotEmpty = key(
        "Path of the state file, relative to this file's folder, or a URL: s3://, gs://, az:// or "
        "postgresql://HOST/DATABASE#KEY. Never with a password.",
        "state/prod.json",
        "s3://acme-omni/prod.json",
        default=...,
    )
    lock_ttl: Duration = key(
        "Of a state that is not a local file: how long its lock outlives the death of its holder, "
        "3s to 1h.",
        "60s",
        default="60s",
    )


class DefaultsTable(Table):
    """What items have unless they say otherwise, key by key."""

    timezone: str = key("IANA time zone.", "America/New_York", default="UTC")
    deadline: Duration | None = key("Of every refresh and reset.", "2h")
    on_change: Literal["now", "next"] = key("Of every refresh and reset.", default="now")
    spread: Duration | None = key("Of every refresh and reset with cron or at.", "10m")
    hold_after: int = key("Of every refresh and reset.", 3, default=5, ge=1, le=1000)
    coalesce_within: Duration | None = key("Of every refresh.", "30m")
    timeout: Duration = key("Of every refresh.", "1h", default="15m")
    refresh: InheritedRefresh | None = key(
        "Inherited by every refresh. A cadence here gives way to an item's own.",
        {"every": "6h", "mode": "soft"},
    )
    cache: InheritedCache | None = key(
        "Inherited by every cache reset. A cadence here gives way to an item's own.",
        {"at": "06:00"},
    )


class LimitsTable(Table):
    """What one apply may not pass, unless an operator waives it."""

    calls: int | None = key("Calls of one apply.", 50, ge=0, le=_MOST)
    hard_refreshes: int | None = key("Hard refreshes of one apply.", 10, ge=0, le=_MOST)
    share: float | None = key(
        "Share of all declared items that one apply may touch.",
        0.5,
        gt=0,
        le=1,
        allow_inf_nan=False,
    )


class FreezeTable(Table):
    """Defers the items it matches: for one stretch of time, or outside windows."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {
                    "required": ["from", "until"],
                    "properties": {"allow": False, "days": False, "timezone": False},
                },
                {"required": ["allow"], "properties": {"from": False, "until": False}},
            ]
        }
    )

    name: Name = key("Shown where the freeze holds.", "quarter close", default=...)
    match: Texts = key(
        "Globs over addresses; everything if not given.", ["models.finance.*"], default=("*",)
    )
    start: Instant | None = key(
        "First instant of the freeze.", "2026-12-30T00:00:00Z", alias="from"
    )
    until: Instant | None = key("First instant after the freeze.", "2027-01-03T00:00:00Z")
    allow: Window | Windows | None = key(
        "Windows in which work is allowed; frozen outside them.", ["22:00-06:00"]
    )
    days: Days | DaysList | None = key(
        "Days on which the windows open; every day if not given.", "mon-fri"
    )
    timezone: str | None = key("IANA time zone of the windows; else that of [defaults].", "UTC")


class SignalTable(Table):
    """Who sends a signal to the controller, and how what they send is told from a forgery."""

    model_config = ConfigDict(
        json_schema_extra={"dependentSchemas": {"secret_env": _never_beside("secret_file")}}
    )

    webhook: Literal["dbt", "fivetran", "github", "bearer"] = key(
        "Whose webhook it is: says which header signs the body, and where it says that a run "
        "succeeded and when it ended. bearer: whoever has the token of --signal-token-file.",
        default="bearer",
    )
    secret_env: str | None = key(
        "Environment variable of the controller that holds the webhook's secret.",
        "DBT_WEBHOOK_SECRET",
    )
    secret_file: NotEmpty | None = key(
        "File that holds the secret, relative to this file's folder.", "/run/secrets/dbt"
    )
    match: dict[str, str] | None = key(
        "What the body has to say besides, by its dotted path; all of it must hold.",
        {"data.jobId": "4711"},
    )
    header: NotEmpty | None = key(
        "Header with the signature, where a gateway rewrites the usual one.", "X-Dbt-Signature"
    )
    success: dict[str, str] | None = key(
        "What the body says of a success, instead of what this webhook usually says.",
        {"status": "ok"},
    )
    at: NotEmpty | None = key(
        "Dotted path of the instant in the body, instead of the usual one; where `success` is "
        "given and this is not, a signal counts as of its arrival.",
        "finished_at",
    )


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
    signals: dict[str, SignalTable] | None = key(
        "Webhooks that send signals, by the signal's name.",
        {"dbt-nightly": {"webhook": "dbt", "secret_env": "DBT_WEBHOOK_SECRET"}},
    )
    connections: dict[str, ConnectionTable] | None = key(
        "Connections by a name of your own, and Omni's own schedules of them.",
        {"warehouse": {"id": "8d1f6f0e-5b52-4c8f-9c3e-1f2a3b4c5d6e"}},
    )
    models: dict[str, ModelTable] | None = key(
        "Models by a name of your own; it becomes part of the address.",
        {"sales": {"id": "bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed", "refresh": {"every": "6h"}}},
    )


# The published JSON Schema.

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _TomlSchema(GenerateJsonSchema):
    """TOML has no null: a key that may be absent is not one that may be null."""

    def nullable_schema(self, schema: Any) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: Any) -> JsonSchemaValue:
        told = super().default_schema(schema)
        return {word: value for word, value in told.items() if (word, value) != ("default", None)}

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - its signature
        """Leave titles out: a key's name is title enough."""
        return False


def published(shape: type[Table], title: str) -> dict[str, Any]:
    """Return the schema of a kind of file, JSON Schema draft 2020-12."""
    document = shape.model_json_schema(schema_generator=_TomlSchema)
    return {"$schema": DIALECT, **document, "title": title}


def file_schema() -> dict[str, Any]:
    """Return the schema of one file of a desired state.

    It says what one file can say about itself: that a cadence may be inherited, and that another
    file of the directory may hold a model's id, it leaves to `load`.
    """
    return published(Document, "Desired state of reconcile")


# Which keys a table can hold, for suggestions and for the order that `fmt` gives them.

_CREDENTIAL = re.compile(r"api[_-]?key|token|secret|password|authorization|bearer", re.IGNORECASE)


def known_keys(path: KeyPath, document: type[Table] = Document) -> tuple[str, ...]:
    """Return the keys of the table at that path of a file, as a file spells them."""
    parts, shape = list(path), document
    while parts:
        found = _table_in(_fields(shape).get(str(parts.pop(0))))
        if found is None:
            return ()
        shape, is_named = found
        if is_named and not parts:
            return ()
        parts = parts[1:] if is_named else parts
    return tuple(_fields(shape))


def _fields(shape: type[Table]) -> dict[str, Any]:
    """Map the keys of a table to the types of their values."""
    return {it.alias or name: it.annotation for name, it in shape.model_fields.items()}


def _table_in(annotation: Any) -> tuple[type[Table], bool] | None:
    """Find the table that a key holds, and whether it holds several by a name or number."""
    if isinstance(annotation, type) and issubclass(annotation, Table):
        return annotation, False
    for part in get_args(annotation):
        if found := _table_in(part):
            return found[0], found[1] or get_origin(annotation) in {dict, tuple}
    return None


def names_credential(key: str) -> bool:
    """Tell whether a key seems meant for a credential."""
    return _CREDENTIAL.search(key[:200]) is not None


class Shaped(Struct, frozen=True):
    """What could be understood of one file.

    `removed` are the paths that could not be, `broken` those and the tables they were in.
    `complete` is False if another file could not be parsed, which may hold what is absent here.
    """

    source: int
    document: Document
    removed: frozenset[KeyPath] = frozenset()
    broken: frozenset[KeyPath] = frozenset()
    complete: bool = True

    def is_whole(self, *path: str | int) -> bool:
        """Tell whether nothing was removed from that table, so that what lacks is really absent."""
        return self.complete and not (self.broken and path in self.broken)
