"""What is wrong in files, for people, programs and pull requests; and what valid ones declare."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from reconcile.errors import Diagnostic, Place, Severity
from reconcile.model.forecast import ClockChange, TouchedSlot
from reconcile.model.struct import Instant
from reconcile.render.documents import Count, ItemAddress, Printed, encode
from reconcile.render.layout import LEAST_WIDTH, Ink, cells, escape_terminal, paint, wrap
from reconcile.render.words import Vantage, addresses_text, counted, duration_text

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
        told = f"hint: {escape_terminal(diagnostic.hint, _SUMMARY_LIMIT)}"
        # A command or a line of a file is copied: a line break of ours would be copied with it.
        hint = [told] if diagnostic.hint[0].islower() else wrap(told, width)
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
        parts = (text[:start], text[start:end], text[end:])
        before, marked, after = ("".join(_shown(part)) for part in parts)
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
    shown = ("" if len(before) == start else _CUT) + "".join(reversed(before))
    if not whole:
        return shown, "".join(marked) + _CUT, ""
    tail = "" if end + len(after) == len(text) else _CUT
    return shown, "".join(marked), "".join(after) + tail


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


# What `validate` says of valid files: how much they declare, and which clocks change next.


WallTime = Annotated[str, Meta(extra_json_schema={"pattern": r"^\d{4}-\d{2}-\d{2}T[\d:.]+$"})]
"""A local time without an offset."""


class TouchedDocument(Struct, frozen=True, kw_only=True):
    """A local time that a change skips or repeats: what it means by either offset, when it runs."""

    wall_time: WallTime
    change: Literal["skipped", "repeated"]
    before: Instant
    after: Instant
    runs: Annotated[tuple[Instant, ...], Meta(description="before any spread")]
    addresses: tuple[ItemAddress, ...]

    @staticmethod
    def of(slot: TouchedSlot) -> "TouchedDocument":
        """Say which of the two it is."""
        return TouchedDocument(
            wall_time=slot.wall.isoformat(),
            change="skipped" if slot.skipped else "repeated",
            before=slot.before,
            after=slot.after,
            runs=slot.runs,
            addresses=slot.addresses,
        )


class ClockChangeDocument(Struct, frozen=True, kw_only=True):
    """A change of the clocks of a zone, and the slots it touches; offsets are east of UTC."""

    zone: str
    at: Instant
    offset_before_s: float
    offset_after_s: float
    slots: Annotated[tuple[TouchedDocument, ...], Meta(extra_json_schema={"minItems": 1})]

    @staticmethod
    def of(change: ClockChange) -> "ClockChangeDocument":
        """Return the change in seconds."""
        return ClockChangeDocument(
            zone=change.zone,
            at=change.at,
            offset_before_s=change.before.total_seconds(),
            offset_after_s=change.after.total_seconds(),
            slots=tuple(map(TouchedDocument.of, change.slots)),
        )


class ValidationDocument(Printed, frozen=True, kw_only=True):
    """What `reconcile validate --format json` prints of valid files; of others, diagnostics."""

    valid: Literal[True] = True
    models: Count
    refreshes: Count
    resets: Count
    schedules: Annotated[int, Meta(description="left out if there are none")] | UnsetType = UNSET
    clock_changes: Annotated[tuple[ClockChangeDocument, ...], Meta(description="of a year")]


def validation_json(counts: Mapping[str, Any], changes: Iterable[ClockChange]) -> str:
    """Return how much valid files declare, by noun, and the changes to come."""
    listed = tuple(map(ClockChangeDocument.of, changes))
    return encode(ValidationDocument(**counts, clock_changes=listed))


_SLOTS_SHOWN: Final = 8


def clocks_text(changes: Sequence[ClockChange], now: datetime, *, width: int) -> str:
    """Return a paragraph for each zone; each line ends with a line break."""
    lines = [line for change in changes for line in _paragraph(change, now, width)]
    return "".join(f"{line}\n" for line in lines)


def _paragraph(change: ClockChange, now: datetime, width: int) -> Iterator[str]:
    width = max(width, LEAST_WIDTH)
    moved_s = (change.after - change.before).total_seconds()
    way = "forward" if moved_s > 0 else "back"
    when = Vantage(change.zone, now).both(change.at)
    yield from wrap(
        f"Clocks in {escape_terminal(change.zone)} go {way} {duration_text(abs(moved_s))} "
        f"on {when}:",
        width,
    )
    for slot in change.slots[:_SLOTS_SHOWN]:
        first, *rest = wrap(f"{_told(slot)}: {addresses_text(slot.addresses)}", width - 4)
        yield f"  {first}"
        yield from (f"    {line}" for line in rest)
    if len(change.slots) > _SLOTS_SHOWN:
        yield f"  and {counted(len(change.slots) - _SLOTS_SHOWN, 'more time')}"


def _told(slot: TouchedSlot) -> str:
    wall, before, after = f"{slot.wall:%H:%M}", f"{slot.before:%H:%M}Z", f"{slot.after:%H:%M}Z"
    if slot.skipped:
        runs = f"runs at {slot.runs[0]:%H:%M}Z" if slot.runs else "does not run"
        return f"{wall} does not exist ({before} by the old offset, {after} by the new), {runs}"
    runs = "runs at both" if len(slot.runs) > 1 else "runs at the first"
    return f"{wall} comes twice ({before} and {after}), {runs}"
