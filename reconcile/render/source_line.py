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
    marked, left = _head(text[start : start + room], end - start, room - 2 * len(_CUT))
    before = _tail(text[max(start - room, 0) : start], start, left - min(left // 3, room // 3))
    left -= cells(before) - (len(_CUT) if before.startswith(_CUT) else 0)
    after, _ = _head(text[end : end + room], len(text) - end, max(left, 0))
    return before, marked, after


def caret(marked: str) -> str:
    """Return the carets that underline a marked text; one where there is nothing to mark."""
    return "^" * max(cells(marked), 1)


def _head(text: str, length: int, room: int) -> tuple[str, int]:
    pieces, left = _fitting(text[:length], room)
    cut = _CUT if len(pieces) < length else ""
    return "".join(pieces) + cut, left


def _tail(text: str, length: int, room: int) -> str:
    pieces, _ = _fitting(reversed(text), room)
    cut = _CUT if len(pieces) < length else ""
    return cut + "".join(reversed(pieces))


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
