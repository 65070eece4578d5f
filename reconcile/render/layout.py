"""What text is laid out from: made safe first, then cut into columns, wrapped and coloured.

Model names, policy names, file names and Omni's words are data. Nothing in them may move a cursor,
open a link, reverse a line, forge a line of ours, or command a CI runner.
"""

import codecs
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Controls, formats (bidi, zero width), surrogates, private, unassigned, line separators."""

_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Letters and marks that draw nothing: two addresses that differ by one would look alike."""

_RUNNER_COMMAND = re.compile(r"((?:^|[\r\n])[^\S\r\n]*):(?=:)")
"""GitHub's runner trims a line before it looks for `::`."""

_RUNNER_COMMAND_ANYWHERE = re.compile(r"#(?=#(?:\[|vso\[|teamcity\[))")
"""GitHub's older form, Azure's and TeamCity's are found anywhere in a line."""

_BACKTICKS = re.compile(r"`+")

_SHELL_INERT = re.compile(r"[A-Za-z0-9_.,:/@%+=-]+")
_SHELL_QUOTABLE = re.compile(r"[\w .,:/@%+=\"-]+")

_PLAIN_FORMS = str.maketrans(
    "·×–—…→←─│┌┐└┘├┤┼▁▂▃▄▅▆▇█",  # noqa: RUF001 -- the signs themselves are what is replaced
    "-x--~><-|+++++++12345678",
)
"""Our own signs, one character for one so that columns stay aligned."""


def escape_terminal(text: str, limit: int | None = None) -> str:
    r"""Show every character that is not a plain visible one as an escape such as `\x1b`.

    The result has no line break. With a `limit`, at most about that many characters are shown and
    the rest is counted: a name of 10 kB does not bury the line it stands in.
    """
    shown = text if limit is None or len(text) <= limit else text[:limit]
    rest = len(text) - len(shown)
    if not (shown.isascii() and shown.isprintable()):
        shown = "".join(_visible(character) for character in shown)
    return f"{shown}...(+{rest})" if rest else shown


def _visible(character: str) -> str:
    if unicodedata.category(character) not in _UNSAFE and character not in _INVISIBLE:
        return character
    return character.encode("unicode_escape").decode("ascii")


def escape_ci_log(text: str) -> str:
    """Break what a CI runner would obey in a log: `::command::` lines, `##[command]` anywhere.

    Takes a whole output, line breaks included; its other characters are not touched.
    """
    return _RUNNER_COMMAND_ANYWHERE.sub(r"\\x23", _RUNNER_COMMAND.sub(r"\1\\x3a", text))


def markdown_code(text: str) -> str:
    """Return text as a Markdown code span, which no content can leave. Not for table cells.

    Entities would not do: forges look for mentions and issue numbers in what was rendered from
    them, everywhere but in code. The fence is longer than any run of backticks inside.
    """
    shown = escape_ci_log(escape_terminal(text)) or " "
    fence = "`" * (max(map(len, _BACKTICKS.findall(shown)), default=0) + 1)
    edges = shown[0] + shown[-1]
    pad = " " if "`" in edges or (edges == "  " and shown.strip(" ")) else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def for_encoding(text: str, encoding: str | None) -> str:
    """Return text that `encoding` can print: our signs get plain forms, others become escapes.

    An encoding that is missing or unknown counts as ASCII.
    """
    try:
        return text.encode(encoding or "ascii", _PLAINLY).decode(encoding or "ascii")
    except LookupError:
        return text.encode("ascii", _PLAINLY).decode("ascii")


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    told = error.object[error.start : error.end].translate(_PLAIN_FORMS)
    return told.encode("ascii", "backslashreplace").decode("ascii"), error.end


_PLAINLY = "reconcile-plain"
codecs.register_error(_PLAINLY, _plain)


def shell_word(text: str) -> str | None:
    """Spell text as one POSIX shell word for a command to copy; None if that would not be safe.

    Whoever copies a command does not read every character of it, so a name from a file with
    anything unusual in it is left out of commands.
    """
    if _SHELL_INERT.fullmatch(text):
        return None if text.startswith("-") else text
    quotable = _SHELL_QUOTABLE.fullmatch(text) and escape_terminal(text) == text
    return f"'{text}'" if quotable else None


# Columns, wrapping and colour. Everything from here on counts terminal cells, not characters.

LEAST_WIDTH = 20
"""A narrower terminal breaks the lines itself; wrapping to one word a line helps nobody."""

MOST_LISTED = 1_000
"""Addresses in one list, unless somebody asks for all: nobody reads more, and laying them out takes
longer than to plan them."""

DOT = " · "
"""Between the parts of a summary line."""

_WIDEST_ADDRESS = 48
_LEAST_REASON = 38
_GAP = 2
_CUT = "..."
_HANGING = 4
_SHORT_PARENTHESIS = 2


class Ink(StrEnum):
    """What a colour means, as the parameters of an ANSI SGR sequence."""

    PLAIN = ""
    REFRESH = "32"
    RESET = "33"
    HARD = "1;33"
    DUE = "94"
    BAD = "31"
    BAD_LOUD = "1;31"
    DIM = "2"
    BOLD = "1"


class Cell(NamedTuple):
    """A piece of text, already escaped, and its ink."""

    text: str
    ink: Ink = Ink.PLAIN


class Row(Struct, frozen=True):
    """One line of a listing: what, which address, a short mark, and why."""

    verb: Cell
    name: str
    tag: Cell
    why: tuple[str, ...]


def cells(text: str) -> int:
    """Return how many terminal cells a text takes: two for wide characters, none for marks."""
    if text.isascii():
        return len(text)
    return sum(_cells_of(character) for character in text)


