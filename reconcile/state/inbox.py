"""The inbox of a state: signals that came, until a session has written them into the journal.

It lies beside the state under a lock of its own (in a store: as an object of its own), so that
whoever sends a signal never waits for an apply. It is replaced as a whole: two that send at once
lose nothing, and a kill at any instant leaves the old content or the new.
"""

import fcntl
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Literal
from uuid import uuid4

from msgspec import Struct, field

from reconcile.errors import Diagnostic, ReconcileError
from reconcile.model.journal import Signalled
from reconcile.model.recorded import Signal, Signals
from reconcile.model.struct import Count, Instant, replace
from reconcile.planning.record import TOLERANCE
from reconcile.planning.signals import received
from reconcile.state.codec import MalformedError, decode, encode
from reconcile.state.errors import LATER, Named, as_warnings, refusal, state_newer, warning
from reconcile.state.files import (
    Location,
    create,
    ensure_directory,
    open_regular,
    read_file,
    replace_file,
    sweep,
    told_plainly,
)
from reconcile.state.journal import Loaded
from reconcile.state.origin import cleaned
from reconcile.state.remote.stores import ConflictError, RemoteAddress, Store, swap
from reconcile.state.session import Session

PATIENCE_S = 2.0
"""How long a sender waits for another, or for a store that does not answer."""

_MAX_BYTES = 16 << 20
_LONGEST_NOTE = 500
_PAUSE_S = 0.01


class Unheeded(Struct, frozen=True, forbid_unknown_fields=True):
    """A webhook in order that was no signal: a failed run, another job, a test. `at`: it came."""

    at: Instant
    why: str


