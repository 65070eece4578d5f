"""A saved plan, and whether it still stands: for people, for a review, and for programs."""

from collections.abc import Iterable, Iterator

from reconcile.model.address import Address
from reconcile.model.comparison import Difference, SavedAction, SavedPlan
from reconcile.render.documents import Blocking, SavedFate
from reconcile.render.escape import escape_terminal
from reconcile.render.layout import Ink, Passage, Told, paint, wrap
from reconcile.render.plan import blocked_text
from reconcile.render.words import (
    ADDRESS_LIMIT,
    ARROW,
    Vantage,
    address_text,
    counted,
    file_words,
    words_text,
)

_DIFFERENCES_SHOWN = 200


def review_text(
    plan: SavedPlan, fate: SavedFate, view: Vantage, *, width: int, colour: bool
) -> str:
    """Return the plan as it was approved, and whether it still stands; ends with a line break.

    What an apply would refuse comes first, then what the plan forces.
    """
    first = [paint(line, Ink.BOLD, colour=colour) for line in _first(plan, fate, width)]
    lines = "\n".join([_verdict(fate), *_beside(fate, width)])
    saved = saved_text(plan, view, width=width, colour=colour)
    return "".join([*(f"{line}\n" for line in first), saved, f"{lines}\n"])


def _first(plan: SavedPlan, fate: SavedFate, width: int) -> Iterator[str]:
    if fate.blocked_by:
        yield from wrap(blocked_text(tuple(map(Blocking.of, fate.blocked_by))), width)
    if forced := forced_text(plan):
        yield from wrap(forced, width)


def review_told(plan: SavedPlan, fate: SavedFate, view: Vantage, *, width: int) -> Told:
    """Return the same for a comment or a page."""
    lines = saved_text(plan, view, width=width, colour=False).splitlines()
    blocked = "Blocked. " if fate.blocked_by else ""
    return Told(
        subject="saved plan",
        headline=f"{blocked}{_verdict(fate)}".removesuffix("."),
        passages=(
            Passage("First", list(_first(plan, fate, width))),
            Passage("Since then", list(_beside(fate, width))),
            Passage("As it was approved", lines),
        ),
    )


def _verdict(fate: SavedFate) -> str:
    if fate.differences:
        return "Stale: apply would refuse it."
    return f"Still stands: {counted(fate.left, 'action')} left to do."


def _beside(fate: SavedFate, width: int) -> Iterator[str]:
    text = differences_text(fate.differences, limit=_DIFFERENCES_SHOWN)
    beside = confirmed_text(fate.covered, fate.left_alone, fate.spent)
    for line in (text or beside).splitlines():
        yield from wrap(line, width)


# A saved plan for people, whether it still stands or not.

_INDENT = "  "


def saved_text(plan: SavedPlan, view: Vantage, *, width: int, colour: bool) -> str:
    """Return what was approved: each action with its slot, request and reason.

    `view`: where the reader stands; the plan's own zone is not kept.
    """
    head = f"Saved plan of {view.in_full(plan.now)} · {counted(len(plan.actions), 'action')}"
    lines = [paint(head, Ink.BOLD, colour=colour)]
    for sentence in options_told(plan):
        lines.extend(wrap(sentence, width))
    for action in plan.actions:
        lines.extend(_action(action, view, width))
    until = "no end" if plan.valid_until is None else view.in_full(plan.valid_until)
    lines.append(f"Valid until {until}")
    lines.extend(wrap(f"Digest {escape_terminal(plan.digest)}", width))
    return "\n".join(lines) + "\n"


def forced_text(plan: SavedPlan) -> str | None:
    """Return what the plan forces, which is named before all else; None if that is nothing."""
    if not plan.force:
        return None
    return f"Forced, whatever is recorded: {', '.join(map(address_text, plan.force))}"


def options_told(plan: SavedPlan) -> Iterator[str]:
    """Yield a sentence for each of the plan's other options that is not as usual."""
    if plan.select:
        yield f"Only what matches: {', '.join(map(words_text, plan.select))}"
    if plan.hold_unknown:
        yield "Calls whose outcome is unknown are held."
    if plan.live:
        yield "It follows a look at the instance, and so does applying it."


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


def confirmed_text(
    covered: Iterable[Address], left_alone: Iterable[Address], spent: Iterable[Address] = ()
) -> str:
    """Say what became of the approved work, and what is due beside it. May be empty."""
    lines = [f"Forced by the plan, and done since: {address_text(address)}" for address in spent]
    lines += [f"Settled since, dropped: {address_text(address)}" for address in covered]
    lines += [f"Newly due, left alone: {address_text(address)}" for address in left_alone]
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
