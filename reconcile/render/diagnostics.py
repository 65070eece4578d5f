"""Diagnostics for a terminal, for programs, and as annotations of a pull request."""

from collections.abc import Iterable, Iterator

from reconcile.errors import Diagnostic, Place, Severity
from reconcile.render.escape import escape_terminal
from reconcile.render.layout import LEAST_WIDTH, Ink, cells, paint, wrap

_INDENT = "   "
_SUMMARY_LIMIT = 400
_DETAIL_LIMIT = 4_000
_FILE_LIMIT = 400
_PLACES_SHOWN = 10
_ACCENT = {Severity.ERROR: Ink.BAD_LOUD, Severity.WARNING: Ink.HARD}


def diagnostic_text(diagnostic: Diagnostic, *, width: int, colour: bool) -> str:
    """Return a diagnostic as a few lines: what, where, why, and what to do; ends with a break.

    A line break in `detail` starts a paragraph. Its lines are indented, so that a name with a
    line break in it cannot pass for a heading or a hint of ours.
    """
    return "\n".join(_lines(diagnostic, max(width, LEAST_WIDTH), colour=colour)) + "\n"


def annotation(diagnostic: Diagnostic) -> str:
    """Return the workflow command that shows a diagnostic on the changed line of a pull request.

    Syntax and escapes: GitHub's "Workflow commands", `@actions/core` command.ts.
    """
    properties = {"title": f"{diagnostic.code}: {diagnostic.summary}"}
    if diagnostic.places:
        place = diagnostic.places[0]
        spot = {"file": place.file, "line": place.line, "col": place.column}
        known = {name: str(value) for name, value in spot.items() if value is not None}
        properties = known | properties
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    hint = [f"hint: {diagnostic.hint}"] if diagnostic.hint else []
    paragraphs = [*diagnostic.detail.split("\n"), *hint]
    message = "\n".join(escape_terminal(text, _DETAIL_LIMIT) for text in paragraphs)
    return f"::{diagnostic.severity.value} {listed}::{_data(message)}\n"


def _lines(diagnostic: Diagnostic, width: int, *, colour: bool) -> Iterator[str]:
    accent = _ACCENT[diagnostic.severity]
    label = f"{diagnostic.severity.value}[{escape_terminal(diagnostic.code)}]:"
    summary = escape_terminal(diagnostic.summary, _SUMMARY_LIMIT)
    first, *more = wrap(f"{label} {summary}", width)
    yield paint(label, accent, colour=colour) + first.removeprefix(label)
    yield from more
    for place in diagnostic.places[:_PLACES_SHOWN]:
        yield from _place(place, width, accent, colour=colour)
    if len(diagnostic.places) > _PLACES_SHOWN:
        yield f"{_INDENT}and {len(diagnostic.places) - _PLACES_SHOWN} more places"
    for paragraph in diagnostic.detail[:_DETAIL_LIMIT].split("\n"):
        text = wrap(escape_terminal(paragraph), width - len(_INDENT))
        yield from ((_INDENT + line).rstrip() for line in text)
    if diagnostic.hint:
        hint = wrap(f"hint: {escape_terminal(diagnostic.hint, _SUMMARY_LIMIT)}", width)
        yield from (paint(line, Ink.BOLD, colour=colour) for line in hint)


def _place(place: Place, width: int, accent: Ink, *, colour: bool) -> Iterator[str]:
    spot = (number for number in (place.line, place.column) if number is not None)
    where = ":".join([escape_terminal(place.file, _FILE_LIMIT), *map(str, spot)])
    number = "" if place.line is None else str(place.line)
    gutter = " " * len(number)
    yield f"{gutter or ' '}{paint('-->', Ink.DIM, colour=colour)} {where}"
    if place.text is None:
        return
    before, marked, after = excerpt(place, width - len(number) - 3)
    yield paint(f"{number} |", Ink.DIM, colour=colour) + f" {before}{marked}{after}".rstrip()
    if place.column is not None:
        pointer = paint(caret(marked), accent, colour=colour)
        yield paint(f"{gutter} |", Ink.DIM, colour=colour) + f" {' ' * cells(before)}{pointer}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    shown = escape_terminal(value, _SUMMARY_LIMIT)
    return _data(shown).replace(":", "%3A").replace(",", "%2C")


# One line of a file with a spot marked in it, cut to what fits around that spot.

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
