"""Refuses text whose shape alone would cost the parser its time or memory.

Python's TOML parsers take seconds and gigabytes for a key of 40,000 parts. The cheap looks below
cost a few milliseconds a megabyte; only text that might be over a limit is read exactly.
"""

import re

from reconcile.config.places.lexicon import COMMENT, DOT, KEY_PART, STRING
from reconcile.config.problems import LeafError

MOST_KEY_PARTS = 32
DEEPEST = 64

_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_NOT_DOTS = bytes(set(range(256)) - set(b".\n"))
_MANY_DOTS = b"." * MOST_KEY_PARTS
_LONG_KEY = re.compile(rf"(?:{KEY_PART})(?:{DOT}(?:{KEY_PART})){{{MOST_KEY_PARTS}}}")
_PIECES = re.compile(
    rf"(?P<key>(?:{KEY_PART})(?:{DOT}(?:{KEY_PART}))++)|(?P<hidden>{STRING}|{COMMENT})"
    r"|(?P<open>[\[{])|(?P<close>[\]}])|[A-Za-z0-9_-]++"
)


def prescan(text: str) -> None:
    """Raise `LeafError`, its offset into the text, if a key or a nesting is over its limit."""
    if _may_have_long_key(text) or _may_nest_deeply(text):
        _read_exactly(text)


def _may_have_long_key(text: str) -> bool:
    return _MANY_DOTS in text.encode().translate(None, _NOT_DOTS)


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
    depth = 0
    for piece in _PIECES.finditer(text):
        kind = piece.lastgroup
        if kind == "open":
            depth += 1
            if depth > DEEPEST:
                raise _too_deep(piece.start())
        elif kind == "close":
            depth = max(0, depth - 1)
        elif kind == "key" and _LONG_KEY.match(piece.group()):
            raise LeafError(
                "key-too-long",
                f"This key has more than {MOST_KEY_PARTS} parts. Nothing that can be declared lies "
                "so deep, and such keys make a parser run out of time and memory.",
                offset=piece.start(),
            )


def refuse_nesting(text: str) -> LeafError:
    """Word the parser's own refusal of nesting like that of the look ahead of it."""
    try:
        _read_exactly(text)
    except LeafError as error:
        return error
    return _too_deep(0)


def _too_deep(offset: int) -> LeafError:
    return LeafError(
        "nested-too-deeply",
        f"Arrays or inline tables lie more than {DEEPEST} deep here. Nothing that can be declared "
        "does, and such nesting makes a parser run out of time and memory.",
        offset=offset,
    )
