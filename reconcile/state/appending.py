"""What every session does, wherever its state is kept: entries written down, then folded in."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.model.journal import Began, Entry, Intent, Numbered, ScheduleIntent
from reconcile.model.recorded import Recorded
from reconcile.planning.replay import Fold
from reconcile.state.journal import decode_line, encode_line
from reconcile.state.loading import Loaded
from reconcile.state.versions import Versioned


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
