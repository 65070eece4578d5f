"""The journal's lines: `crc32 {json}`, each proving itself and what it continues.

A line that a crash left half written ends the file without a newline. Nobody was told that it was
written, so it is dropped; a complete line that does not check out is damage, and is not.
"""

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from zlib import crc32

from msgspec import Struct

from reconcile.errors import Diagnostic
from reconcile.model.address import Address
from reconcile.model.journal import (
    Began,
    Blamed,
    ClockMended,
    Forgotten,
    Intent,
    Marked,
    Missed,
    Moved,
    Noted,
    Numbered,
    Redated,
    Renamed,
    ScheduleGone,
    ScheduleIntent,
    ScheduleKept,
    Signalled,
)
from reconcile.model.recorded import Recorded
from reconcile.model.struct import Count, Instant, rfc3339
from reconcile.planning.replay import replay
from reconcile.state.codec import (
    MalformedError,
    NewerFormatError,
    convert,
    decode,
    decode_entry,
    decode_state,
    encode,
    encode_entry,
)
from reconcile.state.errors import (
    LATER,
    Named,
    journal_damaged,
    journal_foreign,
    journal_lost,
    state_damaged,
    state_newer,
    warning,
)
from reconcile.state.files import (
    create,
    flush,
    flush_directory,
    temporary_beside,
    told_plainly,
    write_all,
)

# Appending to the journal: every line is on the disk before anything is done on its strength.

RESERVE_BYTES = 64 << 10
_FULL = {errno.ENOSPC, errno.EDQUOT}


class JournalFile:
    """A new, empty journal in the old one's place, that this process alone appends to.

    After a write or an fsync that failed it takes no more: what of it is on the disk is not
    known any more, and an fsync that is tried again may say yes to data that is gone. `sound`:
    whether all that was appended is known to be there.
    """

    def __init__(self, path: Path, reserve: Path) -> None:
        self.length = 0
        self._path = path
        self._reserve = reserve
        self.sound = True
        self._descriptor = _put_in_place(path, os.O_WRONLY | os.O_APPEND)

    def append(self, data: bytes, *, may_use_reserve: bool) -> None:
        """Append lines and wait until they are on the disk, once for all of them.

        On a full disk the reserve is given up for them if they may have it; if not, nothing is
        left behind and smaller lines may be tried. Raises OSError, ReconcileError.
        """
        self._check()
        self.sound = False
        try:
            write_all(self._descriptor, data)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            os.ftruncate(self._descriptor, self.length)
            if not may_use_reserve:
                self.sound = True
                raise
            self._reserve.unlink(missing_ok=True)
            write_all(self._descriptor, data)
        flush(self._descriptor)
        self.length += len(data)
        self.sound = True

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def _check(self) -> None:
        if not self.sound:
            raise journal_lost(self._path, "an earlier line could not be written to it")
        held = os.fstat(self._descriptor)
        if not held.st_nlink:
            gone = "it was removed while this run was using it"
            raise journal_lost(self._path, gone, "journal-foreign")
        if held.st_size != self.length:
            raise journal_lost(self._path, "somebody else has written to it", "journal-foreign")


def _put_in_place(path: Path, flags: int, content: bytes = b"") -> int:
    """Put a new file in an earlier one's place, for good, and return it open for writing.

    In one step, so that there is always a journal an outcome can go to. Raises ReconcileError.
    """
    with told_plainly(path, "created"):
        temporary = temporary_beside(path)
        descriptor = create(temporary, flags)
        try:
            if content:
                write_all(descriptor, content)
                flush(descriptor)
            temporary.replace(path)
            flush_directory(path.parent)
        except BaseException:
            os.close(descriptor)
            temporary.unlink(missing_ok=True)
            raise
    return descriptor


def make_reserve(path: Path) -> None:
    """Take room that an outcome can have when the disk is full. Raises ReconcileError.

    It also shows, before anything is sent, that the directory can be written to.
    """
    with told_plainly(path, "written"):
        path.unlink(missing_ok=True)
        descriptor = create(path)
        try:
            # Random, because file systems that compress would make nothing of zeros.
            write_all(descriptor, os.urandom(RESERVE_BYTES))
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)


