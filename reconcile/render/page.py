"""Pages: everything that one shows as values, and the templates that lay those out.

Jinja2 is known here alone. Templates lay out: what is counted, ordered, cut or worded is so already
in the values they are given.
"""

import re
from base64 import b64encode
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from importlib.resources import files
from operator import attrgetter
from typing import TypeVar

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from msgspec import Struct
from msgspec.structs import astuple

from reconcile.model.forecast import Timeline, Track
from reconcile.render.escape import escape_terminal
from reconcile.render.layout import DOT, Told, middle_cut
from reconcile.render.outline import STATUS_WORDS, ActionLines, ItemLine, ItemState, Outline
from reconcile.render.reasons import riding_text
from reconcile.render.words import (
    CalendarDay,
    Vantage,
    address_text,
    cadence_text,
    clock_change_text,
    counted,
    days,
    freeze_texts,
)

# Templates, and what is done to every text that they show.

_BREAKS = re.compile(r"(?<=[._/])(?=\w)")


class Assets(Struct, frozen=True):
    """The style and the script of a page, and what else its browser may do (in words of CSP)."""

    style: Markup
    script: Markup
    permits: str

    @property
    def policy(self) -> str:
        """Return the content security policy: this style, this script, and no other."""
        style, script = _hash(self.style), _hash(self.script)
        return (
            f"default-src 'none'; style-src {style}; script-src {script}; base-uri 'none'; "
            f"{self.permits}"
        )


def drawn(template: str, page: Struct, assets: Assets) -> str:
    """Return a whole page of ASCII, from a template that is named from the package's folder on."""
    return _ascii(_environment().get_template(template).render(page=page, assets=assets))


def drawn_part(template: str, macro: str, value: object) -> str:
    """Return what one macro of a template makes of a value, in ASCII."""
    return _ascii(str(getattr(_environment().get_template(template).module, macro)(value)).strip())


@cache
def asset(*names: str) -> Markup:
    """Return files of this project one behind the other, as they are to stand in a page."""
    folder = files("reconcile")
    content = "".join(folder.joinpath(name).read_text(encoding="ascii") for name in names)
    return Markup(content)  # noqa: S704 -- it is ours


@cache
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("reconcile", ""),
        autoescape=True,
        finalize=_inert,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    found.filters["breakable"] = breakable
    return found


