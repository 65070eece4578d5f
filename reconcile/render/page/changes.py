"""What a change of the files does, as a comparison tells it."""

from collections.abc import Sequence

from reconcile.render.page.cutting import fitting, left_out_entry
from reconcile.render.page.markup import Markup, element, joined

_ROOM = 300_000
_AT_MOST = 400
_KINDS = frozenset({"added", "removed", "changed", "moved"})


def changes_section(lines: Sequence[str]) -> Markup:
    """Return the lines of a comparison, each in the colour of its kind of change."""
    kind, shown = "", []
    for line in lines:
        if not line.startswith("   "):
            first = line.split(maxsplit=1)[:1] if line.startswith(" ") else []
            kind = next(iter(_KINDS.intersection(first)), "")
        shown.append(element("li", line, class_=kind or None))
    listed = element(
        "ol", fitting(shown, left_out_entry, "line", _ROOM, _AT_MOST), class_="changes"
    )
    heading = element("h2", "What changes", id="changes")
    return element("section", joined([heading, listed]), aria_labelledby="changes")
