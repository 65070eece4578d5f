"""A session: one run's right to write a state, from taking the lock to letting it go."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from reconcile.model.desired import DEFAULT_LOCK_TTL_S
from reconcile.model.diagnostic import ReconcileError
from reconcile.model.journal import Began, Entry, ScheduleEntry
from reconcile.model.recorded import Recorded
from reconcile.state.appending import Session
from reconcile.state.files import ensure_directory, remove, sweep
from reconcile.state.history import keep_history
from reconcile.state.journal_file import JournalFile, drop_reserve, make_reserve
from reconcile.state.loading import Loaded, load_from
from reconcile.state.location import Location, is_remote, locate
from reconcile.state.lock import Lock, acquire
from reconcile.state.marker import Marker, MarkerFile
from reconcile.state.origin import Origin
from reconcile.state.session_refusals import (
    as_warnings,
    left_in_journal,
    lock_lost,
    not_recorded,
    previous_died,
)
from reconcile.state.state_file import StateFile

__all__ = ["MAX_JOURNAL_LENGTH", "LocalSession", "Session", "open_session"]

MAX_JOURNAL_LENGTH = 1 << 20
"""Bytes after which the journal is folded into the state in mid-session."""


def open_session(
    url: str,
    *,
    command: str,
    lock_timeout_s: float,
    now: datetime,
    lock_ttl_s: float = DEFAULT_LOCK_TTL_S,
    origin: Origin | None = None,
) -> Session:
    """Take the lock, fold in what an earlier run left, and see that outcomes can be written.

    `command` says in the lock what this run is; `now` (UTC) is when it begins to wait.
    `lock_ttl_s` is for remote states: how long a lock outlives the death of this process.
    `origin`: who makes this run, and from what, for the entry that goes before its first. Raises
    ReconcileError: exit code 5 if the lock is held, otherwise for a state that cannot be used.
    """
    began = None if origin is None else origin.began(command, now)
    if is_remote(url):
        from reconcile.state.remote import session, taking  # noqa: PLC0415 - remote states only

        wanted = taking.Wanted(command, lock_ttl_s, lock_timeout_s)
        return session.open_remote_session(url, wanted, now=now, began=began)
    location = locate(url)
    ensure_directory(location.state.parent)
    lock = acquire(location.lock, command=command, now=now, timeout_s=lock_timeout_s)
    try:
        for path in (location.state, location.journal, location.history, location.session):
            sweep(path)
        loaded = load_from(location)
        make_reserve(location.reserve)
        return LocalSession(location, lock, loaded, now=now, began=began)
    except BaseException:
        drop_reserve(location.reserve)
        lock.release()
        raise


class LocalSession(Session):
    """A state in local files, under its lock."""

    def __init__(
        self,
        location: Location,
        lock: Lock,
        loaded: Loaded,
        *,
        now: datetime,
        began: Began | None = None,
    ) -> None:
        """Fold in what an earlier session left. `now` (UTC) is when this one begins."""
        super().__init__(loaded, previous_died(lock.path, lock.previous), began)
        self._now, self._loaded = now, loaded
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

    def still_mine(self) -> bool:
        """Tell whether the lock still keeps other runs out."""
        return self._lock.still_mine()

    def append(self, *entries: Entry) -> Recorded:
        """Write entries down as any session does; what changes a schedule ends the last look.

        A look from before would show what is made now as removed, and what is removed as there.
        """
        if any(isinstance(entry, ScheduleEntry) for entry in entries):
            remove(self._location.observed)
        return super().append(*entries)

    def _ready(self, *, begins: bool) -> None:
        if self._marker is not None:
            return
        try:
            if not self.still_mine():
                raise lock_lost(self._lock.path)
            if not self._journal.length:
                self._take_over()
            first = self._recorded.sequence + 1
            marker = Marker(self._recorded.lineage, self._now, first, first - 1)
            self._marker = MarkerFile(self._location.session, marker)
        except ReconcileError as error:
            # An outcome is written down all the same, and the next entry tries again.
            if begins:
                raise not_recorded(self._location.journal, (), error, begins=True) from error

    def _take_over(self) -> None:
        """Save the state before the first line where lines alone would not be understood.

        An earlier version refuses a state of this format, where it might mend a journal whose lines
        it does not know. And what went missing keeps its numbers: none may mean two things.
        """
        needed = self._loaded.outdated or self._loaded.missing is not None
        if needed and self._state.is_untouched():
            reached = replace(self._recorded, sequence=self._loaded.reached)
            self._go_on_from(self._state.save(reached))

    def _write(self, lines: Sequence[bytes], *, begins: bool) -> None:
        try:
            if begins and not self.still_mine():
                raise lock_lost(self._lock.path)
            if self._folded != self._journal.length:
                # Interrupted between the two: the next number is taken, and we do not have it.
                self._journal.give_up()
            self._journal.append(b"".join(lines), may_use_reserve=not begins)
            if self._marker is not None:
                self._marker.advance(self._recorded.sequence + len(lines))
        except (OSError, ReconcileError) as error:
            raise not_recorded(self._location.journal, lines, error, begins=begins) from error

    def _folded_in(self) -> None:
        self._folded = self._journal.length
        if self._folded > self._compact_at and self._state.is_untouched():
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
            self.warnings.append(left_in_journal(self._location.journal))
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
            self.warnings.extend(as_warnings(error))
            if not self._state.is_untouched():
                # Replaced, but perhaps not for good: a line could continue the wrong one.
                self._journal.give_up()

    def _drop_journal(self) -> None:
        """Remove the journal, all of which is in the state, and then what marks it."""
        remove(self._location.journal)
        if self._marker is not None or self._loaded.missing is None:
            remove(self._location.session)

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
