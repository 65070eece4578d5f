"""A plan and a saved plan as a person reads them, in a terminal or a log."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import assert_never

from msgspec import Struct

from reconcile.model.comparison import Difference, SavedAction, SavedPlan
from reconcile.model.struct import figure
from reconcile.render import layout
from reconcile.render.actions import Attention, PlanDocument
from reconcile.render.documents import Blocking, SavedFate
from reconcile.render.layout import Ink, Passage, Told, escape_terminal, paint, shell_word, wrap
from reconcile.render.outline import STATUS_WORDS, Outline
from reconcile.render.words import (
    ADDRESS_LIMIT,
    ARROW,
    Vantage,
    address_text,
    counted,
    duration_text,
    file_words,
    words_text,
)

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


def blocked_text(over: Sequence[Blocking], complete: Callable[[str], str]) -> str:
    """Return `Blocked: 5 calls, and the limit is 1. To pass it once:` and the command for it.

    `complete`: gives a command what the one that the reader ran was given.
    """
    if not over:
        return ""
    told = "; ".join(map(_limit_text, over))
    it = "it" if len(over) == 1 else "them"
    command = complete(f"reconcile apply {waivers(over)}")
    return f"Blocked: {told}. To pass {it} once: {command}"


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
        if blocked := blocked_text(outline.document.blocked_by, outline.complete):
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
        instant, due = as_of(outline, elsewhere=self.elsewhere), due_text(outline)
        counts = [one.words() for one in outline.figures]
        if outline.actions:
            return layout.both_ends(layout.DOT.join([due, *counts]), instant, self.width)
        first = layout.wrap(" ".join([f"{due}.", *self._next()]), self.width)
        return [*first, *layout.both_ends(layout.DOT.join(counts), instant, self.width)]

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
        if outline.actions:
            yield from self._next()
        if document.valid_until is not None:
            yield f"Valid until {outline.view.both(document.valid_until)}"
        if outline.state:
            places = {"Instance": document.host, "State": outline.state}
            told = (f"{name}: {escape_terminal(it, 240)}" for name, it in places.items() if it)
            yield layout.DOT.join(told)
        short = document.digest.rpartition(":")[2][:_DIGEST_SHOWN]
        digest = document.digest if self.verbose else short
        yield f"Digest {escape_terminal(digest)}"

    def _next(self) -> Iterator[str]:
        if self.outline.upcoming is not None:
            address, when = self.outline.upcoming
            yield f"Next: {address} at {when}"


# The command that applies exactly one plan.


def approving_command(digest: str, arguments: Sequence[str]) -> str | None:
    """Return the command; None if an argument has anything in it that a shell might read.

    Whoever copies it does not read every character of it.
    """
    words = ["reconcile", "apply", *arguments, "--approve", digest]
    bare = [word.lstrip("-") for word in words]
    return " ".join(words) if all(shell_word(word) == word for word in bare) else None


def approval(plan: PlanDocument, arguments: Sequence[str]) -> tuple[str, str]:
    """Return how to apply exactly this plan: a sentence, and the command that is to follow.

    `arguments`: what `apply` must be given, beside the digest, to plan the same. Where these are
    not safe to copy, it is the option alone, and what is said of it does not end in a colon.
    """
    over = waivers(plan.blocked_by).split()
    command = approving_command(plan.digest, [*arguments, *over])
    if command is None:
        said = "Apply exactly this with the options of this plan and"
        return said, f"--approve {plan.digest}"
    return f"Apply exactly this, {'past its limits' if over else 'and nothing else'}:", command


_DIFFERENCES_SHOWN = 200


def review_text(
    plan: SavedPlan,
    fate: SavedFate,
    view: Vantage,
    *,
    width: int,
    colour: bool,
    complete: Callable[[str], str] = str,
) -> str:
    """Return the plan as it was approved, and whether it still stands; ends with a line break.

    What an apply would refuse comes first, then what the plan forces.
    """
    first = (paint(line, Ink.BOLD, colour=colour) for line in _first(plan, fate, width, complete))
    approved = _approved(plan, view, width=width, colour=colour)
    return "\n".join([*first, *approved, _verdict(fate), *_beside(fate, width)]) + "\n"


def _first(
    plan: SavedPlan, fate: SavedFate, width: int, complete: Callable[[str], str]
) -> Iterator[str]:
    if fate.blocked_by:
        yield from wrap(blocked_text(fate.blocked_by, complete), width)
    if plan.choice.force:
        forced = ", ".join(map(address_text, plan.choice.force))
        yield from wrap(f"Forced, whatever is recorded: {forced}", width)


def review_told(
    plan: SavedPlan,
    fate: SavedFate,
    view: Vantage,
    *,
    width: int,
    complete: Callable[[str], str] = str,
) -> Told:
    """Return the same for a comment or a page."""
    approved = list(_approved(plan, view, width=width, colour=False))
    blocked = "Blocked. " if fate.blocked_by else ""
    return Told(
        subject="saved plan",
        headline=f"{blocked}{_verdict(fate)}".removesuffix("."),
        passages=(
            Passage("First", list(_first(plan, fate, width, complete))),
            Passage("Since then", list(_beside(fate, width))),
            Passage("As it was approved", approved),
        ),
    )


def _verdict(fate: SavedFate) -> str:
    if fate.differences:
        return "Stale: apply would refuse it."
    waiting = f", {counted(len(fate.waiting), 'item')} not now" if fate.waiting else ""
    return f"Still stands: {counted(fate.left, 'action')} left to do{waiting}."


def _beside(fate: SavedFate, width: int) -> Iterator[str]:
    text = differences_text(fate.differences, limit=_DIFFERENCES_SHOWN)
    beside = confirmed_text(fate)
    for line in (text or beside).splitlines():
        yield from wrap(line, width)


# A saved plan for people, whether it still stands or not.

_INDENT = "  "


def _approved(plan: SavedPlan, view: Vantage, *, width: int, colour: bool) -> Iterator[str]:
    """Yield what was approved: options that are not as usual, then each action.

    `view`: where the reader stands; the plan's own zone is not kept.
    """
    head = f"Saved plan of {view.in_full(plan.now)} · {counted(len(plan.actions), 'action')}"
    yield paint(head, Ink.BOLD, colour=colour)
    chosen = plan.choice
    if chosen.select:
        yield from wrap(f"Only what matches: {', '.join(map(words_text, chosen.select))}", width)
    if chosen.hold_unknown:
        yield from wrap("Calls whose outcome is unknown are held.", width)
    if chosen.live:
        yield from wrap("It follows a look at the instance, and so does applying it.", width)
    for action in plan.actions:
        yield from _action(action, view, width)
    until = "no end" if plan.valid_until is None else view.in_full(plan.valid_until)
    yield f"Valid until {until}"
    yield from wrap(f"Digest {escape_terminal(plan.digest)}", width)


def differences_text(differences: Iterable[Difference], *, limit: int = 20) -> str:
    """Spell out why a saved plan no longer matches, one difference a line."""
    listed = list(differences)
    lines = [_difference(one) for one in listed[:limit]]
    if len(listed) > limit:
        lines.append(f"and {len(listed) - limit:,} more")
    return "\n".join(lines)


def _difference(one: Difference) -> str:
    subject = escape_terminal(one.subject, ADDRESS_LIMIT)
    if not one.field:
        told = (f"{side}" if one.plain else file_words(side) for side in (one.then, one.now))
        return f"{subject}: {ARROW.join(told)}"
    name = "" if one.field == one.subject else f" {escape_terminal(one.field, ADDRESS_LIMIT)}"
    return f"{subject}:{name} {file_words(one.then)}{ARROW}{file_words(one.now)}"


def confirmed_text(fate: SavedFate) -> str:
    """Say what became of the approved work, and what is due beside it. May be empty."""
    lines = [
        f"Approved, but not made now: {address_text(one.address)}, "
        f"{STATUS_WORDS[one.status]}: {one.reason}"
        for one in fate.waiting
    ]
    lines += [f"Forced by the plan, and done since: {address_text(a)}" for a in fate.spent]
    lines += [f"Settled since, dropped: {address_text(a)}" for a in fate.covered]
    lines += [f"Newly due, left alone: {address_text(a)}" for a in fate.left_alone]
    return "\n".join(lines)


def _action(action: SavedAction, view: Vantage, width: int) -> Iterator[str]:
    for address, slot in action.slots.items():
        told = "" if slot is None else f", slot {view.both(slot)}"
        yield from _indented(f"{action.kind:<8} {address_text(address)}{told}", width, _INDENT)
    if action.request is not None:
        request = f"{action.request.method} {escape_terminal(action.request.path)}"
        yield from _indented(request, width, _INDENT * 2)
    if action.reason:
        yield from _indented(words_text(action.reason), width, _INDENT * 2)


def _indented(text: str, width: int, indent: str) -> Iterator[str]:
    return (indent + line for line in wrap(text, width - len(indent)))
