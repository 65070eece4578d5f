"""A state in local files: read without a lock, written under one."""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from time import sleep
from uuid import uuid4

from msgspec import Struct

from reconcile.errors import Diagnostic, ReconcileError
from reconcile.model.journal import Entry, Numbered, ScheduleEntry
from reconcile.model.recorded import Recorded
from reconcile.model.struct import replace
from reconcile.state import errors, files
from reconcile.state.codec import MAX_STATE_BYTES, encode_state, is_outdated
from reconcile.state.inbox import FileInbox, take_in, with_waiting
from reconcile.state.journal import (
    MAX_JOURNAL_BYTES,
    MAX_MARKER_BYTES,
    Journal,
    JournalFile,
    Loaded,
    Marker,
    MarkerFile,
    brought_on,
    decode_at,
    decode_marker,
    drop_reserve,
    journal_missing,
    make_reserve,
    missing_from,
    read_lines,
    require_known,
    with_history,
)
from reconcile.state.lock import Holder, Lock, Wanted, acquire, acquire_stale, previous_died
from reconcile.state.session import Session

# Reading it, and never a torn one.

_ATTEMPTS = 200
_PATIENCE = 5
_PAUSE_S = 0.002
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class _Contents(Struct, frozen=True):
    """State and journal as they were at one moment, and a session marker from just before.

    `left`: what shows that there was a state where there is none.
    """

    state: bytes | None
    journal: bytes | None
    marker: bytes | None
    left: Path | None = None
    mode: int = 0


def load_from(location: files.Location) -> Loaded:
    """Read the state at a location: see `load`."""
    for attempt in range(_PATIENCE + 1):
        contents = _read(location)
        journal = read_lines(contents.journal or b"")
        if not journal.torn or attempt == _PATIENCE:
            break
        # Most likely a writer is in the middle of a line.
        sleep(_PAUSE_S)
    require_known(location.journal, journal)
    marker = decode_marker(contents.marker)
    saved = _decode(location, contents, journal, marker)
    recorded = brought_on(saved, location.journal, journal)
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


def _decode(
    location: files.Location, contents: _Contents, journal: Journal, marker: Marker | None
) -> Recorded:
    if contents.state is not None:
        return decode_at(location.state, contents.state)
    first = journal.lines[0] if journal.lines else None
    if first is not None and first.base > 0:
        raise errors.state_missing(location.state, location.journal)
    if contents.left is not None:
        raise errors.state_missing(location.state, contents.left)
    if first is not None:
        return Recorded(lineage=first.lineage)
    if marker is not None:
        return Recorded(lineage=marker.lineage)
    return Recorded(lineage=str(uuid4()))


def _read(location: files.Location) -> _Contents:
    """Read both files as of one moment.

    The journal is only ever emptied after the state was replaced. So if the state is still the
    same file once the journal is read, the two belong together.
    """
    for _ in range(_ATTEMPTS):
        contents = _try_to_read(location)
        if contents is not None:
            return contents
        sleep(_PAUSE_S)
    raise errors.refusal(
        "state-busy",
        f"{location.state} was replaced each time it was read, {_ATTEMPTS} times in a row.",
        path=location.state,
    )


def _try_to_read(location: files.Location) -> _Contents | None:
    # First, since it moves on: what it says is durable is in what is read after it.
    marker = files.read_file(location.session, MAX_MARKER_BYTES)
    with files.told_plainly(location.state, "read"):
        try:
            # Held open so that its inode cannot be given to the file that replaces it.
            descriptor = files.open_regular(location.state, os.O_RDONLY)
        except FileNotFoundError:
            journal = files.read_file(location.journal, MAX_JOURNAL_BYTES)
            # Lines become history once a state holds them; a first one has no previous version.
            beside = (location.previous, location.history)
            left = next(filter(os.path.lexists, beside), None)
            if os.path.lexists(location.state):
                return None
            return _Contents(None, journal, marker, left)
        try:
            state = files.read_open(descriptor, location.state, MAX_STATE_BYTES)
            journal = files.read_file(location.journal, MAX_JOURNAL_BYTES)
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


