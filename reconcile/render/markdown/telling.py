"""Lines of text as a comment: fenced, within bounds, each kind with a mark to be found by."""

from collections.abc import Iterator

from reconcile.render.escape import escape_ci_log
from reconcile.render.markdown.prose import COMMENT_LIMIT, fenced, fitted, signed, told
from reconcile.render.told import Passage, Told

_AROUND = 2_000
"""Bytes kept for headings and fences, however long a name makes those."""

_LINES_AT_MOST = 400


def told_markdown(document: Told) -> str:
    """Return the document as GitHub and GitLab show it, in at most `COMMENT_LIMIT` bytes."""
    return "\n".join(_lines(document)) + "\n"


def _lines(document: Told) -> Iterator[str]:
    yield f"<!-- reconcile-{document.subject.replace(' ', '-')} -->"
    yield f"### {told(document.headline)}"
    passages = [passage for passage in document.passages if passage.lines]
    room = (COMMENT_LIMIT - _AROUND) // max(len(passages), 1)
    for passage in passages:
        yield from ("", f"#### {passage.heading}", "")
        yield from _fenced(passage, room - _AROUND)


def _fenced(passage: Passage, room: int) -> Iterator[str]:
    language = "diff" if passage.changes else "text"
    plain = [escape_ci_log(line) for line in passage.lines]
    lines = signed(passage.lines) if passage.changes else plain
    yield from fenced(fitted(lines, room, _LINES_AT_MOST), language)
