"""Lines of text on a page: what a change of the files does, as a comparison tells it."""

from collections.abc import Sequence

from reconcile.render.page.cutting import Room, fitting, left_out_entry
from reconcile.render.page.markup import Markup, element, joined

_ROOM = Room(150_000, 400, "line")
_KINDS = frozenset({"added", "removed", "changed", "moved", "renamed"})


def changes_section(lines: Sequence[str]) -> Markup:
    """Return the lines of a comparison, each in the colour of its kind of change."""
    return lines_section("What changes", lines, changes=True)


def lines_section(heading: str, lines: Sequence[str], *, changes: bool) -> Markup:
    """Return lines of text under a heading; with `changes`, each in the colour of its kind."""
    kind = ""
    told: list[tuple[str, str]] = []
    for line in lines:
        if changes and not line.startswith("   "):
            first = line.split(maxsplit=1)[:1] if line.startswith(" ") else []
            kind = next(iter(_KINDS.intersection(first)), "")
        told.append((kind, line))
    listed = element("ol", fitting(told, _line, left_out_entry, _ROOM), class_="changes")
    name = heading.lower().replace(" ", "-")
    title = element("h2", heading, id=name)
    return element("section", joined([title, listed]), aria_labelledby=name)


def _line(told: tuple[str, str]) -> Markup:
    kind, line = told
    return element("li", line, class_=kind or None)