def _warnings(
    location: files.Location, contents: _Contents, journal: Journal
) -> tuple[Diagnostic, ...]:
    found = []
    if journal.torn:
        found.append(
            errors.warning(
                "journal-torn",
                f"The last {journal.torn} bytes of {location.journal} are half of a line that a "
                "crash cut off. Nothing was done on its strength, so it is dropped.",
                path=location.journal,
            )
        )
    if contents.mode & _WRITABLE_BY_OTHERS:
        found.append(
            errors.warning(
                "state-writable-by-others",
                f"{location.state} is writable by its group or by everybody, who could change "
                "what counts as done.",
                path=location.state,
                hint="Keep it to yourself: chmod 600 on the file. The next save does so.",
            )
        )
    return tuple(found)


# A session on it.

MAX_JOURNAL_LENGTH = 1 << 20
"""Bytes after which the journal is folded into the state in mid-session."""


_REST_S = 0.01


class LocalSession(Session):
    """A state in local files, under its lock."""

    def __init__(
        self, location: files.Location, lock: Lock, loaded: Loaded, wanted: Wanted, *, now: datetime
    ) -> None:
        """Fold in what an earlier session left. `now` (UTC) is when this one begins."""
        super().__init__(loaded, previous_died(lock.path, lock.previous), wanted.began)
        self._now, self._loaded, self._journal_name = now, loaded, location.journal
        self._marker: MarkerFile | None = None
        self._location = location
        self._lock = lock
        self._state = StateFile(location, loaded.saved.sequence)
        if self._recorded.sequence > self._state.saved:
            self._recorded = self._state.save(self._recorded)
        self._keep_history()
        self._journal = JournalFile(location.journal, location.reserve)
        self._folded = 0
        self._compact_at = MAX_JOURNAL_LENGTH

    @property
    def rest_s(self) -> float:
        """From one write to the next: calls that come thick and fast share a wait for the disk."""
        return _REST_S

    def still_mine(self) -> bool:
        """Tell whether the lock still keeps other runs out."""
        return self._lock.still_mine()

    def write(self, entries: Sequence[Entry]) -> Sequence[Numbered]:
        """Write entries down as any session does; what changes a schedule ends the last look.

        A look from before would show what is made now as removed, and what is removed as there.
        """
        if any(isinstance(entry, ScheduleEntry) for entry in entries):
            files.remove(self._location.observed)
        return super().write(entries)

    def _ready(self, *, begins: bool) -> None:
        if self._marker is not None:
            return
        try:
            if not self.still_mine():
                raise errors.lock_lost(self._lock.path)
            if not self._journal.length:
                self._take_over()
            first = self._recorded.sequence + 1
            marker = Marker(self._recorded.lineage, self._now, first, first - 1)
            self._marker = MarkerFile(self._location.session, marker)
        except ReconcileError as error:
            # An outcome is written down all the same, and the next entry tries again.
            if begins:
                raise errors.intent_not_recorded(self._location.journal, error) from error

    def _take_over(self) -> None:
        """Save the state before the first line where lines alone would not be understood.

        An earlier version refuses a state of this format, where it might mend a journal whose lines
        it does not know. And what went missing keeps its numbers: none may mean two things.
        """
        needed = self._loaded.outdated or self._loaded.missing is not None
        if needed and self._state.is_untouched():
            reached = replace(self._recorded, sequence=self._loaded.reached)
            self._go_on_from(self._state.save(reached))

    def _write(self, lines: Sequence[bytes], *, begins: bool, ends: bool) -> None:
        del ends
        if begins and not self.still_mine():
            raise errors.lock_lost(self._lock.path)
        if self._folded != self._journal.length:
            # Interrupted between the two: the next number is taken, and we do not have it.
            self._journal.sound = False
        self._journal.append(b"".join(lines), may_use_reserve=not begins)
        if self._marker is not None:
            self._marker.advance(self._recorded.sequence + len(lines))

    def confirm(self, entries: Sequence[Entry]) -> None:
        """Have nothing to ask again: a lock of the kernel is not lost by being slow."""

    def attended(self, *, at_work: bool) -> None:
        """Have nothing to renew."""

    def _take_note(self) -> None:
        self._folded = self._journal.length

    def is_long(self) -> bool:
        """Tell whether the journal has grown so long that it is worth compacting."""
        return self._folded > self._compact_at

    def tidy(self) -> None:
        """Compact the journal, unless somebody else's work is in the state's place."""
        if self._state.is_untouched():
            self._compact_at += self._folded
            self._compact()

    def _let_go(self) -> None:
        self._journal.close()
        if self._marker is not None:
            self._marker.close()
        drop_reserve(self._location.reserve)
        self._lock.release()

    def _wind_up(self) -> None:
        whole = self._journal.sound and self._folded == self._journal.length
        if not whole or not self.still_mine():
            self.warnings.append(errors.left_in_journal(self._location.journal))
        elif self._recorded.sequence == self._state.saved:
            self._drop_journal()
        elif self._state.is_untouched():
            self._compact(last=True)
        else:
            # Somebody's work is in the state's place, or took it away: not ours to overwrite.
            raise self._state.rescue(self._recorded)

    def _compact(self, *, last: bool = False) -> None:
        """Fold the journal into the state file. A failure costs nothing and is a warning."""
        try:
            self._recorded = self._state.save(self._recorded)
            if self._keep_history() and last:
                self._drop_journal()
            elif not last:
                self._start_journal()
        except ReconcileError as error:
            self.warnings.extend(errors.as_warnings(error))
            if not self._state.is_untouched():
                # Replaced, but perhaps not for good: a line could continue the wrong one.
                self._journal.sound = False

    def _drop_journal(self) -> None:
        """Remove the journal, all of which is in the state, and then what marks it."""
        files.remove(self._location.journal)
        if self._marker is not None or self._loaded.missing is None:
            files.remove(self._location.session)

    def _keep_history(self) -> bool:
        try:
            keep_history(self._location)
        except ReconcileError as error:
            self.warnings.extend(errors.as_warnings(error))
            return False
        return True

    def _start_journal(self) -> None:
        fresh = JournalFile(self._location.journal, self._location.reserve)
        self._journal.close()
        self._journal, self._folded = fresh, 0
        self._compact_at = MAX_JOURNAL_LENGTH


