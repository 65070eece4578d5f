"""Pages: everything that one shows as values, and the templates that lay those out.

Jinja2 is known here alone. Templates lay out: what is counted, ordered, cut or worded is so already
in the values they are given.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from itertools import accumulate, islice
from typing import Literal, TypeVar

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from msgspec import Struct
from msgspec.json import encode

from reconcile.errors import Diagnostic
from reconcile.model.struct import Telling
from reconcile.render.diagnostics import excerpt
from reconcile.render.layout import Told, escape_terminal, middle_cut
from reconcile.render.outline import ActionLines, Outline
from reconcile.render.words import counted

# Templates, and what is done to every text that they show.

_BREAK, _BREAK_AFTER = "<wbr>", "._/"
_BREAKS = re.compile(rf"(?<=[{_BREAK_AFTER}])(?=\w)")
_QUOTED = re.compile("`([^`]+)`")


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
    found.filters |= {"breakable": breakable, "prose": prose}
    return found


def _inert(value: object) -> object:
    """Show what is not a plain visible character as an escape; quotes and brackets come after."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return escape_terminal(value)
    return value


def breakable(text: str) -> Markup:
    """Return a name that may also break behind the dots and underscores of an address."""
    safe = escape(escape_terminal(text))
    return Markup(_BREAKS.sub(_BREAK, safe))  # noqa: S704 -- it is escaped


def prose(text: str) -> Markup:
    """Return sentences with what stands between backticks set as code; no name in them breaks."""
    safe = str(escape(escape_terminal(text)))
    return Markup(_QUOTED.sub(r"<code>\1</code>", safe))  # noqa: S704 -- it is escaped


