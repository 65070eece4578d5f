"""Finds the line and column of a mistake, once there is one. A load without any never comes here.

tomlkit keeps comments and spacing but no positions, and takes about ten times as long as a
load: the same few patterns that cut a text at its headers also find a key in one segment.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass, field

from reconcile.config.places.entries import Entry, Span, read_entries
from reconcile.config.places.segments import Segment, cut_segments
from reconcile.config.problems import KeyPath, Spot, Where
from reconcile.config.reading import Source
from reconcile.model.diagnostic import Place

LONGEST_LINE = 400

_SECRET_KEY = re.compile(
    r"(?:api[_-]?key|token|secret|password|passwd|authorization|credential)[\"']?[ \t]*[=:]",
    re.IGNORECASE,
)
_USER_INFO = re.compile(r"://[^/@\s\"']*+@")
_FIRST_SIGN = re.compile(r"[=:]")


@dataclass(slots=True)
class Atlas:
    """Places in one source. Cuts and reads only what is asked for, each part once."""

    source: Source
    _segments: dict[KeyPath, list[Segment]] | None = None
    _read: dict[Segment, dict[KeyPath, Entry]] = field(default_factory=dict)
    _line_starts: list[int] = field(default_factory=list)

    def find(self, where: Where) -> Place:
        """Return the place a mistake points at; of the nearest table around it if need be."""
        path = where.path
        if where.spot is Spot.TABLE:
            return self.spot(*(self._header(path) or self._key(path) or self._nearest(path)))
        entry = self._entry(path)
        if entry is None and path and isinstance(path[-1], int):
            entry = self._entry(path[:-1])  # one word may stand for a list of one
        if entry is None:
            return self.spot(*(self._header(path) or self._nearest(path)))
        if where.spot is Spot.KEY and entry.key is not None:
            return self.spot(*entry.key)
        start, end = entry.value
        if where.offset is not None:
            start = min(
                start + _quotes(self.source.text, start) + where.offset, max(start, end - 1)
            )
            end = start + 1
        return self.spot(start, end)

    def spot(self, start: int, end: int) -> Place:
        """Turn offsets into a place; what runs on below the line is cut at its end."""
        if not self._line_starts:
            self._line_starts = [0, *(m.end() for m in re.finditer("\n", self.source.text))]
        line = bisect_right(self._line_starts, start)
        first = self._line_starts[line - 1]
        text = (
            self.source.text[first:].split("\n", 1)[0]
            if line == len(self._line_starts)
            else (self.source.text[first : self._line_starts[line] - 1])
        )
        return place_in_line(self.source.name, line, start - first + 1, text, end - start)

    def _segments_of(self, path: KeyPath) -> list[Segment]:
        if self._segments is None:
            self._segments = {}
            for segment in cut_segments(self.source.text):
                self._segments.setdefault(segment.path, []).append(segment)
        return self._segments.get(path, [])

    def _entry(self, path: KeyPath) -> Entry | None:
        for length in range(len(path), -1, -1):
            for segment in self._segments_of(path[:length]):
                if segment not in self._read:
                    self._read[segment] = read_entries(self.source.text, segment)
                if found := self._read[segment].get(path):
                    return found
        return None

    def _header(self, path: KeyPath) -> Span | None:
        for segment in self._segments_of(path):
            if segment.body:
                return segment.header, segment.body
        return None

    def _key(self, path: KeyPath) -> Span | None:
        entry = self._entry(path)
        return (entry.key or entry.value) if entry else None

    def _nearest(self, path: KeyPath) -> Span:
        for length in range(len(path) - 1, 0, -1):
            if span := self._header(path[:length]) or self._key(path[:length]):
                return span
        return 0, 1


def place_in_line(name: str, line: int, column: int, text: str, width: int) -> Place:
    """Make a place, hiding what looks like a secret, and cutting a line too long to show."""
    shown = mask_secrets(text)
    column = min(column, len(shown) + 1)
    if len(shown) > LONGEST_LINE:
        shown = shown[: max(LONGEST_LINE, column + 1)] if column < LONGEST_LINE else ""
    return Place(name, line, column, shown, max(1, min(width, len(shown) - column + 1)))


def mask_secrets(line: str) -> str:
    """Hide the values on a line that seems to hold a credential."""
    if _SECRET_KEY.search(line):
        sign = _FIRST_SIGN.search(line)
        line = f"{line[: sign.end()]} ***" if sign else "***"
    return _USER_INFO.sub("://***@", line)


def _quotes(text: str, start: int) -> int:
    for quotes in ('"""', "'''", '"', "'"):
        if text.startswith(quotes, start):
            return len(quotes)
    return 0
