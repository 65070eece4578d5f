"""One line of a file with a spot marked in it, cut to what fits around that spot."""

from collections.abc import Iterable, Iterator

from reconcile.model.diagnostic import Place
from reconcile.render.escape import escape_terminal
from reconcile.render.layout import cells

_CUT = "..."
_TAB = "    "


def excerpt(place: Place, room: int) -> tuple[str, str, str]:
    """Return what stands before, at and after the marked spot, escaped, within `room` cells.

    A cut is shown as `...` and never falls inside an escape. Only as much of the line is looked
    at as can be shown: it may be megabytes long.
    """
    text = place.text or ""
    start = min(max((place.column or 1) - 1, 0), len(text))
    end = min(start + max(place.width, 1), len(text))
    room = max(room, 2 * len(_CUT) + 2)
    if len(text) <= room:
        before, marked, after = map(_escaped, (text[:start], text[start:end], text[end:]))
        if cells(before) + cells(marked) + cells(after) <= room:
            return before, marked, after
    return _around(text, start, end, room)


def _around(text: str, start: int, end: int, room: int) -> tuple[str, str, str]:
    marked, left = _fitting(text[start : min(end, start + room)], room - 2 * len(_CUT))
    whole = len(marked) == end - start
    following = text[end : end + room] if whole else ""
    # What stands before says more than what follows: it gets two thirds, or all that is not needed.
    share = left // 3
    _, unused = _fitting(following, share)
    before, _ = _fitting(reversed(text[max(start - room, 0) : start]), left - share + unused)
    after, _ = _fitting(following, left - sum(map(cells, before)))
    head = "" if len(before) == start else _CUT
    tail = "" if whole and end + len(after) == len(text) else _CUT
    if not whole:
        return head + "".join(reversed(before)), "".join(marked) + tail, ""
    return head + "".join(reversed(before)), "".join(marked), "".join(after) + tail


def caret(marked: str) -> str:
    """Return the carets that underline a marked text; one where there is nothing to mark."""
    return "^" * max(cells(marked), 1)


def _fitting(text: Iterable[str], room: int) -> tuple[list[str], int]:
    pieces: list[str] = []
    for piece in _shown(text):
        if cells(piece) > room:
            break
        pieces.append(piece)
        room -= cells(piece)
    return pieces, room


def _shown(text: Iterable[str]) -> Iterator[str]:
    for character in text:
        yield _TAB if character == "\t" else escape_terminal(character)


def _escaped(text: str) -> str:
    return "".join(_shown(text))
