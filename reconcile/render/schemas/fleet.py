"""The published JSON Schema of where the instances of a fleet stand."""

from reconcile.render.fleet import FLEET_FORMAT_VERSION
from reconcile.render.schemas.parts import (
    COUNT,
    FLAG,
    INSTANT,
    INSTANT_OR_NULL,
    SECONDS_OR_NULL,
    TEXT,
    TEXT_OR_NULL,
    VERDICTS,
    Schema,
    document,
    listed,
    record,
)


def fleet_status_schema() -> Schema:
    """Return what `fleet status --format json` satisfies. Null: never run, or not so."""
    instance: Schema = {
        "instance": TEXT,
        "outcome": {"enum": [*VERDICTS, None]},
        "trouble": TEXT_OR_NULL,
        "ran_at": INSTANT_OR_NULL,
        "took_s": SECONDS_OR_NULL,
        "wake_at": INSTANT_OR_NULL,
        "failures": COUNT,
        "worker": TEXT_OR_NULL,
        "paused": FLAG,
        "paused_until": INSTANT_OR_NULL,
        "paused_reason": TEXT_OR_NULL,
    }
    return document(
        "fleet-status",
        "fleet status --format json",
        FLEET_FORMAT_VERSION,
        {"now": INSTANT, "instances": listed(record(instance))},
    )