class _Letters(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """What lies in the inbox. `writing`: names one writing of it, so that no two are alike.

    `unheeded`: the last of each name that was no signal, until one is.
    """

    inbox_version: Literal[1]
    writing: str
    signals: dict[str, tuple[Signal, ...]] = field(default_factory=dict)
    unheeded: dict[str, Unheeded] = field(default_factory=dict)


class _Head(Struct, frozen=True):
    inbox_version: Count


_NONE = _Letters(inbox_version=1, writing="")


class Arrivals(Struct, frozen=True):
    """What waits to be written down; nothing, with a warning, where that could not be read."""

    signals: Signals = field(default_factory=dict)
    warnings: tuple[Diagnostic, ...] = ()


class Inbox(ABC):
    """Signals beside a state. What `deliver` returned from survives anything."""

    file: Path | None = None
    """Where it is, if it is a file: it can be watched."""

    name: Named
    """How people know it."""

    @abstractmethod
    def _read(self) -> bytes | None:
        """Read it without any lock; None if there is none. Raises ReconcileError."""

    @abstractmethod
    def _swap(self, change: Callable[[bytes | None], bytes | None]) -> None:
        """Replace it by what `change` makes of it; None leaves it as it is.

        Raises ReconcileError, also where others were quicker for `PATIENCE_S`.
        """

    def deliver(self, name: str, signal: Signal) -> None:
        """Put a signal in, its note cleaned. Raises ReconcileError if it could not be written."""
        signal = replace(signal, note=cleaned(signal.note, _LONGEST_NOTE))

        def put(letters: _Letters) -> _Letters:
            left = {other: told for other, told in letters.unheeded.items() if other != name}
            limit = signal.received + TOLERANCE
            signals = dict(received(letters.signals, name, signal, limit))
            return replace(letters, signals=signals, unheeded=left)

        self._change(put)

    def note(self, name: str, unheeded: Unheeded) -> None:
        """Remember that something came which was no signal, for whoever wonders. Raises so, too."""
        self._change(
            lambda letters: replace(letters, unheeded={**letters.unheeded, name: unheeded})
        )

    def waiting(self) -> Signals:
        """Read the signals that no session has written down yet. Raises ReconcileError."""
        return self._decode(self._read()).signals

    def unheeded(self) -> Mapping[str, Unheeded]:
        """Read what came last of each name and was no signal. Raises ReconcileError."""
        return self._decode(self._read()).unheeded

    def judge(self, data: bytes | None) -> Arrivals:
        """Decode what was read; an inbox that is damaged holds nothing up, and is a warning."""
        try:
            return Arrivals(self._decode(data).signals)
        except ReconcileError as error:
            return self._unread(error)

    def _unread(self, error: ReconcileError) -> Arrivals:
        first = error.diagnostics[0]
        told = warning(first.code, first.detail, path=self.name, hint=first.hint)
        return Arrivals(warnings=(told,))

    def clear(self, taken: Signals) -> None:
        """Take signals out that the journal holds by now, and none that came since.

        Raises ReconcileError; those that are left in are written down again, which changes nothing.
        """

        def without(letters: _Letters) -> _Letters:
            left = {
                name: tuple(signal for signal in kept if signal not in taken.get(name, ()))
                for name, kept in letters.signals.items()
            }
            return replace(letters, signals={name: kept for name, kept in left.items() if kept})

        if taken:
            self._change(without)

    def _change(self, change: Callable[[_Letters], _Letters]) -> None:
        """Replace what is in it; nothing is written where that stays the same."""

        def changed(data: bytes | None) -> bytes | None:
            before = self._decode(data)
            after = change(before)
            if after == before:
                return None
            return encode(replace(after, writing=uuid4().hex)) + b"\n"

        self._swap(changed)

    def _decode(self, data: bytes | None) -> _Letters:
        if data is None:
            return _NONE
        try:
            return decode(data, _Letters)
        except MalformedError as error:
            if _is_newer(data):
                raise state_newer(self.name, LATER) from None
            raise refusal(
                "signal-inbox-damaged",
                f"{self.name} is not what was last written: {error}. Signals in it are not seen.",
                path=self.name,
                hint=f"Move {self.name} away, and send the last signals again.",
            ) from None


def _is_newer(data: bytes) -> bool:
    try:
        return decode(data, _Head).inbox_version > _NONE.inbox_version
    except MalformedError:
        return False


def take_in(session: Session, inbox: Inbox, waiting: Arrivals, now: datetime) -> None:
    """Write down what waits in the inbox of a session's state, and then take it out of there.

    What cannot be written down now stays there for the next session, and is a warning.
    """
    session.warnings += waiting.warnings
    try:
        session.append(
            *(
                Signalled(now, name, signal)
                for name, kept in sorted(waiting.signals.items())
                for signal in kept
                if signal not in session.recorded.signals.get(name, ())
            )
        )
        inbox.clear(waiting.signals)
    except ReconcileError as error:
        session.warnings += as_warnings(error)


def with_waiting(loaded: Loaded, waiting: Arrivals) -> Loaded:
    """Return what was read together with the signals that still wait to be recorded."""
    recorded = loaded.recorded
    signals = recorded.signals
    for name, kept in waiting.signals.items():
        for signal in kept:
            signals = received(signals, name, signal)
    if signals is not recorded.signals:
        recorded = replace(recorded, signals=signals)
    return replace(loaded, recorded=recorded, warnings=loaded.warnings + waiting.warnings)


class FileInbox(Inbox):
    """The inbox of a local state: a file beside it, under a lock of its own."""

    file: Path

    def __init__(self, location: Location) -> None:
        self.name = self.file = location.inbox
        self._location = location

    def look(self) -> Arrivals:
        """Read what waits; where that fails, nothing does, with a warning: see `judge`."""
        try:
            return self.judge(self._read())
        except ReconcileError as error:
            return self._unread(error)

    def _read(self) -> bytes | None:
        return read_file(self.file, _MAX_BYTES)

    def _swap(self, change: Callable[[bytes | None], bytes | None]) -> None:
        ensure_directory(self.file.parent)
        with _locked(self._location.inbox_lock):
            data = change(self._read())
            if data is not None:
                sweep(self.file)  # Here alone no living sender has a file of that kind.
                replace_file(self.file, data)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with told_plainly(path, "locked"):
        try:
            descriptor = create(path)
        except FileExistsError:
            descriptor = open_regular(path, os.O_WRONLY)
    try:
        until = monotonic() + PATIENCE_S
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            if monotonic() >= until:
                raise refusal(
                    "signal-inbox-busy",
                    f"{path} was not let go within {PATIENCE_S:g} s. The signal was not taken.",
                    path=path,
                )
            sleep(_PAUSE_S)
        yield
    finally:
        os.close(descriptor)


class ObjectInbox(Inbox):
    """The inbox of a remote state: one object, replaced under compare-and-swap."""

    def __init__(self, address: RemoteAddress, opened: Callable[[], Store]) -> None:
        self.name = address.shown(address.inbox)
        self._address, self._opened = address, opened

    def _read(self) -> bytes | None:
        there = self._opened().get(self._address.inbox)
        return there and there.data

    def _swap(self, change: Callable[[bytes | None], bytes | None]) -> None:
        until, key, store = monotonic() + PATIENCE_S, self._address.inbox, self._opened()
        while True:
            there = store.get(key)
            data = change(there and there.data)
            if data is None:
                return
            with suppress(ConflictError):
                version = there and there.version
                swap(store, key, data, version, patience_s=until - monotonic())
                return
            if monotonic() >= until:
                raise ConflictError(self._address.shown(key))
            sleep(_PAUSE_S)
