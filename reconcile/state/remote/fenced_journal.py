"""The journal as one object: a fence that says whose it is, then the same lines as in a file.

Writing another fence over it makes every version known before worthless, so that a run that lost
its lease cannot append any more, whatever it believes.
"""

import json
from dataclasses import dataclass
from zlib import crc32

from reconcile.state.strict import MalformedError, count, decode_json, fields, text

FENCE_VERSION = 1
_HEX_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Fence:
    """`holder` is a lease's id; `count` tells the fences of one lease apart."""

    holder: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class FencedJournal:
    """A journal's object. `fence`: None where somebody put a plain journal in place."""

    fence: Fence | None = None
    lines: bytes = b""


def encode_journal(fence: Fence, lines: bytes) -> bytes:
    """Encode a journal's object."""
    plain = {"v": FENCE_VERSION, "fence": fence.holder, "count": fence.count}
    body = json.dumps(plain, separators=(",", ":")).encode()
    return b"%08x %b\n%b" % (crc32(body), body, lines)


def decode_journal(data: bytes) -> FencedJournal:
    """Cut the fence off. What is no fence is a line, good or bad, for others to judge."""
    head, newline, lines = data.partition(b"\n")
    body = head[_HEX_DIGITS + 1 :]
    if not newline or head != b"%08x %b" % (crc32(body), body):
        return FencedJournal(None, data)
    try:
        known = fields(decode_json(body), "v", "fence", "count")
        return FencedJournal(Fence(text(known.get("fence")), count(known.get("count"))), lines)
    except MalformedError:
        return FencedJournal(None, data)
