"""What every page is laid out from. Every text goes through `element`, which escapes it."""

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache, partial
from hashlib import sha256
from importlib.resources import files
from typing import NewType, TypeVar

from msgspec import Struct

from reconcile.model.address import Address
from reconcile.model.forecast import Timeline, Track
from reconcile.model.plan import Standing, Status
from reconcile.render.escape import escape_html
from reconcile.render.layout import DOT, Row, Told, middle_cut
from reconcile.render.plan import (
    STANDING_STILL,
    STATUS_WORDS,
    Outline,
    action_rows,
    next_moment,
    status_word,
)
from reconcile.render.reasons import riding_text
from reconcile.render.words import (
    Day,
    Vantage,
    address_text,
    cadence_text,
    clock_change_text,
    counted,
    days,
    freeze_texts,
)

# Lines of text as a page.


def told_html(document: Told) -> str:
    """Return the document as one page of ASCII, under 2 MB, that makes no request."""
    masthead = element(
        "header",
        joined(
            [
                element("p", f"reconcile {document.subject}", class_="brand"),
                element("h1", document.headline),
            ]
        ),
    )
    told = [passage for passage in document.passages if passage.lines]
    sections = (
        lines_section(passage.heading, passage.lines, changes=passage.changes) for passage in told
    )
    return framed(document.headline, masthead, sections)


# HTML as a value: whatever is not markup already is escaped on its way in.

Markup = NewType("Markup", str)
"""HTML that `element` made, or that stands in this package as it is."""

Child = str | tuple[Markup, ...]
"""A text, which is escaped, or a tuple of what is markup already."""

Attribute = str | int | float | bool | None
"""True is an attribute without a value; False and None leave it out."""

_BREAKS = re.compile(r"(?<=[._/])(?=\w)")
_VOID = frozenset({"meta", "input", "br"})


def element(tag: str, /, *children: Child, **attributes: Attribute) -> Markup:
    """Return an element. `class_` is `class`, `aria_label` is `aria-label`."""
    opening = tag + "".join(_attribute(key, value) for key, value in attributes.items())
    if tag in _VOID:
        return Markup(f"<{opening}>")
    return Markup(f"<{opening}>{''.join(map(_child, children))}</{tag}>")


def code(text: str) -> Markup:
    """Return a name in its own type."""
    return element("code", text)


def address_code(text: str) -> Markup:
    """Return an address in its own type."""
    return element("code", breakable(text))


def breakable(text: str) -> tuple[Markup]:
    """Return a text that may also break behind the dots and underscores of an address."""
    return (Markup(_BREAKS.sub("<wbr>", escape_html(text))),)


def joined(parts: Iterable[Markup]) -> tuple[Markup, ...]:
    """Return markup to use as one child, a part a line."""
    return tuple(Markup(f"{part}\n") for part in parts)


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape_html(str(value))}"'


def _child(child: Child) -> str:
    return escape_html(child) if isinstance(child, str) else "".join(child)


# What surrounds every page: its head, the way past the masthead, and the script.


def framed(title: str, masthead: Markup, parts: Iterable[Markup]) -> str:
    """Return a whole page of ASCII that makes no request."""
    body = element(
        "body",
        joined(
            [
                element("a", "Skip to the plan", href="#plan", class_="skip"),
                masthead,
                element("main", joined(parts), id="plan"),
                element("script", (Markup(asset("script.js")),)),
            ]
        ),
    )
    page = element("html", joined([_head(title), body]), lang="en")
    return f"<!doctype html>\n{page}\n"


def _head(title: str) -> Markup:
    return element(
        "head",
        joined(
            [
                element("meta", charset="utf-8"),
                element("meta", http_equiv="Content-Security-Policy", content=policy()),
                element("meta", name="viewport", content="width=device-width, initial-scale=1"),
                element("meta", name="color-scheme", content="light dark"),
                element("meta", name="referrer", content="no-referrer"),
                element("title", f"{title} - reconcile"),
                element("style", (Markup(asset("style.css")),)),
            ]
        ),
    )


# Keeping the page small: long lists lose their middle, and say so.

Thing = TypeVar("Thing")


class Room(Struct, frozen=True):
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


