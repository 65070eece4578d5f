"""Keeping the page small: long lists lose their middle, and say so."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from reconcile.render.fitting import middle_cut
from reconcile.render.names import counted
from reconcile.render.page.markup import Markup, element, joined

Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Room:
    """What a list may take: bytes, and entries. `noun` is what an entry is called."""

    size: int
    entries: int
    noun: str


def fitting(
    things: Sequence[Thing],
    show: Callable[[Thing], Markup],
    note: Callable[[str], Markup],
    room: Room,
) -> tuple[Markup, ...]:
    """Show the things, or as many from both ends as there is room for; `note` counts the rest."""
    wanted = things
    if len(things) > room.entries:
        # What would not be shown is not drawn either: drawing is what costs.
        after = room.entries // 2
        wanted = [*things[: room.entries - after], *things[len(things) - after :]]
    parts = [show(thing) for thing in wanted]
    head, tail = middle_cut([len(part) for part in parts], room.size, room.entries)
    left_out = len(things) - head - tail
    if not left_out:
        return joined(parts)
    if not tail and head == len(parts):
        tail = room.entries // 2
        head -= tail
    counting = note(f"{counted(left_out, f'more {room.noun}')} left out here")
    return joined([*parts[:head], counting, *parts[len(parts) - tail :]])


def left_out_entry(words: str) -> Markup:
    """Return the note as an entry of a list."""
    return element("li", words, class_="left-out")


def left_out_row(words: str) -> Markup:
    """Return the note as a row of the table of items."""
    cell = element("td", words, role="cell", class_="left-out", colspan=5)
    return element("tr", (cell,), role="row")
