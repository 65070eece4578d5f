"""Cuts a valid TOML text at its table headers, to read no more of it than a mistake needs."""

import re
from collections import Counter

import tomli

from reconcile.config.places.lexicon import COMMENT, DOT, KEY_PART, STRING
from reconcile.config.problems import KeyPath
from reconcile.model.noun import noun

_HEADER = re.compile(rf"\[(\[?)[ \t]*+((?:{KEY_PART})(?:{DOT}(?:{KEY_PART}))*+)[ \t]*+\]")
_PIECES = re.compile(
    rf"(?P<line>^[ \t]*+\[)|(?P<hidden>{STRING}|{COMMENT})|(?P<open>[\[{{])|(?P<close>[\]}}])",
    re.MULTILINE,
)
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")


@noun(frozen=True, slots=True)
class Segment:
    """One header and what stands below it, as offsets into the text. The first has no header."""

    path: KeyPath
    header: int
    body: int
    end: int


def cut_segments(text: str) -> list[Segment]:
    """Cut the text at its headers; elements of arrays of tables are told apart by number."""
    segments: list[Segment] = []
    counted: Counter[KeyPath] = Counter()
    path: KeyPath = ()
    header = body = 0
    for start in _header_offsets(text):
        segments.append(Segment(path, header, body, start))
        match = _HEADER.match(text, start)
        if match is None:
            continue
        path, header, body = (
            _number(split_key(match[2]), bool(match[1]), counted),
            start,
            match.end(),
        )
        body += len(match[1])
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
    for piece in _PIECES.finditer(text):
        kind = piece.lastgroup
        if kind == "line" and depth == 0:
            offsets.append(piece.end() - 1)
            depth = 1
        elif kind in ("line", "open"):
            depth += 1
        elif kind == "close":
            depth -= 1
    return offsets


def _number(keys: tuple[str, ...], is_element: bool, counted: Counter[KeyPath]) -> KeyPath:  # noqa: FBT001
    """Put the number of the newest element after each key that names an array of tables."""
    path: KeyPath = ()
    for key in keys[:-1]:
        path = _newest((*path, key), counted)
    path = (*path, keys[-1])
    if is_element:
        counted[path] += 1
        return _newest(path, counted)
    return path


def _newest(path: KeyPath, counted: Counter[KeyPath]) -> KeyPath:
    return (*path, counted[path] - 1) if path in counted else path
