"""The journal's lines: `crc32 {json}`, each proving itself and what it continues.

A line that a crash left half written ends the file without a newline. Nobody was told that it was
written, so it is dropped; a complete line that does not check out is damage, and is not.
"""

import json
from collections.abc import Sequence
from zlib import crc32

from reconcile.model.journal import Numbered
from reconcile.model.noun import noun
from reconcile.model.recorded import Recorded
from reconcile.state.entry_codec import decode_entry, encode_entry
from reconcile.state.strict import MalformedError, count, decode_json, free_form, text

LINE_VERSION = 2
"""Of every line that is written; those of the first version say less, and mean the same."""
OLDEST_LINE_VERSION = 1
MAX_JOURNAL_BYTES = 256 << 20

_HEX_DIGITS = 8


@noun(frozen=True, slots=True)
class Line:
    """One line: an entry, and the state (lineage and serial) it was written on top of."""

    numbered: Numbered
    lineage: str
    base: int
    raw: bytes


@noun(frozen=True, slots=True)
class Journal:
    """What a journal holds: its good lines, then a torn tail (bytes) or damage (why).

    `newer`: what is taken for damage was written by a later version.
    """

    lines: tuple[Line, ...] = ()
    torn: int = 0
    damage: str | None = None
    newer: bool = False


class NewerLineError(MalformedError):
    """A line of a later version, whole as far as can be told."""


def encode_line(numbered: Numbered, lineage: str, base: int) -> bytes:
    """Encode one line, newline included. Raises ValueError for what JSON cannot say."""
    plain = {
        "v": LINE_VERSION,
        "seq": numbered.sequence,
        "lineage": lineage,
        "base": base,
        **encode_entry(numbered.entry),
    }
    words = json.dumps(plain, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # Omni's words may hold half a surrogate pair. An outcome is written down whatever it says.
    body = words.encode("utf-8", "replace")
    return b"%08x %b\n" % (crc32(body), body)


def decode_line(raw: bytes) -> Line:
    """Decode one line, without its newline. Raises MalformedError."""
    checksum, body = raw[:_HEX_DIGITS], raw[_HEX_DIGITS + 1 :]
    if raw[_HEX_DIGITS : _HEX_DIGITS + 1] != b" " or checksum != b"%08x" % crc32(body):
        raise MalformedError("its checksum does not fit its content")
    plain = dict(free_form(decode_json(body)))
    version = count(plain.pop("v", None))
    if version > LINE_VERSION:
        raise NewerLineError(f"it is of version {version}, which this version does not know")
    if version < OLDEST_LINE_VERSION:
        raise MalformedError(f"it is of version {version}, which never was")
    sequence, base = count(plain.pop("seq", None)), count(plain.pop("base", None))
    lineage = text(plain.pop("lineage", None))
    return Line(Numbered(sequence, decode_entry(plain)), lineage, base, raw)


def read_lines(data: bytes) -> Journal:
    """Read a journal up to its end, its torn tail, or the first line that is damaged."""
    *complete, tail = data.split(b"\n")
    lines: list[Line] = []
    for number, raw in enumerate(complete, start=1):
        try:
            line = decode_line(raw)
            if lines:
                _check_follows(lines[-1], line)
        except MalformedError as error:
            newer = isinstance(error, NewerLineError)
            return Journal(tuple(lines), damage=f"line {number} is bad, {error}", newer=newer)
        lines.append(line)
    if _is_whole(tail[:-1]):
        # All of it is there but the newline, in whose place is something else: not a crash.
        return Journal(tuple(lines), damage=f"line {len(lines) + 1} is bad, it does not end")
    return Journal(tuple(lines), torn=len(tail))


def entries_beyond(recorded: Recorded, lines: Sequence[Line]) -> tuple[Numbered, ...]:
    """Return the entries a state lacks. Raises MalformedError if the lines do not continue it."""
    if lines and lines[0].numbered.sequence > recorded.sequence + 1:
        first, last = lines[0].numbered.sequence, recorded.sequence
        raise MalformedError(f"it starts at entry {first}, the state ends at entry {last}")
    for line in lines:
        if line.lineage != recorded.lineage:
            raise MalformedError(f"its lineage is {line.lineage}, the state's {recorded.lineage}")
        _check_base(recorded, line)
    return tuple(line.numbered for line in lines if line.numbered.sequence > recorded.sequence)


def _check_base(recorded: Recorded, line: Line) -> None:
    # A line that is folded in was written on an older state; one that is not, on this very one.
    folded_in = line.numbered.sequence <= recorded.sequence
    if line.base < recorded.serial if folded_in else line.base == recorded.serial:
        return
    raise MalformedError(
        f"entry {line.numbered.sequence} was written on serial {line.base}, "
        f"the state is of serial {recorded.serial} and entry {recorded.sequence}"
    )


def _check_follows(before: Line, line: Line) -> None:
    if line.numbered.sequence != before.numbered.sequence + 1:
        before_it = before.numbered.sequence
        raise MalformedError(f"entry {line.numbered.sequence} follows entry {before_it}")


def _is_whole(raw: bytes) -> bool:
    try:
        decode_line(raw)
    except MalformedError:
        return False
    return True