def drop_reserve(path: Path) -> None:
    """Give the room back. One that stays costs 64 KiB, and the next session takes it over."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


LINE_VERSION = 3
"""Of a line that says that a signal came; an earlier version of the tool refuses it."""
_WITHOUT_SIGNALS = 2
"""Of every other line that is written; those of the first version say less, and mean the same."""
OLDEST_LINE_VERSION = 1
MAX_JOURNAL_BYTES = 256 << 20

_HEX_DIGITS = 8


class Line(Struct, frozen=True):
    """One line: an entry, and the state (lineage and serial) it was written on top of."""

    numbered: Numbered
    lineage: str
    base: int
    raw: bytes


class Journal(Struct, frozen=True):
    """What a journal holds: its good lines, then a torn tail (bytes) or damage (why).

    `newer`: what is taken for damage was written by a later version.
    """

    lines: tuple[Line, ...] = ()
    torn: int = 0
    damage: str | None = None
    newer: bool = False


class _Place(Struct, frozen=True):
    """Where an entry stands: its number, and the state that it was written on top of."""

    v: Count
    seq: Count
    lineage: str
    base: Count


_PLACE = frozenset(_Place.__struct_fields__)


class NewerLineError(MalformedError):
    """A line of a later version, whole as far as can be told."""


def encode_line(numbered: Numbered, lineage: str, base: int) -> bytes:
    """Encode one line, newline included. Raises ValueError for what JSON cannot say."""
    version = LINE_VERSION if isinstance(numbered.entry, Signalled) else _WITHOUT_SIGNALS
    place = encode(_Place(v=version, seq=numbered.sequence, lineage=lineage, base=base))
    body = place.removesuffix(b"}") + b"," + encode_entry(numbered.entry).removeprefix(b"{")
    return b"%08x %b\n" % (crc32(body), body)


def decode_line(raw: bytes) -> Line:
    """Decode one line, without its newline. Raises MalformedError."""
    checksum, body = raw[:_HEX_DIGITS], raw[_HEX_DIGITS + 1 :]
    if raw[_HEX_DIGITS : _HEX_DIGITS + 1] != b" " or checksum != b"%08x" % crc32(body):
        raise MalformedError("its checksum does not fit its content")
    plain = decode(body, dict[str, object])
    version = convert(plain.get("v"), Count)
    if version > LINE_VERSION:
        raise NewerLineError(f"it is of version {version}, which this version does not know")
    if version < OLDEST_LINE_VERSION:
        raise MalformedError(f"it is of version {version}, which never was")
    place = convert(plain, _Place)
    entry = decode_entry({key: told for key, told in plain.items() if key not in _PLACE})
    return Line(Numbered(place.seq, entry), place.lineage, place.base, raw)


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


# What was folded into the state, kept for people and for `restore`; bounded, oldest let go.

_BEGAN = b'"entry":"began"'
KEPT_LINES = 2_000
"""Lines kept, or more where the newest version of the state has folded in more."""


def concerning(entries: Sequence[Numbered], address: Address) -> tuple[Numbered, ...]:
    """Return what of a history is one item's.

    It holds its calls with their outcomes and the beginning of each run that made them, but not
    what befell it under an earlier address.
    """
    operations = {
        entry.entry.operation
        for entry in entries
        if isinstance(entry.entry, Intent) and _concerns(entry, address, frozenset())
    }
    return tuple(_with_beginnings(entries, lambda one: _concerns(one, address, operations)))


def _with_beginnings(
    entries: Iterable[Numbered], concerns: Callable[[Numbered], bool]
) -> Iterator[Numbered]:
    """Yield what concerns an item, and before it the beginning of the run that wrote it."""
    began: Numbered | None = None
    for one in entries:
        if isinstance(one.entry, Began):
            began = one
        elif concerns(one):
            if began is not None:
                yield began
            began = None
            yield one


def good_lines(*pieces: bytes) -> tuple[Line, ...]:
    """Return every line that checks out, of a history, a journal or one after the other, once."""
    return tuple(_good_lines(b"\n".join(pieces)).values())


def unreadable(data: bytes) -> int:
    """Count the lines that say nothing any more."""
    return sum(1 for raw in data.split(b"\n") if raw and not _good_lines(raw))


def with_history(past: bytes, journal: bytes) -> bytes | None:
    """Return a history with a journal's lines added, or None if it has none to add."""
    folded_in = _good_lines(journal)
    if not folded_in:
        return None
    # What lies there was checked when it was added, and is again by whoever reads it: to do so here
    # would be most of what a run with one call costs.
    lines = [raw for raw in past.split(b"\n") if raw and raw not in folded_in]
    lines += folded_in
    # All of the newest: with them, the previous state can be brought up to this one.
    cut = len(lines) - max(KEPT_LINES, len(folded_in))
    if cut > 0:
        lines = [*_beginning(lines[: cut + 1]), *lines[cut:]]
    return b"".join(raw + b"\n" for raw in lines)


