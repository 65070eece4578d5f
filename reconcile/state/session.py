"""A session: one run's right to write a state, from taking the lock to letting it go."""

import asyncio
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import NamedTuple, Self, TypeVar, cast

from reconcile.errors import Diagnostic, ReconcileError
from reconcile.model.address import Address
from reconcile.model.journal import Began, Entry, Intent, Numbered, ScheduleIntent
from reconcile.model.recorded import Record, Recorded
from reconcile.model.struct import replace
from reconcile.planning.replay import Fold
from reconcile.state.journal import Loaded, decode_line, encode_line

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
        self._write(lines, begins=begins, ends=ends)
        self._began = None
        return numbered

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
    def tidy(self) -> None:
        """Compact the journal if it is long, which may wait for a disk. Costs no record."""

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

        It would be noticed then if they went missing.

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


# Group commit: what waits at the same time goes in one write, and the event loop never waits.

_TICK_S = 1.0
ResultT = TypeVar("ResultT")


class _Waiting(NamedTuple):
    entries: tuple[Entry, ...]
    written: "asyncio.Future[Recorded]"


class GroupCommit:
    """The journal of a session for tasks of one loop. Entries are written in the order of `append`.

    While it is entered, the session is told that the run gets on, by the loop itself: a loop that
    hangs lets go of what must be renewed.
    """

    def __init__(self, session: Session, *, threads: bool = True) -> None:
        """Write in threads; or, where time is not real, in the loop itself."""
        self._session = session
        self._aside = _in_thread if threads else _at_once
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None
        self._ticking: asyncio.Task[None] | None = None
        self._rested_at = 0.0

    @property
    def recorded(self) -> Recorded:
        """The state as it stands."""
        return self._session.recorded

    async def append(self, *entries: Entry) -> Recorded:
        """Write entries down: see `Session.append`. A cancellation is told at the next wait."""
        if not entries:
            return self.recorded
        written: asyncio.Future[Recorded] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(entries, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        await _to_its_end(written)
        return written.result()

    async def __aenter__(self) -> Self:
        self._ticking = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._writing is not None:
            await asyncio.wait([self._writing])
        if self._ticking is not None:
            self._ticking.cancel()
        self._session.attended(at_work=False)

    async def _tick(self) -> None:
        while True:
            self._session.attended(at_work=True)
            await asyncio.sleep(_TICK_S)

    async def _write_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            await asyncio.sleep(max(self._session.company_s, self._rested_at - loop.time()))
            began_s = loop.time()
            batch, self._waiting = self._waiting, []
            await self._write(batch)
            self._rested_at = began_s + self._session.rest_s

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        session = self._session
        entries = [entry for waiting in batch for entry in waiting.entries]
        try:
            numbered = await self._aside(lambda: session.write(entries))
        except ReconcileError as error:
            if len(batch) == 1:
                _settle(batch[0].written, error)
            else:
                # An intent may be refused where an outcome is still taken.
                for waiting in batch:
                    await self._write([waiting])
            return
        except BaseException as error:
            for waiting in batch:
                _settle(waiting.written, error)
            raise
        session.fold(numbered)
        for waiting in batch:
            try:
                session.confirm(waiting.entries)
            except ReconcileError as error:
                _settle(waiting.written, error)
            else:
                _settle(waiting.written, session.recorded)
        await self._aside(session.tidy)


async def _to_its_end(written: "asyncio.Future[Recorded]") -> None:
    """Wait for what is under way anyhow, as if it took no time: nothing can be cancelled in it."""
    cancelled = False
    while not written.done():
        try:
            await asyncio.wait([written])
        except asyncio.CancelledError:
            cancelled = True
    task = asyncio.current_task()
    if cancelled and task is not None:
        task.cancel()


def _settle(written: "asyncio.Future[Recorded]", result: Recorded | BaseException) -> None:
    if written.done():
        return
    if isinstance(result, BaseException):
        written.set_exception(result)
    else:
        written.set_result(result)


async def _at_once(work: Callable[[], ResultT]) -> ResultT:
    return work()


async def _in_thread(work: Callable[[], ResultT]) -> ResultT:
    """Do work in another thread. No pool's: that is joined at the end, however long it hangs."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[ResultT] = loop.create_future()

    def settle(result: ResultT | None, failure: BaseException | None) -> None:
        if done.done():
            return
        if failure is not None:
            done.set_exception(failure)
        else:
            done.set_result(cast("ResultT", result))

    def run() -> None:
        told: tuple[ResultT | None, BaseException | None]
        try:
            told = work(), None
        except BaseException as error:  # noqa: BLE001 -- raised where it is awaited
            told = None, error
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(settle, *told)

    begin(run)
    return await done


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
