"""Reads where the keys and values of one segment of valid TOML stand."""

import re
from dataclasses import dataclass, field

from reconcile.config.places.lexicon import BLANK, DOT, KEY_PART, STRING
from reconcile.config.places.segments import Segment, split_key
from reconcile.config.problems import KeyPath
from reconcile.model.noun import noun

_KEY = re.compile(rf"(?:{KEY_PART})(?:{DOT}(?:{KEY_PART}))*+")
_STRING = re.compile(STRING)
_SCALAR = re.compile(r"[^,\]}#\n]*+")

Span = tuple[int, int]


@noun(frozen=True, slots=True)
class Entry:
    """Where a key (None for the element of an array) and its value stand in the text."""

    key: Span | None
    value: Span


@dataclass(slots=True)
class _Reading:
    text: str
    end: int
    position: int
    entries: dict[KeyPath, Entry] = field(default_factory=dict)

    def skip_blank(self, also: str = "") -> None:
        while match := BLANK.match(self.text, self.position, self.end):
            self.position = match.end()
            if self.position >= self.end or self.text[self.position] not in also:
                return
            self.position += 1

    def statements(self, prefix: KeyPath) -> None:
        """Read `key = value` until something else comes: a bracket, or the end."""
        self.skip_blank()
        while match := _KEY.match(self.text, self.position, self.end):
            key = match.span()
            path = (*prefix, *split_key(match.group()))
            self.position = match.end()
            self.skip_blank(also="=")
            value = self.value(path)
            self.entries[path] = Entry(key, value)
            for length in range(len(prefix) + 1, len(path)):
                self.entries.setdefault(path[:length], Entry(key, value))
            self.skip_blank(also=",")

    def value(self, path: KeyPath) -> Span:
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

    def elements(self, path: KeyPath) -> None:
        self.position += 1
        self.skip_blank()
        number = 0
        while self.position < self.end and self.text[self.position] != "]":
            before = self.position
            self.entries[(*path, number)] = Entry(None, self.value((*path, number)))
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


def read_entries(text: str, segment: Segment) -> dict[KeyPath, Entry]:
    """Map the key path of everything in the segment, from the top of the file, to its place."""
    reading = _Reading(text, segment.end, segment.body)
    reading.statements(segment.path)
    return reading.entries
