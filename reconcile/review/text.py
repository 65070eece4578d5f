"""What a change of the files does, or became of a plan: for people and for programs."""

from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct, convert
from msgspec.structs import astuple

from reconcile.model.comparison import (
    CallChange,
    ChangeKind,
    Comparison,
    FieldChange,
    Figures,
    FreezeHits,
    ItemChange,
    OffsetChange,
    PlanDifference,
    SectionChange,
    Sharing,
    Shift,
)
from reconcile.model.struct import Instant, rfc3339
from reconcile.render import layout, words
from reconcile.render.documents import AnyAddress, Count, RidingDocument, Seconds, encode
from reconcile.render.layout import escape_ci_log, escape_terminal
from reconcile.render.reasons import riding_text
from reconcile.review.outline import counts_by_kind, facts, home_of, notes

# What a change of the files does to the next days, as a reviewer reads it.

KIND_INKS: dict[ChangeKind, layout.Ink] = {
    "added": layout.Ink.REFRESH,
    "removed": layout.Ink.BAD,
    "changed": layout.Ink.RESET,
    "moved": layout.Ink.DIM,
    "renamed": layout.Ink.DIM,
}
_NO_TAG = layout.Cell("")


def comparison_text(comparison: Comparison, against: str, *, width: int, colour: bool) -> str:
    """Return the whole comparison as text that ends with a line break.

    `against` is what was compared with, as the operator named it. `width` is in terminal cells.
    """
    page = _Page(comparison, escape_terminal(against, 120), max(width, layout.LEAST_WIDTH), colour)
    return escape_ci_log("\n".join(page.lines()) + "\n")


class _Page(Struct, frozen=True):
    comparison: Comparison
    against: str
    width: int
    colour: bool

    def lines(self) -> Iterator[str]:
        first, *rest = self._heading()
        yield layout.paint(first, layout.Ink.BOLD, colour=self.colour)
        yield from rest
        yield from self._listed(map(self._item, self.comparison.items))
        if sections := self.comparison.sections:
            yield from ["Beside the items:", *self._listed(map(self._section, sections))]
        if not self.comparison.is_empty:
            yield from self._outlook()
        for note in notes(self.comparison, self.against):
            yield from layout.wrap(note, self.width)

    def _heading(self) -> list[str]:
        comparison = self.comparison
        parts = [f"{number:,} {kind}" for kind, number in counts_by_kind(comparison.items)]
        if sections := len(comparison.sections):
            parts.append(f"{words.counted(sections, 'section')} beside the items")
        said = layout.DOT.join(parts) or "nothing changes"
        left = layout.DOT.join(
            [f"Against {self.against}: {said}", f"{comparison.unchanged:,} unchanged"]
        )
        return layout.both_ends(
            left, f"as of {home_of(comparison).in_full(comparison.now)}", self.width
        )

    def _outlook(self) -> Iterator[str]:
        rows = [_fact(*fact) for fact in facts(self.comparison, home_of(self.comparison))]
        span = words.interval_text(self.comparison.until - self.comparison.now)
        if rows:
            yield from [f"In the next {span}:", *self._listed(rows)]
        else:
            yield from layout.wrap(f"The calls of the next {span} stay the same.", self.width)

    def _item(self, change: ItemChange) -> layout.Row:
        vantage = words.Vantage(change.zone, self.comparison.now)
        if change.kind in {"added", "removed"}:
            why = [words.headline(change.fields, vantage, after=change.kind == "added")]
        else:
            why = list(words.field_lines(change.fields, vantage))
        if change.was is not None:
            why.insert(
                0, f"renamed from {words.address_text(change.was)}; its history goes with it"
            )
        if change.kind == "added" or change.first_new or change.first_gone:
            why.extend(_runs(change, vantage))
        if change.riding is not None:
            span = self.comparison.until - self.comparison.now
            why.append(riding_text(change.riding, span, vantage))
        return _row(change.kind, words.address_text(change.address), *why)

    def _section(self, change: SectionChange) -> layout.Row:
        home = home_of(self.comparison)
        name = escape_terminal(change.section, 120)
        if change.kind == "changed":
            return _row(change.kind, name, *words.field_lines(change.fields, home))
        said = words.whole(change.fields, home, after=change.kind == "added")
        return _row(change.kind, name, said)

    def _listed(self, rows: Iterable[layout.Row]) -> Iterator[str]:
        # A fact has no name, and leaves the column of names empty where it is stacked.
        return (line.rstrip() for line in layout.listing(rows, self.width, colour=self.colour))


def _row(kind: ChangeKind, name: str, *why: str) -> layout.Row:
    return layout.Row(layout.Cell(kind, KIND_INKS[kind]), name, _NO_TAG, why)


def _fact(name: str, told: str) -> layout.Row:
    return layout.Row(layout.Cell(name), "", _NO_TAG, (told,))