def _ascii(page: str) -> str:
    # It then reads the same whatever encoding its bytes are taken for.
    return page.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _hash(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


# Keeping the page small: long lists lose their middle, and say so.

Thing = TypeVar("Thing")
Shown = TypeVar("Shown")


class Room(Struct, frozen=True):
    """What a list may take: bytes, and entries.

    `noun`: what an entry is called. `whole`: what lists all of them.
    """

    size: int
    entries: int
    noun: str
    whole: str


def fitting(
    things: Sequence[Thing], show: Callable[[Thing], Shown], room: Room
) -> tuple[Shown | str, ...]:
    """Show the things, or as many from both ends as there is room for; a text counts the rest."""
    places = range(len(things))

    # What would not be shown is not told either: telling is what costs.
    @cache
    def part(place: int) -> Shown:
        return show(things[place])

    @cache
    def size(place: int) -> int:
        return _size(part(place))

    # The first come first: what is drawn of them may leave less for those at the end.
    half = room.entries // 2
    first = room.entries - half
    ends = (*places[:first], *places[max(first, len(things) - half) :])
    next((total for total in accumulate(map(size, ends)) if total > room.size // 2), None)
    head, tail = middle_cut(Telling(places, size), room.size, room.entries)
    if head == len(things):
        return tuple(map(part, places))
    note = left_out(len(things) - head - tail, room)
    return (*map(part, places[:head]), note, *map(part, places[len(things) - tail :]))


def most_urgent(
    things: Sequence[Thing], show: Callable[[Thing], Shown], room: Room, urgent: Iterable[int] = ()
) -> tuple[list[Shown], int]:
    """Show the things in their order, or as many as there is room for, and say what that takes.

    `urgent`: the places of those that are shown before any other.
    """
    kept: dict[int, Shown] = {}
    used = 0
    for place in islice(dict.fromkeys((*urgent, *range(len(things)))), room.entries):
        shown = show(things[place])
        size = _size(shown)
        if used + size > room.size:
            break
        kept[place] = shown
        used += size
    return [kept[place] for place in sorted(kept)], used


def left_out(number: int, room: Room) -> str:
    """Say how many entries are not shown, and where they are."""
    more = counted(number, f"more {room.noun}")
    return f"{more} left out here: {room.whole} lists all of them"


def _size(value: object) -> int:
    """Return about how many bytes a value takes on a page.

    In JSON its texts stand between quotes and names, which are about as long as the tags that they
    stand between there.
    """
    told = encode(value).decode()
    breaks = sum(map(told.count, _BREAK_AFTER))
    return len(_ascii(escape(told))) + breaks * len(_BREAK)


# What every page begins with: what it is about, what that comes to, and what is wrong.

Tone = Literal["calm", "due", "bad"]
"""How what a page is about stands: nothing to do, something due or under way, trouble."""

_EXCERPT_ROOM = 96
_DETAIL_LIMIT = 4_000


class TroubleEntry(Struct, frozen=True):
    """What somebody has to do something about. All but the summary may be empty.

    `spot`: what stands before, at and after the marked part of a line.
    """

    summary: str
    place: str = ""
    spot: tuple[str, str, str] | None = None
    details: tuple[str, ...] = ()
    hint: str = ""


class Head(Struct, frozen=True, kw_only=True):
    """The head of a page.

    `tab`: what the tab of a browser says; `subject`: what the page is about, and `home` where that
    leads; `where`: the instance and the like. `contents`: ids and names of the sections.
    """

    tab: str
    tone: Tone = "calm"
    subject: str
    home: str = ""
    where: str = ""
    headline: str
    lead: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    troubles: tuple[TroubleEntry, ...] = ()
    contents: tuple[tuple[str, str], ...] = ()

    @property
    def icon(self) -> str:
        """Return what the icon in the tab shows, as a part of a URL."""
        return f"{_SVG}{_ICONS[self.tone]}%3C/svg%3E"


_SVG = "%3Csvg xmlns='http:%2F%2Fwww.w3.org%2F2000%2Fsvg' viewBox='0 0 16 16'%3E"
_ICONS: Mapping[Tone, str] = {
    "calm": "%3Ccircle fill='%23218a55' cx='8' cy='8' r='7'/%3E",
    "due": "%3Cpath fill='%233f6fe0' d='M8 0l8 8-8 8-8-8z'/%3E",
    "bad": "%3Cpath fill='%23d6392f' d='M8 1 16 15H0z'/%3E",
}
"""A circle for calm, a diamond for what is due or under way, a triangle for trouble."""


def trouble_entry(diagnostic: Diagnostic) -> TroubleEntry:
    """Return a mistake or a mishap with its first place."""
    place, spot = "", None
    if diagnostic.places:
        first = diagnostic.places[0]
        place = ":".join(str(part) for part in (first.file, first.line, first.column) if part)
        spot = excerpt(first, _EXCERPT_ROOM) if first.text else None
    return TroubleEntry(
        summary=diagnostic.summary,
        place=place,
        spot=spot,
        details=tuple(diagnostic.detail[:_DETAIL_LIMIT].split("\n")),
        hint=diagnostic.hint or "",
    )


# Lines of text as a page, and as a section of one.

_LINES_ROOM = Room(150_000, 400, "line", "the same command without --format html")
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

    head: Head
    sections: tuple[LinesSection, ...]


def told_html(document: Told) -> str:
    """Return the document as one page of ASCII, under 2 MB, that makes no request."""
    sections = tuple(
        lines_section(passage.heading, passage.lines, changes=passage.changes)
        for passage in document.passages
        if passage.lines
    )
    head = Head(
        tab=document.headline, subject=f"reconcile {document.subject}", headline=document.headline
    )
    page = ToldPage(head, sections)
    return drawn("render/templates/told.html", page, still_assets())


@cache
def still_assets() -> Assets:
    """Return the style and the script of a page that makes no request."""
    permits = "img-src data:; form-action 'none'"
    return Assets(asset("render/style.css"), asset("render/script.js"), permits)


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

_ACTIONS = Room(200_000, 200, "action", "reconcile plan --verbose --format text")


class DueEntry(Struct, frozen=True):
    """One action: its verb and its colour, why it is taken, what it sends and what rides along."""

    verb: str
    tag: str
    name: str
    why: str
    details: tuple[str, ...]
    riding: tuple[str, ...]


class DueSection(Struct, frozen=True):
    """The calls with their exact requests, and what an apply does besides the items.

    A text counts what is left out.
    """

    heading: str
    calls: tuple[DueEntry | str, ...]
    besides: tuple[DueEntry | str, ...]


def due_section(outline: Outline, heading: str) -> DueSection | None:
    """Return the actions of a plan in their order; None where there are none."""
    told = list(outline.actions)
    if not told:
        return None
    calls = [one for one in told if one.of_items]
    besides = [one for one in told if not one.of_items]
    return DueSection(
        heading, fitting(calls, _due_entry, _ACTIONS), fitting(besides, _due_entry, _ACTIONS)
    )


def _due_entry(action: ActionLines) -> DueEntry:
    first, *riding = action.rows
    return DueEntry(
        verb=first.verb.text.strip(),
        tag=first.tag.text,
        name=first.name,
        why=first.why[0],
        details=(*first.why[1:], *action.details),
        riding=tuple(rider.name for rider in riding),
    )
