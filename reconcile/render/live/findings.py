"""A live look, listed: what differs first, then warnings, then what is only worth knowing."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import get_args

from reconcile.model.drift import (
    ClockOff,
    Finding,
    NotChecked,
    ScheduleForeign,
    SelectionEmpty,
    SelectionJoined,
    Weight,
    weight,
)
from reconcile.render.instants import duration_text, rfc3339
from reconcile.render.json_text import encode
from reconcile.render.layout import DOT, LEAST_WIDTH, Cell, Ink, Row, listing, wrap
from reconcile.render.live.words import finding_text, not_checked_text, quoted
from reconcile.render.names import addresses_text, counted

DRIFT_FORMAT_VERSION = 1

_INKS = {Weight.DIFFERS: Ink.BAD, Weight.WARNS: Ink.HARD, Weight.NOTES: Ink.DIM}
_NOUNS = {Weight.DIFFERS: "difference", Weight.WARNS: "warning", Weight.NOTES: "note"}
_INNER_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def findings_text(
    findings: Sequence[Finding],
    *,
    observed_at: datetime,
    now: datetime,
    not_checked: Sequence[NotChecked],
    width: int,
    colour: bool,
) -> str:
    """Return the findings as a section of its own; ends with a line break. Instants are UTC."""
    lines = wrap(f"{_headline(findings, observed_at, now)}", max(width, LEAST_WIDTH))
    ranked = sorted(findings, key=lambda finding: list(Weight).index(weight(finding)))
    lines += listing(map(_row, ranked), max(width, LEAST_WIDTH), colour=colour)
    for part in not_checked:
        lines += wrap(f"Not checked: {not_checked_text(part)}", max(width, LEAST_WIDTH))
    return "\n".join(lines) + "\n"


def live_document(
    findings: Iterable[Finding], *, observed_at: datetime, not_checked: Sequence[NotChecked]
) -> dict[str, object]:
    """Return the findings as plain JSON values."""
    return {
        "observed_at": rfc3339(observed_at),
        "findings": [_document(finding) for finding in findings],
        "not_checked": [
            {
                "part": part.part,
                "count": part.count,
                "why": part.why,
                "declared": part.declared,
                "message": not_checked_text(part),
            }
            for part in not_checked
        ],
        "unseen": [not_checked_text(part) for part in not_checked],
    }


def drift_json(
    findings: Sequence[Finding],
    *,
    host: str,
    observed_at: datetime,
    now: datetime,
    not_checked: Sequence[NotChecked],
) -> str:
    """Return a whole `drift` as JSON. It has no digest and no actions: it cannot be applied."""
    return encode(
        {
            "kind": "drift",
            "format_version": DRIFT_FORMAT_VERSION,
            "host": host,
            "now": rfc3339(now),
            "differs": any(weight(finding) is Weight.DIFFERS for finding in findings),
            **live_document(findings, observed_at=observed_at, not_checked=not_checked),
        }
    )


def finding_kinds() -> tuple[str, ...]:
    """Return how JSON names each kind of finding."""
    return tuple(_kind(kind) for kind in get_args(Finding))


def _kind(finding: type) -> str:
    return _INNER_CAPITAL.sub("-", finding.__name__).lower()


def _headline(findings: Iterable[Finding], observed_at: datetime, now: datetime) -> str:
    weights = [weight(finding) for finding in findings]
    told = [counted(weights.count(kind), noun) for kind, noun in _NOUNS.items() if kind in weights]
    age = duration_text(max(0.0, (now - observed_at).total_seconds()))
    when = f"Live, seen at {rfc3339(observed_at.replace(microsecond=0))} ({age} ago)"
    return f"{when}: {DOT.join(told) or 'no difference'}"


def _row(finding: Finding) -> Row:
    kind = weight(finding)
    return Row(Cell(kind.value, _INKS[kind]), _subject(finding), Cell(""), (finding_text(finding),))


def _subject(finding: Finding) -> str:
    match finding:
        case SelectionJoined(name=name, model_id=model_id):
            return f"model {quoted(name or model_id)}"
        case SelectionEmpty(selects=selects):
            return f"[[select]] {quoted(selects)}"
        case ScheduleForeign(connection=connection):
            return f"connection {quoted(connection)}"
        case ClockOff():
            return "clock"
        case _:
            return addresses_text(finding.addresses)


def _document(finding: Finding) -> Mapping[str, object]:
    told = {field.name: _plain(getattr(finding, field.name)) for field in fields(finding)}
    if "kind" in told:
        told["how"] = told.pop("kind")
    return {
        "kind": _kind(type(finding)),
        "weight": weight(finding).value,
        "message": finding_text(finding),
        **told,
    }


def _plain(value: object) -> object:
    match value:
        case datetime():
            return rfc3339(value)
        case Enum():
            return value.value
        case tuple():
            return [_plain(part) for part in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return dict(_fields(value))
        case _:
            return value


def _fields(value: object) -> Iterator[tuple[str, object]]:
    if is_dataclass(value):
        for field in fields(value):
            yield field.name, _plain(getattr(value, field.name))