# What an apply would do, and why.

_ACTIONS = Room(250_000, 200, "action")
_REQUESTS = Room(200_000, 200, "request")


def due_section(outline: Outline) -> Markup:
    """Return the list of actions, each with its reason, and apart from it the exact requests."""
    rows = [list(action_rows(a, outline.reader, verbose=True)) for a in outline.plan.actions]
    parts = [element("h2", "Due now", id="due")]
    if not rows:
        words = "Everything that was declared is covered or waits."
        return element(
            "section", joined([*parts, element("p", words, class_="quiet")]), aria_labelledby="due"
        )
    requests = [first for first, *_ in rows if len(first.why) > 1]
    listed = fitting(rows, _action, left_out_entry, _ACTIONS)
    parts.append(element("ol", listed, class_="actions"))
    if requests:
        detailed = fitting(requests, _request, left_out_entry, _REQUESTS)
        folded = (element("summary", "Exact requests"), element("ol", detailed, class_="requests"))
        parts.append(element("details", folded))
    return element("section", joined(parts), aria_labelledby="due")


def _action(rows: list[Row]) -> Markup:
    row, *riding = rows
    verb = row.verb.text.strip()
    tag = (element("span", row.tag.text, class_="tag"),) if row.tag.text else ()
    what = element("p", (element("span", verb, class_=f"verb {verb}"), *tag), class_="what")
    about = [element("p", (address_code(row.name),), class_="head")]
    about.append(element("p", breakable(row.why[0]), class_="why"))
    if riding:
        about.append(element("ul", joined(_rider(row) for row in riding), class_="riding"))
    return element("li", (what, element("div", tuple(about))))


def _rider(row: Row) -> Markup:
    return element(
        "li", (address_code(row.name), Markup(" "), element("span", breakable(row.why[0])))
    )


def _request(row: Row) -> Markup:
    request, *details = row.why[1:]
    return element("li", (code(request),), " ".join(f" {detail}" for detail in details))


# Every item in one table, with a filter for where there is a script to run it.

_ITEMS_ROOM = Room(800_000, 3_000, "item")
_HEADINGS = ("Item", "Status", "Cadence", "Next", "Why")
_ORDER = (Status.DUE, *STANDING_STILL, Status.COVERED)


def items_section(outline: Outline, timeline: Timeline | None) -> Markup:
    """Return the table of all items, sorted by address."""
    tracks = {} if timeline is None else {track.address: track for track in timeline.tracks}
    shown = partial(_item_row, tracks=tracks, outline=outline)
    rows = fitting(outline.plan.standings, shown, left_out_row, _ITEMS_ROOM)
    heads = tuple(element("th", heading, scope="col", role="columnheader") for heading in _HEADINGS)
    head = element("tr", heads, role="row")
    table = element(
        "table",
        (
            element("thead", (head,), role="rowgroup"),
            element("tbody", rows, role="rowgroup"),
        ),
        id="items-table",
        role="table",
        aria_labelledby="items",
    )
    parts = [element("h2", "All items", id="items"), items_filter(outline), table]
    return element("section", joined(parts), aria_labelledby="items")


def items_filter(outline: Outline) -> Markup:
    """Return the form that narrows the table down; hidden where no script shows it."""
    counts = Counter(standing.status for standing in outline.plan.standings)
    return filter_form(
        (status.value, STATUS_WORDS[status], counts[status]) for status in _ORDER if counts[status]
    )


def filter_form(statuses: Iterable[tuple[str, str, int]]) -> Markup:
    """Return the form that narrows a table down by text and by status: value, words and count."""
    choices = [element("option", "any status", value="")]
    choices += [
        element("option", f"{words} ({count:,})", value=value) for value, words, count in statuses
    ]
    label = element("label", "Filter", for_="filter-text")
    text = element("input", id="filter-text", type="search", autocomplete="off", spellcheck="false")
    status_label = element("label", "Status", for_="filter-status")
    status = element("select", joined(choices), id="filter-status")
    shown = element("output", id="filter-shown", for_="filter-text filter-status")
    return element(
        "form",
        joined(
            [
                element("div", (label, text), class_="field"),
                element("div", (status_label, status), class_="field"),
                shown,
            ]
        ),
        id="filter",
        hidden=True,
    )


