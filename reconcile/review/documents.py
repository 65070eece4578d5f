"""Comparisons as JSON: of two versions of the files, and of two plans. Changes only."""

from typing import Final, Literal

from msgspec import Struct, convert
from msgspec.structs import astuple

from reconcile.model.comparison import (
    ChangeKind,
    Comparison,
    FieldChange,
    Figures,
    FreezeHits,
    ItemChange,
    OffsetChange,
    PlanDifference,
    Sharing,
    Shift,
)
from reconcile.model.struct import Instant
from reconcile.render.documents import AnyAddress, Count, RidingDocument, Seconds, encode
from reconcile.render.words import value_json

COMPARISON_FORMAT_VERSION: Final = 1
"""Grows when a reader of the present form could misread the new one; added keys do not count."""


class FieldDocument(Struct, frozen=True, kw_only=True):
    """A field whose value differs; of two sets, what they do not share."""

    field: str
    before: str | float | list[str] | None
    after: str | float | list[str] | None
    gained: tuple[str, ...]
    lost: tuple[str, ...]

    @staticmethod
    def of(change: FieldChange) -> "FieldDocument":
        """Spell both values as JSON does."""
        return FieldDocument(
            field=change.field,
            before=value_json(change.before),
            after=value_json(change.after),
            gained=change.gained,
            lost=change.lost,
        )


Fields = tuple[FieldDocument, ...]


def _fields(fields: tuple[FieldChange, ...]) -> Fields:
    return tuple(map(FieldDocument.of, fields))


class ItemChangeDocument(Struct, frozen=True, kw_only=True):
    """One item that is declared otherwise, or runs at other instants."""

    address: AnyAddress
    kind: ChangeKind
    zone: str
    fields: Fields
    runs_per_day: Shift[tuple[Count, ...]]
    first_new: Instant | None
    first_gone: Instant | None
    was: AnyAddress | None
    riding: RidingDocument | None

    @staticmethod
    def of(change: ItemChange) -> "ItemChangeDocument":
        """Return one change."""
        return ItemChangeDocument(
            address=change.address,
            kind=change.kind,
            zone=change.zone,
            fields=_fields(change.fields),
            runs_per_day=change.runs,
            first_new=change.first_new,
            first_gone=change.first_gone,
            was=change.was,
            riding=convert(change.riding, RidingDocument | None, from_attributes=True),
        )


class SectionDocument(Struct, frozen=True, kw_only=True):
    """A change to a section beside the items."""

    section: str
    kind: ChangeKind
    fields: Fields


class PeakDocument(Struct, frozen=True):
    """The minute in which most calls fall due, and what it costs to serve."""

    at: Instant
    calls: Count
    requests_in_a_minute: Count
    duration_s: Seconds


class FiguresDocument(Struct, frozen=True, kw_only=True):
    """Calls of one version."""

    calls: Count
    calls_per_day: tuple[Count, ...]
    hard_refreshes: Count
    hard_refreshes_per_day: tuple[Count, ...]
    peak: PeakDocument | None
    requests_per_minute: Count

    @staticmethod
    def of(figures: Figures) -> "FiguresDocument":
        """Add up."""
        peak = figures.peak
        return FiguresDocument(
            calls=sum(figures.calls),
            calls_per_day=figures.calls,
            hard_refreshes=sum(figures.hard_refreshes),
            hard_refreshes_per_day=figures.hard_refreshes,
            peak=None if peak is None else PeakDocument(*astuple(peak)),
            requests_per_minute=figures.requests_per_minute,
        )


class NightDocument(Struct, frozen=True, kw_only=True):
    """A change of the clocks, and the changed items it touches."""

    zone: str
    at: Instant
    offset_s: Shift[float]
    touched: tuple[AnyAddress, ...]

    @staticmethod
    def of(night: OffsetChange) -> "NightDocument":
        """Return one change."""
        offset = night.offset
        offset_s = Shift(offset.before.total_seconds(), offset.after.total_seconds())
        return NightDocument(zone=night.zone, at=night.at, offset_s=offset_s, touched=night.touched)


class ComparisonDocument(Struct, frozen=True, kw_only=True):
    """What `reconcile plan --against REF --format json` has under `against`."""

    format_version: Literal[1] = COMPARISON_FORMAT_VERSION
    reference: str
    changes: bool
    now: Instant
    until: Instant
    assumed_just_run: bool
    items: tuple[ItemChangeDocument, ...]
    sections: tuple[SectionDocument, ...]
    unchanged: Count
    before: FiguresDocument
    after: FiguresDocument
    freezes: tuple[FreezeHits, ...]
    nights: tuple[NightDocument, ...]
    joined: tuple[Sharing, ...]
    parted: tuple[Sharing, ...]


def comparison_document(comparison: Comparison, against: str) -> ComparisonDocument:
    """Return all of a comparison; `against` is what the operator named."""
    figures = comparison.figures
    return ComparisonDocument(
        reference=against,
        changes=not comparison.is_empty,
        now=comparison.now,
        until=comparison.until,
        assumed_just_run=comparison.assumed,
        items=tuple(map(ItemChangeDocument.of, comparison.items)),
        sections=tuple(
            SectionDocument(section=c.section, kind=c.kind, fields=_fields(c.fields))
            for c in comparison.sections
        ),
        unchanged=comparison.unchanged,
        before=FiguresDocument.of(figures.before),
        after=FiguresDocument.of(figures.after),
        freezes=comparison.freezes,
        nights=tuple(map(NightDocument.of, comparison.nights)),
        joined=comparison.joined,
        parted=comparison.parted,
    )


class CallDocument(Struct, frozen=True, kw_only=True):
    """One address whose planned call is new, gone or another one."""

    address: AnyAddress
    kind: ChangeKind
    fields: Fields


class StatusDocument(Struct, frozen=True, kw_only=True):
    """One item that stands otherwise; null where a plan does not know it."""

    address: AnyAddress
    status: Shift[str | None]


class DifferenceOfPlans(Struct, frozen=True, kw_only=True):
    """What `reconcile plan diff A.json B.json --format json` prints."""

    format_version: Literal[1] = COMPARISON_FORMAT_VERSION
    changes: bool
    now: Shift[Instant]
    digest: Shift[str]
    host: Shift[str | None]
    calls: tuple[CallDocument, ...]
    unchanged: Count
    items: tuple[StatusDocument, ...]


def plan_difference_json(difference: PlanDifference) -> str:
    """Return what changed between two plans."""
    return encode(
        DifferenceOfPlans(
            changes=not difference.is_empty,
            now=difference.now,
            digest=difference.digest,
            host=difference.host,
            calls=tuple(
                CallDocument(address=c.address, kind=c.kind, fields=_fields(c.fields))
                for c in difference.calls
            ),
            unchanged=difference.unchanged,
            items=tuple(
                StatusDocument(address=c.address, status=c.status) for c in difference.statuses
            ),
        )
    )
