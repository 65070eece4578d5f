"""A plan as a person reads it, in a terminal or a log."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import assert_never

from msgspec import Struct

from reconcile.model.struct import figure
from reconcile.render import layout
from reconcile.render.documents import Blocking
from reconcile.render.escape import escape_terminal, shell_word
from reconcile.render.outline import Attention, Outline
from reconcile.render.words import address_text, counted, duration_text

# What needs a person: limits that block a plan, items that do not go on by themselves.

_GOES_BY_ITSELF = "Sent again by the next apply."
_SHOWN = 3


def alert_names(alert: Attention) -> tuple[list[str], str]:
    """Return the first of the addresses as they are shown, and ` and 4 more`, or nothing."""
    left = len(alert.addresses) - _SHOWN
    names = [address_text(address) for address in alert.addresses[:_SHOWN]]
    return names, f" and {left:,} more" if left > 0 else ""


def alert_outlook(alert: Attention) -> str:
    """Return what becomes of them, without the command that stands behind it."""
    if alert.command is None:
        return _GOES_BY_ITSELF
    return "To free it: " if len(alert.addresses) == 1 else "To free them: "


def alert_text(alert: Attention) -> str:
    """Return the alert as one line."""
    names, more = alert_names(alert)
    command = alert.command or ""
    return f"{alert.what}: {', '.join(names)}{more}. {alert_outlook(alert)}{command}"


def waivers(over: Iterable[Blocking]) -> str:
    """Return the options that let one apply pass these limits."""
    return " ".join(one.waiver for one in over)


def blocked_text(over: Sequence[Blocking]) -> str:
    """Return `Blocked: 5 calls, and the limit is 1. To pass it once: --allow calls=5`."""
    if not over:
        return ""
    told = "; ".join(map(_limit_text, over))
    it = "it" if len(over) == 1 else "them"
    return f"Blocked: {told}. To pass {it} once: reconcile apply {waivers(over)}"


def _limit_text(excess: Blocking) -> str:
    planned, limit = figure(excess.planned), f", and the limit is {figure(excess.allowed)}"
    match excess.limit:
        case "calls":
            return counted(int(excess.planned), "call") + limit
        case "hard_refreshes":
            return counted(int(excess.planned), "hard refresh") + limit
        case "share":
            return f"{planned} of all items are due at once{limit}"
        case "forget_all":
            return f"all {counted(int(excess.planned), 'record')} would be forgotten"
        case _ as unreachable:
            assert_never(unreachable)


# What a plan comes to, in words.


def due_text(outline: Outline) -> str:
    """Return `3 calls are due`."""
    calls = outline.calls
    if not calls:
        return "No calls are due"
    return f"{counted(calls, 'call')} {'is' if calls == 1 else 'are'} due"


def as_of(outline: Outline, *, elsewhere: bool = False) -> str:
    """Return the instant of the plan on both clocks; `elsewhere`: in full."""
    view, now = outline.view, outline.document.now
    return f"as of {view.in_full(now) if elsewhere or view.dated else view.both(now)}"


def where_text(outline: Outline) -> str | None:
    """Return which instance and which state a plan is about; None where that is not told."""
    if not outline.state:
        return None
    host = outline.document.host
    instance = () if host is None else (f"Instance: {escape_terminal(host, 240)}",)
    return layout.DOT.join([*instance, f"State: {escape_terminal(outline.state, 240)}"])


def noted_text(outline: Outline) -> str | None:
    """Return how many items an apply will record without a call; None if none."""
    number = len(outline.document.noted)
    if not number:
        return None
    return f"{counted(number, 'new or changed item')} will be recorded; no calls needed"


def load_text(outline: Outline) -> str | None:
    """Return what the plan costs against the request budget; None if nothing is sent."""
    if not outline.calls and not outline.awaited:
        return None
    load, late = outline.document.load, ""
    if load.overtaken:
        late = f", {counted(len(load.overtaken), 'item')} only after the next slot"
    return (
        f"{counted(load.calls, 'call')} + about {counted(load.polls, 'poll')}, "
        f"{duration_text(load.duration_s)}, peak {load.peak_per_minute} of "
        f"{load.requests_per_minute} requests a minute{late}"
    )


# The whole.

_DIGEST_SHOWN = 12


def plan_text(
    outline: Outline, *, width: int, colour: bool, verbose: bool = False, elsewhere: bool = False
) -> str:
    """Return the whole plan as text that ends with a line break.

    `width` is in terminal cells. `verbose` adds the exact requests, what is covered, the whole
    digest, and whatever lists leave out beyond their first thousand addresses. `elsewhere`: it may
    be read on another day than the plan's.
    """
    page = _Page(
        outline=outline,
        width=max(width, layout.LEAST_WIDTH),
        colour=colour,
        verbose=verbose,
        elsewhere=elsewhere,
    )
    return "\n".join(page.lines()) + "\n"


class _Page(Struct, frozen=True, kw_only=True):
    outline: Outline
    width: int
    colour: bool
    verbose: bool
    elsewhere: bool

    def lines(self) -> Iterator[str]:
        outline = self.outline
        if blocked := blocked_text(outline.document.blocked_by):
            for line in layout.wrap(blocked, self.width):
                yield layout.paint(line, layout.Ink.BAD_LOUD, colour=self.colour)
        first, *rest = self._headline()
        yield layout.paint(first, layout.Ink.BOLD, colour=self.colour)
        yield from rest
        for alert in outline.document.attention:
            for line in layout.wrap(alert_text(alert), self.width):
                yield layout.paint(line, layout.Ink.BAD, colour=self.colour)
        rows = (
            row
            for action in outline.actions
            for row in (action.in_full() if self.verbose else action.rows)
        )
        yield from self._listed(rows, stacked=self.verbose)
        yield from self._section("Not now:", outline.still)
        yield from self._section("Past the deadline, to be recorded as missed:", outline.missed)
        if self.verbose:
            yield from self._section("Covered:", outline.covered)
        for sentence in self._foot():
            yield from layout.wrap(sentence, self.width)

    def _headline(self) -> list[str]:
        outline = self.outline
        instant = as_of(outline, elsewhere=self.elsewhere)
        if self._anything():
            due = layout.DOT.join([due_text(outline), *self._counts()])
            return layout.both_ends(due, instant, self.width)
        first = " ".join([f"{due_text(outline)}.", *self._next()])
        counts = layout.DOT.join(self._counts())
        return [*layout.wrap(first, self.width), *layout.both_ends(counts, instant, self.width)]

    def _section(self, title: str, rows: Iterable[layout.Row]) -> Iterator[str]:
        lines = list(self._listed(rows, stacked=False))
        if lines:
            yield from layout.wrap(title, self.width)
            yield from lines

    def _listed(self, rows: Iterable[layout.Row], *, stacked: bool) -> Iterator[str]:
        rows = iter(rows)
        shown = rows if self.verbose else islice(rows, layout.MOST_LISTED)
        yield from layout.listing(shown, self.width, colour=self.colour, stacked=stacked)
        if next(rows, None) is not None:
            said = f"  ... and more than these {layout.MOST_LISTED:,}: --verbose lists all of them."
            yield from layout.wrap(said, self.width)

    def _foot(self) -> Iterator[str]:
        outline = self.outline
        document = outline.document
        if noted := noted_text(outline):
            yield noted
        if load := load_text(outline):
            yield f"Load: {load}"
        if self._anything():
            yield from self._next()
        if document.valid_until is not None:
            yield f"Valid until {outline.view.both(document.valid_until)}"
        if where := where_text(outline):
            yield where
        short = document.digest.rpartition(":")[2][:_DIGEST_SHOWN]
        digest = document.digest if self.verbose else short
        yield f"Digest {escape_terminal(digest)}"

    def _next(self) -> Iterator[str]:
        if self.outline.upcoming is not None:
            address, when = self.outline.upcoming
            yield f"Next: {address} at {when}"

    def _anything(self) -> bool:
        return bool(self.outline.actions)

    def _counts(self) -> Iterator[str]:
        return (one.words() for one in self.outline.figures)


# The command that applies exactly one plan.


def approving_command(digest: str, arguments: Sequence[str]) -> str | None:
    """Return the command; None if an argument has anything in it that a shell might read.

    Whoever copies it does not read every character of it.
    """
    words = ["reconcile", "apply", *arguments, "--approve", digest]
    bare = [word.lstrip("-") for word in words]
    return " ".join(words) if all(shell_word(word) == word for word in bare) else None