def _item_row(standing: Standing, tracks: Mapping[Address, Track], outline: Outline) -> Markup:
    return element(
        "tr",
        tuple(_cells(standing, tracks, outline)),
        role="row",
        data_status=standing.status.value,
    )


def _cells(
    standing: Standing, tracks: Mapping[Address, Track], outline: Outline
) -> Iterator[Markup]:
    address = standing.address
    view, account = outline.reader.vantage(address), outline.reader.account(address)
    track, moment = tracks.get(address), next_moment(standing)
    status = element("span", status_word(standing), class_=f"status {standing.status.value}")
    yield element("th", (address_code(address_text(address)),), scope="row", role="rowheader")
    yield _cell("Status", (status,))
    yield _cell("Cadence", breakable(cadence_text(track.cadence, view)) if track else "-")
    yield _cell("Next", _when(moment, view) if moment else "-")
    yield _cell("Why", breakable(account.tell(standing.reason)))


def _when(moment: datetime, view: Vantage) -> tuple[Markup, ...]:
    distance = element("span", view.distance(moment), class_="distance")
    return element("span", view.local(moment)), Markup(" "), distance


def _cell(heading: str, content: str | tuple[Markup, ...]) -> Markup:
    # In one box, since a narrow screen lays the heading beside it.
    return element("td", (element("div", content),), role="cell", data_label=heading)


# Lines of text on a page: what a change of the files does, as a comparison tells it.

_CHANGES_ROOM = Room(150_000, 400, "line")
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
    listed = element("ol", fitting(told, _line, left_out_entry, _CHANGES_ROOM), class_="changes")
    name = heading.lower().replace(" ", "-")
    title = element("h2", heading, id=name)
    return element("section", joined([title, listed]), aria_labelledby=name)


def _line(told: tuple[str, str]) -> Markup:
    kind, line = told
    return element("li", line, class_=kind or None)


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


def axis(days: tuple[Day, ...], scale: Scale) -> Markup:
    """Return the names of the days, each where it begins."""
    return element("svg", tuple(_names(days, scale)), class_="names")