def _beginning(lines: Sequence[bytes]) -> list[bytes]:
    """Return how the run began that the last of these lines is of, unless that line says so."""
    for place in range(len(lines) - 1, -1, -1):
        if _BEGAN in lines[place] and _good_lines(lines[place]):
            return [] if place == len(lines) - 1 else [lines[place]]
    return []


def _good_lines(data: bytes) -> dict[bytes, Line]:
    lines = {}
    for raw in data.split(b"\n"):
        try:
            lines[raw] = decode_line(raw)
        except MalformedError:
            continue
    return lines


def _concerns(numbered: Numbered, address: Address, operations: set[str] | frozenset[str]) -> bool:
    match numbered.entry:
        case Intent() as intent:
            return any(coverage.address == address for coverage in intent.covers)
        case Noted() | Missed() | Forgotten() | Marked() as entry:
            return entry.address == address
        case ScheduleIntent() | ScheduleKept() | ScheduleGone() as entry:
            return entry.address == address
        case Moved() as moved:
            return address in {moved.address, moved.to}
        case Renamed() as renamed:
            return any(address in move for move in renamed.moves)
        case Blamed() as blamed:
            return address in blamed.addresses
        case Redated() as redated:
            return not operations.isdisjoint(redated.operations)
        case ClockMended():
            return True
        case _ as entry:
            return getattr(entry, "operation", None) in operations


# The session marker: lies beside the state while a session writes, so that no journal is missed.
#
# It is durable before the first intent and removed after the last compaction. The newest sequence
# that is known to be durable is written over in place after each append, without waiting for the
# disk: a kill leaves it exact, a power cut leaves it behind, and nothing leaves it ahead.

MARKER_VERSION = 1
MAX_MARKER_BYTES = 4 << 10


class Marker(Struct, frozen=True):
    """A session that writes: of which lineage, since when, and from which entry on.

    `newest`: the last entry that is known to be durable, one before `first` if there is none.
    `began` is UTC; None: not known any more.
    """

    lineage: str
    began: datetime | None
    first: int
    newest: int


class _MarkerHead(Struct, frozen=True, forbid_unknown_fields=True):
    v: Count
    lineage: str
    began: Instant | None
    first: Count


class MarkerFile:
    """The marker of a session on local files, in an earlier one's place."""

    def __init__(self, path: Path, marker: Marker) -> None:
        """Put the marker in place, for good. Raises ReconcileError."""
        self._descriptor = _put_in_place(path, os.O_WRONLY, encode_marker(marker))

    def advance(self, newest: int) -> None:
        """Note what is durable by now. That it cannot be noted costs no record."""
        with suppress(OSError):
            # The first bytes of the file, within one sector: the disk takes all of them or none.
            os.pwrite(self._descriptor, _counted(newest), 0)

    def close(self) -> None:
        """Close the file; it stays where it is."""
        os.close(self._descriptor)


def encode_marker(marker: Marker) -> bytes:
    """Encode a marker: a line that is written over in place, and one that stays."""
    head = _MarkerHead(MARKER_VERSION, marker.lineage, marker.began, marker.first)
    return _counted(marker.newest) + _guarded(encode(head))


