"""The parts of a comment: lists that may lose their middle, between lines that stay."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconcile.render.markdown.prose import fenced, fitted

_AROUND = 800
"""Bytes kept for what surrounds a list: its fold, and a fence longer than any name could force."""

_LINES_AT_MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A list, which may lose its middle, between lines that stay. A `language` fences the list."""

    opening: tuple[str, ...] = ()
    lines: Sequence[str] = ()
    closing: tuple[str, ...] = ()
    language: str = ""


def fold(summary: str, lines: Sequence[str], language: str = "") -> Part:
    """Return a part that is folded under a summary of ours."""
    # An empty line ends the HTML block: what follows is Markdown again.
    opening = (f"<details><summary>{summary}</summary>", "")
    return Part(opening=opening, lines=lines, closing=("</details>", ""), language=language)


def laid_out(part: Part, room: int) -> Iterator[str]:
    """Yield the lines of a part that takes at most `room` bytes, if its list can be cut so far."""
    yield from part.opening
    if part.lines:
        kept = fitted(part.lines, room - _AROUND, _LINES_AT_MOST)
        yield from fenced(kept, part.language) if part.language else kept
        yield ""
    yield from part.closing
