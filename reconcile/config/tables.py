"""The tables of every file, as a person writes them. The JSON Schemas are made from these."""

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, field, fields
from datetime import datetime
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    ClassVar,
    Literal,
    TypedDict,
    TypeVar,
    Union,
    Unpack,
    get_args,
    get_origin,
)

from pydantic_core import CoreSchema, SchemaValidator, core_schema

from reconcile.config.values import (
    DAYS_PATTERN,
    DURATION_PATTERN,
    INSTANT_PATTERN,
    LONGEST_NAME,
    TIME_PATTERN,
    UUID_PATTERN,
    WINDOW_PATTERN,
)
from reconcile.errors import KeyPath
from reconcile.model.noun import noun

# What a table of the file is made of. pydantic publishes these classes and is not imported here.
#
# They are plain nouns: `checking` has the core of pydantic check them, `published` has pydantic
# describe them. What it is to know beside the types stands where it looks: in a field's metadata.

JsonSchema = Mapping[str, Any]


@noun(frozen=True, slots=False, kw_only=True)
class Table:
    """Any table: unknown keys are errors, and nothing is converted. None is an absent key."""

    __pydantic_config__: ClassVar[JsonSchema] = {"extra": "forbid", "strict": True}


def publishing(extra: JsonSchema) -> JsonSchema:
    """Add to a table's published schema what its keys do not say one by one."""
    return {**Table.__pydantic_config__, "json_schema_extra": extra}


def key(description: str, *examples: object, default: object = None) -> Any:
    """Describe an optional key; its default is stated in the schema, and applied in `lowering`."""
    extra = {} if default is None else {"default": default}
    told = list(examples) or list(extra.values()) or None
    return field(default=None, metadata=_told(description, told, extra))


def required(description: str, *examples: object, **extra: object) -> Any:
    """Describe a key that has to be there; `extra` is of JSON Schema."""
    return field(metadata=_told(description, list(examples), extra))


def spelled(name: str, description: str, example: str) -> Any:
    """Describe an optional key whose name in the file is a word of Python's own."""
    return field(default=None, metadata=_told(description, [example], {}) | {"alias": name})


def key_names(shape: type[Table]) -> tuple[str, ...]:
    """Return the keys of a table as they are spelled in a file."""
    return tuple(key.metadata.get("alias", key.name) for key in fields(shape))


def one_of_at_most(*cadences: str) -> dict[str, Any]:
    """Allow at most one of these keys: a table that has none may inherit one."""
    alternatives = [{"required": [cadence]} for cadence in cadences]
    return {"oneOf": [*alternatives, {"not": {"anyOf": alternatives}}]}


def never_beside(*keys: str) -> dict[str, Any]:
    """Refuse a key that makes no sense beside any of these."""
    return {"not": {"anyOf": [{"required": [other]} for other in keys]}}


def _told(
    description: str, examples: list[object] | None, extra: Mapping[str, object]
) -> dict[str, object]:
    return {"description": description, "examples": examples, "json_schema_extra": dict(extra)}


# Has the core of pydantic check tables, without pydantic itself.
#
# Importing all of pydantic takes as long as planning a thousand models. What it makes of
# annotations is made here for the dozen kinds of them that tables have; a test holds the two to be
# the same.

TableT = TypeVar("TableT", bound=Table)

_PLAIN: Mapping[object, Callable[[], CoreSchema]] = {
    str: core_schema.str_schema,
    bool: core_schema.bool_schema,
    int: core_schema.int_schema,
    float: core_schema.float_schema,
    datetime: core_schema.datetime_schema,
}


_validators: dict[type[Table], SchemaValidator] = {}


def check(shape: type[TableT], raw: Mapping[str, Any]) -> TableT:
    """Return the table that parsed TOML holds. Raises pydantic_core's `ValidationError`."""
    validator = _validators.get(shape)
    if validator is None:
        validator = _validators[shape] = SchemaValidator(table_schema(shape))
    table: TableT = validator.validate_python(raw)
    return table


