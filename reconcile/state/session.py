"""A session: one run's right to write a state, from taking the lock to letting it go."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Self

from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.model.journal import Entry, Intent, Numbered
from reconcile.model.recorded import Recorded
from reconcile.planning.replay import Fold
from reconcile.state.files import ensure_directory, remove, sweep
from reconcile.state.history import keep_history
from reconcile.state.journal import decode_line, encode_line
from reconcile.state.journal_file import JournalFile, drop_reserve, make_reserve
from reconcile.state.loading import Loaded, load_from
from reconcile.state.location import Location, locate
from reconcile.state.lock import Lock, acquire
from reconcile.state.session_refusals import (
    as_warnings,
    left_in_journal,
    lock_lost,
    not_recorded,
    previous_died,
)
from reconcile.state.state_file import StateFile
from reconcile.state.versions import Versioned

MAX_JOURNAL_LENGTH = 1 << 20
"""Bytes after which the journal is folded into the state in mid-session."""


def open_session(url: str, *, command: str, lock_timeout_s: float, now: datetime) -> "Session":
    """Take the lock, fold in what an earlier run left, and see that outcomes can be written.

    `command` says in the lock what this run is; `now` (UTC) is when it begins to wait. Raises
    ReconcileError: exit code 5 if the lock is held, otherwise for a state that cannot be used.
    """
    location = locate(url)
    ensure_directory(location.state.parent)
    lock = acquire(location.lock, command=command, now=now, timeout_s=lock_timeout_s)
    try:
        for path in (location.state, location.journal, location.history):
            sweep(path)
        loaded = load_from(location)
        make_reserve(location.reserve)
        return Session(location, lock, loaded)
    except BaseException:
        drop_reserve(location.reserve)
        lock.release()
        raise


class Session:
    """The state under the lock. What `append` returned from is never lost.

    `warnings` grows as the session goes on; nothing in it costs a record. For one thread.
    """

    def __init__(self, location: Location, lock: Lock, loaded: Loaded) -> None:
        self.warnings: list[Diagnostic] = [*previous_died(lock), *loaded.warnings]
        self._location = location
        self._lock = lock
        self._items = Versioned(loaded.recorded.items)
        self._fold = Fold(loaded.recorded, self._items)
        self._recorded = replace(loaded.recorded, items=self._items.version())
        self._state = StateFile(location, loaded.saved.sequence)
        self._closed = False
        if self._recorded.sequence > self._state.saved:
            self._recorded = self._state.save(self._recorded)
        self._keep_history()
        self._journal = JournalFile(location.journal, location.reserve)
        self._folded = 0
        self._compact_at = MAX_JOURNAL_LENGTH

    @property
    def recorded(self) -> Recorded:
        """The state as it stands. What is appended later does not show in it."""
        return self._recorded

    def still_mine(self) -> bool:
        """Tell whether the lock still keeps other runs out."""
        return self._lock.still_mine()

    def append(self, *entries: Entry) -> Recorded:
        """Write entries down, in one fsync, and return the state they make.

        Once it returns they survive anything. Raises ReconcileError if they could not be
        written: for an intent nothing may be sent then, and for an outcome the error holds the
        lines themselves. An intent is also refused once the lock is lost.
        """
        base = self._recorded
        lines = [
            encode_line(Numbered(sequence, entry), base.lineage, base.serial)
            for sequence, entry in enumerate(entries, start=base.sequence + 1)
        ]
        # What is folded is what will be read back, to the letter.
        numbered = [decode_line(line[:-1]).numbered for line in lines]
        self._write(lines, begins=any(isinstance(entry, Intent) for entry in entries))
        for entry in numbered:
            self._fold.add(entry)
        items = self._items.version()
        self._recorded = replace(
            base, sequence=self._fold.sequence, host=self._fold.host, items=items
        )
        self._folded = self._journal.length
        if self._folded > self._compact_at and self._state.is_untouched():
            self._compact_at += self._folded
            self._compact()
        return self._recorded

    def close(self) -> None:
        """Fold the journal into the state file and let the lock go.

        A state that cannot be saved now is a warning: the journal holds all of it. Raises
        ReconcileError if somebody else changed the state file meanwhile.
        """
        if self._closed:
            return
        self._closed = True
        try:
            self._wind_up()
        finally:
            self._journal.close()
            drop_reserve(self._location.reserve)
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except ReconcileError as late:
            if error is None:
                raise
            self.warnings.extend(late.diagnostics)

    def _write(self, lines: Sequence[bytes], *, begins: bool) -> None:
        try:
            if begins and not self.still_mine():
                raise lock_lost(self._lock.path)
            if self._folded != self._journal.length:
                # Interrupted between the two: the next number is taken, and we do not have it.
                self._journal.give_up()
            self._journal.append(b"".join(lines), may_use_reserve=not begins)
        except (OSError, ReconcileError) as error:
            raise not_recorded(self._location.journal, lines, error, begins=begins) from error

    def _wind_up(self) -> None:
        whole = self._journal.sound and self._folded == self._journal.length
        if not whole or not self.still_mine():
            self.warnings.append(left_in_journal(self._location.journal))
        elif self._recorded.sequence == self._state.saved:
            remove(self._location.journal)
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
                remove(self._location.journal)
            elif not last:
                self._start_journal()
        except ReconcileError as error:
            self.warnings.extend(as_warnings(error))
            if not self._state.is_untouched():
                # Replaced, but perhaps not for good: a line could continue the wrong one.
                self._journal.give_up()

    def _keep_history(self) -> bool:
        try:
            keep_history(self._location)
        except ReconcileError as error:
            self.warnings.extend(as_warnings(error))
            return False
        return True

    def _start_journal(self) -> None:
        fresh = JournalFile(self._location.journal, self._location.reserve)
        self._journal.close()
        self._journal, self._folded = fresh, 0
        self._compact_at = MAX_JOURNAL_LENGTH
