"""Sentences and lists as Markdown that a forge shows: nothing foreign is left outside of code."""

import re
from collections.abc import Iterable, Iterator, Sequence

from reconcile.render.escape import escape_ci_log, markdown_code
from reconcile.render.fitting import middle_cut
from reconcile.render.names import counted

COMMENT_LIMIT = 65_000
"""Bytes of UTF-8, to stay below GitHub's 65,536 characters however it counts them."""

_TOKEN = re.compile(r'"[^"]*"[,.;:)]*|[^ ]+| +')
_TAIL = re.compile(r'(.*?)((?<="):|[,;.)]*)')
_INERT = re.compile(r"\(?[A-Za-z0-9:+-]+[,;:.)]*|·")
_MEANT = re.compile(r"[A-Za-z]-[0-9]|\b[0-9a-f]{7,}\b|:[A-Za-z0-9+-]+:|--")
"""`GH-1`, a commit, `:tada:`, a rule: inert characters that mean something together."""

_SIGNS = {"added": "+", "removed": "-", "changed": "!", "moved": "!", "renamed": "!"}

_TEXT_LIMIT = 600
_PARTIAL_ESCAPE = re.compile(r"\\(?:x[0-9a-f]?|u[0-9a-f]{0,3}|U[0-9a-f]{0,7})?$")


def told(text: str) -> str:
    """Return a sentence of ours, with all in it that could mean anything to Markdown in code."""
    pieces: list[str] = []
    foreign = ""
    for token in _TOKEN.findall(shortened(text)):
        if not token.strip():
            foreign, pieces = (foreign + token, pieces) if foreign else ("", [*pieces, token])
        elif _inert(token):
            pieces.extend((*_coded(foreign), token))
            foreign = ""
        else:
            foreign += token
    return "".join([*pieces, *_coded(foreign)]).strip()


def shortened(text: str, limit: int = _TEXT_LIMIT) -> str:
    r"""Cut a text that is shown already, never inside an escape such as `\x1b`; count the rest."""
    if len(text) <= limit:
        return text
    kept = _PARTIAL_ESCAPE.sub("", text[:limit])
    return f"{kept}...(+{len(text) - len(kept)})"


def fitted(lines: Sequence[str], room: int, at_most: int) -> list[str]:
    """Return the lines, or as many from both ends as take at most `room` bytes of UTF-8.

    There are no more than `at_most` either. What is left out of the middle is counted in a line
    of its own.
    """
    note = _left_out(len(lines))
    head, tail = middle_cut([size(line) for line in lines], room - size(note), at_most)
    left_out = len(lines) - head - tail
    if not left_out:
        return list(lines)
    return [*lines[:head], _left_out(left_out), *lines[len(lines) - tail :]]


def signed(lines: Iterable[str]) -> list[str]:
    """Return the lines of a comparison with the signs by which a `diff` is coloured."""
    sign, result = " ", []
    for line in lines:
        words = line.split(maxsplit=1)
        if not line.startswith("   "):
            sign = _SIGNS.get(words[0], " ") if words and line.startswith(" ") else " "
        result.append(escape_ci_log(f"{sign} {line.removeprefix('  ')}"))
    return result


def size(line: str) -> int:
    """Return how much of a comment a line takes, its line break included, in bytes of UTF-8."""
    return len(line.encode()) + 1


def fenced(lines: Iterable[str], language: str) -> Iterator[str]:
    """Yield a fenced code block that no line of it can close."""
    lines = tuple(lines)
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"{fence}{language}"
    yield from lines
    yield fence


def _left_out(number: int) -> str:
    return f"- ... {counted(number, 'more line')} left out here ..."


def _inert(token: str) -> bool:
    return bool(_INERT.fullmatch(token)) and not _MEANT.search(token.strip("(),;."))


def _coded(foreign: str) -> Iterator[str]:
    if not foreign:
        return
    body, tail = _split_tail(foreign.rstrip(" "))
    yield markdown_code(body)
    yield tail + " " * (len(foreign) - len(foreign.rstrip(" ")))


def _split_tail(text: str) -> tuple[str, str]:
    found = _TAIL.fullmatch(text)
    body, tail = found.groups() if found else (text, "")
    return (body, tail) if body else (text, "")