def _names(days: tuple[Day, ...], scale: Scale) -> Iterator[Markup]:
    step = -(-len(days) // _LABELS_AT_MOST)
    for day in days[::step]:
        begins, ends = scale.share(day.start), scale.share(day.until)
        if (ends - begins) * step >= _LEAST_ROOM:
            name, number = day.label.split(" ")
            # A narrow screen hides the number: seven whole labels would run into each other.
            parts = (element("tspan", name), element("tspan", f" {number}", class_="number"))
            yield element("text", parts, x=f"{begins:g}%", y=12)


def midnights(days: tuple[Day, ...], scale: Scale) -> Iterator[Markup]:
    """Yield a line where each day but the first begins."""
    for day in days[1:]:
        x = f"{scale.share(day.start):g}%"
        yield element("line", class_="day", x1=x, x2=x, y1="0", y2="100%")


# The next days of every item on one scale: runs, what is held, freezes, changed clocks.

_TRACKS_ROOM = Room(400_000, 80, "item")
_NOTES_SHOWN = 20
_CLOSE = 6.5
"""Ticks nearer to each other than this, of `WIDTH`, could not be told apart: they become a bar."""

_LEAST_IN_A_BAR = 3
_LEGEND = (
    ("run", "expected run"),
    ("held", "held back"),
    ("frozen", "freeze"),
    ("clock", "clocks change"),
)
_SUPPOSES = (
    "When each item is expected to run, if an apply comes at every slot and every call succeeds."
)


def tracks_section(outline: Outline, timeline: Timeline) -> Markup:
    """Return a row for every item, below a common axis of days."""
    vantage = outline.reader.vantage()
    scale = Scale(timeline.start, timeline.until)
    standings = {standing.address: standing for standing in outline.plan.standings}
    calendar = days(timeline, vantage.zone)
    grid = "".join(f"M{scale.x(day.start):g} 0v28" for day in calendar[1:])
    drawings = _Drawings(timeline, scale, element("path", class_="day", d=grid))
    shown = partial(_track_row, standings=standings, drawings=drawings, outline=outline)
    rows = fitting(timeline.tracks, shown, left_out_entry, _TRACKS_ROOM)
    notes = [clock_change_text(change, timeline.start) for change in timeline.clock_changes]
    notes += freeze_texts(timeline.freezes, vantage)
    head, count = element("span", (), class_="name"), element("span", "runs", class_="count")
    parts = [
        element("h2", f"Next {counted(_whole_days(timeline), 'day')}", id="next"),
        element("p", _SUPPOSES, class_="quiet"),
        element("ul", joined(map(_sign, _LEGEND)), class_="legend"),
        element(
            "div", (head, axis(calendar, scale), count), class_="track axis", aria_hidden="true"
        ),
        element("ul", rows, class_="tracks"),
    ]
    if notes:
        listed = (element("li", _capital(note)) for note in notes[:_NOTES_SHOWN])
        parts.append(element("ul", joined(listed), class_="notes"))
    return element("section", joined(parts), aria_labelledby="next")


def _whole_days(timeline: Timeline) -> int:
    # Rounded: where the clocks are changed a day has 23 or 25 hours.
    return max(1, round((timeline.until - timeline.start) / timedelta(days=1)))


def _sign(entry: tuple[str, str]) -> Markup:
    kind, words = entry
    return element("li", (element("span", (), class_=f"sign {kind}"),), words)


class _Drawings(Struct, frozen=True):
    timeline: Timeline
    scale: Scale
    grid: Markup

    def of(self, track: Track) -> Iterator[Markup]:
        scale = self.scale
        for span in track.frozen:
            x, end = scale.x(span.start), scale.x(span.until)
            yield element("rect", class_="frozen", x=f"{x:g}", width=f"{end - x:g}", height=28)
        yield self.grid
        changes = (c.at for c in self.timeline.clock_changes if c.zone == track.zone)
        yield from _path("clock", (f"M{scale.x(at):g} 0v28" for at in changes))
        ticks, bars = _marks(track.held, scale)
        yield from _path("held", (f"M{first:g} 14H{last:g}" for first, last in bars))
        yield from _path("held", (f"M{place:g} 10v8" for place in ticks))
        ticks, bars = _marks(track.runs, scale)
        yield from _path("bar", (f"M{first:g} 9H{last:g}v10H{first:g}z" for first, last in bars))
        yield from _path("run", (f"M{place:g} 5v18" for place in ticks))


def _track_row(
    track: Track, standings: Mapping[Address, Standing], drawings: _Drawings, outline: Outline
) -> Markup:
    standing = standings[track.address]
    view = outline.reader.vantage(track.address)
    word = status_word(standing)
    runs = counted(len(track.runs), "run")
    following = f", next {view.local(track.runs[0])}" if track.runs else ""
    held = f", {len(track.held):,} held" if track.held else ""
    said = [cadence_text(track.cadence, view), word]
    if track.riding is not None:
        span = drawings.timeline.until - drawings.timeline.start
        said.append(riding_text(track.riding, span, view))
    name = (
        address_code(address_text(track.address)),
        element("span", DOT.join(said), class_="cadence"),
    )
    drawing = element(
        "svg",
        tuple(drawings.of(track)),
        viewBox=f"0 0 {WIDTH} 28",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"{runs}{following}{held}",
    )
    count = element("span", f"{len(track.runs):,}", class_="count", aria_hidden="true")
    return element(
        "li",
        (element("span", name, class_="name"), drawing, count),
        class_=f"track {standing.status.value}",
    )


def _path(kind: str, steps: Iterable[str]) -> Iterator[Markup]:
    drawn = "".join(steps)
    if drawn:
        yield element("path", class_=kind, d=drawn)


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


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# The style and the script of the page, and the policy that lets nothing else in.


@cache
def asset(name: str) -> str:
    """Return a file of this package."""
    return files(__package__).joinpath(name).read_text(encoding="ascii")


def policy() -> str:
    """Return the content security policy: this style, this script, and no request at all."""
    style, script = _hash(asset("style.css")), _hash(asset("script.js"))
    return (
        f"default-src 'none'; style-src {style}; script-src {script}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"
