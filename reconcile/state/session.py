"""A session: one run's right to write a state, from taking the lock to letting it go."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from reconcile.errors import Diagnostic, ReconcileError
from reconcile.model.address import Address
from reconcile.model.desired import DEFAULT_LOCK_TTL_S
from reconcile.model.journal import Began, Entry, Intent, Numbered, ScheduleEntry, ScheduleIntent
from reconcile.model.recorded import Record, Recorded
from reconcile.model.struct import replace
from reconcile.planning.replay import Fold
from reconcile.state.files import Location, ensure_directory, is_remote, locate, remove, sweep
from reconcile.state.journal import (
    JournalFile,
    decode_line,
    drop_reserve,
    encode_line,
    keep_history,
    make_reserve,
)
from reconcile.state.load import Loaded, load_from
from reconcile.state.lock import (
    Lock,
    acquire,
    as_warnings,
    left_in_journal,
    lock_lost,
    not_recorded,
    previous_died,
)
from reconcile.state.marker import Marker, MarkerFile
from reconcile.state.origin import RunOrigin
from reconcile.state.snapshot import StateFile

# What every session does, wherever its state is kept: entries written down, then folded in.


class Session(ABC):
    """The state under the lock. What `append` returned from is never lost.

    `warnings` grows as the session goes on; nothing in it costs a record. For one thread.
    """

    def __init__(
        self, loaded: Loaded, warnings: Sequence[Diagnostic], began: Began | None = None
    ) -> None:
        """Go on from a state as loaded. `began` is written before the first entry, if one comes."""
        self.warnings = [*warnings, *loaded.warnings]
        self._items = Versioned(loaded.recorded.items)
        self._fold = Fold(loaded.recorded, self._items)
        self._recorded = replace(loaded.recorded, items=self._items.version())
        self._began = began
        self._closed = False

    @property
    def recorded(self) -> Recorded:
        """The state as it stands. What is appended later does not show in it."""
        return self._recorded

    @abstractmethod
    def still_mine(self) -> bool:
        """Tell whether the lock still keeps other runs out."""

    def append(self, *entries: Entry) -> Recorded:
        """Write entries down, all at once, and return the state they make.

        Once it returns they survive anything. Raises ReconcileError if they could not be
        written: for an intent nothing may be sent then, and for an outcome the error holds the
        lines themselves. An intent is also refused once the lock is lost.
        """
        if not entries:
            return self._recorded
        begins = any(isinstance(entry, Intent | ScheduleIntent) for entry in entries)
        self._ready(begins=begins)
        base, began = self._recorded, self._began
        if began is not None:
            entries = (began, *entries)
        lines = [
            encode_line(Numbered(sequence, entry), base.lineage, base.serial)
            for sequence, entry in enumerate(entries, start=base.sequence + 1)
        ]
        # What is folded is what will be read back, to the letter.
        numbered = [decode_line(line[:-1]).numbered for line in lines]
        self._write(lines, begins=begins)
        self._began = None
        for entry in numbered:
            self._fold.add(entry)
        self._recorded = self._fold.onto(base, self._items.version())
        self._folded_in()
        return self._recorded

    def close(self) -> None:
        """Fold the journal into the state and let the lock go.

        A state that cannot be saved now is a warning: the journal holds all of it. Raises
        ReconcileError if somebody else changed the state meanwhile.
        """
        if self._closed:
            return
        self._closed = True
        try:
            self._wind_up()
        finally:
            self._let_go()

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

    def _go_on_from(self, recorded: Recorded) -> None:
        """Count on from a state that has the same items."""
        self._recorded, self._fold.sequence = recorded, recorded.sequence

    @abstractmethod
    def _ready(self, *, begins: bool) -> None:
        """Make sure, before lines are written, that it would be noticed if they went missing."""

    @abstractmethod
    def _write(self, lines: Sequence[bytes], *, begins: bool) -> None:
        """Write lines down for good; `begins`: a call is begun on their strength."""

    @abstractmethod
    def _folded_in(self) -> None:
        """Take note that what was written is folded in, and compact the journal if it is long."""

    @abstractmethod
    def _wind_up(self) -> None:
        """Bring the state up to date, for the last time."""

    @abstractmethod
    def _let_go(self) -> None:
        """Let go of everything that is held."""


MAX_JOURNAL_LENGTH = 1 << 20
"""Bytes after which the journal is folded into the state in mid-session."""


def open_session(
    url: str,
    *,
    command: str,
    lock_timeout_s: float,
    now: datetime,
    lock_ttl_s: float = DEFAULT_LOCK_TTL_S,
    origin: RunOrigin | None = None,
) -> Session:
    """Take the lock, fold in what an earlier run left, and see that outcomes can be written.

    `command` says in the lock what this run is; `now` (UTC) is when it begins to wait.
    `lock_ttl_s` is for remote states: how long a lock outlives the death of this process.
    `origin`: who makes this run, and from what, for the entry that goes before its first. Raises
    ReconcileError: exit code 5 if the lock is held, otherwise for a state that cannot be used.
    """
    began = None if origin is None else origin.began(command, now)
    if is_remote(url):
        from reconcile.state.remote import lease, session  # noqa: PLC0415 - remote states only

        wanted = lease.Wanted(command, lock_ttl_s, lock_timeout_s)
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


# Versions of a mapping that goes on changing, each at the cost of what changed.

Undo = dict[Address, Record | None]
"""What to put back, None: what to take out, to be the version before."""


class Version(Mapping[Address, Record]):
    """The items as they stood at one moment, whatever is written later.

    The newest version shares the live items. An older one knows what to undo, and copies the
    items when it is first read: keeping versions costs nothing until somebody looks back.
    """

    __slots__ = ("_items", "_newer", "_undo")

    def __init__(self, items: dict[Address, Record]) -> None:
        self._items: dict[Address, Record] | None = items
        self._newer: Version | None = None
        self._undo: Undo = {}

    def __getitem__(self, address: Address) -> Record:
        return self._settled()[address]

    def __iter__(self) -> Iterator[Address]:
        # Over a copy: a loop over the newest version may well write as it goes.
        return iter(tuple(self._settled()))

    def __len__(self) -> int:
        return len(self._settled())

    def copy(self) -> dict[Address, Record]:
        """Return the items as a dictionary of one's own."""
        return dict(self._settled())

    def give_way(self, newer: "Version", undo: Undo) -> None:
        """Stop sharing the live items. `undo` is filled in as they change."""
        self._items, self._newer, self._undo = None, newer, undo

    def _settled(self) -> dict[Address, Record]:
        if self._items is not None:
            return self._items
        steps: list[Undo] = []
        version = self
        while version._items is None and version._newer is not None:
            steps.append(version._undo)
            version = version._newer
        items = version.copy()
        for undo in reversed(steps):
            for address, record in undo.items():
                if record is None:
                    items.pop(address, None)
                else:
                    items[address] = record
        self._items, self._newer, self._undo = items, None, {}
        return items


class Versioned(MutableMapping[Address, Record]):
    """Items that can be written, and handed out as they stand at the price of nothing."""

    def __init__(self, items: Mapping[Address, Record]) -> None:
        self._items = dict(items)
        self._newest = Version(self._items)
        self._undo: Undo | None = None

    def version(self) -> Version:
        """Return the items as they stand; what is written later does not show in it."""
        self._undo = None
        return self._newest

    def __getitem__(self, address: Address) -> Record:
        return self._items[address]

    def __iter__(self) -> Iterator[Address]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __setitem__(self, address: Address, record: Record) -> None:
        self._remember(address)
        self._items[address] = record

    def __delitem__(self, address: Address) -> None:
        self._remember(address)
        del self._items[address]

    def _remember(self, address: Address) -> None:
        if self._undo is None:
            older, self._newest, self._undo = self._newest, Version(self._items), {}
            older.give_way(self._newest, self._undo)
        self._undo.setdefault(address, self._items.get(address))
