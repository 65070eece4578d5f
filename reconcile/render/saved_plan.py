"""A saved plan for people, whether it still stands or not."""

from collections.abc import Iterable, Iterator

from reconcile.model.address import Address
from reconcile.model.plan import Action, Forget, Plan, Rename
from reconcile.model.saved import Difference, SavedAction, SavedPlan
from reconcile.model.schedule_action import ScheduleAction
from reconcile.render.escape import escape_terminal
from reconcile.render.instants import rfc3339
from reconcile.render.layout import Ink, paint, wrap
from reconcile.render.names import address_text, counted, words_text
from reconcile.render.reader import Reader

_INDENT = "  "


def saved_text(plan: SavedPlan, *, width: int, colour: bool) -> str:
    """Return what was approved: each action with its slot, request and reason."""
    head = f"Saved plan of {rfc3339(plan.now)} · {counted(len(plan.actions), 'action')}"
    lines = [paint(head, Ink.BOLD, colour=colour)]
    for action in plan.actions:
        lines.extend(_action(action, width))
    until = "no end" if plan.valid_until is None else rfc3339(plan.valid_until)
    lines.append(f"Valid until {until}")
    lines.extend(wrap(f"Digest {escape_terminal(plan.digest)}", width))
    return "\n".join(lines) + "\n"


def action_reasons(plan: Plan) -> list[str]:
    """Return one text an action of a plan: why its first address is in it."""
    reader = Reader.of(plan)
    return [_reason(action, reader) for action in plan.actions]


def _reason(action: Action, reader: Reader) -> str:
    if isinstance(action, Forget):
        return "no longer declared"
    if isinstance(action, Rename):
        return "renamed"
    if isinstance(action, ScheduleAction):
        return reader.account(action.address).tell(action.reason)
    return reader.account(action.covers[0].address).tell(action.reasons[0])


def differences_text(differences: Iterable[Difference], *, limit: int = 20) -> str:
    """Spell out why a saved plan no longer matches, one difference a line."""
    listed = list(differences)
    lines = [
        f"{words_text(d.subject)}: planned as {words_text(d.then)}, now {words_text(d.now)}"
        for d in listed[:limit]
    ]
    if len(listed) > limit:
        lines.append(f"and {len(listed) - limit:,} more")
    return "\n".join(lines)


def confirmed_text(covered: Iterable[Address], left_alone: Iterable[Address]) -> str:
    """Say what became of the approved work, and what is due beside it. May be empty."""
    lines = [f"Settled since, dropped: {address_text(address)}" for address in covered]
    lines += [f"Newly due, left alone: {address_text(address)}" for address in left_alone]
    return "\n".join(lines)


def _action(action: SavedAction, width: int) -> Iterator[str]:
    for address, slot in action.slots.items():
        told = "" if slot is None else f", slot {rfc3339(slot)}"
        yield from _indented(f"{action.kind:<8} {address_text(address)}{told}", width, _INDENT)
    if action.request is not None:
        request = f"{action.request.method} {escape_terminal(action.request.path)}"
        yield from _indented(request, width, _INDENT * 2)
    if action.reason:
        yield from _indented(words_text(action.reason), width, _INDENT * 2)


def _indented(text: str, width: int, indent: str) -> Iterator[str]:
    return (indent + line for line in wrap(text, width - len(indent)))