# The state file as one session knows it.


class StateFile:
    """The state file, and whether it still is what this session read or wrote.

    `saved` is the sequence it reaches to.
    """

    def __init__(self, location: files.Location, saved: int) -> None:
        self.saved = saved
        self._location = location
        self._identity = files.identity(location.state)

    def save(self, recorded: Recorded) -> Recorded:
        """Save a state, its serial one higher, and return it so. Raises ReconcileError."""
        grown = replace(recorded, serial=recorded.serial + 1)
        location = self._location
        files.replace_file(location.state, encode_state(grown), previous=location.previous)
        self._identity = files.identity(location.state)
        self.saved = grown.sequence
        return grown

    def is_untouched(self) -> bool:
        """Tell whether nobody else has replaced, changed or removed the file."""
        try:
            return files.identity(self._location.state) == self._identity
        except ReconcileError:
            return False

    def rescue(self, recorded: Recorded) -> ReconcileError:
        """Save a state beside a file that is somebody else's by now, and return what to say."""
        rescued = free_name(self._location.state, "rescued")
        files.replace_file(rescued, encode_state(replace(recorded, serial=recorded.serial + 1)))
        return errors.state_replaced(self._location.state, rescued)


# Setting files aside under a name of their own: nothing anybody may want is thrown away.

_MOST = 1_000


def free_name(path: Path, label: str) -> Path:
    """Return a name beside a file that nothing has yet. Raises ReconcileError if there is none."""
    for number in range(1, _MOST):
        free = path.with_name(f"{path.name}.{label}-{number}")
        if not os.path.lexists(free):
            return free
    raise errors.refusal(
        "state-file-error", f"{path} cannot be set aside: {_MOST} files were before it.", path=path
    )


def copy_aside(path: Path) -> tuple[Path, ...]:
    """Copy a file aside, if it is there: its place must not be empty for even a moment."""
    data = files.read_file(path, MAX_STATE_BYTES)
    if data is None:
        return ()
    aside = free_name(path, "damaged")
    files.replace_file(aside, data)
    return (aside,)


def move_aside(path: Path) -> tuple[Path, ...]:
    """Move a file aside, if it is there."""
    if not os.path.lexists(path):
        return ()
    aside = free_name(path, "damaged")
    with files.told_plainly(path, "set aside"):
        path.rename(aside)
    return (aside,)


def keep_history(location: files.Location) -> None:
    """Add the journal's lines, which the state holds by now, to the history.

    A crash half way does it again next time: a line is known by its bytes, and kept once.
    """
    journal = files.read_file(location.journal, MAX_JOURNAL_BYTES)
    if journal:
        _lengthen(location.history, journal)


def _lengthen(history: Path, lines: bytes) -> None:
    longer = with_history(files.read_file(history, MAX_JOURNAL_BYTES) or b"", lines)
    if longer is not None:
        files.replace_file(history, longer)


