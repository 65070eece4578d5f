"""One file in its canonical form: spacing, quotes, and the order of keys. Comments stay put.

It is conservative. Tables keep their order; what spans lines is left as it is written; and keys
are only put in order within a run of lines that has no comment line in it, since such a comment
may be about the line below it or about all of the run.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from reconcile.config.editing.values import format_key, format_value
from reconcile.config.known_keys import known_keys
from reconcile.config.places.entries import Span, read_entries
from reconcile.config.places.lexicon import DOT, KEY_PART
from reconcile.config.places.segments import Segment, cut_segments, split_key
from reconcile.config.problems import KeyPath

GAP = 2
MOST_BLANK = 2

_HEADER_KEY = re.compile(rf"(?:{KEY_PART})(?:{DOT}(?:{KEY_PART}))*+")


@dataclass(frozen=True, slots=True)
class _Line:
    """A comment line, a statement or a header; `rank` puts statements in order."""

    text: str
    kind: str
    rank: int = 0


_BLANK = _Line("", "blank")


def format_text(text: str) -> str:
    """Return valid TOML, with LF line ends and no BOM, in canonical form. Idempotent."""
    lines = [line for segment in cut_segments(text) for line in _segment_lines(text, segment)]
    spaced = _spaced(_ordered(lines))
    return "".join(f"{line.text}\n" for line in spaced)


def end_of_statements(text: str, segment: Segment) -> int:
    """Return where the line after a table's last statement, or else its header, begins."""
    ends = [value[1] for _, value in _statements(text, segment)]
    return _with_comment("", text, max(ends, default=segment.body))[1]


def _segment_lines(text: str, segment: Segment) -> Iterator[_Line]:
    position = segment.header
    if segment.body:
        key = _HEADER_KEY.search(text, segment.header)
        opening = "[[" if text.startswith("[[", segment.header) else "["
        name = format_key(key.group()) if key else ""
        told = f"{opening}{name}{']' * len(opening)}"
        told, position = _with_comment(told, text, segment.body)
        yield _Line(told, "header")
    known = known_keys(segment.path)
    for key_span, value_span in _statements(text, segment):
        yield from _between(text[position : key_span[0]])
        written = text[slice(*key_span)]
        told = f"{format_key(written)} = {format_value(text[slice(*value_span)])}"
        told, position = _with_comment(told, text, value_span[1])
        yield _Line(told, "statement", _rank(split_key(written), known))
    yield from _between(text[position : segment.end])


def _statements(text: str, segment: Segment) -> Iterator[tuple[Span, Span]]:
    """Yield key and value of what stands in the table itself, not in a value of it."""
    spans = {(e.key, e.value) for e in read_entries(text, segment).values() if e.key is not None}
    end = 0
    for key, value in sorted(spans):
        if key[0] >= end:
            end = value[1]
            yield key, value


def _with_comment(told: str, text: str, position: int) -> tuple[str, int]:
    """Add the comment that ends a line, and return where the next line begins.

    Two spaces set it off; one that stands further away is in a column, and keeps it.
    """
    end = text.find("\n", position)
    end = len(text) if end < 0 else end
    rest = text[position:end]
    comment = rest.strip()
    if comment:
        gap = len(rest) - len(rest.lstrip(" "))
        column = position + gap - text.rfind("\n", 0, position) - 1
        width = len(told) - told.rfind("\n") - 1
        told += " " * max(GAP, column - width if gap > GAP else 0) + comment
    return told, min(end + 1, len(text))


def _between(text: str) -> Iterator[_Line]:
    # The last piece is the indentation of what comes next, or nothing.
    for line in text.split("\n")[:-1] if "\n" in text or not text.strip() else [text]:
        stripped = line.strip()
        yield _Line(stripped, "comment") if stripped else _BLANK


def _rank(key: KeyPath, known: tuple[str, ...]) -> int:
    return known.index(str(key[0])) if key[0] in known else len(known)


def _ordered(lines: Iterable[_Line]) -> Iterator[_Line]:
    """Put runs of statements in order; a run next to a comment line stays as it is."""
    run: list[_Line] = []
    commented = False
    for line in (*lines, _BLANK):
        if line.kind in ("statement", "comment"):
            commented = commented or line.kind == "comment"
            run.append(line)
            continue
        yield from run if commented else sorted(run, key=lambda statement: statement.rank)
        yield line
        run, commented = [], False


def _spaced(lines: Iterable[_Line]) -> Iterator[_Line]:
    """Leave two blank lines at most, one before every header at least, and none at the ends."""
    told = list(_headers_apart(list(lines)))
    while told and told[-1] is _BLANK:
        told.pop()
    blanks = MOST_BLANK
    for line in told:
        blanks = blanks + 1 if line is _BLANK else 0
        if blanks <= MOST_BLANK:
            yield line


def _headers_apart(lines: list[_Line]) -> Iterator[_Line]:
    """Put a blank line before a header that directly follows a statement."""
    for line, following in pairwise((*lines, _BLANK)):
        yield line
        if line.kind == "statement" and following.kind == "header":
            yield _BLANK
