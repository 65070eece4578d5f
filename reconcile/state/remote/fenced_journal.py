"""The journal as one object: a fence that says whose it is, then the same lines as in a file.

Writing another fence over it makes every version known before worthless, so that a run that lost
its lease cannot append any more, whatever it believes.
"""

import json
from dataclasses import dataclass
from zlib import crc32

from reconcile.state.strict import MalformedError, count, decode_json, fields, text

FENCE_VERSION = 1
COUNTED_VERSION = 2
"""Of a fence before lines, which says up to which entry these reach."""
_HEX_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Fence:
    """`holder` is a lease's id; `count` tells the fences of one lease apart."""

    holder: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class FencedJournal:
    """A journal's object. `fence`: None where somebody put a plain journal in place.

    `newest`: the entry that its lines reach to, so that it is noticed when some are cut off.
    """

    fence: Fence | None = None
    lines: bytes = b""
    newest: int | None = None


def encode_journal(fence: Fence, lines: bytes, newest: int | None = None) -> bytes:
    """Encode a journal's object."""
    plain: dict[str, object] = {"v": FENCE_VERSION, "fence": fence.holder, "count": fence.count}
    if lines and newest is not None:
        plain |= {"v": COUNTED_VERSION, "newest": newest}
    body = json.dumps(plain, separators=(",", ":")).encode()
    return b"%08x %b\n%b" % (crc32(body), body, lines)


def decode_journal(data: bytes) -> FencedJournal:
    """Cut the fence off. What is no fence is a line, good or bad, for others to judge."""
    head, newline, lines = data.partition(b"\n")
    body = head[_HEX_DIGITS + 1 :]
    if not newline or head != b"%08x %b" % (crc32(body), body):
        return FencedJournal(None, data)
    try:
        known = fields(decode_json(body), "v", "fence", "count", "newest")
        if count(known.get("v")) > COUNTED_VERSION:
            return FencedJournal(None, data)
        newest = count(known["newest"]) if "newest" in known else None
        fence = Fence(text(known.get("fence")), count(known.get("count")))
        return FencedJournal(fence, lines, newest)
    except MalformedError:
        return FencedJournal(None, data)