# The place as commands see it: see `backend` for what each of these does.


class FilePieces:
    """The files of a state, one by one."""

    def __init__(self, location: files.Location) -> None:
        self.names = location.state, location.previous, location.history
        self._location = location

    def load(self) -> Loaded:
        """Decode the state, its journal folded in."""
        return load_from(self._location)

    def state(self) -> bytes | None:
        """Return the state as it was last saved."""
        return files.read_file(self._location.state, MAX_STATE_BYTES)

    def previous(self) -> bytes | None:
        """Return the state as it was saved before."""
        return files.read_file(self._location.previous, MAX_STATE_BYTES)

    def journal(self) -> bytes:
        """Return the lines that are not in the state yet."""
        return files.read_file(self._location.journal, MAX_JOURNAL_BYTES) or b""

    def history(self) -> bytes:
        """Return the lines that were folded into the state."""
        return files.read_file(self._location.history, MAX_JOURNAL_BYTES) or b""

    def marker(self) -> Marker | None:
        """Return the marker of a session that did not end."""
        return decode_marker(files.read_file(self._location.session, MAX_MARKER_BYTES))

    def put(self, recorded: Recorded, *, whole: bool) -> tuple[errors.Named, ...]:
        """Put a state in place, under its lock; returns what was set aside."""
        location = self._location
        # What is damaged must not become the version one goes back to.
        set_aside: tuple[errors.Named, ...] = () if whole else copy_aside(location.state)
        previous = location.previous if whole else None
        files.replace_file(location.state, encode_state(recorded), previous=previous)
        keep_history(location)  # Not before: a history without a state tells of a lost one.
        if whole:
            files.remove(location.journal)
        else:
            set_aside += move_aside(location.journal)
        # A person said what is true; nothing of an earlier session is missing from that.
        files.remove(location.session)
        return set_aside

    def remember(self, lines: bytes) -> None:
        """Add lines to the history, under the lock."""
        _lengthen(self._location.history, lines)


class LocalBackend:
    """A state in local files."""

    def __init__(self, location: files.Location) -> None:
        self.name = self.file = location.state
        self.observed = location.observed
        self.inbox = FileInbox(location)
        self._location = location

    def load(self) -> Loaded:
        """Read the state, what its journal and its inbox hold included."""
        # First: what a session takes out of the inbox meanwhile is in what is read after it.
        waiting = self.inbox.look()
        return with_waiting(load_from(self._location), waiting)

    def open(self, wanted: Wanted, *, now: datetime) -> LocalSession:
        """Take the lock, fold in what an earlier run left, and write down what waits."""
        location = self._location
        files.ensure_directory(location.state.parent)
        lock = acquire(location.lock, command=wanted.command, now=now, timeout_s=wanted.timeout_s)
        try:
            for path in (location.state, location.journal, location.history, location.session):
                files.sweep(path)
            loaded = load_from(location)
            make_reserve(location.reserve)
            session = LocalSession(location, lock, loaded, wanted, now=now)
        except BaseException:
            drop_reserve(location.reserve)
            lock.release()
            raise
        take_in(session, self.inbox, self.inbox.look(), now)
        return session

    @contextmanager
    def look(self) -> Iterator[FilePieces]:
        """Look at the files of the state without its lock."""
        yield FilePieces(self._location)

    @contextmanager
    def hold(self, wanted: Wanted, *, now: datetime) -> Iterator[FilePieces]:
        """Hold the lock for a moment."""
        path = self._location.lock
        files.ensure_directory(self._location.state.parent)
        lock = acquire(path, command=wanted.command, now=now, timeout_s=wanted.timeout_s)
        try:
            yield FilePieces(self._location)
        finally:
            lock.release()

    def unlock(self, lock_id: str, *, now: datetime) -> Holder | None:
        """Clear the name of a dead holder, and return it; None if there is no name to clear."""
        path = self._location.lock
        lock = acquire_stale(path, now=now)
        if lock is None or lock.previous is None:
            if lock is not None:
                lock.release()
            return None
        holder = lock.previous
        if holder.id != lock_id:
            lock.let_go()
            raise errors.refusal(
                "lock-id-differs",
                f"The lock that a dead run left in {path} is {holder.id}, not {lock_id}.",
                path=path,
                hint=f"Clear it: reconcile state unlock {holder.id}",
            )
        lock.release()
        return holder

    def prove(self) -> bool:
        """Prove nothing: every session tries its lock out."""
        return False