def _inert(value: object) -> object:
    """Show what is not a plain visible character as an escape; quotes and brackets come after."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return escape_terminal(value)
    return value


def breakable(text: str) -> Markup:
    """Return a text that may also break behind the dots and underscores of an address."""
    safe = escape(escape_terminal(text))
    return Markup(_BREAKS.sub("<wbr>", safe))  # noqa: S704 -- it is escaped


def _ascii(page: str) -> str:
    # It then reads the same whatever encoding its bytes are taken for.
    return page.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _hash(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


# Keeping the page small: long lists lose their middle, and say so.

Thing = TypeVar("Thing")
Shown = TypeVar("Shown")

_MARKUP = 28
"""Bytes that a text takes besides itself, about: the tags it stands in."""


class Room(Struct, frozen=True):
    """What a list may take: bytes, and entries. `noun` is what an entry is called."""

    size: int
    entries: int
    noun: str


def fitting(
    things: Sequence[Thing], show: Callable[[Thing], Shown], room: Room
) -> tuple[Shown | str, ...]:
    """Show the things, or as many from both ends as there is room for; a text counts the rest."""
    wanted = things
    if len(things) > room.entries:
        # What would not be shown is not told either: telling is what costs.
        after = room.entries // 2
        wanted = [*things[: room.entries - after], *things[len(things) - after :]]
    parts = [show(thing) for thing in wanted]
    head, tail = middle_cut([_size(part) for part in parts], room.size, room.entries)
    left_out = len(things) - head - tail
    if not left_out:
        return tuple(parts)
    if not tail and head == len(parts):
        tail = room.entries // 2
        head -= tail
    note = f"{counted(left_out, f'more {room.noun}')} left out here"
    return (*parts[:head], note, *parts[len(parts) - tail :])


def _size(value: object) -> int:
    """Return about how many bytes a value takes on a page."""
    if isinstance(value, str):
        plain = value.isascii() and value.isalnum()
        return len(value if plain else _ascii(breakable(value))) + (_MARKUP if value else 0)
    if isinstance(value, Struct):
        value = astuple(value)
    return sum(map(_size, value)) if isinstance(value, tuple) else 0


# Lines of text as a page, and as a section of one.

_LINES_ROOM = Room(150_000, 400, "line")
_KINDS = frozenset({"added", "removed", "changed", "moved", "renamed"})


class LineEntry(Struct, frozen=True):
    """A line, and the kind of change it belongs to, if any."""

    text: str
    kind: str


class LinesSection(Struct, frozen=True):
    """Lines of text under a heading. A text among them counts what is left out."""

    heading: str
    id: str
    lines: tuple[LineEntry | str, ...]


class ToldPage(Struct, frozen=True):
    """A page of lines."""

    title: str
    brand: str
    headline: str
    sections: tuple[LinesSection, ...]


def told_html(document: Told) -> str:
    """Return the document as one page of ASCII, under 2 MB, that makes no request."""
    page = ToldPage(
        title=document.headline,
        brand=f"reconcile {document.subject}",
        headline=document.headline,
        sections=tuple(
            lines_section(passage.heading, passage.lines, changes=passage.changes)
            for passage in document.passages
            if passage.lines
        ),
    )
    return drawn("render/templates/told.html", page, still_assets())


@cache
def still_assets() -> Assets:
    """Return the style and the script of a page that makes no request."""
    return Assets(asset("render/style.css"), asset("render/script.js"), "form-action 'none'")


def lines_section(heading: str, lines: Sequence[str], *, changes: bool) -> LinesSection:
    """Return lines of text under a heading; with `changes`, each in the colour of its kind."""
    kind = ""
    told: list[LineEntry] = []
    for line in lines:
        if changes and not line.startswith("   "):
            first = line.split(maxsplit=1)[:1] if line.startswith(" ") else []
            kind = next(iter(_KINDS.intersection(first)), "")
        told.append(LineEntry(line, kind))
    name = heading.lower().replace(" ", "-")
    return LinesSection(heading, name, fitting(told, lambda line: line, _LINES_ROOM))


# What an apply would do, and why.

_ACTIONS = Room(250_000, 200, "action")
_REQUESTS = Room(200_000, 200, "request")


class DueEntry(Struct, frozen=True):
    """One action and why it is taken; `riding`: names of what rides along, and why."""

    verb: str
    tag: str
    name: str
    why: str
    riding: tuple[tuple[str, str], ...]


class RequestEntry(Struct, frozen=True):
    """What an action sends, and what is known of it."""

    request: str
    details: tuple[str, ...]


class DueSection(Struct, frozen=True):
    """All actions, and apart from them the exact requests. A text counts what is left out."""

    actions: tuple[DueEntry | str, ...]
    requests: tuple[RequestEntry | str, ...]


def due_section(outline: Outline) -> DueSection:
    """Return the actions of a plan, each with its reason, and their requests."""
    told = list(outline.actions)
    sent = [one for one in told if one.details]
    return DueSection(fitting(told, _due_entry, _ACTIONS), fitting(sent, _request, _REQUESTS))


def _due_entry(action: ActionLines) -> DueEntry:
    first, *riding = action.rows
    return DueEntry(
        verb=first.verb.text.strip(),
        tag=first.tag.text,
        name=first.name,
        why=first.why[0],
        riding=tuple((rider.name, rider.why[0]) for rider in riding),
    )


def _request(action: ActionLines) -> RequestEntry:
    first, *more = (*action.rows[0].why[1:], *action.details)
    return RequestEntry(first, tuple(more))


# Every item in one table, with a filter for where there is a script to run it.

_ITEMS_ROOM = Room(800_000, 3_000, "item")
_HEADINGS = ("Item", "Status", "Cadence", "Next", "Why")


class FieldEntry(Struct, frozen=True):
    """What stands in a column of this heading; `aside` is said more quietly behind it."""

    heading: str
    text: str
    aside: str = ""


class ItemEntry(Struct, frozen=True):
    """A row. `status`: what the filter goes by; `tone`: its colour; `link`: where its name leads.

    `fields` are those behind name and status.
    """

    name: str
    status: str
    word: str
    tone: str
    fields: tuple[FieldEntry, ...]
    link: str = ""


class ItemsTable(Struct, frozen=True):
    """A table that can be narrowed down. `noun`: what a row is, in plural.

    `choices`: values and words of the filter. A text among the rows counts what is left out.
    """

    noun: str
    columns: tuple[str, ...]
    choices: tuple[tuple[str, str], ...]
    rows: tuple[ItemEntry | str, ...]

    @property
    def width(self) -> int:
        """Return the number of columns."""
        return len(self.columns)


def items_table(outline: Outline, timeline: Timeline | None) -> ItemsTable:
    """Return the table of all items, sorted by address."""
    tracks = () if timeline is None else timeline.tracks

    def shown(item: ItemLine) -> ItemEntry:
        coming = item.coming
        place = bisect_left(tracks, item.address, key=attrgetter("address"))
        track = next((it for it in tracks[place : place + 1] if it.address == item.address), None)
        view = item.view
        following = ("-", "") if coming is None else (view.local(coming), view.distance(coming))
        cadence = "-" if track is None else cadence_text(track.cadence, view)
        return item_entry(
            item,
            FieldEntry("Cadence", cadence),
            FieldEntry("Next", *following),
            FieldEntry("Why", item.why),
        )

    rows = fitting(outline.items, shown, _ITEMS_ROOM)
    return ItemsTable("items", _HEADINGS, status_choices(outline), rows)


def item_entry(item: ItemLine, *told: FieldEntry) -> ItemEntry:
    """Return the row of an item, with these fields."""
    return ItemEntry(item.name, item.status.value, item.word, item.status.value, told)


def status_choices(outline: Outline) -> tuple[tuple[str, str], ...]:
    """Return the statuses that there are, with their numbers; what needs a person comes first."""
    return tuple(
        (status.value, f"{STATUS_WORDS[status]} ({number:,})")
        for status, number in outline.statuses
    )


# The common scale of everything that is drawn over time.

WIDTH = 1000
"""Width of a drawing in its own units; it is stretched to the width there is."""

_LABELS_AT_MOST = 8
_LEAST_ROOM = 8.0
"""A day that is cut shorter than this, in percent, has no room for its name."""


class Scale(Struct, frozen=True):
    """From `start` at the left to `until` at the right, UTC."""

    start: datetime
    until: datetime

    def share(self, instant: datetime) -> float:
        """Return where an instant lies, in percent with two digits."""
        return round(100 * (instant - self.start) / (self.until - self.start), 2)

    def x(self, instant: datetime) -> float:
        """Return where an instant lies, in units of `WIDTH` with one digit."""
        return round(WIDTH * (instant - self.start) / (self.until - self.start), 1)


class DayMark(Struct, frozen=True):
    """The name and the number of a day, and where it begins, in percent."""

    x: str
    name: str
    number: str


def day_marks(calendar: tuple[CalendarDay, ...], scale: Scale) -> tuple[DayMark, ...]:
    """Return the names of the days that there is room for."""
    return tuple(_day_marks(calendar, scale))


def _day_marks(calendar: tuple[CalendarDay, ...], scale: Scale) -> Iterator[DayMark]:
    step = -(-len(calendar) // _LABELS_AT_MOST)
    for day in calendar[::step]:
        begins, ends = scale.share(day.start), scale.share(day.until)
        if (ends - begins) * step >= _LEAST_ROOM:
            name, number = day.label.split(" ")
            yield DayMark(f"{begins:g}", name, number)


# The next days of every item on one scale: runs, what is held, freezes, changed clocks.

_TRACKS_ROOM = Room(400_000, 80, "item")
_NOTES_SHOWN = 20
_CLOSE = 6.5
"""Ticks nearer to each other than this, of `WIDTH`, could not be told apart: they become a bar."""

_LEAST_IN_A_BAR = 3


class TrackEntry(Struct, frozen=True):
    """One item. `frozen`: from where on, and how wide; `paths`: what is drawn over it, in order."""

    name: str
    said: str
    status: str
    label: str
    runs: str
    frozen: tuple[tuple[str, str], ...]
    paths: tuple[tuple[str, str], ...]


class TracksSection(Struct, frozen=True):
    """A row for every item, below a common axis of days. `grid`: a path; `width`: of a drawing."""

    heading: str
    days: tuple[DayMark, ...]
    grid: str
    rows: tuple[TrackEntry | str, ...]
    notes: tuple[str, ...]
    width: int = WIDTH


def tracks_section(outline: Outline, timeline: Timeline) -> TracksSection:
    """Return the next days of every item."""
    vantage = outline.view
    scale = Scale(timeline.start, timeline.until)
    states = {state.address: state for state in outline.states}
    calendar = days(timeline, vantage.zone)
    notes = [clock_change_text(change, timeline.start) for change in timeline.clock_changes]
    notes += freeze_texts(timeline.freezes, vantage)
    # Rounded: where the clocks are changed a day has 23 or 25 hours.
    whole_days = max(1, round((timeline.until - timeline.start) / timedelta(days=1)))
    return TracksSection(
        heading=f"Next {counted(whole_days, 'day')}",
        days=day_marks(calendar, scale),
        grid="".join(f"M{scale.x(day.start):g} 0v28" for day in calendar[1:]),
        rows=fitting(
            timeline.tracks,
            lambda track: _track(track, states[track.address], timeline, scale, vantage),
            _TRACKS_ROOM,
        ),
        notes=tuple(note[:1].upper() + note[1:] for note in notes[:_NOTES_SHOWN]),
    )


def _track(
    track: Track, state: ItemState, timeline: Timeline, scale: Scale, home: Vantage
) -> TrackEntry:
    view = Vantage(state.zone, home.now, home.dated)
    runs = counted(len(track.runs), "run")
    following = f", next {view.local(track.runs[0])}" if track.runs else ""
    held = f", {len(track.held):,} held" if track.held else ""
    said = [cadence_text(track.cadence, view), state.word]
    if track.riding is not None:
        said.append(riding_text(track.riding, timeline.until - timeline.start, view))
    changes = tuple(c.at for c in timeline.clock_changes if c.zone == track.zone)
    return TrackEntry(
        name=address_text(track.address),
        said=DOT.join(said),
        status=state.status.value,
        label=f"{runs}{following}{held}",
        runs=f"{len(track.runs):,}",
        frozen=tuple(
            (f"{scale.x(span.start):g}", f"{scale.x(span.until) - scale.x(span.start):g}")
            for span in track.frozen
        ),
        paths=tuple((kind, path) for kind, path in _paths(track, changes, scale) if path),
    )


def _paths(track: Track, changes: Sequence[datetime], scale: Scale) -> Iterator[tuple[str, str]]:
    yield "clock", "".join(f"M{scale.x(at):g} 0v28" for at in changes)
    ticks, bars = _marks(track.held, scale)
    yield "held", "".join(f"M{first:g} 14H{last:g}" for first, last in bars)
    yield "held", "".join(f"M{place:g} 10v8" for place in ticks)
    ticks, bars = _marks(track.runs, scale)
    yield "bar", "".join(f"M{first:g} 9H{last:g}v10H{first:g}z" for first, last in bars)
    yield "run", "".join(f"M{place:g} 5v18" for place in ticks)


def _marks(
    instants: Sequence[datetime], scale: Scale
) -> tuple[list[float], list[tuple[float, float]]]:
    """Return where to draw a tick, and from where to where a bar for what stands too close."""
    places = [scale.x(instant) for instant in instants]
    ticks: list[float] = []
    bars: list[tuple[float, float]] = []
    start = 0
    for end in range(1, len(places) + 1):
        if end < len(places) and places[end] - places[end - 1] <= _CLOSE:
            continue
        if end - start >= _LEAST_IN_A_BAR:
            bars.append((places[start], places[end - 1]))
        else:
            ticks.extend(places[start:end])
        start = end
    return ticks, bars
