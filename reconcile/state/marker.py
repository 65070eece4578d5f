"""The session marker: lies beside the state while a session writes, so that no journal is missed.

It is durable before the first intent and removed after the last compaction. The newest sequence
that is known to be durable is written over in place after each append, without waiting for the
disk: a kill leaves it exact, a power cut leaves it behind, and nothing leaves it ahead.
"""

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from zlib import crc32

from msgspec import Struct

from reconcile.errors import Diagnostic
from reconcile.model.recorded import Recorded
from reconcile.model.struct import Count, Instant
from reconcile.render.words import rfc3339
from reconcile.state.codec import MalformedError, decode, encode
from reconcile.state.errors import Named, told_plainly, warning
from reconcile.state.files import create, flush, flush_directory, temporary_beside, write_all

MARKER_VERSION = 1
MAX_MARKER_BYTES = 4 << 10
_HEX_DIGITS = 8


class Marker(Struct, frozen=True):
    """A session that writes: of which lineage, since when, and from which entry on.

    `newest`: the last entry that is known to be durable, one before `first` if there is none.
    `began` is UTC; None: not known any more.
    """

    lineage: str
    began: datetime | None
    first: int
    newest: int


class _Head(Struct, frozen=True, forbid_unknown_fields=True):
    v: Count
    lineage: str
    began: Instant | None
    first: Count


class MarkerFile:
    """The marker of a session on local files, in an earlier one's place."""

    def __init__(self, path: Path, marker: Marker) -> None:
        """Put the marker in place, for good. Raises ReconcileError."""
        with told_plainly(path, "created"):
            temporary = temporary_beside(path)
            self._descriptor = create(temporary)
            try:
                write_all(self._descriptor, encode_marker(marker))
                flush(self._descriptor)
                temporary.replace(path)
                flush_directory(path.parent)
            except BaseException:
                self.close()
                temporary.unlink(missing_ok=True)
                raise

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
    head = _Head(MARKER_VERSION, marker.lineage, marker.began, marker.first)
    return _counted(marker.newest) + _guarded(encode(head))


def decode_marker(data: bytes | None) -> Marker | None:
    """Decode a marker; None for what is none: it only ever warns, and so must be right."""
    counted, _, rest = (data or b"").partition(b"\n")
    head = _unguarded(rest.removesuffix(b"\n"))
    if head is None:
        return None
    try:
        known = decode(head, _Head)
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
