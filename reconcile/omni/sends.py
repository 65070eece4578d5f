"""What the processes of one machine have sent with one key lately, as the text of a small file.

Instants are seconds of the system's monotonic clock, which all of its processes read alike and no
correction of the time moves. It starts anew with the machine, so each send also carries the wall
clock, by which it is dated once the boot is another one.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite

from reconcile.planning.budget import Closure, Turn

HEADER = "reconcile-sends-1"
LARGEST_BYTES = 1 << 20
"""More than any budget fills in a minute: a file beyond it is not ours, and is begun anew."""

_LONGEST_CLOSURE_S = 3600.0
_TOKEN = re.compile(r"[0-9a-f-]{1,64}")


@dataclass(frozen=True, slots=True)
class Send:
    """One request: when it went by both clocks, and a word of its own for each process."""

    turn: Turn
    at_s: float
    wall_s: float
    writer: str


@dataclass(frozen=True, slots=True)
class Moment:
    """The present by both clocks, and which boot the monotonic one belongs to."""

    at_s: float
    wall_s: float
    boot: str


@dataclass(frozen=True, slots=True)
class Sends:
    """The content of the file. `closure`: what the latest 429 asked for, None if none is known."""

    sends: tuple[Send, ...] = ()
    closure: Closure | None = None


def encode_sends(sends: Iterable[Send], closure: Closure | None, boot: str) -> bytes:
    """Spell the sends, one a line."""
    closed = f" {closure.until_s!r} {closure.share!r}" if closure else ""
    lines = (f"{s.turn} {s.at_s!r} {s.wall_s!r} {s.writer}\n" for s in sends)
    return f"{HEADER} {boot}{closed}\n{''.join(lines)}".encode()


def decode_sends(data: bytes, now: Moment, span_s: float) -> Sends:
    """Read the sends of the last `span_s` seconds, dated by the present boot's clock.

    Never fails: what a dying machine left half written is passed over. A send that seems to lie in
    the future counts as sent just now, since the clock it was dated by is not to be trusted.
    """
    lines = data.decode("ascii", "replace").splitlines()
    head = lines[0].split() if lines else []
    if len(head) not in {2, 4} or head[0] != HEADER or len(data) > LARGEST_BYTES:
        return Sends()
    same_boot = head[1] == now.boot
    sends = (_send(line.split(), now, same_boot=same_boot) for line in lines[1:])
    recent = (send for send in sends if send is not None and send.at_s > now.at_s - span_s)
    closure = _closure(head[2:], now) if same_boot and len(head) > 2 else None  # noqa: PLR2004
    return Sends(tuple(sorted(recent, key=lambda send: send.at_s)), closure)


def _send(words: list[str], now: Moment, *, same_boot: bool) -> Send | None:
    try:
        turn, at_s, wall_s, writer = words
        sent = Send(Turn(turn), float(at_s), float(wall_s), writer)
    except ValueError:
        return None
    if not (isfinite(sent.at_s) and isfinite(sent.wall_s) and _TOKEN.fullmatch(writer)):
        return None
    if same_boot and sent.at_s <= now.at_s:
        return sent
    age_s = max(0.0, now.wall_s - sent.wall_s)
    return Send(sent.turn, now.at_s - age_s, sent.wall_s, writer)


def _closure(words: list[str], now: Moment) -> Closure | None:
    try:
        closure = Closure(*map(float, words))
    except ValueError:
        return None
    sane = closure.until_s <= now.at_s + _LONGEST_CLOSURE_S and 0 < closure.share <= 1
    return closure if sane else None
