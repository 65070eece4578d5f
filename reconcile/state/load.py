"""Reading a state without a lock, and never a torn one."""

import os
import stat
from time import sleep

from msgspec import Struct

from reconcile.errors import Diagnostic
from reconcile.model.recorded import Recorded
from reconcile.planning.replay import replay
from reconcile.state.codec import MalformedError
from reconcile.state.errors import (
    LATER,
    Named,
    journal_damaged,
    journal_foreign,
    refusal,
    state_damaged,
    state_missing,
    state_newer,
    told_plainly,
    warning,
)
from reconcile.state.files import Location, is_remote, locate, open_regular, read_file, read_open
from reconcile.state.journal import MAX_JOURNAL_BYTES, Journal, entries_beyond, read_lines
from reconcile.state.marker import (
    MAX_MARKER_BYTES,
    Marker,
    decode_marker,
    journal_missing,
    missing_from,
)
from reconcile.state.snapshot import MAX_STATE_BYTES, NewerFormatError, decode_state, is_outdated

_ATTEMPTS = 200
_PATIENCE = 5
_PAUSE_S = 0.002
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


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


class _Contents(Struct, frozen=True):
    """State and journal as they were at one moment, and a session marker from just before.

    `previous`: an older version is there.
    """

    state: bytes | None
    journal: bytes | None
    marker: bytes | None
    previous: bool = False
    mode: int = 0


def load(url: str) -> Loaded:
    """Read a state and fold its journal in. Takes no lock, writes nothing.

    No file is an empty state of a fresh lineage. Raises ReconcileError for a file that is
    damaged, foreign, of a newer format, or not to be read; never takes one for "no state".
    """
    if is_remote(url):
        from reconcile.state.remote.session import load_remote  # noqa: PLC0415 - remote states only

        return load_remote(url)
    return load_from(locate(url))


def load_from(location: Location) -> Loaded:
    """Read the state at a location: see `load`."""
    contents = _read(location)
    journal = read_lines(contents.journal or b"")
    for _ in range(_PATIENCE):
        if not journal.torn:
            break
        # Most likely a writer is in the middle of a line.
        sleep(_PAUSE_S)
        contents = _read(location)
        journal = read_lines(contents.journal or b"")
    if journal.newer:
        raise state_newer(location.journal, LATER)
    if journal.damage is not None:
        raise journal_damaged(location.journal, journal.damage)
    marker = decode_marker(contents.marker)
    saved = _decode(location, contents, journal, marker)
    try:
        entries = entries_beyond(saved, journal.lines)
    except MalformedError as error:
        raise journal_foreign(location.journal, str(error)) from None
    recorded = replay(saved, entries) if entries else saved
    warnings = _warnings(location, contents, journal)
    missing = missing_from(recorded, marker)
    if missing is not None:
        warnings += (journal_missing(location.journal, recorded, missing),)
    return Loaded(
        recorded,
        warnings,
        contents.state is not None or bool(journal.lines),
        saved,
        journal,
        missing,
        contents.state is not None and is_outdated(contents.state),
    )


def decode_at(path: Named, data: bytes) -> Recorded:
    """Decode a state file's bytes. Raises ReconcileError that names the file."""
    try:
        return decode_state(data)
    except MalformedError as error:
        raise state_damaged(path, str(error)) from None
    except NewerFormatError as error:
        raise state_newer(path, str(error)) from None


def _decode(
    location: Location, contents: _Contents, journal: Journal, marker: Marker | None
) -> Recorded:
    if contents.state is not None:
        return decode_at(location.state, contents.state)
    first = journal.lines[0] if journal.lines else None
    if first is not None and first.base > 0:
        raise state_missing(location.state, location.journal)
    if contents.previous:
        raise state_missing(location.state, location.previous)
    if first is not None:
        return Recorded(lineage=first.lineage)
    if marker is not None:
        return Recorded(lineage=marker.lineage)
    from uuid import uuid4  # noqa: PLC0415 - 2 ms, and a state begins once

    return Recorded(lineage=str(uuid4()))


def _read(location: Location) -> _Contents:
    """Read both files as of one moment.

    The journal is only ever emptied after the state was replaced. So if the state is still the
    same file once the journal is read, the two belong together.
    """
    for _ in range(_ATTEMPTS):
        contents = _try_to_read(location)
        if contents is not None:
            return contents
        sleep(_PAUSE_S)
    raise refusal(
        "state-busy",
        f"{location.state} was replaced each time it was read, {_ATTEMPTS} times in a row.",
        path=location.state,
    )


def _try_to_read(location: Location) -> _Contents | None:
    # First, since it moves on: what it says is durable is in what is read after it.
    marker = read_file(location.session, MAX_MARKER_BYTES)
    with told_plainly(location.state, "read"):
        try:
            # Held open so that its inode cannot be given to the file that replaces it.
            descriptor = open_regular(location.state, os.O_RDONLY)
        except FileNotFoundError:
            journal = read_file(location.journal, MAX_JOURNAL_BYTES)
            previous = os.path.lexists(location.previous)
            if os.path.lexists(location.state):
                return None
            return _Contents(None, journal, marker, previous)
        try:
            state = read_open(descriptor, location.state, MAX_STATE_BYTES)
            journal = read_file(location.journal, MAX_JOURNAL_BYTES)
            held = os.fstat(descriptor)
            try:
                now = location.state.lstat()
            except FileNotFoundError:
                return None
        finally:
            os.close(descriptor)
    if (held.st_dev, held.st_ino) != (now.st_dev, now.st_ino):
        return None
    return _Contents(state, journal, marker, mode=held.st_mode)


def _warnings(location: Location, contents: _Contents, journal: Journal) -> tuple[Diagnostic, ...]:
    found = []
    if journal.torn:
        found.append(
            warning(
                "journal-torn",
                f"The last {journal.torn} bytes of {location.journal} are half of a line that a "
                "crash cut off. Nothing was done on its strength, so it is dropped.",
                path=location.journal,
            )
        )
    if contents.mode & _WRITABLE_BY_OTHERS:
        found.append(
            warning(
                "state-writable-by-others",
                f"{location.state} is writable by its group or by everybody, who could change "
                "what counts as done.",
                path=location.state,
                hint="Keep it to yourself: chmod 600 on the file. The next save does so.",
            )
        )
    return tuple(found)
