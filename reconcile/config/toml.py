"""TOML: read within bounds, parsed, and searched for the place of a mistake once there is one."""

import os
import re
import stat
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli
from msgspec import Struct

from reconcile import errors
from reconcile.config.syntax import syntax_mistake
from reconcile.model import address

# Brings files into memory: bounded, regular files only, once each.

LARGEST = 64 * 1024 * 1024
"""Bytes of configuration read at most, over all files of one desired state."""

Locations = str | Path | tuple[str | Path, ...]
"""Where a desired state is: a file, a directory, or several of them that are one together."""

_BYTE_ORDER_MARKS_16 = (b"\xff\xfe", b"\xfe\xff")


class Source(Struct, frozen=True):
    """One text of TOML: the name it is shown by, and the folder its relative paths start from.

    Line ends are LF, whatever the file has, so that what is derived from the text is the same.
    """

    name: str
    text: str
    directory: Path


def paths_of(locations: Locations) -> tuple[Path, ...]:
    """Return the files and directories that are named, as they are named."""
    return tuple(map(Path, locations if isinstance(locations, tuple) else (locations,)))


def once(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Return each file once, by whichever of its names came first."""
    met: dict[str, Path] = {}
    for path in paths:
        met.setdefault(os.path.realpath(path), path)
    return tuple(met.values())


def list_files(location: Path) -> tuple[Path, ...]:
    """Return the files of one desired state: the file itself, or a directory's `*.toml`, sorted.

    Raise `LeafError` if there are none.
    """
    try:
        if not location.is_dir():
            return (location,)
        found = sorted(p for p in location.glob("*.toml") if not p.name.startswith("."))
    except (OSError, ValueError) as error:
        raise _unreadable(error) from None
    if not found:
        raise errors.LeafError(
            "no-files",
            "The directory holds no file that ends in .toml, so nothing is declared by it.",
            "Name the directory that holds the declarations, or start some with `reconcile init`.",
        )
    return tuple(found)


def read_bounded(path: Path, most: int = LARGEST) -> bytes:
    """Read a regular file of at most `most` bytes, once; raise `LeafError` otherwise.

    Opened without blocking: a FIFO that nobody writes to would hold the program for ever.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise _unreadable(error) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _not_a_file()
        if status.st_size > most:
            raise _too_large(most)
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            content = stream.read(most + 1)
    except OSError as error:
        raise _unreadable(error) from None
    finally:
        os.close(descriptor)
    if len(content) > most:
        raise _too_large(most)
    return content


def decode_text(content: bytes) -> str:
    """Return UTF-8 as text with LF line ends, without a BOM; raise `LeafError` if it is not."""
    if content.startswith(_BYTE_ORDER_MARKS_16) or b"\0" in content[:2]:
        raise errors.LeafError(
            "not-utf8",
            "The file is saved as UTF-16. TOML is UTF-8 by definition.",
            "Save it as UTF-8: `iconv -f UTF-16 -t UTF-8 OLD > NEW`.",
        )
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise errors.LeafError(
            "not-utf8",
            f"Byte {error.start} of the file, 0x{content[error.start]:02X} on line {line}, does "
            "not belong to any UTF-8 character. TOML is UTF-8 by definition.",
            "Save it as UTF-8: `iconv -f LATIN1 -t UTF-8 OLD > NEW`.",
        ) from None
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def at_file(error: errors.LeafError, path: Path) -> errors.Diagnostic:
    """Say of which file something is wrong as a whole."""
    headline = f"{errors.MESSAGES[error.code].headline}: {path}"
    place = errors.Place(str(path))
    return errors.diagnose(
        error.code, error.detail, hint=error.hint, places=(place,), headline=headline
    )


def _unreadable(error: Exception) -> errors.LeafError:
    if isinstance(error, FileNotFoundError):
        return errors.LeafError("file-not-found", "There is no such file or directory.")
    if isinstance(error, IsADirectoryError):
        return _not_a_file()
    reason = error.strerror if isinstance(error, OSError) and error.strerror else "bad file name"
    return errors.LeafError("file-unreadable", f"The system does not let it be read: {reason}.")


def _not_a_file() -> errors.LeafError:
    return errors.LeafError(
        "not-a-file",
        "It is not a regular file. Pipes, devices, sockets and directories are not read, since "
        "they may never end or give something else each time.",
    )


def _too_large(most: int) -> errors.LeafError:
    return errors.LeafError(
        "file-too-large", f"It holds more than {most // (1024 * 1024)} MiB, the most that is read."
    )


# The pieces of TOML that hide other pieces. Every pattern is linear, on hostile text too.
#
# Strings match up to where they must end even if they never do: an unterminated string is then
# passed over once, and not tried again from each quote inside it.

STRING = (
    r'"""(?:[^"\\]|\\[\s\S]|"(?!""))*+(?:"{3,5})?'
    r"|'''(?:[^']|'(?!''))*+(?:'{3,5})?"
    r'|"(?:[^"\\\n]|\\[^\n])*+"?'
    r"|'[^'\n]*+'?"
)
COMMENT = r"#[^\n]*+"
KEY_PART = r"""[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\[^\n])*+"|'[^'\n]*+'"""
DOT = r"[ \t]*+\.[ \t]*+"

BLANK = re.compile(rf"(?:[ \t\r\n]|{COMMENT})*+")


# From text to plain TOML values, and from a syntax error to what the person did.

_CONFLICT = re.compile(r"^(?:<{7}|>{7}|\|{7}) |^={7}$", re.MULTILINE)
_MANY_DIGITS = re.compile(r"[0-9_]{4000}[0-9_]*+")
_HEADER_OR_KEY = re.compile(rf"[ \t]*+(\[?)(\[?)[ \t]*+((?:{KEY_PART})(?:{DOT}(?:{KEY_PART}))*+)")


def parse_source(source: Source) -> dict[str, Any]:
    """Parse one text; raise `ReconcileError` with the place of the first syntax error in it."""
    try:
        dots = source.text.encode().translate(None, _NOT_DOTS)
        if _MANY_DOTS in dots or _may_nest_deeply(source.text):
            _read_exactly(source.text)
        return tomli.loads(source.text)
    except errors.LeafError as error:
        raise _refused(source, error) from None
    except tomli.TOMLDecodeError as error:
        raise errors.ReconcileError(_explain(source, error)) from None
    except RecursionError:
        raise _refused(source, refuse_nesting(source.text)) from None
    except ValueError:
        # Python itself refuses to read integers of more than 4,300 digits.
        digits = _MANY_DIGITS.search(source.text)
        place = Atlas(source).spot(*digits.span()) if digits else errors.Place(source.name)
        detail = "A number has more digits than can be read."
        raise errors.fail("invalid-toml", detail, places=(place,)) from None


def _refused(source: Source, error: errors.LeafError) -> errors.ReconcileError:
    offset = error.offset or 0
    place = Atlas(source).spot(offset, offset + 1)
    return errors.fail(error.code, error.detail, places=(place,))


_UNENDED = 'Expected "\'"'
"""What the parser says below a line with text in single quotes that is not closed."""


def _explain(source: Source, error: tomli.TOMLDecodeError) -> errors.Diagnostic:
    if conflict := _CONFLICT.search(source.text):
        place = Atlas(source).spot(*conflict.span())
        return errors.diagnose(
            "conflict-markers",
            "The file still holds the marks git leaves where two changes met, so it says two "
            "things at once.",
            hint="Keep one of the two versions and remove the lines with <<<<<<<, ======= and "
            ">>>>>>>.",
            places=(place,),
        )
    lines = source.text.split("\n", error.lineno)
    number, column = error.lineno, error.colno
    if column == 1 and number > 1 and error.msg == _UNENDED:
        number, column = number - 1, len(lines[number - 2])
    line = lines[number - 1] if len(lines) >= number else ""
    here = place_in_line(source.name, number, column, line, 1)
    if error.msg.startswith(("Cannot declare", "Cannot overwrite")):
        start = len(line) - len(line.lstrip()) + 1
        here = place_in_line(source.name, error.lineno, start, line, len(line.strip()))
        return _declared_twice(source, error.lineno, line, here)
    parser = f"The parser stopped here: {error.msg[0].lower()}{error.msg[1:]}."
    whole = mask_secrets(line) == line and len(line) <= LONGEST_LINE
    mistake = syntax_mistake(line, error.msg) if whole else None
    if mistake is None:
        return errors.diagnose("invalid-toml", parser, places=(here,))
    if mistake.column is not None:
        here = place_in_line(source.name, number, mistake.column, line, 1)
    headline = f"not valid TOML: {mistake.headline}"
    return errors.diagnose(
        "invalid-toml", parser, headline=headline, hint=mistake.hint, places=(here,)
    )


LONGEST_NAMED = 60
"""Characters of a name that a headline repeats."""


def _declared_twice(
    source: Source, number: int, line: str, here: errors.Place
) -> errors.Diagnostic:
    places: tuple[errors.Place, ...] = (here,)
    match = _HEADER_OR_KEY.match(line)
    before = "\n".join(source.text.split("\n", number)[: number - 1])
    if match and match[1]:
        keys, segments = split_key(match[3]), cut_segments(before)
        earlier = [it for it in segments if it.body and it.path == keys][:1]
        places = (here, *(Atlas(source).spot(it.header, it.body) for it in earlier))
    what = line.partition("=")[0].strip()[:LONGEST_NAMED]
    return errors.diagnose(
        "declared-twice",
        headline=f"{errors.MESSAGES['declared-twice'].headline}: {what}",
        detail="The same key or table is written twice, and TOML does not say which one would "
        "count.",
        hint="Keep one of the two, or give one of them another name.",
        places=places,
    )


# Refuses text whose shape alone would cost the parser its time or memory.
#
# Python's TOML parsers take seconds and gigabytes for a key of 40,000 parts. The cheap looks below
# cost a few milliseconds a megabyte; only text that might be over a limit is read exactly.

MOST_KEY_PARTS = 32
DEEPEST = 64

_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_NOT_DOTS = bytes(set(range(256)) - set(b".\n"))
_MANY_DOTS = b"." * MOST_KEY_PARTS
_LONG_KEY = re.compile(rf"(?:{KEY_PART})(?:{DOT}(?:{KEY_PART})){{{MOST_KEY_PARTS}}}")
_SHAPE_PIECES = re.compile(
    rf"(?P<key>(?:{KEY_PART})(?:{DOT}(?:{KEY_PART}))++)|(?P<hidden>{STRING}|{COMMENT})"
    r"|(?P<open>[\[{])|(?P<close>[\]}])|[A-Za-z0-9_-]++"
)


def _may_nest_deeply(text: str) -> bool:
    """Take innermost pairs away, level by level; what is left bounds the depth from above.

    A bracket in a string may pair with a real one and hide it. The parser's own, higher bound then
    stands alone, and its error is worded like ours.
    """
    brackets = text.encode().translate(None, _NOT_BRACKETS)
    for level in range(DEEPEST):
        left = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if len(left) == len(brackets):
            return level + len(left) > DEEPEST
        brackets = left
    return bool(brackets)


def _read_exactly(text: str) -> None:
    """Raise `LeafError`, its offset into the text, if a key or a nesting is over its limit."""
    depth = 0
    for piece in _SHAPE_PIECES.finditer(text):
        kind = piece.lastgroup
        if kind == "open":
            depth += 1
            if depth > DEEPEST:
                raise _too_deep(piece.start())
        elif kind == "close":
            depth = max(0, depth - 1)
        elif kind == "key" and _LONG_KEY.match(piece.group()):
            raise errors.LeafError(
                "key-too-long",
                f"This key has more than {MOST_KEY_PARTS} parts. Nothing that can be declared lies "
                "so deep, and such keys make a parser run out of time and memory.",
                offset=piece.start(),
            )


def refuse_nesting(text: str) -> errors.LeafError:
    """Word the parser's own refusal of nesting like that of the look ahead of it."""
    try:
        _read_exactly(text)
    except errors.LeafError as error:
        return error
    return _too_deep(0)


def _too_deep(offset: int) -> errors.LeafError:
    return errors.LeafError(
        "nested-too-deeply",
        f"Arrays or inline tables lie more than {DEEPEST} deep here. Nothing that can be declared "
        "does, and such nesting makes a parser run out of time and memory.",
        offset=offset,
    )


# Cuts a valid TOML text at its table headers, to read no more of it than a mistake needs.

_HEADER = re.compile(rf"\[(\[?)[ \t]*+((?:{KEY_PART})(?:{DOT}(?:{KEY_PART}))*+)[ \t]*+\]")
_SEGMENT_PIECES = re.compile(
    rf"(?P<line>^[ \t]*+\[)|(?P<hidden>{STRING}|{COMMENT})|(?P<open>[\[{{])|(?P<close>[\]}}])",
    re.MULTILINE,
)
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")


class Segment(Struct, frozen=True):
    """One header and what stands below it, as offsets into the text. The first has no header."""

    path: errors.KeyPath
    header: int
    body: int
    end: int


def cut_segments(text: str) -> list[Segment]:
    """Cut the text at its headers; elements of arrays of tables are told apart by number."""
    segments: list[Segment] = []
    counted: Counter[errors.KeyPath] = Counter()
    path: errors.KeyPath = ()
    header = body = 0
    for start in _header_offsets(text):
        segments.append(Segment(path, header, body, start))
        match = _HEADER.match(text, start)
        if match is None:
            continue
        path = _number(split_key(match[2]), counted, is_element=bool(match[1]))
        header, body = start, match.end() + len(match[1])
    segments.append(Segment(path, header, body, len(text)))
    return segments


def split_key(text: str) -> tuple[str, ...]:
    """Split a dotted TOML key into its unquoted parts."""
    if _PLAIN_KEY.fullmatch(text):
        return tuple(text.split("."))
    parts: list[str] = []
    table = tomli.loads(f"{text}={{}}")
    while table:
        ((part, table),) = table.items()
        parts.append(part)
    return tuple(parts)


def _header_offsets(text: str) -> list[int]:
    offsets: list[int] = []
    depth = 0
    for piece in _SEGMENT_PIECES.finditer(text):
        kind = piece.lastgroup
        if kind == "line" and depth == 0:
            offsets.append(piece.end() - 1)
            depth = 1
        elif kind in ("line", "open"):
            depth += 1
        elif kind == "close":
            depth -= 1
    return offsets


def _number(
    keys: tuple[str, ...], counted: Counter[errors.KeyPath], *, is_element: bool
) -> errors.KeyPath:
    """Put the number of the newest element after each key that names an array of tables."""
    path: errors.KeyPath = ()
    for key in keys[:-1]:
        path = _newest((*path, key), counted)
    path = (*path, keys[-1])
    if is_element:
        counted[path] += 1
        return _newest(path, counted)
    return path


def _newest(path: errors.KeyPath, counted: Counter[errors.KeyPath]) -> errors.KeyPath:
    return (*path, counted[path] - 1) if path in counted else path


# Reads where the keys and values of one segment of valid TOML stand.

_KEY = re.compile(rf"(?:{KEY_PART})(?:{DOT}(?:{KEY_PART}))*+")
_STRING = re.compile(STRING)
_SCALAR = re.compile(r"[^,\]}#\n]*+")

Span = tuple[int, int]


class KeyEntry(Struct, frozen=True):
    """Where a key (None for the element of an array) and its value stand in the text."""

    key: Span | None
    value: Span


@dataclass(slots=True)
class _Reading:
    text: str
    end: int
    position: int
    entries: dict[errors.KeyPath, KeyEntry] = field(default_factory=dict)

    def skip_blank(self, also: str = "") -> None:
        while match := BLANK.match(self.text, self.position, self.end):
            self.position = match.end()
            if self.position >= self.end or self.text[self.position] not in also:
                return
            self.position += 1

    def statements(self, prefix: errors.KeyPath) -> None:
        """Read `key = value` until something else comes: a bracket, or the end."""
        self.skip_blank()
        while match := _KEY.match(self.text, self.position, self.end):
            key = match.span()
            path = (*prefix, *split_key(match.group()))
            self.position = match.end()
            self.skip_blank(also="=")
            value = self.value(path)
            self.entries[path] = KeyEntry(key, value)
            for length in range(len(prefix) + 1, len(path)):
                self.entries.setdefault(path[:length], KeyEntry(key, value))
            self.skip_blank(also=",")

    def value(self, path: errors.KeyPath) -> Span:
        start = self.position
        match self.text[start : start + 1]:
            case "{":
                self.position += 1
                self.statements(path)
                self.position += 1
            case "[":
                self.elements(path)
            case '"' | "'":
                self.take(_STRING)
            case _:
                self.take(_SCALAR)
        return start, self.trimmed(start)

    def elements(self, path: errors.KeyPath) -> None:
        self.position += 1
        self.skip_blank()
        number = 0
        while self.position < self.end and self.text[self.position] != "]":
            before = self.position
            self.entries[(*path, number)] = KeyEntry(None, self.value((*path, number)))
            self.skip_blank(also=",")
            number += 1
            if self.position == before:
                return
        self.position += 1

    def take(self, pattern: re.Pattern[str]) -> None:
        if match := pattern.match(self.text, self.position, self.end):
            self.position = match.end()

    def trimmed(self, start: int) -> int:
        end = self.position
        while end > start + 1 and self.text[end - 1] in " \t\r":
            end -= 1
        return end


def read_entries(text: str, segment: Segment) -> dict[errors.KeyPath, KeyEntry]:
    """Map the key path of everything in the segment, from the top of the file, to its place."""
    reading = _Reading(text, segment.end, segment.body)
    reading.statements(segment.path)
    return reading.entries


# Finds the line and column of a mistake, once there is one. A load without any never comes here.
#
# tomlkit keeps comments and spacing but no positions, and takes about ten times as long as a
# load: the same few patterns that cut a text at its headers also find a key in one segment.

LONGEST_LINE = 400

_SECRET_KEY = re.compile(
    r"(?:api[_-]?key|token|secret|password|passwd|authorization|credential)[\"']?[ \t]*[=:]",
    re.IGNORECASE,
)
_USER_INFO = re.compile(r"://[^/@\s\"']*+@")
_FIRST_SIGN = re.compile(r"[=:]")
_QUOTES = ('"""', "'''", '"', "'")
_PART = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'|[\w-]+")


@dataclass(slots=True)
class Atlas:
    """Places in one source. Cuts and reads only what is asked for, each part once."""

    source: Source
    _segments: dict[errors.KeyPath, list[Segment]] | None = None
    _read: dict[Segment, dict[errors.KeyPath, KeyEntry]] = field(default_factory=dict)
    _line_starts: list[int] = field(default_factory=list)

    def find(self, where: errors.Where) -> errors.Place:
        """Return the place a mistake points at; of the nearest table around it if need be."""
        path = where.path
        if where.spot is errors.Spot.TABLE:
            return self.spot(*(self._header(path) or self._key(path) or self._around(path)))
        entry = self._entry(path)
        if entry is None and path and isinstance(path[-1], int):
            entry = self._entry(path[:-1])  # one word may stand for a list of one
        if entry is None:
            return self.spot(*(self._header(path) or self._around(path)))
        if where.spot is errors.Spot.KEY and entry.key is not None:
            return self.spot(*entry.key)
        start, end = entry.value
        if where.offset is not None:
            opened = (len(it) for it in _QUOTES if self.source.text.startswith(it, start))
            start = min(start + next(opened, 0) + where.offset, max(start, end - 1))
            end = start + 1
        return self.spot(start, end)

    def spot(self, start: int, end: int) -> errors.Place:
        """Turn offsets into a place; what runs on below the line is cut at its end."""
        if not self._line_starts:
            self._line_starts = [0, *(m.end() for m in re.finditer("\n", self.source.text))]
        line = bisect_right(self._line_starts, start)
        first = self._line_starts[line - 1]
        last = self.source.text.find("\n", first)
        text = self.source.text[first : None if last < 0 else last]
        return place_in_line(self.source.name, line, start - first + 1, text, end - start)

    def _segments_of(self, path: errors.KeyPath) -> list[Segment]:
        if self._segments is None:
            self._segments = {}
            for segment in cut_segments(self.source.text):
                self._segments.setdefault(segment.path, []).append(segment)
        return self._segments.get(path, [])

    def _entry(self, path: errors.KeyPath) -> KeyEntry | None:
        for length in range(len(path), -1, -1):
            for segment in self._segments_of(path[:length]):
                if segment not in self._read:
                    self._read[segment] = read_entries(self.source.text, segment)
                if found := self._read[segment].get(path):
                    return found
        return None

    def _header(self, path: errors.KeyPath) -> Span | None:
        for segment in self._segments_of(path):
            if segment.body:
                return segment.header, segment.body
        return None

    def _key(self, path: errors.KeyPath) -> Span | None:
        entry = self._entry(path)
        return (entry.key or entry.value) if entry else None

    def _around(self, path: errors.KeyPath) -> Span:
        return self._part(path) or self._nearest(path)

    def _part(self, path: errors.KeyPath) -> Span | None:
        """Find the name of a table in the header of one below it: the first that there is."""
        self._segments_of(())
        for known, segments in (self._segments or {}).items():
            if path and len(known) > len(path) and known[: len(path)] == path and segments[0].body:
                header, body = segments[0].header, segments[0].body
                parts = [it.span() for it in _PART.finditer(self.source.text, header, body)]
                return parts[sum(isinstance(name, str) for name in path) - 1]
        return None

    def _nearest(self, path: errors.KeyPath) -> Span:
        for length in range(len(path) - 1, 0, -1):
            if span := self._header(path[:length]) or self._key(path[:length]):
                return span
        return 0, 1


def place_in_line(name: str, line: int, column: int, text: str, width: int) -> errors.Place:
    """Make a place, hiding what looks like a secret, and cutting a line too long to show."""
    shown = mask_secrets(text)
    column = min(column, len(shown) + 1)
    if len(shown) > LONGEST_LINE:
        shown = shown[: max(LONGEST_LINE, column + 1)] if column < LONGEST_LINE else ""
    return errors.Place(name, line, column, shown, max(1, min(width, len(shown) - column + 1)))


def mask_secrets(line: str) -> str:
    """Hide the values on a line that seems to hold a credential."""
    if _SECRET_KEY.search(line):
        sign = _FIRST_SIGN.search(line)
        line = f"{line[: sign.end()]} ***" if sign else "***"
    return _USER_INFO.sub("://***@", line)


# The plainly spelled addresses of a desired state, for a shell to complete; fast and never wrong.
#
# Nothing is checked and nothing heavy is imported: a key press waits for this. What cannot be read
# is left out, since a prompt is no place for diagnostics.

LARGEST_COMPLETED = 4 * 1024 * 1024
"""Bytes of one file read at most: what takes longer to read than a person waits is left out."""

_PLAIN = re.compile(r"[A-Za-z0-9_.-]+")


def plain_addresses(locations: Locations) -> list[address.Address]:
    """List addresses that need no quotes, sorted. A shell would expand what others hold."""
    found: set[address.Address] = set()
    for document in _documents(locations):
        found.update(filter(_PLAIN.fullmatch, _addresses(document)))
    return sorted(found)


def plain_signals(locations: Locations) -> list[str]:
    """List the names of signals that items await, sorted."""
    found = {name for document in _documents(locations) for name in _signals(document)}
    return sorted(filter(_PLAIN.fullmatch, found))


def _documents(locations: Locations) -> Iterator[Mapping[str, Any]]:
    for location in paths_of(locations):
        with suppress(errors.LeafError):
            for path in list_files(location):
                with suppress(errors.LeafError, ValueError, RecursionError):
                    yield tomli.loads(decode_text(read_bounded(path, LARGEST_COMPLETED)))


def table_in(holder: object, name: str) -> dict[str, Any]:
    """Return a table below another; an empty one where there is none."""
    found = holder.get(name) if isinstance(holder, dict) else None
    return found if isinstance(found, dict) else {}


def _addresses(document: Mapping[str, Any]) -> Iterator[address.Address]:
    for name, model in table_in(document, "models").items():
        if isinstance(model, dict) and "refresh" in model:
            yield address.refresh_address(name)
        for policy in table_in(model, "cache"):
            yield address.reset_address(name, policy)
    for name, connection in table_in(document, "connections").items():
        for schedule in table_in(connection, "schedules"):
            yield address.schedule_address(name, schedule)


def _signals(value: Any) -> Iterator[str]:
    """Yield the names in `on_signal`, wherever it stands: a text, a list, or `{ all = [...] }`."""
    for key, inner in value.items() if isinstance(value, dict) else ():
        if key != "on_signal":
            yield from _signals(inner)
            continue
        named = inner.get("all") if isinstance(inner, dict) else inner
        listed = named if isinstance(named, list) else [named]
        yield from (name for name in listed if isinstance(name, str))
