"""What a live look found, as JSON."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Final, Literal, get_args

from msgspec import Meta, Struct, to_builtins
from msgspec.structs import asdict

from reconcile.live.observed import Finding, ForeignSchedule, NotChecked, Part, Weight, weight
from reconcile.live.text import finding_text, not_checked_text
from reconcile.model.struct import Instant
from reconcile.render.documents import encode

# What differs. A drift has no digest and no actions: it cannot be applied.

DRIFT_FORMAT_VERSION: Final = 1
_INNER_CAPITAL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


def _kind(finding: type) -> str:
    if finding is ForeignSchedule:
        return "schedule-foreign"
    return _INNER_CAPITAL.sub("-", finding.__name__).lower()


FindingDocument = Annotated[
    dict[str, object],
    Meta(
        description="a finding: its kind, and facts that depend on it",
        extra_json_schema={
            "required": ["kind", "weight", "message", "addresses"],
            "properties": {
                "kind": {"enum": [_kind(kind) for kind in get_args(Finding)]},
                "weight": {"enum": list(Weight)},
                "message": {"type": "string"},
                "addresses": {"type": "array", "items": {"type": "string"}},
            },
            "additionalProperties": True,
        },
    ),
]


class NotCheckedDocument(Struct, frozen=True, kw_only=True):
    """A part that was not told; `declared`: something in the files depends on it."""

    part: Part
    count: Annotated[int, Meta(extra_json_schema={"minimum": 1})]
    why: str | None
    declared: bool
    message: str


class LiveDocument(Struct, frozen=True, kw_only=True):
    """What was found; `unseen`: the messages of `not_checked`."""

    observed_at: Instant
    findings: tuple[FindingDocument, ...]
    not_checked: tuple[NotCheckedDocument, ...]
    unseen: tuple[str, ...]


class DriftDocument(Struct, frozen=True, kw_only=True):
    """What `reconcile drift --format json` prints. It has neither a digest nor actions."""

    kind: Literal["drift"] = "drift"
    format_version: Literal[1] = DRIFT_FORMAT_VERSION
    host: str
    now: Instant
    differs: bool
    observed_at: Instant
    findings: tuple[FindingDocument, ...]
    not_checked: tuple[NotCheckedDocument, ...]
    unseen: tuple[str, ...]


def live_document(
    findings: Iterable[Finding], *, observed_at: datetime, not_checked: Sequence[NotChecked]
) -> LiveDocument:
    """Return what was found, as a plan has it under `live`."""
    parts = tuple(
        NotCheckedDocument(**asdict(part), message=not_checked_text(part)) for part in not_checked
    )
    return LiveDocument(
        observed_at=observed_at,
        findings=tuple(map(_finding, findings)),
        not_checked=parts,
        unseen=tuple(part.message for part in parts),
    )


def drift_json(
    findings: Sequence[Finding],
    *,
    host: str,
    observed_at: datetime,
    now: datetime,
    not_checked: Sequence[NotChecked],
) -> str:
    """Return a whole `drift`."""
    found = live_document(findings, observed_at=observed_at, not_checked=not_checked)
    differs = any(weight(finding) is Weight.DIFFERS for finding in findings)
    return encode(DriftDocument(host=host, now=now, differs=differs, **asdict(found)))


def _finding(finding: Finding) -> dict[str, object]:
    told = to_builtins(finding)
    if "kind" in told:
        told["how"] = told.pop("kind")
    head = {
        "kind": _kind(type(finding)),
        "weight": weight(finding).value,
        "message": finding_text(finding),
    }
    return {**head, **told}
