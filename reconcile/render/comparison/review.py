"""What a change of the files does to the next days, as a reviewer reads it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from reconcile.model.address import Address
from reconcile.model.comparison import ChangeKind, Comparison, ItemChange, SectionChange, Sharing
from reconcile.render.comparison.values import (
    ARROW,
    few,
    field_lines,
    headline,
    rate_text,
    rates_text,
    whole,
)
from reconcile.render.escape import escape_ci_log, escape_terminal
from reconcile.render.instants import Vantage, interval_text
from reconcile.render.layout import (
    DOT,
    LEAST_WIDTH,
    Cell,
    Ink,
    Row,
    both_ends,
    listing,
    paint,
    wrap,
)
from reconcile.render.names import address_text, counted, words_text
from reconcile.render.riding import riding_text

KIND_INKS: dict[ChangeKind, Ink] = {
    "added": Ink.REFRESH,
    "removed": Ink.BAD,
    "changed": Ink.RESET,
    "moved": Ink.DIM,
    "renamed": Ink.DIM,
}
_NO_TAG = Cell("")


def comparison_text(comparison: Comparison, against: str, *, width: int, colour: bool) -> str:
    """Return the whole comparison as text that ends with a line break.

    `against` is what was compared with, as the operator named it. `width` is in terminal cells.
    """
    page = _Page(comparison, escape_terminal(against, 120), max(width, LEAST_WIDTH), colour)
    return escape_ci_log("\n".join(page.lines()) + "\n")


@dataclass(frozen=True, slots=True)
class _Page:
    comparison: Comparison
    against: str
    width: int
    colour: bool

    def lines(self) -> Iterator[str]:
        first, *rest = self._heading()
        yield paint(first, Ink.BOLD, colour=self.colour)
        yield from rest
        yield from self._listed(map(self._item, self.comparison.items))
        sections = list(map(self._section, self.comparison.sections))
        if sections:
            yield from ["Beside the items:", *self._listed(iter(sections))]
        if not self.comparison.is_empty:
            yield from self._outlook()
        if self.comparison.assumed and self.comparison.items:
            told = "Nothing is recorded: what was declared before is taken to have just run."
            yield from wrap(told, self.width)

    def _heading(self) -> list[str]:
        comparison = self.comparison
        kinds = Counter(change.kind for change in comparison.items)
        parts = [f"{kinds[kind]:,} {kind}" for kind in KIND_INKS if kinds[kind]]
        if sections := len(comparison.sections):
            parts.append(f"{counted(sections, 'section')} beside the items")
        said = DOT.join(parts) or "nothing changes"
        left = DOT.join([f"Against {self.against}: {said}", f"{comparison.unchanged:,} unchanged"])
        return both_ends(left, f"as of {self._home().in_full(comparison.now)}", self.width)

    def _outlook(self) -> Iterator[str]:
        rows = [*self._figures(), *self._freezes(), *self._nights(), *self._sharing()]
        span = interval_text(self.comparison.until - self.comparison.now)
        if rows:
            yield from [f"In the next {span}:", *self._listed(iter(rows))]
        else:
            yield from wrap(f"The calls of the next {span} stay the same.", self.width)

    def _item(self, change: ItemChange) -> Row:
        vantage = Vantage(change.zone, self.comparison.now)
        if change.kind in {"added", "removed"}:
            why = [headline(change.fields, vantage, after=change.kind == "added")]
        else:
            why = list(field_lines(change.fields, vantage))
        if change.was is not None:
            why.insert(0, f"renamed from {address_text(change.was)}; its history goes with it")
        if change.kind == "added" or change.first_new or change.first_gone:
            why.extend(_runs(change, vantage))
        if change.riding is not None:
            span = self.comparison.until - self.comparison.now
            why.append(riding_text(change.riding, span, vantage))
        verb = Cell(change.kind, KIND_INKS[change.kind])
        return Row(verb, address_text(change.address), _NO_TAG, tuple(why))

    def _section(self, change: SectionChange) -> Row:
        why = tuple(field_lines(change.fields, self._home()))
        if change.kind != "changed":
            why = (whole(change.fields, self._home(), after=change.kind == "added"),)
        verb = Cell(change.kind, KIND_INKS[change.kind])
        return Row(verb, escape_terminal(change.section, 120), _NO_TAG, why)

    def _figures(self) -> Iterator[Row]:
        before, after = self.comparison.figures.before, self.comparison.figures.after
        for name, was, now in (
            ("calls", before.calls, after.calls),
            ("hard refreshes", before.hard_refreshes, after.hard_refreshes),
        ):
            if was != now:
                counts = f"{sum(was):,}{ARROW}{sum(now):,}"
                yield _fact(name, f"{counts} ({rates_text(was, now)})" if was[1:-1] else counts)
        was_most, most = before.peak, after.peak
        if most and (was_most is None or was_most.calls != most.calls):
            calls = was_most.calls if was_most else 0
            yield _fact(
                "busiest minute",
                f"{calls:,}{ARROW}{counted(most.calls, 'call')} at "
                f"{self._home().both(most.at)}, {most.requests:,} of "
                f"{after.requests_per_minute:,} requests a minute",
            )

    def _freezes(self) -> Iterator[Row]:
        for hits in self.comparison.freezes:
            for held, said in ((hits.gained, "now holds back"), (hits.lost, "no longer holds")):
                if held:
                    name = words_text(hits.freeze)
                    yield _fact("freeze", f"{name} {said} {_names(held)}")

    def _nights(self) -> Iterator[Row]:
        for night in self.comparison.nights:
            shift = night.offset.after - night.offset.before
            way = "forward" if shift.total_seconds() > 0 else "back"
            told = (
                f"{way} {interval_text(abs(shift))} in {escape_terminal(night.zone)} at "
                f"{Vantage(night.zone, self.comparison.now).both(night.at)}"
            )
            touched = f", which moves slots of {_names(night.touched)}" if night.touched else ""
            yield _fact("clocks go", told + touched)

    def _sharing(self) -> Iterator[Row]:
        parts: tuple[tuple[str, tuple[Sharing, ...]], ...] = (
            ("now share calls", self.comparison.joined),
            ("no longer share", self.comparison.parted),
        )
        for name, listed in parts:
            for sharing in listed:
                group = escape_terminal(sharing.group, 120)
                yield _fact(name, f"{_names(sharing.addresses)} ({group})")

    def _listed(self, rows: Iterator[Row]) -> Iterator[str]:
        # A fact has no name, and leaves the column of names empty where it is stacked.
        return (line.rstrip() for line in listing(rows, self.width, colour=self.colour))

    def _home(self) -> Vantage:
        zones = Counter(change.zone for change in self.comparison.items)
        zone = min(zones, key=lambda name: (-zones[name], name), default="UTC")
        return Vantage(zone, self.comparison.now)


def _fact(name: str, told: str) -> Row:
    return Row(Cell(name), "", _NO_TAG, (told,))


def _names(addresses: tuple[Address, ...]) -> str:
    return few(addresses)


def _runs(change: ItemChange, vantage: Vantage) -> Iterator[str]:
    was, now = change.runs.before, change.runs.after
    match change.kind:
        case "added":
            yield f"runs {rate_text(now)}"
        case "removed":
            yield f"ran {rate_text(was)}"
        case _ if rate_text(was) == rate_text(now):
            yield f"runs {rate_text(now)}, at other times"
        case _:
            yield f"runs {rates_text(was, now)}"
    if change.first_new is not None:
        yield f"first new {vantage.with_distance(change.first_new)}"
    if change.first_gone is not None:
        yield f"first gone {vantage.with_distance(change.first_gone)}"