def decode_marker(data: bytes | None) -> Marker | None:
    """Decode a marker; None for what is none: it only ever warns, and so must be right."""
    counted, _, rest = (data or b"").partition(b"\n")
    head = _unguarded(rest.removesuffix(b"\n"))
    if head is None:
        return None
    try:
        known = decode(head, _MarkerHead)
    except MalformedError:
        return None
    if known.v != MARKER_VERSION:
        return None
    digits = _unguarded(counted)
    newest = known.first - 1 if digits is None or not digits.isdigit() else int(digits)
    return Marker(known.lineage, known.began, known.first, newest)


def missing_from(recorded: Recorded, marker: Marker | None) -> Marker | None:
    """Return the marker if the state, its journal folded in, lacks entries that were durable."""
    if marker is None or marker.lineage != recorded.lineage:
        return None
    return marker if recorded.sequence < marker.newest else None


def journal_missing(path: Named, recorded: Recorded, marker: Marker) -> Diagnostic:
    """Warn that entries of a session are gone with its journal."""
    first, last = recorded.sequence + 1, marker.newest
    lost = f"entry {last} is" if first == last else f"entries {first} to {last} are"
    return _missing(path, f"{lost} gone", marker)


def journal_gone(path: Named, marker: Marker) -> Diagnostic:
    """Warn that the journal of a session is gone, and with it nobody knows how much."""
    return _missing(path, "all that it wrote down since the state was last saved is gone", marker)


def _missing(path: Named, lost: str, marker: Marker) -> Diagnostic:
    session = "an earlier session"
    if marker.began is not None:
        session = f"the session that began at {rfc3339(marker.began)}"
    return warning(
        "journal-missing",
        f"{path} is missing, or ends too early: of {session}, {lost}. What it told of "
        "acknowledged calls is not known any more, so these may be made again.",
        path=path,
        hint="Put a copy of that file back before the next apply, or say what was done: "
        "reconcile state mark ADDRESS --done",
    )


def _counted(newest: int) -> bytes:
    return _guarded(b"%020d" % newest)


def _guarded(body: bytes) -> bytes:
    return b"%08x %b\n" % (crc32(body), body)


def _unguarded(line: bytes) -> bytes | None:
    body = line[_HEX_DIGITS + 1 :]
    return body if line == b"%08x %b" % (crc32(body), body) else None


# A state as it is read, wherever it is kept.


class Loaded(Struct, frozen=True):
    """A state as read: folded, with what a person should know. `exists`: it was ever saved.

    `saved` is the state file alone, `journal` what lies beside it. `missing`: the marker of a
    session of which entries are gone. `outdated`: the state file is of an earlier format.
    """

    recorded: Recorded
    warnings: tuple[Diagnostic, ...]
    exists: bool
    saved: Recorded
    journal: Journal
    missing: Marker | None = None
    outdated: bool = False

    @property
    def reached(self) -> int:
        """The last sequence that was ever given; what went missing keeps its numbers."""
        return max(self.recorded.sequence, self.missing.newest if self.missing else 0)


def decode_at(path: Named, data: bytes) -> Recorded:
    """Decode a state file's bytes. Raises ReconcileError that names the file."""
    try:
        return decode_state(data)
    except MalformedError as error:
        raise state_damaged(path, str(error)) from None
    except NewerFormatError as error:
        raise state_newer(path, str(error)) from None


def require_known(name: Named, journal: Journal) -> None:
    """Refuse a journal of a later version. Raises ReconcileError."""
    if journal.newer:
        raise state_newer(name, LATER)


def brought_on(saved: Recorded, name: Named, journal: Journal) -> Recorded:
    """Return a state with a journal folded in; raises ReconcileError if it is damaged or another's.

    The state is to be judged before: where both are damaged, what mends it mends the journal too.
    """
    if journal.damage is not None:
        raise journal_damaged(name, journal.damage)
    try:
        entries = entries_beyond(saved, journal.lines)
    except MalformedError as error:
        raise journal_foreign(name, str(error)) from None
    return replay(saved, entries) if entries else saved
