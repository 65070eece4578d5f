"""A session: one run's right to write a state, from taking the lock to letting it go."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Self

from reconcile.errors import Diagnostic, ReconcileError
from reconcile.model.address import Address
from reconcile.model.journal import Began, Entry, Intent, Numbered, ScheduleIntent
from reconcile.model.recorded import Record, Recorded
from reconcile.model.struct import replace
from reconcile.planning.replay import Fold
from reconcile.state import errors
from reconcile.state.errors import Named
from reconcile.state.journal import Loaded, decode_line, encode_line

# What every session does, wherever its state is kept: entries written down, then folded in.


class Session(ABC):
    """The state under the lock. What `append` returned from is never lost.

    `warnings` grows as the session goes on; nothing in it costs a record. For one thread.
    """

    _journal_name: Named

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

    @property
    def rest_s(self) -> float:
        """From one write to the next, that what waits goes together where each costs much."""
        return 0.0

    @property
    def company_s(self) -> float:
        """How long the first that waits does so for others to go with it."""
        return 0.0

    @abstractmethod
    def still_mine(self) -> bool:
        """Tell whether the lock still keeps other runs out."""

    def append(self, *entries: Entry) -> Recorded:
        """Write entries down, all at once, and return the state they make.

        Once it returns they survive anything. Raises ReconcileError if they could not be
        written: for an intent nothing may be sent then, and for an outcome the error holds the
        lines themselves. An intent is also refused once the lock is lost.
        """
        if entries:
            self.fold(self.write(entries))
            self.confirm(entries)
            if self.is_long():
                self.tidy()
        return self._recorded

    def write(self, entries: Sequence[Entry]) -> Sequence[Numbered]:
        """Write entries down for good: the first half of `append`, which may wait for a disk."""
        if self._began is not None:
            entries = (self._began, *entries)
        begins = any(map(is_intent, entries))
        self._ready(begins=begins)
        base = self._recorded
        lines = [
            encode_line(Numbered(sequence, entry), base.lineage, base.serial)
            for sequence, entry in enumerate(entries, start=base.sequence + 1)
        ]
        # What is folded is what will be read back, to the letter.
        numbered = [decode_line(line[:-1]).numbered for line in lines]
        ends = not all(is_intent(entry) or isinstance(entry, Began) for entry in entries)
        try:
            self._write(lines, begins=begins, ends=ends)
        except (OSError, ReconcileError) as error:
            if begins:
                raise errors.intent_not_recorded(self._journal_name, error) from error
            raise self._lost(lines, numbered, error) from error
        self._began = None
        return numbered

    def _lost(
        self, lines: Sequence[bytes], numbered: Sequence[Numbered], error: OSError | ReconcileError
    ) -> ReconcileError:
        """Say what the next run makes of calls whose outcome could not be written down."""
        code = error.diagnostics[0].code if isinstance(error, ReconcileError) else None
        operations = {getattr(one.entry, "operation", None) for one in numbered}
        jobs = {
            address: record.pending.job_id
            for address, record in self._recorded.items.items()
            if record.pending is not None and record.pending.operation in operations
        }
        awaited = [it for it, job in jobs.items() if job and code not in errors.LINES_GONE]
        unknown = [address for address in jobs if address not in awaited]
        return errors.outcome_not_recorded(
            self._journal_name, lines, error, unknown=unknown, awaited=awaited
        )

    def fold(self, numbered: Sequence[Numbered]) -> None:
        """Fold in what was written down."""
        for entry in numbered:
            self._fold.add(entry)
        self._recorded = self._fold.onto(self._recorded, self._items.version())
        self._take_note()

    @abstractmethod
    def confirm(self, entries: Sequence[Entry]) -> None:
        """Raise ReconcileError if a call may not be begun on the strength of what was written."""

    @abstractmethod
    def is_long(self) -> bool:
        """Tell whether the journal has grown so long that it is worth compacting."""

    @abstractmethod
    def tidy(self) -> None:
        """Compact the journal, which may wait for a disk. Costs no record."""

    @abstractmethod
    def attended(self, *, at_work: bool) -> None:
        """Learn that the run gets on, or that no more word of that will come.

        A run that has said so and then falls silent hangs, and keeps nobody out for long.
        """

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
        """Prepare what must be there before lines are numbered. Raises ReconcileError."""

    @abstractmethod
    def _write(self, lines: Sequence[bytes], *, begins: bool, ends: bool) -> None:
        """Write lines down for good, and before the first of them that this session writes.

        It would be noticed then if they went missing. Raises OSError, ReconcileError.

        `begins`: a call is begun on their strength. `ends`: they tell what came of something.
        """

    @abstractmethod
    def _take_note(self) -> None:
        """Take note that what was written is folded in."""

    @abstractmethod
    def _wind_up(self) -> None:
        """Bring the state up to date, for the last time."""

    @abstractmethod
    def _let_go(self) -> None:
        """Let go of everything that is held."""


def is_intent(entry: Entry) -> bool:
    """Tell whether something is begun on the strength of an entry."""
    return isinstance(entry, Intent | ScheduleIntent)


# Threads that are used again: to start one costs more than most of what is done in them.

_MOST_IDLE = 64


class _Hand:
    """A thread that does one thing after another.

    A daemon, unlike those of a pool: one that hangs holds up neither others nor the end.
    """

    def __init__(self) -> None:
        self._given: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._thread = Thread(target=self._work, name="reconcile-hand", daemon=True)
        self._thread.start()

    def give(self, work: Callable[[], None]) -> int:
        self._given.put(work)
        return self._thread.ident or 0

    def _work(self) -> None:
        while True:
            self._given.get()()
            if len(_idle) >= _MOST_IDLE:
                return
            _idle.append(self)


_idle: list[_Hand] = []
os.register_at_fork(after_in_child=_idle.clear)  # Threads stay behind.


def begin(work: Callable[[], None]) -> int:
    """Have something done in another thread, and return that thread's identity.

    `work` raises nothing, and tells by itself how it ended.
    """
    try:
        hand = _idle.pop()
    except IndexError:
        hand = _Hand()
    return hand.give(work)


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