def table_schema(shape: type[Table]) -> CoreSchema:
    """Return the core schema of a table.

    The table itself is not strict, for that would take nothing but an instance; its keys are.
    """
    keys = [_key_schema(key) for key in fields(shape)]
    return core_schema.dataclass_schema(
        shape,
        core_schema.dataclass_args_schema(shape.__name__, keys),
        [key.name for key in fields(shape)],
        strict=False,
        config=core_schema.CoreConfig(extra_fields_behavior="forbid", strict=True),
    )


def _key_schema(key: Field[Any]) -> core_schema.DataclassField:
    schema = _schema(key.type)
    if key.default is not MISSING:
        schema = core_schema.with_default_schema(schema, default=key.default)
    alias = key.metadata.get("alias")
    return core_schema.dataclass_field(key.name, schema, validation_alias=alias)


def _schema(annotation: Any) -> CoreSchema:
    if plain := _PLAIN.get(annotation):
        return plain()
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin in {Union, UnionType}:
        return _union_schema(parts)
    if origin is Annotated:
        return _with_rules(_schema(parts[0]), parts[1:])
    if origin is Literal:
        return core_schema.literal_schema(list(parts))
    if origin is tuple:
        return core_schema.tuple_schema([_schema(parts[0])], variadic_item_index=0)
    if origin is dict:
        return core_schema.dict_schema(_schema(parts[0]), _schema(parts[1]))
    return table_schema(annotation)


def _union_schema(parts: tuple[Any, ...]) -> CoreSchema:
    choices: list[Any] = [_schema(part) for part in parts if part is not NoneType]
    schema = choices[0] if len(choices) == 1 else core_schema.union_schema(choices)
    return core_schema.nullable_schema(schema) if NoneType in parts else schema


def _with_rules(schema: CoreSchema, marks: tuple[object, ...]) -> CoreSchema:
    for mark in marks:
        if isinstance(mark, Checked):
            schema = {**schema, **mark.rules}
    return schema


# Kinds of values a file may hold. Their patterns serve the published schema and editors.
#
# Only types are checked here. What a text means is read in `lowering`, each distinct one once: ten
# thousand models rarely have a hundred different durations.

_Schema = Mapping[str, Any]


class Rules(TypedDict, total=False):
    """Rules that pydantic's core has for a value, by its own names."""

    ge: int
    gt: int
    le: int
    allow_inf_nan: bool
    strict: bool
    tz_constraint: Literal["aware"]


class Checked:
    """What is checked of a value beside its type."""

    def __init__(self, **rules: Unpack[Rules]) -> None:
        self.rules = rules

    def __get_pydantic_core_schema__(
        self, source: object, handler: Callable[[object], _Schema]
    ) -> _Schema:
        """Tell pydantic, which asks by this name."""
        return {**handler(source), **self.rules}


class Published:
    """What the published schema alone says of a value, in the words of JSON Schema."""

    def __init__(self, **words: object) -> None:
        self.words = words

    def __get_pydantic_json_schema__(
        self, schema: _Schema, handler: Callable[[_Schema], _Schema]
    ) -> _Schema:
        """Tell pydantic, which asks by this name."""
        return {**handler(schema), **self.words}


Duration = Annotated[str, Published(pattern=DURATION_PATTERN)]
TimeOfDay = Annotated[str, Published(pattern=TIME_PATTERN)]
Window = Annotated[str, Published(pattern=WINDOW_PATTERN)]
Days = Annotated[str, Published(pattern=DAYS_PATTERN)]
Uuid = Annotated[str, Published(pattern=UUID_PATTERN)]
InstantText = Annotated[str, Published(pattern=INSTANT_PATTERN)]
Instant = Annotated[datetime, Checked(tz_constraint="aware")] | InstantText
Name = Annotated[str, Published(minLength=1, maxLength=LONGEST_NAME)]

ARRAY = Checked(strict=False)
"""TOML has only lists; a tuple can be hashed, which is what finds equal items fast."""

_NOT_EMPTY = Published(minItems=1)
Texts = Annotated[tuple[str, ...], ARRAY, _NOT_EMPTY]
TimesOfDay = Annotated[tuple[TimeOfDay, ...], ARRAY, _NOT_EMPTY]
Windows = Annotated[tuple[Window, ...], ARRAY, _NOT_EMPTY]
DaysList = Annotated[tuple[Days, ...], ARRAY, _NOT_EMPTY]


# `fleet.toml`, as a person writes it. Its published JSON Schema is made from these classes.

