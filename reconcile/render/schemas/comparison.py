"""The published JSON Schemas of comparisons: of two versions of the files, and of two plans."""

from typing import get_args

from reconcile.model.comparison import ChangeKind
from reconcile.model.plan import Status
from reconcile.render.comparison.as_json import COMPARISON_FORMAT_VERSION
from reconcile.render.schemas.parts import (
    ADDRESS,
    COUNT,
    FLAG,
    INSTANT,
    INSTANT_OR_NULL,
    NUMBER,
    RIDING,
    SECONDS,
    TEXT,
    TEXT_OR_NULL,
    Schema,
    both,
    document,
    headed,
    listed,
    one_of,
    or_null,
    record,
)

_VALUE: Schema = {"type": ["string", "number", "null", "array"], "items": TEXT}
_FIELDS = listed({"$ref": "#/$defs/field"})
_KIND = one_of(get_args(ChangeKind))


def comparison_schema() -> Schema:
    """Return what the key `against` of `plan --against REF --format json` satisfies."""
    what = "What `reconcile plan --against REF --format json` has under `against`."
    return headed("comparison", what, comparison_record(), comparison_definitions())


def difference_schema() -> Schema:
    """Return what `plan diff A B --format json` satisfies."""
    status = or_null(one_of(Status))
    return document(
        "difference of plans",
        "plan diff A.json B.json --format json",
        COMPARISON_FORMAT_VERSION,
        {
            "changes": FLAG,
            "now": both(INSTANT),
            "digest": both(TEXT),
            "host": both(TEXT_OR_NULL),
            "calls": listed(record({"address": ADDRESS, "kind": _KIND, "fields": _FIELDS})),
            "unchanged": COUNT,
            "items": listed(record({"address": ADDRESS, "status": both(status)})),
        },
        {"field": _field()},
    )


def comparison_record() -> Schema:
    """Return the schema of a comparison inside another document."""
    return record({"format_version": {"const": COMPARISON_FORMAT_VERSION}, **_comparison()})


def comparison_definitions() -> dict[str, Schema]:
    """Return what `comparison_record` refers to under `$defs`."""
    return {"field": _field(), "figures": _figures(), "sharing": _sharing()}


def _comparison() -> Schema:
    addresses = listed(ADDRESS)
    night: Schema = {"zone": TEXT, "at": INSTANT, "offset_s": both(NUMBER), "touched": addresses}
    return {
        "reference": TEXT,
        "changes": FLAG,
        "now": INSTANT,
        "until": INSTANT,
        "assumed_just_run": FLAG,
        "items": listed(_item()),
        "sections": listed(record({"section": TEXT, "kind": _KIND, "fields": _FIELDS})),
        "unchanged": COUNT,
        "before": {"$ref": "#/$defs/figures"},
        "after": {"$ref": "#/$defs/figures"},
        "freezes": listed(record({"freeze": TEXT, "gained": addresses, "lost": addresses})),
        "nights": listed(record(night)),
        "joined": listed({"$ref": "#/$defs/sharing"}),
        "parted": listed({"$ref": "#/$defs/sharing"}),
    }


def _item() -> Schema:
    return record(
        {
            "address": ADDRESS,
            "kind": _KIND,
            "zone": TEXT,
            "fields": _FIELDS,
            "runs_per_day": both(listed(COUNT)),
            "first_new": INSTANT_OR_NULL,
            "first_gone": INSTANT_OR_NULL,
            "was": or_null(ADDRESS),
            "riding": or_null(RIDING),
        }
    )


def _field() -> Schema:
    sets: Schema = {"gained": listed(TEXT), "lost": listed(TEXT)}
    return record({"field": TEXT, "before": _VALUE, "after": _VALUE, **sets})


def _figures() -> Schema:
    peak = record(
        {"at": INSTANT, "calls": COUNT, "requests_in_a_minute": COUNT, "duration_s": SECONDS}
    )
    return record(
        {
            "calls": COUNT,
            "calls_per_day": listed(COUNT),
            "hard_refreshes": COUNT,
            "hard_refreshes_per_day": listed(COUNT),
            "peak": or_null(peak),
            "requests_per_minute": COUNT,
        }
    )


def _sharing() -> Schema:
    return record({"group": TEXT, "addresses": listed(ADDRESS)})
