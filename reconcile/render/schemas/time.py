"""The published JSON Schemas of `forecast`, `why` and `simulate`."""

from reconcile.model.explanation import ObstacleKind
from reconcile.model.plan import Status
from reconcile.render.forecast.as_json import FORECAST_FORMAT_VERSION
from reconcile.render.schemas.parts import (
    ADDRESS,
    BECAUSE,
    COUNT,
    COUNT_OR_NULL,
    INSTANT,
    INSTANT_OR_NULL,
    NUMBER,
    RIDING,
    SECONDS,
    TEXT,
    TEXT_OR_NULL,
    WALL,
    Schema,
    because,
    document,
    listed,
    one_of,
    or_null,
    record,
    table,
)
from reconcile.render.simulation.as_json import SIMULATION_FORMAT_VERSION
from reconcile.render.why.answer import WHY_FORMAT_VERSION

_DATE: Schema = {"type": "string", "format": "date"}


def forecast_schema() -> Schema:
    """Return what `forecast --format json` satisfies."""
    cover = record({"address": ADDRESS, "slot": INSTANT_OR_NULL})
    shared: Schema = {"at": INSTANT, "model_id": TEXT, "covers": listed(cover)}
    refresh = record({"kind": {"const": "refresh"}, **shared, "mode": one_of(("hard", "soft"))})
    own: Schema = {"policy": TEXT, "waits_for": TEXT_OR_NULL}
    reset = record({"kind": {"const": "reset"}, **shared, **own})
    idle: Schema = {"address": ADDRESS, "reason": TEXT, "because": BECAUSE}
    return document(
        "forecast",
        "forecast --format json",
        FORECAST_FORMAT_VERSION,
        {
            "now": INSTANT,
            "until": INSTANT,
            "zone": TEXT,
            "requests_per_minute": COUNT,
            "calls": listed({"oneOf": [refresh, reset]}),
            "days": listed(_day()),
            "riding": listed(RIDING),
            "idle": listed(record(idle)),
        },
        {"because": because()},
    )


def _day() -> Schema:
    return record(
        {
            "date": _DATE,
            "calls": COUNT,
            "items": table(COUNT),
            "busiest_minute": INSTANT_OR_NULL,
            "peak_per_minute": COUNT,
            "hour_peaks": listed(COUNT),
        }
    )


def why_schema() -> Schema:
    """Return what `why ADDRESS --format json` satisfies."""
    call = record({"covers": listed(ADDRESS), "place": COUNT, "of": COUNT})
    return document(
        "why",
        "why ADDRESS --format json",
        WHY_FORMAT_VERSION,
        {
            "now": INSTANT,
            "address": ADDRESS,
            "kind": one_of(("refresh", "reset")),
            "zone": TEXT,
            "status": one_of(Status),
            "reason": TEXT,
            "because": BECAUSE,
            "newest_slot": INSTANT_OR_NULL,
            "next_slot": INSTANT_OR_NULL,
            "missed": COUNT,
            "steps": listed(record({"step": TEXT, "found": TEXT})),
            "call": or_null(call),
            "earliest": INSTANT_OR_NULL,
            "searched": INSTANT_OR_NULL,
            "without": listed(_without()),
        },
        {"because": because()},
    )


def _without() -> Schema:
    return record(
        {
            "obstacle": one_of(ObstacleKind),
            "name": TEXT_OR_NULL,
            "status": one_of(Status),
            "because": BECAUSE,
            "earliest": INSTANT_OR_NULL,
            "told": TEXT,
        }
    )


def simulation_schema() -> Schema:
    """Return what `simulate --format json` satisfies."""
    ticks = ("scheduled", "ran", "dropped", "locked", "blocked")
    requests = (
        "refreshes",
        "resets",
        "polls",
        "throttled",
        "peak_per_minute",
        "requests_per_minute",
    )
    return document(
        "simulation",
        "simulate --format json",
        SIMULATION_FORMAT_VERSION,
        {
            "scenario": _scenario(),
            "ticks": record(dict.fromkeys(ticks, COUNT)),
            "requests": record(dict.fromkeys(requests, COUNT)),
            "items": listed(_simulated_item()),
            "nights": listed(_night()),
        },
    )


def _scenario() -> Schema:
    return record(
        {
            "from": INSTANT,
            "until": INSTANT,
            "runner": TEXT,
            "timezone": TEXT,
            "lateness": TEXT,
            "fail_share": {**NUMBER, "minimum": 0, "maximum": 1},
            "seed": {"type": "integer"},
        }
    )


def _simulated_item() -> Schema:
    lateness = record({"slots": COUNT, "p50_s": SECONDS, "p95_s": SECONDS, "max_s": SECONDS})
    counts = ("successes", "collapsed", "missed", "failures", "doubts")
    return record(
        {
            "address": ADDRESS,
            "status": one_of(Status),
            "lateness": or_null(lateness),
            "expected": COUNT_OR_NULL,
            **dict.fromkeys(counts, COUNT),
        }
    )


def _night() -> Schema:
    item: Schema = {
        "address": ADDRESS,
        "wall": WALL,
        "times": COUNT,
        "slots": listed(INSTANT),
        "sent": listed(INSTANT_OR_NULL),
    }
    return record(
        {
            "timezone": TEXT,
            "at": INSTANT,
            "offset_change_s": NUMBER,
            "items": listed(record(item)),
        }
    )