def _runs(change: ItemChange, vantage: words.Vantage) -> Iterator[str]:
    was, now = change.runs.before, change.runs.after
    match change.kind:
        case "added":
            yield f"runs {words.rate_text(now)}"
        case "removed":
            yield f"ran {words.rate_text(was)}"
        case _ if words.rate_text(was) == words.rate_text(now):
            yield f"runs {words.rate_text(now)}, at other times"
        case _:
            yield f"runs {words.rates_text(was, now)}"
    if change.first_new is not None:
        yield f"first new {vantage.with_distance(change.first_new)}"
    if change.first_gone is not None:
        yield f"first gone {vantage.with_distance(change.first_gone)}"


# The same as JSON.


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
            before=words.value_json(change.before),
            after=words.value_json(change.after),
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
        offset_s = Shift(night.before.total_seconds(), night.after.total_seconds())
        return NightDocument(zone=night.zone, at=night.at, offset_s=offset_s, touched=night.touched)


class ComparisonDocument(Struct, frozen=True, kw_only=True):
    """What `reconcile plan --against REF --format json` has under `against`."""

    format_version: Literal[1] = 1
    reference: str
    changes: bool
    now: Instant
    until: Instant
    assumed_just_run: bool
    notes: tuple[str, ...]
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
        notes=tuple(notes(comparison, against)),
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


# What changed between two plans, as whoever approved the first one reads it.

_DIGEST_SHOWN = 12


def plan_difference_text(difference: PlanDifference, *, width: int, colour: bool) -> str:
    """Return what changed between two plans as text that ends with a line break."""
    width = max(width, layout.LEAST_WIDTH)
    vantage = words.Vantage("UTC", difference.now.after)
    first, *rest = layout.wrap(_headline(difference), width, layout.DOT)
    lines = [layout.paint(first, layout.Ink.BOLD, colour=colour), *rest]
    calls = (_call(change, vantage) for change in difference.calls)
    lines += layout.listing(calls, width, colour=colour)
    if standing := _standing(difference, width, colour=colour):
        lines += ["Where items stand:", *standing]
    for sentence in _foot(difference):
        lines += layout.wrap(sentence, width)
    return escape_ci_log("\n".join(lines) + "\n")


def plan_difference_told(difference: PlanDifference, *, width: int) -> layout.Told:
    """Return the same for a comment or a page."""
    vantage = words.Vantage("UTC", difference.now.after, dated=True)
    calls = (_call(change, vantage) for change in difference.calls)
    foot = [line for sentence in _foot(difference) for line in layout.wrap(sentence, width)]
    return layout.Told(
        subject="plan difference",
        headline=_headline(difference),
        passages=(
            layout.Passage(
                "What changes", list(layout.listing(calls, width, colour=False)), changes=True
            ),
            layout.Passage("Where items stand", _standing(difference, width, colour=False)),
            layout.Passage("What was approved", foot),
        ),
    )


def _standing(difference: PlanDifference, width: int, *, colour: bool) -> list[str]:
    rows = (
        layout.Row(
            layout.Cell(_word(change.status.after)),
            words.address_text(change.address),
            _NO_TAG,
            (f"was {_word(change.status.before)}",),
        )
        for change in difference.statuses
    )
    return list(layout.listing(rows, width, colour=colour))


def _headline(difference: PlanDifference) -> str:
    parts = (f"{number:,} {kind}" for kind, number in counts_by_kind(difference.calls))
    said = ", ".join(parts) or "The same calls"
    return layout.DOT.join([said, f"{difference.unchanged:,} unchanged"])


def _call(change: CallChange, vantage: words.Vantage) -> layout.Row:
    name = words.address_text(change.address)
    if change.kind != "changed":
        said = words.whole(change.fields, vantage, after=change.kind == "added")
        return _row(change.kind, name, said)
    # A reset's body says its slot once more.
    slotted = any(field.field == "slot" for field in change.fields)
    fields = [f for f in change.fields if not (slotted and f.field == "body")]
    return _row(change.kind, name, *words.field_lines(fields, vantage))


def _foot(difference: PlanDifference) -> Iterator[str]:
    if difference.host.is_change:
        yield f"Host {_both(difference.host.before, difference.host.after)}"
    digest = difference.digest
    if digest.is_change:
        yield f"Digest {_short(digest.before)}{words.ARROW}{_short(digest.after)}: approve it anew"
    else:
        yield f"Digest {_short(digest.after)} in both: an approval of one holds for the other"
    yield f"Planned {rfc3339(difference.now.before)}, then {rfc3339(difference.now.after)}"


def _both(before: str | None, after: str | None) -> str:
    return f"{_word(before)}{words.ARROW}{_word(after)}"


def _word(word: str | None) -> str:
    return words.NONE if word is None else escape_terminal(word, 120)


def _short(digest: str) -> str:
    return escape_terminal(digest.rpartition(":")[2][:_DIGEST_SHOWN])


# The same as JSON.


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

    format_version: Literal[1] = 1
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
