"""Keeping the page small: long lists lose their middle, and say so."""

from collections.abc import Callable, Sequence

from reconcile.render.fitting import middle_cut
from reconcile.render.names import counted
from reconcile.render.page.markup import Markup, element, joined


def fitting(
    parts: Sequence[Markup], note: Callable[[str], Markup], noun: str, room: int, at_most: int
) -> tuple[Markup, ...]:
    """Return the parts, or as many from both ends as fit, with a note that counts the others."""
    head, tail = middle_cut([len(part) for part in parts], room, at_most)
    left_out = len(parts) - head - tail
    if not left_out:
        return joined(parts)
    counting = note(f"{counted(left_out, f'more {noun}')} left out here")
    return joined([*parts[:head], counting, *parts[len(parts) - tail :]])


def left_out_entry(words: str) -> Markup:
    """Return the note as an entry of a list."""
    return element("li", words, class_="left-out")


def left_out_row(words: str) -> Markup:
    """Return the note as a row of the table of items."""
    cell = element("td", words, role="cell", class_="left-out", colspan=5)
    return element("tr", (cell,), role="row")
