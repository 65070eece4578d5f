"""Comparisons as JSON: versioned, stable in order, changes only."""

from collections.abc import Sequence

from reconcile.model.comparison import (
    Comparison,
    FieldChange,
    Figures,
    ItemChange,
    Peak,
    PlanDifference,
    Sharing,
)
from reconcile.render.comparison.values import value_json
from reconcile.render.instants import rfc3339
from reconcile.render.json_text import encode, instant_json
from reconcile.render.riding import riding_json

COMPARISON_FORMAT_VERSION = 1
"""Grows when a reader of the present form could misread the new one; added keys do not count."""


def comparison_document(comparison: Comparison, against: str) -> dict[str, object]:
    """Return the comparison as a JSON object; `against` is what the operator named."""
    figures = comparison.figures
    return {
        "format_version": COMPARISON_FORMAT_VERSION,
        "reference": against,
        "changes": not comparison.is_empty,
        "now": rfc3339(comparison.now),
        "until": rfc3339(comparison.until),
        "assumed_just_run": comparison.assumed,
        "items": [_item(change) for change in comparison.items],
        "sections": [
            {"section": c.section, "kind": c.kind, "fields": _fields(c.fields)}
            for c in comparison.sections
        ],
        "unchanged": comparison.unchanged,
        "before": _figures(figures.before),
        "after": _figures(figures.after),
        "freezes": [
            {"freeze": hits.freeze, "gained": list(hits.gained), "lost": list(hits.lost)}
            for hits in comparison.freezes
        ],
        "nights": [
            {
                "zone": night.zone,
                "at": rfc3339(night.at),
                "offset_s": _both(
                    night.offset.before.total_seconds(), night.offset.after.total_seconds()
                ),
                "touched": list(night.touched),
            }
            for night in comparison.nights
        ],
        "joined": _sharing(comparison.joined),
        "parted": _sharing(comparison.parted),
    }


def plan_difference_json(difference: PlanDifference) -> str:
    """Return what changed between two plans as one JSON object, ending with a line break."""
    return encode(
        {
            "format_version": COMPARISON_FORMAT_VERSION,
            "changes": not difference.is_empty,
            "now": _both(rfc3339(difference.now.before), rfc3339(difference.now.after)),
            "digest": _both(difference.digest.before, difference.digest.after),
            "host": _both(difference.host.before, difference.host.after),
            "calls": [
                {"address": c.address, "kind": c.kind, "fields": _fields(c.fields)}
                for c in difference.calls
            ],
            "unchanged": difference.unchanged,
            "items": [
                {"address": c.address, "status": _both(c.status.before, c.status.after)}
                for c in difference.statuses
            ],
        }
    )


def _item(change: ItemChange) -> dict[str, object]:
    return {
        "address": change.address,
        "kind": change.kind,
        "zone": change.zone,
        "fields": _fields(change.fields),
        "runs_per_day": _both(list(change.runs.before), list(change.runs.after)),
        "first_new": instant_json(change.first_new),
        "first_gone": instant_json(change.first_gone),
        "was": change.was,
        "riding": None if change.riding is None else riding_json(change.riding),
    }


def _fields(fields: Sequence[FieldChange]) -> list[dict[str, object]]:
    return [
        {
            "field": change.field,
            **_both(value_json(change.before), value_json(change.after)),
            "gained": list(change.gained),
            "lost": list(change.lost),
        }
        for change in fields
    ]


def _figures(figures: Figures) -> dict[str, object]:
    return {
        "calls": sum(figures.calls),
        "calls_per_day": list(figures.calls),
        "hard_refreshes": sum(figures.hard_refreshes),
        "hard_refreshes_per_day": list(figures.hard_refreshes),
        "peak": None if figures.peak is None else _peak(figures.peak),
        "requests_per_minute": figures.requests_per_minute,
    }


def _peak(peak: Peak) -> dict[str, object]:
    return {
        "at": rfc3339(peak.at),
        "calls": peak.calls,
        "requests_in_a_minute": peak.requests,
        "duration_s": peak.duration_s,
    }


def _sharing(listed: Sequence[Sharing]) -> list[dict[str, object]]:
    return [{"group": sharing.group, "addresses": list(sharing.addresses)} for sharing in listed]


def _both(before: object, after: object) -> dict[str, object]:
    return {"before": before, "after": after}