def _cells_of(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def pad(text: str, width: int) -> str:
    """Fill a text with spaces up to `width` cells."""
    return text + " " * (width - cells(text))


def cut(text: str, width: int) -> str:
    """Shorten a text to `width` cells, with dots where something is left out."""
    if cells(text) <= width:
        return text
    kept, used = "", len(_CUT)
    for character in text:
        used += cells(character)
        if used > width:
            break
        kept += character
    return kept + _CUT


def paint(text: str, ink: Ink, *, colour: bool) -> str:
    """Colour a text; what it contains must have been escaped before."""
    return f"\x1b[{ink.value}m{text}\x1b[0m" if colour and ink.value and text else text


def wrap(text: str, width: int, between: str = " ") -> list[str]:
    """Break a text between words, never inside one: addresses and commands stay whole to copy.

    Short parentheses such as `(12 m ago)` count as one word.
    """
    gap = cells(between)
    lines: list[str] = []
    line, used = "", 0
    for word in _words(text, between):
        size = cells(word)
        if line and used + gap + size > width:
            lines.append(line)
            line, used = word, size
        else:
            line, used = (line + between + word, used + gap + size) if line else (word, size)
    return [*lines, line]


def _words(text: str, between: str) -> list[str]:
    words: list[str] = []
    open_for = 0
    for word in text.split(between):
        if open_for and not word.startswith("("):
            words[-1] += between + word
            open_for = 0 if ")" in word else open_for - 1
        else:
            words.append(word)
            open_for = _SHORT_PARENTHESIS if word[:1] == "(" and ")" not in word else 0
    return words


def both_ends(left: str, right: str, width: int) -> list[str]:
    """Put one text at each end of a line; `left` breaks at its dots where it is too long."""
    *above, last = wrap(left, width, DOT)
    room = width - cells(last) - cells(right)
    if room >= _GAP:
        return [*above, last + " " * room + right]
    return [*above, last, *wrap(right, width)]


def listing(
    rows: Iterable[Row], width: int, *, colour: bool, stacked: bool = False
) -> Iterator[str]:
    """Lay rows out in columns; with the reasons below the names if asked or if they do not fit."""
    rows = tuple(rows)
    if not rows:
        return
    verb = max(cells(row.verb.text) for row in rows) + _GAP
    tag = max(cells(row.tag.text) for row in rows)
    name = max(min(cells(row.name), _WIDEST_ADDRESS) for row in rows) + _GAP
    columns = _Columns(verb, name, tag + _GAP if tag else 0, colour=colour)
    fits = not stacked and width - columns.reasons_from >= _LEAST_REASON
    for row in rows:
        yield from columns.beside(row, width) if fits else columns.below(row, width)


class _Columns(Struct, frozen=True):
    verb: int
    name: int
    tag: int
    colour: bool

    @property
    def reasons_from(self) -> int:
        return _GAP + self.verb + self.name + self.tag

    def beside(self, row: Row, width: int) -> Iterator[str]:
        lines = _wrapped(row.why, width - self.reasons_from)
        head = self._verb(row) + pad(row.name, self.name)
        if cells(row.name) + _GAP > self.name:
            yield f"{head}{' ' * _GAP}{self._tag(row)}".rstrip()
        else:
            mark = pad(row.tag.text, self.tag)
            first = lines.pop(0) if lines else ""
            yield (head + paint(mark, row.tag.ink, colour=self.colour) + first).rstrip()
        yield from (" " * self.reasons_from + line for line in lines)

    def below(self, row: Row, width: int) -> Iterator[str]:
        head = self._verb(row) + row.name
        mark = f"{' ' * _GAP}{self._tag(row)}" if row.tag.text else ""
        used = _GAP + self.verb + cells(row.name) + _GAP + cells(row.tag.text)
        indent = _GAP + self.verb if width - self.verb >= _LEAST_REASON else _HANGING
        if mark and used > width:
            yield head
            yield " " * indent + mark.strip()
        else:
            yield head + mark
        yield from (" " * indent + line for line in _wrapped(row.why, width - indent))

    def _verb(self, row: Row) -> str:
        verb = pad(row.verb.text, self.verb)
        return " " * _GAP + paint(verb, row.verb.ink, colour=self.colour)

    def _tag(self, row: Row) -> str:
        return paint(row.tag.text, row.tag.ink, colour=self.colour)


def _wrapped(parts: tuple[str, ...], width: int) -> list[str]:
    return [line for part in parts for line in wrap(part, width)]


# Fitting a list into the room there is, by leaving out its middle.


def middle_cut(sizes: Sequence[int], room: int, at_most: int) -> tuple[int, int]:
    """Return how many to keep from the start of a list and from its end.

    What is kept takes at most `room` together, and is at most `at_most` parts: alternately from
    both ends, since the first and the last of a sorted list tell what lies between. Sizes are read
    only as far as something may be kept.
    """
    head = tail = 0
    while head + tail < min(at_most, len(sizes)):
        cost = sizes[head] if head <= tail else sizes[-1 - tail]
        if cost > room:
            break
        room -= cost
        head, tail = (head + 1, tail) if head <= tail else (head, tail + 1)
    return (len(sizes), 0) if head + tail == len(sizes) else (head, tail)


# What is told in lines of text, for a comment and for a page: one content, two clothings.


class Passage(Struct, frozen=True):
    """Lines that are safe for a terminal, under a heading of ours.

    `changes`: each line begins with the word of a change, by which it is coloured.
    """

    heading: str
    lines: Sequence[str]
    changes: bool = False


class Told(Struct, frozen=True, kw_only=True):
    """A whole document. `subject`: two or three words of ours; `headline`: what it comes to."""

    subject: str
    headline: str
    passages: tuple[Passage, ...]
