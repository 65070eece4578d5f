"""Finds a token in text in whatever spelling it comes, so that it can be masked. Pure.

Servers and proxies echo what they were sent, and what they put around it spells it anew: JSON
escapes, percent-encoding, entities, base64, another case, a line break in the middle.
"""

import base64
import re
from collections.abc import Iterator
from itertools import groupby

MASK = "[token]"

_LONGEST_HEAD = 256
"""Of a longer token this much is looked for in any spelling, and what goes on like it goes too."""

_TAIL = r"(?:[\w.~+/=%-]|\\{1,8}(?:/|(?:u00|x)[0-9a-fA-F]{2}))*"

_SHORTEST_ENCODED = 8
"""Less of a base64 text than this could be anything."""

# A token has no white space of its own; a text that is wrapped, or in two bytes a character, has.
# Nothing here can be read in two ways, so that no text makes a search slow.
_GAP = r"(?:[\s\0]|\\{1,8}[nrt])*+"


class Spellings:
    """What a token of printable ASCII looks like in text, mixed spellings too."""

    def __init__(self, token: str) -> None:
        head = token[:_LONGEST_HEAD]
        tail = _TAIL if len(token) > _LONGEST_HEAD else ""
        self._plain = re.compile(_GAP.join(_units(head)) + tail)
        number = head.encode("ascii").hex()
        ways = (number, number.upper(), *_base64(head))
        self._encoded = re.compile("|".join(f"{way}{tail}" for way in ways))

    def hide_in(self, text: str) -> str:
        """Return the text with the token masked wherever it stands."""
        return self._encoded.sub(MASK, self._plain.sub(MASK, text))


def _units(token: str) -> Iterator[str]:
    """Match a token piece by piece: by character, but backslashes by how many stand together."""
    for character, alike in groupby(token):
        count = len(list(alike))
        if character == "\\":
            yield rf"(?:\\{{{count},{8 * count}}}|(?:%(?i:(?:25)*5c)){{{count}}})"
        else:
            yield from [_character(character)] * count


def _character(character: str) -> str:
    """Match one character: itself, escaped once or more often, or as a number.

    Every way begins with a literal, so that a scan skips fast over what begins otherwise.
    """
    number = ord(character)
    cases = "|".join(map(re.escape, dict.fromkeys((character.lower(), character.upper()))))
    escaped = "" if character.isalnum() else f"{cases}|"
    return (
        rf"(?:{cases}"
        rf"|\\\\{{0,7}}(?:{escaped}(?i:(?:u00|x){number:02x}))"
        rf"|%(?i:(?:25)*{number:02x})"
        rf"|&(?i:(?:amp;)*\#(?:0*{number}|x0*{number:x});))"
    )


def _base64(token: str) -> list[str]:
    """Match the token inside anything that is base64, in both alphabets.

    A text has three spellings there, by where in a group of three bytes it begins; what its first
    and last character there say depends on its neighbours.
    """
    found = []
    for shift in range(3):
        spelled = base64.b64encode(b"\0" * shift + token.encode("ascii")).decode()
        certain = spelled.rstrip("=")[-(-shift * 8 // 6) :]
        if (shift + len(token)) % 3:
            certain = certain[:-1]
        if len(certain) >= _SHORTEST_ENCODED:
            found.append(_GAP.join(map(_digit, certain)))
    return found


def _digit(digit: str) -> str:
    match digit:
        case "+":
            return rf"(?:-|{_character('+')})"
        case "/":
            return rf"(?:_|{_character('/')})"
        case _:
            return digit