LookEvery = Literal["1s", "2s", "5s", "10s", "15s", "30s", "1m"]
"""Divisors of a minute, so that every worker looks at the same instants."""


@noun(frozen=True, slots=False, kw_only=True)
class FleetTable(Table):
    """How the fleet itself works."""

    database: str | None = key(
        "Postgres that hands out the work, without a password: that comes from where libpq looks "
        "for it. If absent, RECONCILE_FLEET_DATABASE says.",
        "postgresql://db.internal/reconcile",
    )
    look_every: LookEvery | None = key(
        "How often the database is asked which instances are due.", "15s", default="5s"
    )
    silent_after: Duration | None = key(
        "How long a worker may be silent before the others take its work over: 3s at least.",
        "1m",
        default="30s",
    )


@noun(frozen=True, slots=False, kw_only=True)
class InstanceTable(Table):
    """One Omni instance."""

    file: str = required(
        "Its desired state: a file or a directory, relative to this file's folder.",
        "acme",
        minLength=1,
    )
    state: str | None = key(
        "Where its state is kept; instead of the url in its own files.",
        "postgresql://db.internal/reconcile#acme",
    )
    credential: str | None = key(
        "Name of its credential: OMNI_BASE_URL_NAME beside OMNI_API_KEY_NAME in the environment, "
        "or a profile of Omni's own CLI. The instance's own name if not given.",
        "acme",
    )


@noun(frozen=True, slots=False, kw_only=True)
class FleetDocument(Table):
    """The instances of a fleet."""

    fleet: FleetTable | None = key("How the fleet itself works.")
    instances: dict[Name, InstanceTable] | None = key("Instances by a name of your own.")


# The tables of a connection as the file spells them.


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


# The tables of a model as the file spells them.


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


# A `[[select]]` and the lock file beside it, as they are spelled.


@noun(frozen=True, slots=False, kw_only=True)
class SelectTable(Table):
    """One template for every model it matches. `reconcile lock` writes down which those are."""

    __pydantic_config__ = publishing(
        {"anyOf": [{"required": ["refresh"]}, {"required": ["cache"]}]}
    )

    name: str | None = key("Glob over Omni's names of models.", "Sales*", default="*")
    kind: str | None = key("Omni's kind of model.", "SHARED_EXTENSION", default="SHARED")
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


@noun(frozen=True, slots=False, kw_only=True)
class LockedTable(Table):
    """One model in the lock file."""

    id: Uuid
    title: str | None = None
    connection: Name | None = None
    select: Annotated[int, Checked(ge=1, le=1_000_000)]


@noun(frozen=True, slots=False, kw_only=True)
class LockDocument(Table):
    """The lock file."""

    made_for: Annotated[tuple[str, ...], ARRAY]
    models: dict[str, LockedTable] | None = None


# One file, as a person writes it. The published JSON Schema is made from these classes.

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


# Which keys a table can hold, for suggestions.

_CREDENTIAL = re.compile(r"api[_-]?key|token|secret|password|authorization|bearer", re.IGNORECASE)
_SECTIONS: dict[str | int, type[Table]] = {
    "omni": OmniTable,
    "state": StateTable,
    "defaults": DefaultsTable,
    "limits": LimitsTable,
    "freeze": FreezeTable,
    "select": SelectTable,
}


def known_keys(table: KeyPath) -> tuple[str, ...]:
    """Return the keys of the table at that path, as they are spelled in a file."""
    return key_names(_shape_of(table))


def names_credential(key: str) -> bool:
    """Tell whether a key seems meant for a credential."""
    return _CREDENTIAL.search(key[:200]) is not None


def _shape_of(table: KeyPath) -> type[Table]:
    match table:
        case ("models", _):
            return ModelTable
        case ("connections", _):
            return ConnectionTable
        case ("connections", _, "schedules", _):
            return ScheduleTable
        case ("defaults", "refresh") | ("models" | "select", _, "refresh"):
            return RefreshTable
        case ("defaults", "cache") | ("models" | "select", _, "cache", _):
            return CacheTable
        case (*_, "pause"):
            return PauseTable
        case (section, *_):
            return _SECTIONS.get(section, Document)
        case _:
            return Document
