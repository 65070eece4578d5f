"""A plan as a person reads it, in a terminal or a log."""

from collections.abc import Iterable, Iterator
from itertools import islice

from reconcile.model.noun import noun
from reconcile.model.plan import Plan
from reconcile.render.actions import action_rows
from reconcile.render.escape import escape_terminal
from reconcile.render.layout import (
    DOT,
    LEAST_WIDTH,
    MOST_LISTED,
    Ink,
    Row,
    both_ends,
    listing,
    paint,
    wrap,
)
from reconcile.render.outline import Outline

_DIGEST_SHOWN = 12


def plan_text(
    plan: Plan, *, width: int, colour: bool, verbose: bool = False, elsewhere: bool = False
) -> str:
    """Return the whole plan as text that ends with a line break.

    `width` is in terminal cells. `verbose` adds the exact requests, what is covered, the whole
    digest, and whatever lists leave out beyond their first thousand addresses. `elsewhere`: it may
    be read on another day than the plan's.
    """
    page = _Page(
        plan=plan,
        outline=Outline.of(plan),
        width=max(width, LEAST_WIDTH),
        colour=colour,
        verbose=verbose,
        elsewhere=elsewhere,
    )
    return "\n".join(page.lines()) + "\n"


@noun(frozen=True, slots=True, kw_only=True)
class _Page:
    plan: Plan
    outline: Outline
    width: int
    colour: bool
    verbose: bool
    elsewhere: bool

    def lines(self) -> Iterator[str]:
        outline = self.outline
        if blocked := outline.blocked():
            for line in wrap(blocked, self.width):
                yield paint(line, Ink.BAD_LOUD, colour=self.colour)
        first, *rest = self._headline()
        yield paint(first, Ink.BOLD, colour=self.colour)
        yield from rest
        for alert in outline.alerts():
            for line in wrap(alert.sentence(), self.width):
                yield paint(line, Ink.BAD, colour=self.colour)
        rows = (
            row
            for action in self.plan.actions
            for row in action_rows(action, outline.reader, verbose=self.verbose)
        )
        yield from self._listed(rows, stacked=self.verbose)
        yield from self._section("Not now:", outline.still_rows())
        missed = outline.missed_rows()
        yield from self._section("Past the deadline, to be recorded as missed:", missed)
        if self.verbose:
            yield from self._section("Covered:", outline.covered_rows())
        for sentence in self._foot():
            yield from wrap(sentence, self.width)

    def _headline(self) -> list[str]:
        outline = self.outline
        as_of = outline.as_of(elsewhere=self.elsewhere)
        if self._anything():
            due = DOT.join([outline.due(), *outline.counts()])
            return both_ends(due, as_of, self.width)
        first = " ".join([f"{outline.due()}.", *self._next()])
        counts = DOT.join(outline.counts())
        return [*wrap(first, self.width), *both_ends(counts, as_of, self.width)]

    def _section(self, title: str, rows: Iterator[Row]) -> Iterator[str]:
        lines = list(self._listed(rows, stacked=False))
        if lines:
            yield from wrap(title, self.width)
            yield from lines

    def _listed(self, rows: Iterable[Row], *, stacked: bool) -> Iterator[str]:
        rows = iter(rows)
        shown = rows if self.verbose else islice(rows, MOST_LISTED)
        yield from listing(shown, self.width, colour=self.colour, stacked=stacked)
        if next(rows, None) is not None:
            said = f"  ... and more than these {MOST_LISTED:,}: --verbose lists all of them."
            yield from wrap(said, self.width)

    def _foot(self) -> Iterator[str]:
        plan, outline = self.plan, self.outline
        if noted := outline.noted():
            yield noted
        if load := outline.load():
            yield f"Load: {load}"
        if self._anything():
            yield from self._next()
        if plan.valid_until is not None:
            yield f"Valid until {outline.reader.vantage().both(plan.valid_until)}"
        short = plan.digest.rpartition(":")[2][:_DIGEST_SHOWN]
        digest = plan.digest if self.verbose else short
        yield f"Digest {escape_terminal(digest)}"

    def _next(self) -> Iterator[str]:
        if found := self.outline.upcoming():
            address, when = found
            yield f"Next: {address} at {when}"

    def _anything(self) -> bool:
        return bool(self.plan.actions)
