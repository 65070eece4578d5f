"""What changed between two plans, as whoever approved the first one reads it."""

from collections import Counter
from collections.abc import Iterator

from reconcile.model.comparison import CallChange, PlanDifference
from reconcile.render.comparison.review import KIND_INKS
from reconcile.render.comparison.values import ARROW, NONE, field_lines, whole
from reconcile.render.escape import escape_ci_log, escape_terminal
from reconcile.render.instants import Vantage, rfc3339
from reconcile.render.layout import DOT, LEAST_WIDTH, Cell, Ink, Row, listing, paint, wrap
from reconcile.render.names import address_text
from reconcile.render.told import Passage, Told

_NO_TAG = Cell("")
_DIGEST_SHOWN = 12


def plan_difference_text(difference: PlanDifference, *, width: int, colour: bool) -> str:
    """Return what changed between two plans as text that ends with a line break."""
    width = max(width, LEAST_WIDTH)
    vantage = Vantage("UTC", difference.now.after)
    lines: list[str] = []
    first, *rest = wrap(_headline(difference), width, DOT)
    lines += [paint(first, Ink.BOLD, colour=colour), *rest]
    calls = (_call(change, vantage) for change in difference.calls)
    lines += listing(calls, width, colour=colour)
    if standing := _standing(difference, width, colour=colour):
        lines += ["Where items stand:", *standing]
    for sentence in _foot(difference):
        lines += wrap(sentence, width)
    return escape_ci_log("\n".join(lines) + "\n")


def plan_difference_told(difference: PlanDifference, *, width: int) -> Told:
    """Return the same for a comment or a page."""
    vantage = Vantage("UTC", difference.now.after, dated=True)
    calls = (_call(change, vantage) for change in difference.calls)
    foot = [line for sentence in _foot(difference) for line in wrap(sentence, width)]
    return Told(
        subject="plan difference",
        headline=_headline(difference),
        passages=(
            Passage("What changes", list(listing(calls, width, colour=False)), changes=True),
            Passage("Where items stand", _standing(difference, width, colour=False)),
            Passage("What was approved", foot),
        ),
    )


def _standing(difference: PlanDifference, width: int, *, colour: bool) -> list[str]:
    rows = (
        Row(
            Cell(_word(change.status.after)),
            address_text(change.address),
            _NO_TAG,
            (f"was {_word(change.status.before)}",),
        )
        for change in difference.statuses
    )
    return list(listing(rows, width, colour=colour))


def _headline(difference: PlanDifference) -> str:
    kinds = Counter(change.kind for change in difference.calls)
    parts = [f"{kinds[kind]:,} {kind}" for kind in KIND_INKS if kinds[kind]]
    said = ", ".join(parts) or "The same calls"
    return DOT.join([said, f"{difference.unchanged:,} unchanged"])


def _call(change: CallChange, vantage: Vantage) -> Row:
    if change.kind == "changed":
        # A reset's body says its slot once more.
        slotted = any(field.field == "slot" for field in change.fields)
        fields = [f for f in change.fields if not (slotted and f.field == "body")]
        why = tuple(field_lines(fields, vantage))
    else:
        why = (whole(change.fields, vantage, after=change.kind == "added"),)
    verb = Cell(change.kind, KIND_INKS[change.kind])
    return Row(verb, address_text(change.address), _NO_TAG, why)


def _foot(difference: PlanDifference) -> Iterator[str]:
    if difference.host.is_change:
        yield f"Host {_both(difference.host.before, difference.host.after)}"
    digest = difference.digest
    if digest.is_change:
        yield f"Digest {_short(digest.before)}{ARROW}{_short(digest.after)}: approve it anew"
    else:
        yield f"Digest {_short(digest.after)} in both: an approval of one holds for the other"
    yield f"Planned {rfc3339(difference.now.before)}, then {rfc3339(difference.now.after)}"


def _both(before: str | None, after: str | None) -> str:
    return f"{_word(before)}{ARROW}{_word(after)}"


def _word(word: str | None) -> str:
    return NONE if word is None else escape_terminal(word, 120)


def _short(digest: str) -> str:
    return escape_terminal(digest.rpartition(":")[2][:_DIGEST_SHOWN])
