"""A plan as a person reads it, in a terminal or a log."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from reconcile.model.plan import Await, Forget, Plan, Refresh, ResetCache, Standing, Status
from reconcile.model.reason import DeadlineMissed
from reconcile.render.actions import action_rows
from reconcile.render.escape import escape_terminal
from reconcile.render.instants import duration_text
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
from reconcile.render.names import address_text, counted
from reconcile.render.reader import Reader
from reconcile.render.standings import (
    STANDING_STILL,
    STATUS_WORDS,
    first_moment,
    standing_rows,
)

_DIGEST_SHOWN = 12


def plan_text(plan: Plan, *, width: int, colour: bool, verbose: bool = False) -> str:
    """Return the whole plan as text that ends with a line break.

    `width` is in terminal cells. `verbose` adds the exact requests, what is covered, and the
    whole digest.
    """
    page = _Page(
        plan=plan,
        reader=Reader.of(plan),
        selected=tuple(standing for standing in plan.standings if standing.selected),
        width=max(width, LEAST_WIDTH),
        colour=colour,
        verbose=verbose,
    )
    return "\n".join(page.lines()) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    plan: Plan
    reader: Reader
    selected: tuple[Standing, ...]
    width: int
    colour: bool
    verbose: bool

    def lines(self) -> Iterator[str]:
        first, *rest = self._headline()
        yield paint(first, Ink.BOLD, colour=self.colour)
        yield from rest
        actions = self.plan.actions
        rows = (row for a in actions for row in action_rows(a, self.reader, verbose=self.verbose))
        yield from listing(rows, self.width, colour=self.colour, stacked=self.verbose)
        yield from self._section("Not now:", self._still_rows())
        yield from self._section(
            "Past the deadline, to be recorded as missed:", self._missed_rows()
        )
        if self.verbose:
            covered = standing_rows(self.selected, (Status.COVERED,), self.reader)
            yield from self._section("Covered:", covered)
        for sentence in self._foot():
            yield from wrap(sentence, self.width)

    def _headline(self) -> list[str]:
        as_of = f"as of {self.reader.vantage().both(self.plan.now)}"
        if self._calls() or self._of(Await) or self._of(Forget):
            due = DOT.join([_calls_are_due(self._calls()), *self._counts()])
            return both_ends(due, as_of, self.width)
        first = " ".join(["No calls are due.", *self._next()])
        counts = DOT.join(self._counts())
        return [*wrap(first, self.width), *both_ends(counts, as_of, self.width)]

    def _counts(self) -> Iterator[str]:
        if awaited := self._of(Await):
            yield f"{counted(awaited, 'job')} to await"
        if forgotten := self._of(Forget):
            yield f"{counted(forgotten, 'record')} to forget"
        statuses = Counter(standing.status for standing in self.selected)
        if covered := statuses[Status.COVERED]:
            yield f"{counted(covered, 'item')} covered"
        for status in STANDING_STILL:
            if statuses[status]:
                yield f"{statuses[status]:,} {STATUS_WORDS[status]}"
        if left_out := len(self.plan.standings) - len(self.selected):
            yield f"{left_out:,} not selected"

    def _still_rows(self) -> Iterator[Row]:
        told = {address for address, _ in self.plan.missed}
        listed = (
            standing
            for standing in self.selected
            if not (standing.address in told and isinstance(standing.reason, DeadlineMissed))
        )
        return standing_rows(listed, STANDING_STILL, self.reader)

    def _missed_rows(self) -> Iterator[Row]:
        reasons = {standing.address: standing.reason for standing in self.plan.standings}
        for address, slot in self.plan.missed:
            account = self.reader.account(address)
            match reasons.get(address):
                case DeadlineMissed(slot=told) as reason if told == slot:
                    why = account.tell(reason)
                case _:
                    why = f"slot {account.vantage.with_distance(slot)}"
            yield Row(Cell("missed", Ink.DIM), address_text(address), Cell(""), (why,))

    def _section(self, title: str, rows: Iterator[Row]) -> Iterator[str]:
        lines = list(listing(rows, self.width, colour=self.colour))
        if lines:
            yield from wrap(title, self.width)
            yield from lines

    def _foot(self) -> Iterator[str]:
        plan, vantage = self.plan, self.reader.vantage()
        if noted := len(plan.noted):
            yield f"{counted(noted, 'new or edited declaration')} to be noted, without a call"
        if self._calls() or self._of(Await):
            load = plan.load
            yield (
                f"Load: {counted(load.calls, 'call')} + about {counted(load.polls, 'poll')}, "
                f"{duration_text(load.duration_s)}, peak {load.peak_per_minute} of "
                f"{load.requests_per_minute} requests a minute"
            )
        if self._calls() or self._of(Await) or self._of(Forget):
            yield from self._next()
        if plan.valid_until is not None:
            yield f"Valid until {vantage.both(plan.valid_until)}"
        short = plan.digest.rpartition(":")[2][:_DIGEST_SHOWN]
        digest = plan.digest if self.verbose else short
        yield f"Digest {escape_terminal(digest)}"

    def _next(self) -> Iterator[str]:
        if found := first_moment(self.selected):
            moment, standing = found
            when = self.reader.vantage(standing.address).with_distance(moment)
            yield f"Next: {address_text(standing.address)} at {when}"

    def _of(self, kind: type[Await | Forget | Refresh | ResetCache]) -> int:
        return sum(isinstance(action, kind) for action in self.plan.actions)

    def _calls(self) -> int:
        return self._of(Refresh) + self._of(ResetCache)


def _calls_are_due(calls: int) -> str:
    if not calls:
        return "No calls are due"
    return f"{counted(calls, 'call')} {'is' if calls == 1 else 'are'} due"
