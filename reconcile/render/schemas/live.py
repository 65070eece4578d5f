"""The published JSON Schema of what a live look found."""

from typing import get_args

from reconcile.model.drift import Part, Weight
from reconcile.render.live.findings import DRIFT_FORMAT_VERSION, finding_kinds
from reconcile.render.schemas.parts import (
    ADDRESS,
    FLAG,
    INSTANT,
    TEXT,
    Schema,
    document,
    listed,
    one_of,
    or_null,
    record,
    told,
)


def drift_schema() -> Schema:
    """Return what `drift --format json` satisfies. It has neither a digest nor actions."""
    return document(
        "drift",
        "drift --format json",
        DRIFT_FORMAT_VERSION,
        {
            "kind": {"const": "drift"},
            "host": TEXT,
            "now": INSTANT,
            "differs": FLAG,
            **_live(),
        },
        {"finding": finding_record()},
    )


def live_record() -> Schema:
    """Return the schema of the key `live` of a plan; it refers to `$defs/finding`."""
    return record(_live())


def finding_record() -> Schema:
    """Return the schema of a finding: its kind, and facts that depend on it."""
    told: Schema = {
        "kind": one_of(finding_kinds()),
        "weight": one_of(Weight),
        "message": TEXT,
        "addresses": listed(ADDRESS),
    }
    return {**record(told), "additionalProperties": True}


def _not_checked() -> Schema:
    return record(
        {
            "part": one_of(get_args(Part)),
            "count": {"type": "integer", "minimum": 1},
            "why": or_null(TEXT),
            "declared": told(FLAG, "something in the files depends on it"),
            "message": TEXT,
        }
    )


def _live() -> Schema:
    return {
        "observed_at": INSTANT,
        "findings": listed({"$ref": "#/$defs/finding"}),
        "not_checked": listed(_not_checked()),
        "unseen": told(listed(TEXT), "the messages of `not_checked`"),
    }
